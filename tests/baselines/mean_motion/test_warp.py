"""Pixels follow the points, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.mean_motion.warp import warp

ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)
POINTS = np.concatenate(
    [0.5 + r * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1) for r in (0.05, 0.15, 0.25)]
).astype(np.float32)
"""Three rings around the centre of the picture."""


def noise(size: int = 64) -> torch.Tensor:
    return torch.rand(3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("size", [32, 64, 128])
def test_without_motion_it_is_the_picture(size: int) -> None:
    image = noise(size)
    made = warp(image, POINTS, np.stack([POINTS, POINTS]))
    assert made.shape == (2, 3, size, size)
    assert (made - image).abs().max() < 1 / 255


def test_a_spot_goes_where_its_points_go() -> None:
    image = torch.full((3, 64, 64), -1.0)
    image[:, 29:35, 29:35] = 1
    made = warp(image, POINTS, POINTS[None] + np.array([6, -4], np.float32) / 64)[0]
    weight = (made[0] + 1).double()
    rows, columns = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(64) + 0.5, indexing="ij")
    assert float((columns * weight).sum() / weight.sum()) == pytest.approx(32 + 6, abs=0.3)
    assert float((rows * weight).sum() / weight.sum()) == pytest.approx(32 - 4, abs=0.3)


def test_what_is_away_from_the_face_stays_put() -> None:
    image = noise()
    targets = POINTS[None] + np.random.default_rng(0).normal(0, 0.02, (3, *POINTS.shape)).astype(np.float32)
    made = warp(image, POINTS, targets)
    change = (made - image).abs().amax(dim=(0, 1))
    assert change.max() > 0.1
    for edge in (change[:4], change[-4:], change[:, :4], change[:, -4:]):
        assert edge.max() < 1 / 255


def test_closing_lids_do_not_tear_it() -> None:
    """Points that meet in the frame come from different places: the spline cannot pass through both."""
    image, targets = noise(), POINTS.copy()
    targets[:24, 1] = 0.5
    made = warp(image, POINTS, np.stack([targets, np.full_like(POINTS, 0.5)]))
    assert made.isfinite().all()
    assert made.abs().max() <= 1


def test_it_repeats() -> None:
    targets = POINTS[None] * np.float32(1.1)
    assert torch.equal(warp(noise(), POINTS, targets), warp(noise(), POINTS, targets))
