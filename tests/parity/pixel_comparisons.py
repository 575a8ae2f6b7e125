"""SSIM, MS-SSIM, PSNR and LPIPS beside other implementations'."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from comparison import Comparison
from pixel_features import pixel_view

from fevbench import weights
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import protocols
from fevbench.data.tensors import to_tensor
from fevbench.extractors.brisque import FEATURES, features, read_regression
from fevbench.extractors.lpips import load_alex, load_vgg
from fevbench.extractors.pixels import SCALES, ms_ssim_per_frame, ssim_per_frame
from fevbench.fevsynth.adapter import FEVSynth
from fevbench.metrics.pixels import psnr

Pair = tuple[np.ndarray, np.ndarray]

CLIP = "the clip"


@cache
def clip() -> Pair:
    """A true clip and a noisy one, the noise growing from frame to frame."""
    corpus = Corpus(FEVSynth(), protocols.get("64x16"), "test", 1)
    true = corpus.frames(corpus.clips[0])
    spread = np.linspace(3, 30, len(true))[:, None, None, None]
    noise = np.random.default_rng(0).normal(0, 1, true.shape) * spread
    return np.clip(np.rint(true + noise), 0, 255).astype(np.uint8), true


@cache
def pairs() -> list[Pair]:
    """The clip, and ramps of other sizes under weak and strong noise."""
    rng = np.random.default_rng(0)
    made = [clip()]
    for height, width in ((11, 11), (37, 90), (128, 128)):
        for strength in (1, 15, 120):
            ramp = np.linspace(0, 255, height)[:, None, None] * np.ones((1, width, 3))
            true = np.clip(ramp + rng.normal(0, 20, (3, height, width, 3)), 0, 255)
            noisy = np.clip(true + rng.normal(0, strength, true.shape), 0, 255)
            made.append((noisy.astype(np.uint8), true.astype(np.uint8)))
    return made


@cache
def large() -> Pair:
    """Every fourth frame of the clip, 3 x 3 times side by side: MS-SSIM packages refuse less than 161 px."""
    made, true = (np.tile(frames[::4], (1, 3, 3, 1)) for frames in clip())
    return made, true


def planes(frames: np.ndarray) -> torch.Tensor:
    """``float64[N, 3, H, W]`` in 0..255."""
    return torch.from_numpy(frames.copy()).movedim(-1, 1).double()


def each(
    measure: Callable[[np.ndarray, np.ndarray], Any], of: Callable[[], list[Pair]] = pairs
) -> np.ndarray:
    """A number a frame, of all pairs."""
    return np.concatenate([np.atleast_1d(measure(made, true)) for made, true in of()])


def of_scikit_image(made: np.ndarray, true: np.ndarray, **how: Any) -> list[float]:
    from skimage.metrics import structural_similarity

    frames = zip(made, true, strict=True)
    return [structural_similarity(a, b, channel_axis=-1, data_range=255, **how) for a, b in frames]


def of_pytorch_msssim(made: np.ndarray, true: np.ndarray) -> np.ndarray:
    from pytorch_msssim import ssim

    found: np.ndarray = ssim(planes(made), planes(true), data_range=255, size_average=False).numpy()
    return found


def of_torchmetrics(made: np.ndarray, true: np.ndarray) -> np.ndarray:
    from torchmetrics.functional.image import structural_similarity_index_measure

    found: np.ndarray = structural_similarity_index_measure(
        planes(made), planes(true), data_range=255.0, reduction="none"
    ).numpy()
    return found


def scales_of_pytorch_msssim(scales: tuple[float, ...]) -> np.ndarray:
    from pytorch_msssim import ms_ssim

    shares = [weight / sum(scales) for weight in scales]
    made, true = large()
    found: np.ndarray = ms_ssim(
        planes(made), planes(true), data_range=255, size_average=False, weights=shares
    ).numpy()
    return found


def our_psnr() -> float:
    made, true = clip()
    return float(psnr(pixel_view("squared-error", made, true)).value or 0)


def psnr_of_scikit_image() -> float:
    from skimage.metrics import peak_signal_noise_ratio

    frames = zip(*clip(), strict=True)
    return float(np.mean([peak_signal_noise_ratio(b, a, data_range=255) for a, b in frames]))


def psnr_of_torchmetrics() -> float:
    from torchmetrics.functional.image import peak_signal_noise_ratio

    made, true = clip()
    return float(peak_signal_noise_ratio(planes(made), planes(true), data_range=255.0))


LOADERS = {"alex": load_alex, "vgg": load_vgg}


@cache
def lpips_networks(name: str) -> tuple[Any, Any]:
    """Ours, and the package's with our convolutions: its own come from a hub, its linear layers with it."""
    import lpips

    ours = LOADERS[name]("cpu", {f"lpips-{name}": weights.require(f"lpips-{name}").path})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = lpips.LPIPS(net=name, version="0.1", pnet_rand=True, verbose=False).eval()
    convolutions = [m for m in ours.network.parts.modules() if isinstance(m, torch.nn.Conv2d)]
    slots = [m for m in theirs.net.modules() if isinstance(m, torch.nn.Conv2d)]
    for mine, slot in zip(convolutions, slots, strict=True):
        slot.load_state_dict(mine.state_dict())
    return ours, theirs


def lpips_pairs() -> np.ndarray:
    return np.stack(clip(), axis=1)[::4]


def our_lpips(name: str) -> np.ndarray:
    found: np.ndarray = lpips_networks(name)[0](lpips_pairs())[:, 0]
    return found


def their_lpips(name: str, in_0_1: bool = False) -> np.ndarray:
    pictures = to_tensor(lpips_pairs())
    if in_0_1:
        pictures = (pictures + 1) / 2
    with torch.inference_mode():
        found: np.ndarray = lpips_networks(name)[1](pictures[:, 0], pictures[:, 1]).flatten().numpy()
    return found


def linear_layers(name: str, whose: int) -> np.ndarray:
    ours, theirs = lpips_networks(name)
    layers = ours.network.lin if whose == 0 else [layer.model[-1].weight for layer in theirs.lins]
    return np.concatenate([layer.detach().numpy().ravel() for layer in layers])


@cache
def large_frames() -> np.ndarray:
    """``uint8[8, 128, 128, 3]``: the second and the ninth frames of four test clips; they have flat areas."""
    corpus = Corpus(FEVSynth(), protocols.get("128x32"), "test", 4)
    return np.stack([corpus.frames(clip)[t] for clip in corpus.clips for t in (1, 8)])


@cache
def package_of_brisque() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports from where SciPy no longer has it
        from brisque import BRISQUE

        return BRISQUE(url=False)


def features_of_brisque(frames: np.ndarray) -> np.ndarray:
    """As its method ``score``, which NumPy 2.4 breaks after this step."""
    import cv2
    from skimage.color import rgb2gray

    rows = []
    for frame in frames:
        grey = rgb2gray(frame)
        half = cv2.resize(grey, None, fx=1 / 2, fy=1 / 2, interpolation=cv2.INTER_CUBIC)
        found = [package_of_brisque().calculate_brisque_features(scale) for scale in (grey, half)]
        rows.append([float(np.squeeze(value)) for value in np.concatenate(found)])
    return np.array(rows)


def noisy_and_true() -> np.ndarray:
    return np.concatenate(clip())


def our_brisque() -> np.ndarray:
    paths = [weights.require(name).path for name in ("brisque-svr", "brisque-ranges")]
    return read_regression(*paths).predict(features(noisy_and_true()))


def brisque_of_libsvm() -> list[float]:
    """Its prediction for our features."""
    from libsvm import svmutil

    model = svmutil.svm_load_model(str(weights.require("brisque-svr").path))
    found = read_regression(weights.require("brisque-svr").path, weights.require("brisque-ranges").path)
    rows = -1 + 2 * (features(noisy_and_true()) - found.least) / (found.most - found.least)
    entries = [dict(enumerate(row.tolist(), 1)) for row in rows]
    assert all(len(entry) == FEATURES for entry in entries)
    predicted: list[float] = svmutil.svm_predict([0] * len(entries), entries, model, "-q")[2]
    return [value for (value,) in predicted]


ours_of_clip = partial(each, ssim_per_frame, lambda: [clip()])
SIZES = CLIP + "; ramps of 11 × 11, 37 × 90 and 128 × 128 px, noise of 1, 15 and 120"
WANG = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
LARGE = "4 frames of the clip, 3 × 3 side by side (192 px)"

COMPARISONS = (
    Comparison(
        "Pixels", "SSIM", "scikit-image", SIZES,
        partial(each, ssim_per_frame), partial(each, partial(of_scikit_image, **WANG)),
        bound=1e-12, relative=False,
    ),
    Comparison(
        "Pixels", "SSIM", "pytorch-msssim", SIZES,
        partial(each, ssim_per_frame), partial(each, of_pytorch_msssim),
        bound=1e-5, relative=False, why="its window is made in float32",
    ),
    Comparison(
        "Pixels", "MS-SSIM, three scales", "pytorch-msssim", LARGE,
        lambda: ms_ssim_per_frame(*large()), partial(scales_of_pytorch_msssim, SCALES),
        bound=1e-5, relative=False, why="its window is made in float32",
    ),
    Comparison(
        "Pixels", "PSNR, mean of frames", "scikit-image", CLIP, our_psnr, psnr_of_scikit_image, bound=1e-12,
    ),
    *[
        Comparison(
            "Pixels", f"LPIPS, {title}", "lpips", "4 frames of the clip",
            partial(our_lpips, name), partial(their_lpips, name), bound=1e-5, weights=True,
            why="the same convolutions in both; float32, another order of sums",
        )
        for name, title in (("alex", "AlexNet"), ("vgg", "VGG-16"))
    ],
    *[
        Comparison(
            "Pixels", f"LPIPS, linear layers, {title}", "lpips", "all weights of the five layers",
            partial(linear_layers, name, 0), partial(linear_layers, name, 1), bound=0.0, weights=True,
        )
        for name, title in (("alex", "AlexNet"), ("vgg", "VGG-16"))
    ],
    Comparison(
        "Pixels", "BRISQUE, 36 features", "brisque", "the clip and its noisy copy",
        lambda: features(noisy_and_true()), lambda: features_of_brisque(noisy_and_true()), bound=1e-6,
        why="it finds the shape by an optimiser, ours in a table",
    ),
    Comparison(
        "Pixels", "BRISQUE, 36 features, with flat areas", "brisque", "8 frames of 128 px",
        lambda: features(large_frames()), lambda: features_of_brisque(large_frames()), bound=1e-3,
        why="in flat areas the sign of its rounding errors decides, ours counts them as 0",
    ),
    Comparison(
        "Pixels", "BRISQUE, the regression", "libsvm-official", "our features of the clip and its noisy copy",
        our_brisque, brisque_of_libsvm, bound=1e-9, weights=True,
    ),
    Comparison(
        "Pixels", "SSIM, its defaults", "scikit-image", CLIP,
        ours_of_clip, partial(each, of_scikit_image, lambda: [clip()]),
        bound=0.05, least=1e-4, relative=False,
        why="a flat 7 × 7 window and the sample covariance, not Wang's",
    ),
    Comparison(
        "Pixels", "SSIM", "torchmetrics", CLIP,
        ours_of_clip, partial(each, of_torchmetrics, lambda: [clip()]),
        bound=0.3, least=1e-4, relative=False,
        why="it also scores the border, from mirrored pixels: 29 % of a frame of 64 px",
    ),
    Comparison(
        "Pixels", "MS-SSIM, five scales", "pytorch-msssim", LARGE,
        lambda: ms_ssim_per_frame(*large()),
        partial(scales_of_pytorch_msssim, (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)),
        bound=0.1, least=1e-4, relative=False, why="two more scales, for which frames of 64 px are too small",
    ),
    Comparison(
        "Pixels", "PSNR of the clip", "torchmetrics", CLIP, our_psnr, psnr_of_torchmetrics,
        bound=5.0, least=0.1, relative=False,
        why="one MSE of all frames: the PSNR of a mean is not the mean of PSNRs",
    ),
    Comparison(
        "Pixels", "LPIPS, AlexNet, pixels in [0, 1]", "lpips", "4 frames of the clip",
        partial(our_lpips, "alex"), partial(their_lpips, "alex", in_0_1=True),
        bound=0.1, least=1e-3, relative=False, weights=True,
        why="the network expects [-1, 1]; a known mistake in published code",
    ),
)  # fmt: skip
