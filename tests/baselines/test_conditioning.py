"""How networks are told the face and the label."""

from __future__ import annotations

import pytest
import torch

from baselines.conditioning import AppearanceEncoder, first_frame, one_hot, over_time, with_maps
from baselines.task import one_frame
from fevbench.training.sampling import BatchShare, RandomNumbers


def test_labels_become_maps_that_are_the_same_in_all_places() -> None:
    x = torch.zeros(2, 1, 2, 3, 3)
    both = with_maps(x, one_hot(torch.tensor([2, 0]), 3))
    assert both.shape == (2, 4, 2, 3, 3)
    assert both[:, :, 1, 2, 0].tolist() == [[0, 0, 0, 1], [0, 1, 0, 0]]
    assert torch.equal(both, both[:, :, :1, :1, :1].expand_as(both))


def test_maps_are_repeated_over_time() -> None:
    maps = torch.rand(2, 3, 4, 4)
    assert torch.equal(over_time(maps, 5), torch.stack([maps] * 5, 2))


def test_the_encoders_maps_come_smallest_first() -> None:
    with torch.device("meta"):
        code, maps = AppearanceEncoder((4, 8, 16, 32), 10)(torch.empty(2, 3, 64, 64))
    assert code.shape == (2, 10)
    assert [tuple(m.shape[1:]) for m in maps] == [(32, 4, 4), (16, 8, 8), (8, 16, 16), (4, 32, 32)]


def test_the_first_frame_alone_is_compared() -> None:
    made, real = torch.zeros(1, 3, 3, 2, 2), torch.ones(1, 3, 3, 2, 2)
    made[:, 0, 0] = 0.4  # errors 0.6, 1, 1 in the three colours of frame 0
    made[:, 1:] = 9
    assert first_frame(made, real).item() == pytest.approx(2.6 / 3)


def test_one_frame_of_each_clip_and_each_may_be_it() -> None:
    clips = torch.arange(32.0).view(8, 4, 1, 1, 1)
    chosen = [
        one_frame(clips, RandomNumbers(0, step, 8, BatchShare(), torch.device("cpu"))).flatten()
        for step in range(40)
    ]
    assert all(torch.equal(frames // 4, torch.arange(8.0)) for frames in chosen)
    assert {int(frame) for frames in chosen for frame in frames} == set(range(32))
