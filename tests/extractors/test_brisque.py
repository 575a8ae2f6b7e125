"""BRISQUE: its statistics by hand and of known distributions, its regression, and what it says of faces.

`tests/parity` holds both halves to the packages brisque and libsvm-official.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.optimize import brentq
from scipy.signal import convolve2d
from scipy.special import gamma
from sklearn.metrics.pairwise import rbf_kernel
from tiny import Cli

import fevbench
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import protocols
from fevbench.errors import FevbenchError, WeightsError
from fevbench.extractors.brisque import Brisque, features, fit, normalised, read_regression
from fevbench.fevsynth.adapter import FEVSynth
from fevbench.metrics.measurement import ClipView
from fevbench.metrics.pixels import brisque
from fevbench.results.files import read_result

RNG = np.random.default_rng(0)


def textures(count: int, size: int = 64) -> np.ndarray:
    """``uint8[N, S, S, 3]``: blurred noise, another in each channel."""
    rng = np.random.default_rng(1)
    smooth = gaussian_filter(rng.normal(size=(count, size, size, 3)), (0, 1.5, 1.5, 0))
    return np.clip(128 + 400 * smooth, 0, 255).astype(np.uint8)


@pytest.fixture
def network(weight_paths: Mapping[str, Path]) -> Brisque:
    return Brisque("cpu", weight_paths)


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0, 4.0])
def test_the_shape_of_a_known_distribution_is_found(shape: float) -> None:
    """A generalised Gaussian is a power of a gamma variable with a random sign."""
    size = 400_000
    left = RNG.random(size) < 1 / 3  # sides share the mass by their scales
    magnitude = RNG.gamma(1 / shape, size=size) ** (1 / shape)
    x = np.where(left, -magnitude, 2 * magnitude)[None]
    found, mean, low, high = (float(value[0]) for value in fit(x))
    variance = gamma(3 / shape) / gamma(1 / shape)
    assert found == pytest.approx(shape, rel=0.03)
    assert low == pytest.approx(variance, rel=0.03)
    assert high == pytest.approx(4 * variance, rel=0.03)
    assert mean == pytest.approx(x.mean(), rel=0.02)


def test_moments_by_hand_and_the_root_behind_the_shape() -> None:
    x = np.array([[-2.0, -1.0, 0.0, 1.0, 3.0]])
    shape, mean, low, high = (float(value[0]) for value in fit(x))
    assert (low, high) == pytest.approx((5 / 2, 10 / 3))
    ratio = (7 / 5) ** 2 / 3
    side = np.sqrt(low / high)
    wanted = ratio * (side**3 + 1) * (side + 1) / (side**2 + 1) ** 2

    def excess(a: float) -> float:
        return float(gamma(2 / a) ** 2 / (gamma(1 / a) * gamma(3 / a)) - wanted)

    assert shape == pytest.approx(brentq(excess, 0.3, 10), rel=1e-6)
    assert mean == pytest.approx((np.sqrt(high) - np.sqrt(low)) * np.sqrt(wanted))
    two_levels, all_right, nothing = (fit(np.array([values])) for values in ([-1, 1], [1, 2], [0, 0]))
    assert two_levels[0] == 10, "the end of the table"
    assert all_right[2] == 0
    assert np.isfinite(all_right).all()
    assert np.isnan(nothing[0])


def test_levels_are_normalised_by_the_window_of_the_paper() -> None:
    grey = RNG.uniform(0, 255, (2, 21, 30))
    y, x = np.indices((7, 7)) - 3
    window = np.exp(-(x**2 + y**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    for field, found in zip(grey, normalised(grey), strict=True):
        mean = convolve2d(field, window, "same")
        deviation = np.sqrt(np.abs(convolve2d(field**2, window, "same") - mean**2))
        assert found == pytest.approx((field - mean) / (deviation + 1), rel=1e-9)


def test_flat_areas_are_exactly_zero() -> None:
    """Otherwise the sign of a rounding error would say on which side a pixel counts."""
    grey = np.full((1, 40, 40), 77.7)
    grey[0, 20, 20] = 200
    inside = normalised(grey)[0, 3:-3, 3:-3]
    assert np.count_nonzero(inside) == 49


def test_turning_a_frame_turns_its_statistics() -> None:
    """Along rows and columns, and along both diagonals: 2 to 5, 6 to 9, 10 to 13 and 14 to 17 of a scale."""
    frames = textures(3)

    def turned(rows: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
        parts = np.split(rows.reshape(3, 2, 18), [2, 6, 10, 14], axis=2)
        return np.concatenate([parts[0], *(parts[i] for i in order)], axis=2).reshape(3, 36)

    rows = features(frames)
    assert features(frames[:, :, ::-1]) == pytest.approx(turned(rows, (1, 2, 4, 3)), rel=1e-6)
    assert features(frames.swapaxes(1, 2)) == pytest.approx(turned(rows, (2, 1, 3, 4)), rel=1e-6)
    assert features(frames) != pytest.approx(turned(rows, (2, 1, 3, 4)), rel=1e-6)


def test_only_the_grey_levels_count() -> None:
    frames = textures(2)
    grey = np.repeat(frames[..., :1], 3, axis=3)
    assert features(grey[:, :, :, ::-1]) == pytest.approx(features(grey), rel=1e-12)
    assert np.abs(features(frames[..., ::-1]) - features(frames)).max() > 0.01


@pytest.mark.weights
def test_neighbours_in_a_batch_do_not_matter(network: Brisque) -> None:
    frames = textures(5)
    frames[3] = 9
    whole = network(frames)
    assert whole.shape == (5, 1)
    assert whole.dtype == np.float64
    assert np.array_equal(whole, np.concatenate([network(frames[i : i + 1]) for i in range(5)]))
    assert np.array_equal(whole[::-1], network(frames[::-1]))


@pytest.mark.weights
def test_flat_small_and_odd_frames(network: Brisque) -> None:
    flat = np.stack([np.full((64, 64, 3), level, np.uint8) for level in (0, 77, 255)])
    assert network(flat).tolist() == [[100]] * 3
    nearly = flat.copy()
    nearly[:, 30, 30] = 100
    assert np.isfinite(network(nearly)).all()
    assert np.isfinite(network(textures(2, 32)[:, :, :31].repeat(2, axis=2)[:, :, :33])).all()
    small = network(textures(2, 31))
    assert small.shape == (2, 1)
    assert np.isnan(small).all()
    measured = brisque(ClipView(small, small, "", "", ()))
    assert (measured.value, measured.reason, measured.excused) == (
        None, "the frames are smaller than 32 pixels", True)  # fmt: skip


@pytest.mark.weights
def test_values_of_the_package_on_known_frames(network: Brisque) -> None:
    """By brisque 0.2.0 and libsvm-official 3.37: features and prediction of two frames of four test clips."""
    corpus = Corpus(FEVSynth(), protocols.get("64x16"), "test", 4)
    frames = np.stack([corpus.frames(clip)[t] for clip in corpus.clips for t in (1, 8)])
    theirs = [30.0467, 24.6408, 24.5979, 21.8220, 18.9093, 27.0097, 24.5819, 16.7964]
    assert network(frames)[:, 0] == pytest.approx(theirs, abs=1e-3)


@pytest.mark.weights
def test_the_regression_is_a_sum_over_support_vectors(weight_paths: Mapping[str, Path]) -> None:
    found = read_regression(weight_paths["brisque-svr"], weight_paths["brisque-ranges"])
    assert (found.vectors.shape, found.gamma, found.rho) == ((770, 36), 0.05, -155.845)
    rows = features(textures(4))
    scaled = (2 * rows - found.least - found.most) / (found.most - found.least)
    wanted = rbf_kernel(scaled, found.vectors, gamma=0.05) @ found.coefficients + 155.845
    assert found.predict(rows) == pytest.approx(wanted, abs=1e-8)
    assert found.predict(found.least[None]) != pytest.approx(found.predict(found.most[None]))


@pytest.mark.weights
def test_the_ranges_belong_to_the_regression(weight_paths: Mapping[str, Path]) -> None:
    """Scaled back, support vectors obey the moments' equation, and their shapes lie on a grid of 0.001."""
    found = read_regression(weight_paths["brisque-svr"], weight_paths["brisque-ranges"])
    trained = found.least + (found.vectors + 1) / 2 * (found.most - found.least)
    assert (found.vectors.min(axis=0) == -1).all()
    assert (found.vectors.max(axis=0) == 1).all()
    for first in (2, 6, 10, 14, 20, 24, 28, 32):
        shape, mean, low, high = trained[:, first : first + 4].T
        moment = gamma(2 / shape) / np.sqrt(gamma(1 / shape) * gamma(3 / shape))
        assert mean == pytest.approx((np.sqrt(high) - np.sqrt(low)) * moment, abs=2e-5)
        assert 1000 * shape == pytest.approx(np.round(1000 * shape), abs=0.03)


@pytest.mark.weights
def test_what_it_says_of_damaged_faces(network: Brisque, apexes: Mapping[str, np.ndarray]) -> None:
    """Worse with blur and strong noise, better with weak noise, which photographs have and renders lack."""
    faces = apexes["happiness"]

    def mean(frames: np.ndarray) -> float:
        return float(network(np.clip(np.rint(frames), 0, 255).astype(np.uint8)).mean())

    blurred = [mean(gaussian_filter(faces.astype(float), (0, s, s, 0))) for s in (0, 0.5, 1, 1.5, 2.5, 4)]
    assert (np.diff(blurred) > 0).all()
    noise = np.random.default_rng(0).normal(size=faces.shape)
    noisy = [mean(faces + level * noise) for level in (0, 2, 8, 16, 32)]
    assert (np.diff(noisy[1:]) > 0).all()
    assert noisy[1] < noisy[0] < noisy[3]


@pytest.mark.weights
def test_the_metric_needs_no_true_clip(network: Brisque) -> None:
    clips = textures(10).reshape(2, 5, 64, 64, 3)
    wanted = np.mean([network(clip[1:]).mean() for clip in clips])
    alone = fevbench.metric("brisque")(clips)
    assert alone.value == pytest.approx(wanted, rel=1e-12)
    assert alone.ceiling is None
    scored = fevbench.score(clips, metrics="brisque")["brisque"]
    assert (scored.value, scored.ceiling, scored.id) == (alone.value, None, "brisque-svr770-noinput@1")
    beside = fevbench.metric("brisque")(clips, clips[::-1])
    assert (beside.value, beside.ceiling) == (alone.value, pytest.approx(wanted, rel=1e-12))
    mixed = fevbench.metric("brisque")
    mixed.update(clips[:1])
    mixed.update(clips[1:], clips[1:])
    assert (mixed.compute().value, mixed.compute().ceiling) == (alone.value, None)
    small = fevbench.metric("brisque")(clips[:, :, :31, :31])
    assert (small.value, small.reason) == (
        None,
        "the frames are smaller than 32 pixels",
    )


@pytest.mark.weights
def test_a_run_keeps_what_it_saw(cli: Cli, tmp_path: Path) -> None:
    run = ("run", "real", "tiny", "--metrics", "brisque", "--out")
    assert cli(*run, tmp_path / "one").code == 0
    found = read_result(tmp_path / "one")
    metric = found.metrics["brisque"]
    assert metric.value is not None
    assert metric.value == metric.ceiling
    assert found.stages["brisque"].computed > 0
    assert cli(*run, tmp_path / "two").code == 0
    again = read_result(tmp_path / "two")
    assert again.metrics["brisque"].value == metric.value
    assert again.stages["brisque"].computed == 0


def test_a_metric_that_needs_true_clips_says_so() -> None:
    clip = textures(4)[None]
    with pytest.raises(FevbenchError, match="no psnr: it needs the true clips: give true clips"):
        fevbench.metric("psnr")(clip)
    with_truth = fevbench.metric("psnr")
    with_truth.update(clip, clip)
    with pytest.raises(FevbenchError, match="needs the true clips"):
        with_truth.update(clip)
    assert len(with_truth) == 1


SVR = """svm_type epsilon_svr
kernel_type rbf
gamma 0.05
nr_class 2
total_sv 2
rho -1
SV
1 1:1 36:0.5
-1 2:1
"""
RANGES = pickle.dumps({"min_": [0.0] * 36, "max_": [2.0] * 36})


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    svr, ranges = tmp_path / "svm.txt", tmp_path / "ranges.pickle"
    svr.write_text(SVR)
    ranges.write_bytes(RANGES)
    return svr, ranges


def test_libsvm_leaves_zeros_out(files: tuple[Path, Path]) -> None:
    found = read_regression(*files)
    assert found.vectors[0].tolist() == [1, *[0] * 34, 0.5]
    assert found.predict(np.ones((1, 36)))[0] == pytest.approx(np.exp(-0.05 * 1.25) - np.exp(-0.05) + 1)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("rbf", "linear", "another kind"),
        ("epsilon_svr", "c_svc", "another kind"),
        ("total_sv 2", "total_sv 3", "2 support vectors instead of 3"),
        ("gamma 0.05\n", "", "gamma"),
        ("36:0.5", "37:0.5", "out of bounds"),
        ("36:0.5", "36", "unpack"),
        (SVR, "", "svm_type"),
    ],
)
def test_another_file_is_refused(files: tuple[Path, Path], old: str, new: str, says: str) -> None:
    files[0].write_text(SVR.replace(old, new))
    with pytest.raises(WeightsError, match=f"svm.txt does not hold BRISQUE .*{says}.*: delete it"):
        read_regression(*files)


@pytest.mark.parametrize(
    "content",
    [b"", b"nothing", pickle.dumps([1]), pickle.dumps({"min_": [0.0] * 36}),
     pickle.dumps({"min_": [0.0] * 35, "max_": [1.0] * 36}), pickle.dumps({"min_": "x", "max_": [1.0] * 36})],
)  # fmt: skip
def test_other_ranges_are_refused(files: tuple[Path, Path], content: bytes) -> None:
    files[1].write_bytes(content)
    with pytest.raises(WeightsError, match=r"ranges.pickle does not hold BRISQUE .*: delete it"):
        read_regression(*files)


def test_a_pickle_that_asks_for_code_is_refused(files: tuple[Path, Path]) -> None:
    files[1].write_bytes(pickle.dumps({"min_": [0.0] * 36, "max_": Path("/")}))
    with pytest.raises(WeightsError, match="it asks for pathlib"):
        read_regression(*files)
