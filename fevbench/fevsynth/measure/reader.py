"""Whether the expressions of new subjects can be learnt: a small network is trained on the train subjects.

It is trained from scratch, stopped at the best accuracy on the val subjects, and tested once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.clip import Split
from fevbench.data.datasets import SPLITS
from fevbench.data.protocol import DEFAULT_PROTOCOL, protocols
from fevbench.fevsynth.measure.record import Agreement, Estimate, NotMeasurable, agreement
from fevbench.records import Finite, Record

if TYPE_CHECKING:
    from fevbench.fevsynth.measure.study import Study
    from fevbench.judge.training import Clips


class Reading(Record):
    """The accuracy of the trained network."""

    protocol: str
    """How clips are sampled."""
    train_clips: int
    """Clips it learned from."""
    train_subjects: int
    """Subjects they show."""
    val: Estimate
    """Accuracy on the val subjects at the epoch that was kept: chosen for being high."""
    test: Agreement
    """Answers for the test subjects."""
    epochs: int
    """Epochs trained."""
    kept: int
    """The epoch that was kept, counted from 1."""
    parameters: int
    """Of the network."""
    minutes: Finite
    """Training and reading, wall time."""


def measure(study: Study) -> Reading:
    """Train a classifier and test it on the test subjects.

    Raises:
        NotMeasurable: A split has no clips.
    """
    from fevbench.judge.training import EPOCHS, read, train

    labels = study.rendered.labels
    splits = _splits(study)
    train_set, val_set, test_set = (splits[split] for split in SPLITS)
    start = time.perf_counter()
    study.progress.start("reader: training", EPOCHS * len(train_set.labels))
    trained = train(train_set, val_set, len(labels), study.device, study.progress.advance, EPOCHS)
    val_answers, test_answers = (
        agreement(
            clips.labels,
            read(trained.network, clips, study.device).argmax(dim=1).numpy(),
            clips.subjects,
            labels,
            labels,
            "clips",
        )
        for clips in (val_set, test_set)
    )
    return Reading(
        protocol=protocols.get(DEFAULT_PROTOCOL).sampling_id,
        train_clips=len(train_set.labels),
        train_subjects=len(set(train_set.subjects)),
        val=val_answers.accuracy,
        test=test_answers,
        epochs=trained.epochs,
        kept=trained.kept,
        parameters=sum(p.numel() for p in trained.network.parameters()),
        minutes=round((time.perf_counter() - start) / 60, 2),
    )


def _splits(study: Study) -> dict[Split, Clips]:
    """The clips of each split, sampled as the protocol says."""
    from fevbench.judge.training import Clips

    rendered, protocol = study.rendered, protocols.get(DEFAULT_PROTOCOL)
    by_split = {split: [shot for shot in rendered.shots if shot.clip.split == split] for split in SPLITS}
    empty = [split for split, shots in by_split.items() if not shots]
    if empty:
        raise NotMeasurable(f"no {' and no '.join(empty)} subjects", "render more subjects")
    study.progress.start("reader: clips", len(rendered.shots))
    splits: dict[Split, Clips] = {}
    for split, shots in by_split.items():
        pixels = []
        for shot in shots:
            pixels.append(protocol.sample(rendered.frames(shot), shot.clip.id))
            study.progress.advance(1)
        numbers = np.array([rendered.labels.index(shot.clip.label) for shot in shots], dtype=np.int64)
        splits[split] = Clips(np.stack(pixels), numbers, [shot.clip.subject for shot in shots])
    return splits
