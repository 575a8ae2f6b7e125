"""The Fréchet distance within labels: it sees labels swapped, which that of whole sets cannot."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.metrics.frechet import (
    frechet_distance,
    frechet_of_labels,
    of_labels_jackknife,
    per_label,
)

LABELS = np.repeat(np.arange(3), 20)


def clips(seed: int = 0) -> np.ndarray:
    """Features of three labels, each around its own middle."""
    return np.random.default_rng(seed).normal(size=(60, 5)) + 4 * LABELS[:, None]


def test_swapped_labels_are_seen() -> None:
    true = clips()
    made = np.roll(true, 20, axis=0)  # what the next label looks like
    assert frechet_distance(made, true) == pytest.approx(0, abs=1e-9)
    assert frechet_of_labels(true, true, LABELS) == pytest.approx(0, abs=1e-9)
    # Shifts of 4, 4 and 8 in each of five features, beside what differs by chance.
    assert frechet_of_labels(made, true, LABELS) == pytest.approx(5 * (16 + 16 + 64) / 3, rel=0.1)


def test_it_is_the_mean_of_the_labels_own() -> None:
    made, true = clips(1), clips(2)
    own = per_label(made, true, LABELS)
    wanted = {i: frechet_distance(made[20 * i :][:20], true[20 * i :][:20]) for i in range(3)}
    assert own == pytest.approx(wanted, rel=1e-12)
    assert frechet_of_labels(made, true, LABELS) == pytest.approx(np.mean(list(own.values())))


def test_a_shift_is_its_squared_length() -> None:
    true = clips()
    assert frechet_of_labels(true + 0.5, true, LABELS) == pytest.approx(5 * 0.25, rel=1e-9)


def test_the_order_of_clips_does_not_matter() -> None:
    made, true = clips(1), clips(2)
    order = np.random.default_rng(0).permutation(60)
    again = frechet_of_labels(made[order], true[order], LABELS[order])
    assert again == pytest.approx(frechet_of_labels(made, true, LABELS), rel=1e-10)


def test_one_clip_of_a_label_has_no_distance() -> None:
    kept = np.r_[0:20, 20, 40:60]
    made, true = clips(1)[kept], clips(2)[kept]
    assert list(np.isnan(list(per_label(made, true, LABELS[kept]).values()))) == [False, True, False]
    assert np.isnan(frechet_of_labels(made, true, LABELS[kept]))


def test_replicates_are_the_mean_of_the_others() -> None:
    """A label that only one group has is no label of what is left without it."""
    made, true = clips(1), clips(2)
    groups = np.where(LABELS == 2, 0, np.arange(60) % 4)
    value, replicates = of_labels_jackknife(made, true, LABELS, groups)
    kept = [groups != group for group in range(4)]
    wanted = [frechet_of_labels(made[some], true[some], LABELS[some]) for some in kept]
    assert [value, *replicates] == pytest.approx([frechet_of_labels(made, true, LABELS), *wanted], rel=1e-9)
