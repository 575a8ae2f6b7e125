"""Moments of sets: they add up, they do not cancel, and features come in any blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fevbench.stats import moments
from fevbench.stats.moments import Moments, blocks, moments_of_groups


def samples(n: int = 60, d: int = 5, offset: float = 0.0) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, d)) * np.arange(1, d + 1) + offset


def whole(features: np.ndarray) -> Moments:
    (found,) = moments_of_groups(blocks(features), np.zeros(len(features), int), 1)
    return found


def check(found: Moments, wanted: np.ndarray, rel: float = 1e-12) -> None:
    assert found.count == len(wanted)
    assert found.mean == pytest.approx(wanted.mean(axis=0), rel=rel, abs=rel)
    assert found.covariance() == pytest.approx(np.triu(np.cov(wanted.T)), rel=rel, abs=rel)


def test_they_are_mean_and_covariance() -> None:
    check(whole(samples()), samples())


@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_a_large_mean_takes_no_digits(offset: float) -> None:
    """Counted from 0, the covariance would lose 6 and 12 of 16 digits."""
    x = samples(offset=offset)
    from_zero = Moments.none(np.zeros(5))
    from_zero.include(x)
    shifted = np.triu(np.cov((x - offset).T))  # of near numbers a difference is exact
    assert whole(x).covariance() == pytest.approx(shifted, rel=1e-13, abs=1e-13)
    assert (
        np.abs(from_zero.covariance() - shifted).max() > 1e3 * np.abs(whole(x).covariance() - shifted).max()
    )


def test_those_of_parts_add_up_whatever_their_origins() -> None:
    x = samples(offset=3)
    parts = [whole(part) for part in (x[:7], x[7:25], x[25:])]
    assert (parts[0].origin != parts[1].origin).any()
    check(parts[0] + parts[1] + parts[2], x)
    check(whole(x) - parts[1], np.delete(x, np.s_[7:25], axis=0), rel=1e-11)


def test_groups_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "ROWS", 7)
    x, groups = samples(), np.random.default_rng(1).integers(4, size=60)
    for group, found in enumerate(moments_of_groups(blocks(x), groups, 4)):
        check(found, x[groups == group])


def test_features_come_as_an_array_a_file_or_one_array_a_clip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(moments, "ROWS", 8)
    x = samples().astype(np.float32)
    x.tofile(tmp_path / "features")
    mapped = np.memmap(tmp_path / "features", np.float32, "r", shape=x.shape)
    for features in (x, mapped, [x[:3], x[3:30], x[30:30], x[30:]]):
        found = list(blocks(features))
        assert max(map(len, found)) < 16
        assert {block.dtype for block in found} == {np.dtype(float)}
        assert (np.concatenate(found) == x).all()
