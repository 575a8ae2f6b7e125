"""Inception, FID and FVD beside other implementations' and published values."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from comparison import Comparison

from fevbench import weights
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import protocols
from fevbench.data.tensors import to_tensor
from fevbench.extractors.i3d import I3D, I3DOfTensorFlow
from fevbench.extractors.inception import Inception, PoolThree, load_inception, resize_clean
from fevbench.extractors.networks import resize_bilinear
from fevbench.fevsynth.adapter import FEVSynth
from fevbench.metrics.frechet import frechet_distance
from fevbench.weights import carrier

COUNT = 8


@cache
def frames() -> np.ndarray:
    """``uint8[16, 64, 64, 3]``: the first frames of eight test clips, then their ninth frames."""
    corpus = Corpus(FEVSynth(), protocols.get("64x16"), "test", COUNT)
    clips = [corpus.frames(clip) for clip in corpus.clips]
    return np.stack([clip[0] for clip in clips] + [clip[8] for clip in clips])


def images() -> torch.Tensor:
    return torch.from_numpy(frames()).movedim(-1, 1)


@cache
def our_pixels() -> torch.Tensor:
    """``float32[16, 3, 299, 299]`` in 0..255."""
    return resize_clean(images().float())


@cache
def inception() -> Inception:
    return Inception("cpu", {"inception-fid": weights.require("inception-fid").path})


@cache
def state() -> dict[str, torch.Tensor]:
    """The parameters as pytorch-fid and torch-fidelity name them."""
    return dict(load_inception(weights.require("inception-fid").path).state_dict())


def with_state_file(build: Callable[[str], Any]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "state.pth"))
        torch.save(state(), path)
        return build(path)


def clean_pixels(mode: str) -> np.ndarray:
    from cleanfid.resize import build_resizer

    resize = build_resizer(mode)
    return np.stack([resize(frame) for frame in frames()]).transpose(0, 3, 1, 2)


def tensorflow_pixels() -> np.ndarray:
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    found: np.ndarray = interpolate_bilinear_2d_like_tensorflow1x(
        images().float(), size=(299, 299), align_corners=False
    ).numpy()
    return found


@cache
def whole_pixels() -> torch.Tensor:
    """``uint8[4, 3, 299, 299]``: four frames as every network takes them without resizing."""
    return our_pixels()[::4].round().byte()


@torch.inference_mode()
def our_features() -> np.ndarray:
    return inception().features(whole_pixels().float()).numpy()


@torch.inference_mode()
def features_of_pytorch_fid(same_scale: bool) -> np.ndarray:
    """Its network; it would download its parameters, which are ours."""
    from pytorch_fid import inception as fid

    with mock.patch.object(fid, "load_state_dict_from_url", return_value=state()):
        network = fid.InceptionV3(resize_input=False, normalize_input=not same_scale).eval()
    pixels = whole_pixels().float()
    found: np.ndarray = network((pixels - 128) / 128 if same_scale else pixels / 255)[0].flatten(1).numpy()
    return found


@torch.inference_mode()
def features_of_torch_fidelity() -> np.ndarray:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    network = with_state_file(
        lambda path: FeatureExtractorInceptionV3("ours", ["2048"], feature_extractor_weights_path=path)
    )
    found: np.ndarray = network(whole_pixels())[0].numpy()
    return found


def with_export(use: Callable[[Path], Any]) -> Any:
    """Use the TorchScript export, fetched from its carrier where this machine holds the other file."""
    path = weights.require("inception-fid").path
    if path.suffix == ".pt":
        return use(path)
    sources = weights.load_registry()["inception-fid"].sources
    source = next(source for source in sources if isinstance(source, weights.Carrier))
    with tempfile.TemporaryDirectory() as folder:
        return use(carrier.fetch(source, "inception-fid", Path(folder), lambda *_: None))


@torch.inference_mode()
def features_of_the_export() -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch says that TorchScript is deprecated
        network = with_export(lambda path: torch.jit.load(str(path)))
    found: np.ndarray = network((whole_pixels().float() - 128) / 128).numpy()
    return found


@torch.inference_mode()
def fid_after(resize: Callable[[], Any]) -> float:
    """FID by our network and distance of frames that were resized so."""
    pixels = torch.as_tensor(np.asarray(resize()), dtype=torch.float32)
    found = np.concatenate([inception().features(part).numpy() for part in pixels.split(4)])
    return frechet_distance(found[COUNT:], found[:COUNT])


our_fid = cache(partial(fid_after, our_pixels))


@cache
def documentation_example() -> tuple[float, float]:
    """FID on the 64-d layer of the example in torchmetrics' documentation, by us and by torchmetrics.

    There the images are drawn after the seed is set *and the network is built*, whose initialisation takes
    random numbers. So torchmetrics' own network is built here, too.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    def build(path: str) -> Any:
        torch.manual_seed(123)
        return FrechetInceptionDistance(feature=64, feature_extractor_weights_path=path)

    with torch.random.fork_rng():
        theirs = with_state_file(build)
        real = torch.randint(0, 200, (100, 3, 299, 299), dtype=torch.uint8)
        fake = torch.randint(100, 255, (100, 3, 299, 299), dtype=torch.uint8)
    network = PoolThree(load_inception(weights.require("inception-fid").path)).eval()

    @torch.inference_mode()
    def stem(pictures: torch.Tensor) -> np.ndarray:
        parts = [network.stem((part.float() - 128) / 128).mean(dim=(2, 3)) for part in pictures.split(10)]
        return torch.cat(parts).numpy()

    for pictures, is_real in ((real, True), (fake, False)):
        for part in pictures.split(10):
            theirs.update(part, real=is_real)
    return frechet_distance(stem(real), stem(fake)), float(theirs.compute())


@cache
def i3d() -> I3D:
    return I3D("cpu", {"i3d-kinetics-400": weights.require("i3d-kinetics-400").path})


def noise(seed: int, batches: int) -> Iterator[torch.Tensor]:
    """The clips of the reference FVD: uniform noise in [0, 1), two clips a batch, never rescaled."""
    rng = np.random.RandomState(seed)
    for _ in range(batches):
        yield torch.from_numpy(rng.rand(2, 16, 224, 224, 3).astype(np.float32)).movedim(-1, 1)


@torch.inference_mode()
def first_logits() -> np.ndarray:
    return np.stack([i3d().logits(next(noise(seed, 1))[:1])[0, :4].numpy() for seed in (1, 2)])


@torch.inference_mode()
def reference_fvd() -> float:
    sets = [np.concatenate([i3d().logits(batch).numpy() for batch in noise(seed, 64)]) for seed in (1, 2)]
    return frechet_distance(*sets)


@cache
def clips() -> tuple[np.ndarray, np.ndarray]:
    """Four true clips, ``uint8[4, 16, 64, 64, 3]``, and the same frozen at their first frames."""
    corpus = Corpus(FEVSynth(), protocols.get("64x16"), "test", 4)
    true = np.stack([corpus.frames(clip) for clip in corpus.clips])
    return true, np.repeat(true[:, :1], 16, axis=1)


@cache
@torch.inference_mode()
def fvd_of_frozen(network: type[I3D]) -> float:
    """By a network of ours, from frames."""
    ours = network("cpu", {"i3d-kinetics-400": weights.require("i3d-kinetics-400").path})
    true, frozen = (np.concatenate([ours(clip[None]) for clip in side]) for side in clips())
    return frechet_distance(frozen, true)


@cache
@torch.inference_mode()
def fvd_of_frozen_as_tensorflow_resizes() -> float:
    """By our network of frames as torch-fidelity resizes them in the manner of TensorFlow 1."""
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    def logits(clip: np.ndarray) -> np.ndarray:
        frames = interpolate_bilinear_2d_like_tensorflow1x(
            to_tensor(clip), size=(224, 224), align_corners=False
        )
        found: np.ndarray = i3d().logits(frames.movedim(0, 1)[None]).numpy()
        return found

    true, frozen = (np.concatenate([logits(clip) for clip in side]) for side in clips())
    return frechet_distance(frozen, true)


def tensorflow_video_pixels() -> np.ndarray:
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    found: np.ndarray = interpolate_bilinear_2d_like_tensorflow1x(
        images().float(), size=(224, 224), align_corners=False
    ).numpy()
    return found


FRAMES = "16 frames of 64 px of 8 FEVSynth test clips"
FROZEN = "4 of those clips, 16 frames of 64 px, and the same frozen at frame 0"
SIDES = "8 first and 8 ninth frames of those clips"
WHOLE = "4 of those frames at 299 px, in whole grey levels"
EXAMPLE = "the example of torchmetrics' documentation: 2 × 100 images, seed 123"
NETWORK = partial(Comparison, "Inception and FID", weights=True)

COMPARISONS = (
    Comparison(
        "Inception and FID", "resize to 299 px (grey levels)", "clean-fid", FRAMES,
        lambda: our_pixels().numpy(), partial(clean_pixels, "clean"), bound=1e-3, relative=False,
        why="the same filter as a product of matrices, in float32",
    ),
    NETWORK("2048 features of pixels", "", WHOLE, our_features, features_of_the_export, bound=1e-4,
            why="of the published TorchScript file, run as it is; float32"),
    NETWORK("2048 features of pixels", "torch-fidelity", WHOLE, our_features, features_of_torch_fidelity,
            bound=1e-4, why="float32"),
    NETWORK("2048 features of pixels in the same range", "pytorch-fid", WHOLE, our_features,
            partial(features_of_pytorch_fid, same_scale=True), bound=1e-4, why="float32"),
    NETWORK("FID from frames, clean-fid's resize", "clean-fid", SIDES, our_fid,
            lambda: fid_after(partial(clean_pixels, "clean")), bound=1e-3,
            why="network and distance are ours in both; the resize is float32"),
    NETWORK("FID, 64-d layer", "torchmetrics", EXAMPLE, lambda: documentation_example()[0],
            lambda: documentation_example()[1], bound=1e-5, why="float32", slow=True),
    NETWORK("FID, 64-d layer, as documented", "", EXAMPLE, lambda: documentation_example()[0],
            lambda: 12.7202, bound=1e-5, why="the documentation has six digits", slow=True),
    Comparison(
        "Inception and FID", "resize to 299 px, its older mode (grey levels)", "clean-fid", FRAMES,
        lambda: our_pixels().numpy(), partial(clean_pixels, "legacy_pytorch"), bound=100, least=1,
        relative=False, why="torch's bilinear filter, as pytorch-fid does it",
    ),
    Comparison(
        "Inception and FID", "resize to 299 px (grey levels)", "torch-fidelity", FRAMES,
        lambda: our_pixels().numpy(), tensorflow_pixels, bound=150, least=1, relative=False,
        why="TensorFlow 1's bilinear filter, whose grid starts at the corner: shifted by half a pixel",
    ),
    NETWORK("2048 features of pixels", "pytorch-fid", WHOLE, our_features,
            partial(features_of_pytorch_fid, same_scale=False), bound=0.05, least=1e-4,
            why="it scales 0..255 to [-1, 1], and the others (x - 128) / 128"),
    NETWORK("FID from frames, pytorch-fid's resize", "clean-fid", SIDES, our_fid,
            lambda: fid_after(partial(clean_pixels, "legacy_pytorch")), bound=0.5, least=0.005,
            why="network and distance are ours in both: the filter alone changes the FID"),
    NETWORK("FID from frames, torch-fidelity's resize", "torch-fidelity", SIDES, our_fid,
            lambda: fid_after(tensorflow_pixels), bound=0.5, least=0.005,
            why="network and distance are ours in both"),
    Comparison(
        "Videos: I3D and FVD", "I3D logits", "", "the first clips of the reference FVD, 4 logits of each",
        first_logits, lambda: [[2.67543, 2.51826, 0.11293, 1.68124], [1.92038, 2.38039, 0.51171, 2.12793]],
        bound=1e-4, relative=False, weights=True, why="of the run whose FVD is below; it has six digits",
    ),
    Comparison(
        "Videos: I3D and FVD", "fvd-tf's resize to 224 px (grey levels)", "torch-fidelity", FRAMES,
        lambda: resize_bilinear(images().float(), 224).numpy(), tensorflow_video_pixels,
        bound=1e-3, relative=False, why="float32",
    ),
    Comparison(
        "Videos: I3D and FVD", "fvd-tf from frames", "torch-fidelity", FROZEN,
        lambda: fvd_of_frozen(I3DOfTensorFlow), fvd_of_frozen_as_tensorflow_resizes, bound=1e-3,
        weights=True, why="network and distance are ours in both; float32",
    ),
    Comparison(
        "Videos: I3D and FVD", "FVD from frames", "torch-fidelity", FROZEN,
        lambda: fvd_of_frozen(I3D), fvd_of_frozen_as_tensorflow_resizes, bound=0.5, least=0.002,
        weights=True, why="the original implementation resizes as TensorFlow 1 does, on a grid that starts "
        "at the corner; ours, as PyTorch's do, has half-pixel centres. Network and distance are ours in both",
    ),
    Comparison(
        "Videos: I3D and FVD", "FVD", "", "2 × 128 clips of noise, 16 frames of 224 px, seeds 1 and 2",
        reference_fvd, lambda: 10.13808, bound=1e-5, weights=True, slow=True,
        why="the value of the original implementation (TensorFlow), which has seven digits",
    ),
)  # fmt: skip
