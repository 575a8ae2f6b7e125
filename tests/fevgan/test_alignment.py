"""Faces are aligned as E_Id was trained, and gradients pass through."""

from __future__ import annotations

import numpy as np
import torch

from fevgan.alignment import TEMPLATE, alignment, crop_faces, mirrored, to_transforms
from fevgan.identity import CROP, MobileFaceNet

HALF = TEMPLATE / CROP


def moved(angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    """The template's points, turned and scaled about the middle of the frame and shifted."""
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ((HALF - 0.5) @ turn.T + 0.5 + shift).astype(np.float32)


def test_an_aligned_face_needs_no_transform() -> None:
    np.testing.assert_allclose(alignment(moved(0, 1, (0, 0))[None])[0], np.eye(2, 3), atol=1e-6)


def test_a_similarity_is_found_exactly() -> None:
    points = np.stack([moved(0.3, 0.5, (0.1, -0.05)), moved(-0.1, 0.7, (0, 0.02))])
    for transform, wanted in zip(alignment(points), points, strict=True):
        there = (2 * HALF - 1) @ transform[:, :2].T + transform[:, 2]
        np.testing.assert_allclose((there + 1) / 2, wanted, atol=1e-5)


def test_a_mirrored_face_has_mirrored_points_and_nearly_the_mirrored_crop() -> None:
    points = moved(0.2, 0.6, (0.05, 0))[None]
    np.testing.assert_allclose(mirrored(mirrored(points)), points, atol=1e-6)
    assert mirrored(points)[0, 0, 0] < mirrored(points)[0, 1, 0], "the left eye stays on the left"
    ramp = torch.linspace(-1, 1, 64)
    frame = (ramp[:, None] * ramp)[None, None].expand(1, 3, 64, 64)
    crop = crop_faces(frame, to_transforms(points, "cpu"))
    other = crop_faces(frame.flip(-1), to_transforms(mirrored(points), "cpu"))
    # The template is not quite symmetric: half a pixel of its 112.
    assert (crop.flip(-1) - other).abs().max() < 0.03


def test_a_crop_shows_what_is_there_and_black_beyond() -> None:
    frame = torch.full((1, 3, 64, 64), 0.25)
    inside = crop_faces(frame, to_transforms(moved(0, 0.5, (0, 0))[None], "cpu"))
    assert inside.shape == (1, 3, CROP, CROP)
    torch.testing.assert_close(inside, torch.full_like(inside, 0.25))
    beyond = crop_faces(frame, to_transforms(moved(0, 0.5, (1.5, 0))[None], "cpu"))
    torch.testing.assert_close(beyond, torch.full_like(beyond, -1.0))


def test_e_id_never_trains_but_lets_gradients_through() -> None:
    network = MobileFaceNet().train()
    assert not any(module.training for module in network.modules())
    frame = torch.rand(1, 3, 64, 64, requires_grad=True)
    codes = network(crop_faces(frame, to_transforms(moved(0, 0.5, (0, 0))[None], "cpu")))
    torch.testing.assert_close(codes.norm(dim=1), torch.ones(1))
    codes[0, 0].backward()
    assert frame.grad is not None
    assert frame.grad.abs().sum() > 0
    assert all(p.grad is None for p in network.parameters())
    assert sum(p.numel() for p in network.parameters()) == 1_200_512
