"""A warped video at any size: the same motion, no facets, no seams, and paint only where it is needed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fevbench.data.framing import FRAMING
from fevgan.composition import compose, portrait
from fevgan.config import WARP_PRESETS
from fevgan.paint import ELSEWHERE, WHOLE, limits
from fevgan.splines import enlarged, spline

WARP = replace(
    WARP_PRESETS["fevsynth-64x16"], composition="warp", flow_limit=0.125, mask_bias=0.0, anchor=False
)
KEPT, PAINTED = 100.0, -100.0
"""Masks that keep all of the moved input, and none."""
ANYWHERE = torch.full((1, 64, 64), WHOLE)


def smooth(size: int, seed: int = 0) -> Tensor:
    """A picture ``float32[1, 3, size, size]`` that is the same at every size."""
    coarse = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(seed)) * 1.6 - 0.8
    large = F.interpolate(coarse, (512, 512), mode="bicubic", align_corners=False).clamp(-1, 1)
    return large if size == 512 else F.interpolate(large, (size, size), mode="area")


def maps(frames: int = 2, mask: float = KEPT, seed: int = 1) -> Tensor:
    """Fields without motion, and paint that changes from place to place."""
    fields = torch.zeros(1, frames, 6, 64, 64)
    fields[:, :, 2] = mask
    fields[:, :, 3:] = torch.randn(1, frames, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
    return fields


def test_at_its_own_size_it_is_what_is_trained() -> None:
    fields = torch.randn(1, 3, 6, 64, 64, generator=torch.Generator().manual_seed(2))
    image = smooth(64)
    video = portrait(image, image, fields, WARP, ANYWHERE)
    assert (video - compose(image, fields, WARP)).abs().max() < 1e-5


@pytest.mark.parametrize("size", [64, 65, 128, 200])
def test_what_does_not_move_is_the_input_to_the_last_pixel(size: int) -> None:
    image = torch.rand(1, 3, size, size) * 2 - 1
    small = F.interpolate(image, (64, 64), mode="area")
    video = portrait(image, small, maps(), WARP, ANYWHERE)
    assert video.shape == (1, 2, 3, size, size)
    assert (video - image[:, None]).abs().max() < 1e-3


@pytest.mark.parametrize("size", [64, 128, 256])
def test_motion_is_a_part_of_the_side_at_every_size(size: int) -> None:
    image = torch.zeros(1, 3, size, size)
    image[..., size // 2 :, size // 2 :] = 1.0
    fields = maps()
    fields[:, :, 0] = 100.0  # tanh is 1: read the picture 1 / 8 of its side further right
    small = F.interpolate(image, (64, 64), mode="area")
    video = portrait(image, small, fields, WARP, ANYWHERE)
    edge = size // 2 - size // 8
    assert video[0, 1, 0, -1, edge] > 0.99
    assert video[0, 1, 0, -1, edge - 1].abs() < 0.01


def test_a_large_video_made_small_is_the_small_video() -> None:
    """Smooth motion of a smooth picture, with a painted patch."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    fields = torch.zeros(1, 2, 6, 64, 64)
    fields[:, :, 0], fields[:, :, 1] = 0.4 * torch.sin(2 * y), 0.3 * torch.cos(2 * x)
    fields[:, :, 2] = 6 - 12 * torch.exp(-8 * (x**2 + y**2))
    fields[:, :, 3] = 1.0
    small = smooth(64)
    wanted = portrait(small, small, fields, WARP, ANYWHERE)
    large = portrait(smooth(512), small, fields, WARP, ANYWHERE)
    again = F.interpolate(large.flatten(0, 1), (64, 64), mode="area").unflatten(0, (1, 2))
    assert (again - wanted).abs().max() < 0.04
    assert (again - wanted).abs().mean() < 0.004


def test_no_colour_comes_from_where_nothing_is_painted() -> None:
    """Grey paint in a square, white paint under the mask around it, on a black picture: no white seam."""
    fields = torch.zeros(1, 1, 6, 64, 64)
    fields[:, :, 2], fields[:, :, 3:] = KEPT, 100.0
    fields[:, :, 2, 20:40, 20:40], fields[:, :, 3:, 20:40, 20:40] = PAINTED, 0.0
    image = torch.full((1, 3, 512, 512), -1.0)
    video = portrait(image, image[..., :64, :64], fields, WARP, ANYWHERE)
    assert video.max() < 1e-3, "no more than the grey that is painted"
    assert video[0, 0, 0, 240, 240].abs() < 1e-3


def test_enlarged_motion_has_neither_facets_nor_a_checkerboard() -> None:
    board = torch.tensor([1.0, -1.0]).repeat(32)[:, None] * torch.tensor([1.0, -1.0]).repeat(32)
    assert enlarged(board, 512)[64:-64, 64:-64].abs().max() < 0.12
    assert torch.equal(enlarged(board, 64), board)
    spot = torch.zeros(64, 64)
    spot[32, 32] = 1
    bends = enlarged(spot, 512)[260].diff().diff().abs()
    facets = F.interpolate(spot[None, None], (512, 512), mode="bilinear")[0, 0, 260].diff().diff().abs()
    assert bends.max() < facets.max() / 4


def test_the_spline_keeps_what_is_even_and_what_rises_evenly() -> None:
    weights = spline(torch.linspace(0, 15, 40), 16)
    assert weights.sum(1) == pytest.approx(torch.ones(40).numpy())
    risen = weights @ torch.arange(16.0)
    assert risen[5:-5].numpy() == pytest.approx(torch.linspace(0, 15, 40)[5:-5].numpy(), abs=1e-5)


def test_paint_changes_no_more_than_its_limit() -> None:
    image = smooth(64)
    limit = torch.full((1, 64, 64), 0.1)
    video = portrait(image, image, maps(mask=PAINTED), WARP, limit)
    assert (video - image[:, None]).abs().max() == pytest.approx(0.1, abs=1e-4)


def test_paint_belongs_to_eyes_and_mouth_of_this_face() -> None:
    faces = torch.tensor(FRAMING, dtype=torch.float32).numpy()
    # The same face half as large, turned by a right angle.
    turned = 0.5 * (faces[:, ::-1] * [-1, 1] + [1, 0]) + [0.25, 0.25]
    for points in (faces, turned.astype("float32")):
        (limit,) = limits(points[None], 128)
        for x, y in [*points[:2], points[3:].mean(0)]:
            assert limit[int(128 * y), int(128 * x)] == pytest.approx(WHOLE)
        forehead = points[:2].mean(0) + 1.3 * (points[:2].mean(0) - points[2])
        assert limit[int(128 * forehead[1]), int(128 * forehead[0])] == pytest.approx(ELSEWHERE)
        assert limit[0, 0] == pytest.approx(ELSEWHERE)


def test_in_a_three_quarter_view_a_frontal_mouth_would_be_a_cheek() -> None:
    points = FRAMING.copy()
    points[3:, 0] = [0.36, 0.47]  # the mouth of a face that looks to the left
    (limit,) = limits(points[None].astype("float32"), 64)
    x, y = 0.68, FRAMING[4, 1]
    assert limit[int(64 * y), int(64 * x)] == pytest.approx(ELSEWHERE)
