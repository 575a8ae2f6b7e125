"""The reader learns what can be learnt from people and reads it off others, the same way each time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from fevbench.judge.network import Judge
from fevbench.judge.training import Clips, augment, read, train


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def moving(people: int, seed: int, frames: int = 4) -> Clips:
    """A square that moves up or down on a background of the person's: frame 0 says nothing."""
    rng = np.random.default_rng(seed)
    pixels = np.empty((2 * people, frames, 64, 64, 3))
    labels = np.tile([0, 1], people)
    for i, label in enumerate(labels):
        pixels[i] = rng.uniform(0, 255, 3) if label == 0 else pixels[i - 1, :, :1, :1]
        x = rng.integers(16, 32)
        for t in range(frames):
            y = 24 + (8 if label else -8) * t // (frames - 1)
            pixels[i, t, y : y + 16, x : x + 16] = 255 - pixels[i, 0, 0, 0]
    return Clips(pixels.astype(np.uint8), labels, [f"p{i // 2}" for i in range(2 * people)])


def test_what_moves_is_learnt_and_read_off_other_people() -> None:
    learn, judge, test = moving(12, 0), moving(4, 1), moving(12, 2)
    steps: list[int] = []
    trained = train(learn, judge, 2, "cpu", steps.append, epochs=12)
    right = read(trained.network, test, "cpu").argmax(dim=1).numpy() == test.labels
    assert right.mean() >= 0.9
    assert 1 <= trained.kept <= trained.epochs <= 12
    assert sum(steps) == 12 * len(learn.labels)


def test_training_twice_gives_one_reader() -> None:
    before = torch.get_rng_state()
    logits = []
    for _ in range(2):
        trained = train(moving(3, 0), moving(2, 1), 2, "cpu", lambda n: None, epochs=2)
        logits.append(read(trained.network, moving(2, 2), "cpu"))
        torch.rand(1)
    assert torch.equal(logits[0], logits[1])
    assert not torch.equal(torch.get_rng_state(), before)
    torch.set_rng_state(before)


def test_the_epoch_that_reads_the_val_people_best_is_kept() -> None:
    """Judged by what contradicts what is learnt, the reader only gets worse: an early epoch is kept."""
    learn = moving(12, 0)
    liars = Clips(learn.pixels, 1 - learn.labels, learn.subjects)
    trained = train(learn, liars, 2, "cpu", lambda n: None, epochs=20)
    assert trained.kept < trained.epochs < 20
    wrong = read(trained.network, learn, "cpu").argmax(dim=1).numpy() != learn.labels
    assert wrong.mean() >= 0.5


def test_all_frames_of_a_clip_are_changed_alike() -> None:
    """Otherwise augmentation would look like motion."""
    still = torch.rand(6, 1, 3, 64, 64).expand(6, 5, 3, 64, 64)
    changed = augment(still, torch.Generator().manual_seed(0))
    assert changed.shape == still.shape
    assert torch.equal(changed, changed[:, :1].expand_as(changed))
    assert not torch.equal(changed, still)


def test_the_network_takes_clips_of_any_length() -> None:
    network = Judge(6).eval()
    assert network(torch.zeros(2, 16, 3, 64, 64)).shape == (2, 6)
    assert network(torch.zeros(1, 3, 3, 64, 64)).shape == (1, 6)
