"""Training a data set's expression classifier: its clips, their augmentation, the loop, the file."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch.optim.lr_scheduler import OneCycleLR

from fevbench.data.clip import Dataset, Frames
from fevbench.data.datasets import SPLITS
from fevbench.data.protocol import Protocol
from fevbench.data.tensors import to_tensor
from fevbench.judge.files import about
from fevbench.judge.network import Judge
from fevbench.progress import Progress
from fevbench.training.data import TrainingSet, open_training_set
from fevbench.training.export import write_exported
from fevbench.version import VERSION

EPOCHS = 24
PATIENCE = 8
"""Epochs without an improvement on the val subjects after which training stops."""
BATCH = 16
LEARNING_RATE = 2e-3
SMOOTHING = 0.05
SEED = 0


def augment(clips: torch.Tensor, generator: torch.Generator, shift: int = 3) -> torch.Tensor:
    """Mirror half of the clips, shift each by up to ``shift`` pixels, and change brightness and contrast.

    Clips are ``float32[B, T, 3, H, W]`` in [-1, 1]. All frames of one are changed alike, so that no motion is
    added.
    """
    batch, height, width = len(clips), *clips.shape[-2:]
    mirrored = torch.rand(batch, generator=generator) < 0.5
    clips = torch.where(mirrored[:, None, None, None, None], clips.flip(-1), clips)
    padded = F.pad(clips.flatten(1, 2), (shift,) * 4, mode="replicate")
    moves = torch.randint(2 * shift + 1, (batch, 2), generator=generator).tolist()
    moved = torch.stack(
        [clip[..., y : y + height, x : x + width] for clip, (y, x) in zip(padded, moves, strict=True)]
    )
    gain = 0.8 + 0.4 * torch.rand(batch, 1, 1, 1, 1, generator=generator)
    offset = 0.3 * (torch.rand(batch, 1, 1, 1, 1, generator=generator) - 0.5)
    return moved.view(clips.shape) * gain + offset


@dataclass(frozen=True)
class Clips:
    """Clips of one split: pixels ``uint8[N, T, S, S, 3]``, labels ``int64[N]``, subjects."""

    pixels: Frames
    labels: NDArray[np.int64]
    subjects: list[str]


@dataclass(frozen=True)
class Trained:
    """A trained classifier, with the number of epochs and the one that was kept, counted from 1."""

    network: Judge
    epochs: int
    kept: int


def train(
    train_clips: Clips,
    val_clips: Clips,
    classes: int,
    device: str,
    advance: Callable[[int], None],
    epochs: int,
) -> Trained:
    """Train a classifier for ``classes`` labels, and keep the epoch that is best on the val clips.

    ``advance`` is called with the number of trained clips, also for epochs that early stopping skips.
    """
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        network = Judge(classes).to(device)
        return _train(network, train_clips, val_clips, device, advance, epochs)


def _train(
    network: Judge,
    train_clips: Clips,
    val_clips: Clips,
    device: str,
    advance: Callable[[int], None],
    epochs: int,
) -> Trained:
    generator = torch.Generator().manual_seed(SEED)
    labels = torch.from_numpy(train_clips.labels)
    steps = epochs * -(-len(labels) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=0.02)
    schedule = OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.2)
    best, kept, state = (-1.0, 0.0), 0, network.state_dict()
    epoch = 0
    while epoch < epochs and epoch - kept < PATIENCE:
        epoch += 1
        network.train()
        for part in torch.split(torch.randperm(len(labels), generator=generator), BATCH):
            clips = augment(to_tensor(train_clips.pixels[part.numpy()]), generator).to(device)
            loss = F.cross_entropy(network(clips), labels[part].to(device), label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            advance(len(part))
        found = _score(network, val_clips, device)
        if found > best:
            best, kept, state = found, epoch, copy.deepcopy(network.state_dict())
    advance((epochs - epoch) * len(labels))
    network.load_state_dict(state)
    return Trained(network, epoch, kept)


def read(network: Judge, clips: Clips, device: str) -> torch.Tensor:
    """The network's logits for each clip: ``float32[N, classes]``."""
    network.eval()
    with torch.inference_mode():
        parts = torch.split(torch.arange(len(clips.labels)), 4 * BATCH)
        return torch.cat([network(to_tensor(clips.pixels[part.numpy()], device)).cpu() for part in parts])


def _score(network: Judge, clips: Clips, device: str) -> tuple[float, float]:
    """Accuracy, then the negative loss to decide between equal ones."""
    logits, labels = read(network, clips, device), torch.from_numpy(clips.labels)
    accuracy = (logits.argmax(dim=1) == labels).float().mean()
    return float(accuracy), -float(F.cross_entropy(logits, labels))


@dataclass(frozen=True)
class ValidationResult:
    """The accuracy of a classifier on clips of the val subjects, at the epoch kept because of it."""

    accuracy: float
    clips: int
    kept: int


def train_on_dataset(
    dataset: Dataset, protocol: Protocol, device: str, out: Path, progress: Progress
) -> ValidationResult:
    """Train a classifier on the train subjects, choose the epoch on the val subjects, and write it.

    Raises:
        DatasetError: There are no train or no val subjects.
    """
    train_set, val_set = (open_training_set(dataset, protocol, split, progress) for split in SPLITS[:2])
    progress.start("train expression classifier", EPOCHS * len(train_set))
    trained = train(_clips(train_set), _clips(val_set), len(dataset.labels), device, progress.advance, EPOCHS)
    right = read(trained.network, _clips(val_set), device).argmax(1).numpy() == val_set.labels
    found = ValidationResult(float(right.mean()), len(val_set), trained.kept)
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
