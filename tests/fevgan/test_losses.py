"""Losses against values computed by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from fevgan import losses


def clip(*values: float) -> Tensor:
    """A clip ``[1, T, 3, 1, 1]`` with one grey a frame."""
    return torch.tensor(values)[None, :, None, None, None].expand(1, len(values), 3, 1, 1)


def test_reconstruction_counts_more_where_the_true_clip_moves() -> None:
    real, made = clip(0.0, 0.125, 0.5), clip(0.1, 0.0, 0.0)
    # Errors 0.1, 0.125, 0.5; changes 0, 0.125, 0.5 against 0.25 for full motion: weights 1, 1 + e / 2, 1 + e.
    assert losses.reconstruction(made, real, 0).item() == pytest.approx((0.1 + 0.125 + 0.5) / 3)
    assert losses.reconstruction(made, real, 4).item() == pytest.approx((0.1 + 0.125 * 3 + 0.5 * 5) / 3)


def test_difference_compares_changes_and_not_levels() -> None:
    assert losses.difference(clip(0.3, 0.5, 0.4), clip(0.0, 0.2, 0.1)).item() == pytest.approx(0, abs=1e-6)
    # Changes 0.2, -0.1 against 0, 0.
    assert losses.difference(clip(0.3, 0.5, 0.4), clip(0.0, 0.0, 0.0)).item() == pytest.approx(0.15)


def test_identity_is_one_minus_cosine() -> None:
    codes = torch.tensor([[1.0, 0.0], [3.0, 4.0]])
    wanted = torch.tensor([[2.0, 0.0], [4.0, -3.0]])
    assert losses.identity(codes, wanted).item() == pytest.approx((0 + 1) / 2)


def test_divergence_from_the_normal_distribution() -> None:
    assert losses.divergence(torch.zeros(2, 3), torch.zeros(2, 3)).item() == 0
    # One number with mean 2 and variance e: (4 + e - 1 - 1) / 2.
    assert losses.divergence(torch.tensor([[2.0]]), torch.ones(1, 1)).item() == pytest.approx(1 + math.e / 2)
