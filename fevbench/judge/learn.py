"""A data set's judge from beginning to end: its clips, the training, the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench.data.datasets import SPLITS
from fevbench.judge.files import about
from fevbench.judge.training import EPOCHS, SEED, Clips, read, train
from fevbench.training.data import TrainingSet, open_training_set
from fevbench.training.export import write_exported
from fevbench.version import VERSION

if TYPE_CHECKING:
    from fevbench.data.clip import Dataset
    from fevbench.data.protocol import Protocol
    from fevbench.progress import Progress


@dataclass(frozen=True)
class Learned:
    """How well a judge reads the people it was chosen on.

    Attributes:
        accuracy: On the val people, at the epoch that was kept because of it.
        clips: Of the val people.
        kept: The epoch that was kept.
    """

    accuracy: float
    clips: int
    kept: int


def learn(dataset: Dataset, protocol: Protocol, device: str, out: Path, progress: Progress) -> Learned:
    """Train a judge on the train people, choose it on the val people, and write it.

    Args:
        dataset: The data set; its test people are not looked at.
        protocol: How clips are sampled.
        device: The torch device.
        out: The file.
        progress: Hears how it proceeds.

    Raises:
        DatasetError: There are no train or no val people.
    """
    train_set, val_set = (open_training_set(dataset, protocol, split, progress) for split in SPLITS[:2])
    progress.start("train judge", EPOCHS * len(train_set))
    trained = train(_clips(train_set), _clips(val_set), len(dataset.labels), device, progress.advance, EPOCHS)
    right = read(trained.network, _clips(val_set), device).argmax(1).numpy() == val_set.labels
    found = Learned(float(right.mean()), len(val_set), trained.kept)
    said = about(
        dataset,
        protocol,
        train_set.digest,
        clips=len(train_set),
        subjects=len(set(train_set.subjects)),
        seed=SEED,
        epoch=found.kept,
        val_accuracy=found.accuracy,
        val_clips=found.clips,
        fevbench=VERSION,
    )
    write_exported(out, trained.network.state_dict(), said)
    return found


def _clips(data: TrainingSet) -> Clips:
    return Clips(data.frames, data.labels, data.subjects)
