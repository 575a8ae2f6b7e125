"""Pixel metrics by hand and at their edges; `tests/parity` holds them to other implementations."""

from collections.abc import Callable

import numpy as np
import pytest
from pixel_features import pixel_view

from fevbench.extractors.pixels import SCALES, ms_ssim_per_frame, ssim_per_frame
from fevbench.metrics.measurement import ClipView, Measurement
from fevbench.metrics.pixels import motion_agreement, ms_ssim, psnr, ssim


def clips(height: int, width: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 255, height)[:, None, None] * np.ones((1, width, 3))
    true = np.clip(ramp + rng.normal(0, 20, size=(3, height, width, 3)), 0, 255)
    made = np.clip(true + rng.normal(0, noise, size=true.shape), 0, 255)
    return made.astype(np.uint8), true.astype(np.uint8)


def similarity(metric: Callable[[ClipView], Measurement], made: np.ndarray, true: np.ndarray) -> float | None:
    return metric(pixel_view("similarity", made, true)).value


def motion(made: np.ndarray, true: np.ndarray) -> Measurement:
    return motion_agreement(pixel_view("frame-difference", made, true))


def test_ssim_of_a_clip_with_itself_is_one() -> None:
    made, _ = clips(64, 64, 10)
    assert similarity(ssim, made, made) == 1


def test_ssim_refuses_other_shapes_and_tiny_frames() -> None:
    made, true = clips(64, 64, 10)
    with pytest.raises(ValueError, match="the same shape"):
        ssim_per_frame(made[:2], true)
    with pytest.raises(ValueError, match="at least 11"):
        ssim_per_frame(made[:, :10], true[:, :10])


def test_ms_ssim_of_a_clip_with_itself_is_one_and_of_its_negative_zero() -> None:
    made, true = clips(64, 64, 30)
    assert similarity(ms_ssim, made, made) == 1
    assert similarity(ms_ssim, 255 - made, made) == 0, "structure that is opposed counts as none"
    assert ms_ssim_per_frame(made, true) == pytest.approx(ms_ssim_per_frame(true, made), rel=1e-12)


def test_ms_ssim_of_two_flat_clips_is_the_luminance_of_the_coarsest_scale() -> None:
    """Flat frames have one structure, so that only the last factor is not 1."""
    grey, white = (np.full((2, 44, 44, 3), level, np.uint8) for level in (100, 200))
    c1 = (0.01 * 255) ** 2
    luminance = (2 * 100 * 200 + c1) / (100**2 + 200**2 + c1)
    expected = luminance ** (SCALES[2] / sum(SCALES))
    assert similarity(ms_ssim, grey, white) == pytest.approx(expected, rel=1e-9)


def test_ms_ssim_forgives_noise_more_than_ssim() -> None:
    """Halved frames have half the noise: what several scales are for."""
    made, true = clips(64, 64, 15)
    assert (ms_ssim_per_frame(made, true) > ssim_per_frame(made, true)).all()


def test_ms_ssim_leaves_an_odd_row_out_and_refuses_tiny_frames() -> None:
    made, true = clips(46, 64, 10)
    cut = ms_ssim_per_frame(made[:, :44], true[:, :44])
    odd = ms_ssim_per_frame(made[:, :45], true[:, :45])
    assert odd == pytest.approx(cut, abs=0.01), "of the coarser scales only the finest is another"
    with pytest.raises(ValueError, match="at least 44"):
        ms_ssim_per_frame(made[:, :43], true[:, :43])
    small = ms_ssim(pixel_view("similarity", made[:, :43], true[:, :43]))
    assert (small.value, small.reason, small.excused) == (None, "the frames are smaller than 44 pixels", True)
    assert similarity(ssim, made[:, :43], true[:, :43]) == pytest.approx(
        ssim_per_frame(made[:, :43], true[:, :43]).mean(), rel=1e-15
    )


def test_psnr_is_the_mean_of_the_frames_values() -> None:
    made, true = clips(64, 64, 10)
    made[1] = true[1]
    errors = [((made[i].astype(float) - true[i]) ** 2).mean() for i in (0, 2)]
    assert psnr(pixel_view("squared-error", made, true)).value == pytest.approx(
        (sum(10 * np.log10(255**2 / np.array(errors))) + 100) / 3
    )


def test_motion_of_a_frozen_clip_is_zero_and_of_the_true_clip_one() -> None:
    made, true = clips(64, 64, 10)
    frozen = np.repeat(true[:1], 3, axis=0)
    assert motion(frozen, true).value == 0
    assert motion(true, true).value == 1
    assert 0 < (motion(made, true).value or 0) < 1


def test_motion_is_symmetric_between_too_much_and_too_little() -> None:
    slow = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((1, 12, 12, 3), np.uint8)
    assert motion(slow * 3, slow).value == pytest.approx(1 / 3)
    assert motion(slow, slow * 3).value == pytest.approx(1 / 3)


def test_motion_is_excused_where_the_truth_is_frozen() -> None:
    made, true = clips(64, 64, 10)
    measured = motion(made, np.repeat(true[:1], 3, axis=0))
    assert measured.value is None
    assert measured.excused
