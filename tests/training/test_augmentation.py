"""Augmentation: one draw a clip, nothing moves that did not, and points go where pixels go."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch

from fevbench.training import sampling as augmentation
from fevbench.training.config import TrainingConfig, from_fields
from fevbench.training.sampling import BatchShare, RandomNumbers, augment, move, placement
from fevgan.alignment import alignment, crop_faces, moved, to_transforms

CPU = torch.device("cpu")
COUNT = 12


def draws(step: int = 1, share: BatchShare | None = None) -> RandomNumbers:
    return RandomNumbers(0, step, COUNT, share or BatchShare(), CPU)


def clips(frames: int = 3, seed: int = 0) -> torch.Tensor:
    """Smooth pictures that stand still."""
    coarse = torch.rand(COUNT, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    still = torch.nn.functional.interpolate(coarse, (64, 64), mode="bicubic").clamp(-1, 1)
    return still[:, None].repeat(1, frames, 1, 1, 1)


def test_nothing_moves_that_did_not_and_values_stay_in_range() -> None:
    seen = clips()
    varied, moves = augment(seen, draws(), 1.0)
    assert varied.shape == seen.shape
    assert moves.shape == (COUNT, 2, 3)
    assert varied.abs().max() <= 1
    assert torch.equal(varied[:, 0], varied[:, 1])
    assert torch.equal(varied[:, 0], varied[:, 2])
    assert not torch.allclose(varied, seen, atol=0.05)


def test_it_is_a_function_of_the_step_and_does_not_touch_its_input() -> None:
    seen = clips()
    before = seen.clone()
    once, again, other = (augment(seen, draws(step), 1.0)[0] for step in (1, 1, 2))
    assert torch.equal(seen, before)
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


def test_two_processes_see_what_one_sees() -> None:
    seen = clips()
    whole, moves = augment(seen, draws(), 1.0)
    for rank in range(2):
        part, part_moves = augment(seen[rank::2], draws(share=BatchShare(rank, 2)), 1.0)
        torch.testing.assert_close(part, whole[rank::2])
        torch.testing.assert_close(part_moves, moves[rank::2])


def test_without_strength_only_rounding_is_left() -> None:
    seen = clips()
    varied, moves = augment(seen, draws(), 0.0)
    torch.testing.assert_close(varied, seen, atol=1e-5, rtol=0)
    torch.testing.assert_close(moves, torch.eye(2, 3).expand(COUNT, 2, 3))


@pytest.mark.parametrize("what", ["GREY", "BLURRED", "COMPRESSED", "MOVED"])
def test_each_kind_does_what_it_says(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    for name in ("GREY", "BLURRED", "COMPRESSED", "MOVED"):
        monkeypatch.setattr(augmentation, name, float(name == what))
    for name in ("GAIN", "CONTRAST", "GAMMA"):
        monkeypatch.setattr(augmentation, name, 0.0)
    noise = torch.rand(COUNT, 1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    varied, moves = augment(noise, draws(), 1.0)
    grey = bool((varied.amax(2) - varied.amin(2)).max() < 1e-5)
    assert grey == (what == "GREY")
    smooth = varied.diff(dim=-1).abs().mean() < 0.5 * noise.diff(dim=-1).abs().mean()
    assert smooth == (what == "BLURRED")
    still = torch.equal(moves, torch.eye(2, 3).expand(COUNT, 2, 3))
    assert still == (what != "MOVED")
    if what == "COMPRESSED":
        assert 0.01 < (varied - noise).abs().mean() < 0.4


def test_a_point_goes_where_its_pixel_goes() -> None:
    """Aligning a moved face gives the crop that aligning the face gives."""
    drawn = torch.tensor([[0.0, 0.9, 0.2, 0.8, 0.1]])
    moves = placement(drawn, 1.0)
    picture = clips(1)[:1]
    points = np.array([[[0.37, 0.45], [0.64, 0.45], [0.51, 0.6], [0.4, 0.73], [0.61, 0.73]]], np.float32)
    transforms = to_transforms(points, "cpu")
    np.testing.assert_allclose(transforms.numpy(), alignment(points))
    elsewhere = move(picture, moves, torch.tensor([True]))
    wanted, found = (
        crop_faces(picture[:, 0], transforms),
        crop_faces(elsewhere[:, 0], moved(transforms, moves)),
    )
    assert (wanted - found).abs().mean() < 0.02
    assert (wanted - crop_faces(elsewhere[:, 0], transforms)).abs().mean() > 0.05


def test_a_training_from_before_augmentation_had_none() -> None:
    class Kept(TrainingConfig):
        known: ClassVar[str] = "augmentation"

    assert from_fields(Kept, {"colour": 0.1}).augmentation == 0
    assert from_fields(Kept, {"augmentation": 0.5}).augmentation == 0.5
