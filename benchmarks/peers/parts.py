"""What fevbench and other packages both compute, each as its own commands or its README do it.

Every part has one way of ours and one or more of others, over the same files or frames. Packages that would
download their networks get fevbench's verified files, as in `tests/parity`.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image

from fevbench import weights
from fevbench.data.clip import Frames
from fevbench.data.corpus import Corpus
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import protocols
from fevbench.extractors.backends import choose_backend
from fevbench.extractors.base import extractors
from fevbench.registry import load_target

sys.path.append(str(Path(__file__).resolve().parents[1]))
from clock import forget

Numbers = np.ndarray
Work = Callable[[], Numbers]
LARGE = 256
"""Pixels of the frames that SSIM is measured at beside those of the clips."""
LARGE_FRAMES = 4
FEATURES, ROWS = 400, 64
"""Of the Fréchet distance: I3D's, of so many clips a side."""
BATCH = 32


@dataclass(frozen=True)
class Peer:
    """Another package's way.

    Attributes:
        package: The distribution.
        work: Computes it.
        bound: By how much of the largest number both may differ; None where the definitions do.
        why: What differs, or what is to be known of the way.
    """

    package: str
    work: Work
    bound: float | None
    why: str = ""


@dataclass(frozen=True)
class Part:
    """Something that is computed.

    Attributes:
        name: What.
        samples: How many, for times of one.
        unit: What they are.
        ours: Computes it.
        peers: The others' ways.
        whole: The package, if any, whose part counts in the sum of all.
        close: What is to be done when it was measured.
    """

    name: str
    samples: int
    unit: str
    ours: Work
    peers: tuple[Peer, ...]
    whole: str = ""
    close: Callable[[], object] | None = None


@dataclass(frozen=True)
class Clips:
    """What is looked at.

    Attributes:
        true: ``uint8[N, 16, 64, 64, 3]``: FEVSynth's test clips.
        made: The same, of other subjects.
        files: The true frames as PNG files, in order.
        count: How many frames of each clip the parts of frames look at.
    """

    true: Frames
    made: Frames
    files: tuple[Path, ...]
    count: int

    @property
    def frames(self) -> Frames:
        """``uint8[N * count, 64, 64, 3]``."""
        return self.true[:, : self.count].reshape(-1, *self.true.shape[2:])

    @property
    def pairs(self) -> Frames:
        """``uint8[N * count, 2, 64, 64, 3]``: made and true."""
        return np.stack([self.made[:, : self.count].reshape(self.frames.shape), self.frames], axis=1)

    @property
    def large(self) -> Frames:
        """The first few pairs at `LARGE` pixels."""
        import cv2

        few = self.pairs[:LARGE_FRAMES]
        side = (LARGE, LARGE)
        return np.stack(
            [[cv2.resize(frame, side, interpolation=cv2.INTER_CUBIC) for frame in pair] for pair in few]
        )


def read_clips(count: int, frames: int, folder: Path) -> Clips:
    """The first clips of FEVSynth's test split, and those of as many other subjects as made ones.

    Args:
        count: How many.
        frames: How many of each clip's frames the parts of frames look at.
        folder: Where the PNG files go.
    """
    corpus = Corpus(open_dataset("fevsynth"), protocols.get("64x16"), "test", limit=2 * count)
    every = np.stack([corpus.frames(clip) for clip in corpus.clips])
    found = Clips(every[:count], every[count:], (), frames)
    files = []
    for i, frame in enumerate(found.frames):
        files.append(folder / f"{i:05}.png")
        Image.fromarray(frame).save(files[-1])
    return Clips(found.true, found.made, tuple(files), frames)


def network(name: str) -> Any:
    """An extractor as a run on this CPU has it."""
    extractor = extractors.get(name)
    backend = [extractor.on(choose_backend("auto", "cpu")).backend] if extractor.backends else []
    files = {weight: weights.require(weight).path for weight in extractor.weights}
    loader: Any = load_target(extractor.load)
    return loader("cpu", files, *backend)


def in_batches(run: Any, samples: Frames, size: int = BATCH) -> Numbers:
    """What a network that keeps nothing of before says of samples, `size` at once."""
    forget(run)
    return np.concatenate([run(samples[i : i + size]) for i in range(0, len(samples), size)])


def _inception_state(folder: Path) -> Path:
    """Inception's parameters in the file that pytorch-fid and torch-fidelity would download."""
    from fevbench.extractors.inception import load_inception

    path = folder / "inception.pth"
    if not path.exists():
        torch.save(load_inception(weights.require("inception-fid").path).state_dict(), path)
    return path


def inception(clips: Clips, folder: Path) -> Part:
    """Features for FID, from PNG files."""
    from cleanfid.fid import get_folder_features
    from pytorch_fid import fid_score
    from pytorch_fid import inception as fid
    from torch_fidelity.utils import create_feature_extractor, extract_featuresdict_from_input_id

    state, run = _inception_state(folder), network("inception")
    images = str(clips.files[0].parent)
    with mock.patch.object(fid, "load_state_dict_from_url", return_value=torch.load(state)):
        of_pytorch_fid = fid.InceptionV3([fid.InceptionV3.BLOCK_INDEX_BY_DIM[2048]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that TorchScript is deprecated
        export = torch.jit.load(str(weights.require("inception-fid").path)).eval()
    of_torch_fidelity = create_feature_extractor(
        "inception-v3-compat", ["2048"], cuda=False, feature_extractor_weights_path=str(state), verbose=False
    )

    def by_torch_fidelity() -> Numbers:
        asked = {"input1": images, "batch_size": 64, "cuda": False, "save_cpu_ram": True, "verbose": False}
        return extract_featuresdict_from_input_id(1, of_torch_fidelity, **asked)["2048"].numpy()

    def by_pytorch_fid() -> Numbers:
        return fid_score.get_activations([str(file) for file in clips.files], of_pytorch_fid, num_workers=0)

    def of_clean_fid(
        pixels: torch.Tensor,
    ) -> torch.Tensor:  # its own wrapper's lines; its file is not to be had
        return export((pixels - 128) / 128)

    def by_clean_fid() -> Numbers:
        return get_folder_features(
            images, of_clean_fid, num_workers=0, device=torch.device("cpu"), verbose=False
        )

    def ours() -> Numbers:
        return in_batches(run, np.stack([np.asarray(Image.open(file)) for file in clips.files]))

    resize = "resizes differently"
    return Part(
        "Inception's features of PNG files", len(clips.files), "frame", ours,
        (
            Peer("torch-fidelity", by_torch_fidelity, None, resize),
            Peer("pytorch-fid", by_pytorch_fid, None, resize),
            Peer("clean-fid", by_clean_fid, 1e-4),
        ),
        whole="torch-fidelity",
    )  # fmt: skip


def i3d(clips: Clips, folder: Path) -> Part:
    """Logits for FVD. The common scripts run a TorchScript export of these layers, ten clips at once."""
    from fevbench.extractors.i3d import build_i3d

    run, layers = network("i3d"), build_i3d(weights.require("i3d-kinetics-400").path)

    @torch.no_grad()
    def loop() -> Numbers:
        found = []
        for start in range(0, len(clips.true), 10):
            videos = torch.from_numpy(clips.true[start : start + 10]).float().permute(0, 4, 1, 2, 3) / 255
            resized = [
                torch.nn.functional.interpolate(
                    video.transpose(0, 1), size=(224, 224), mode="bilinear", align_corners=False
                ).transpose(0, 1)
                for video in videos
            ]
            found.append(layers((torch.stack(resized) - 0.5) * 2).numpy())
        return np.concatenate(found)

    return Part(
        "I3D's logits", len(clips.true), "clip", lambda: in_batches(run, clips.true, 2),
        (Peer("torch", loop, 1e-4, "the loop of the common FVD scripts, with the same weights"),),
        whole="torch",
    )  # fmt: skip


def faces(clips: Clips, folder: Path) -> Part:
    """Faces found and embedded."""
    from insightface.app import FaceAnalysis

    from fevbench.extractors.faces import DETECTOR_SIZE, to_canvas

    pack = folder / "models" / "buffalo_sc"
    pack.mkdir(parents=True, exist_ok=True)
    for name, file in (("scrfd-500m", "det_500m.onnx"), ("w600k-mbf", "w600k_mbf.onnx")):
        (pack / file).unlink(missing_ok=True)
        (pack / file).symlink_to(weights.require(name).path)
    app = FaceAnalysis("buffalo_sc", root=str(folder), providers=["CPUExecutionProvider"])
    app.prepare(ctx_id=-1, det_size=(DETECTOR_SIZE, DETECTOR_SIZE))
    run = network("arcface")

    def loop() -> Numbers:
        found = [app.get(np.ascontiguousarray(to_canvas(frame)[..., ::-1])) for frame in clips.frames]
        return np.stack([seen[0].normed_embedding if seen else np.full(512, np.nan) for seen in found])

    return Part(
        "faces found and embedded", len(clips.frames), "frame", lambda: in_batches(run, clips.frames),
        (Peer("insightface", loop, 1e-2, "FaceAnalysis, frame by frame, on frames with our border"),),
        whole="insightface",
    )  # fmt: skip


def lpips_alex(clips: Clips, folder: Path) -> Part:
    """LPIPS by AlexNet."""
    import lpips

    from fevbench.data.tensors import to_tensor
    from fevbench.extractors.lpips import load_alex

    run = network("lpips-alex")
    same = load_alex("cpu", {"lpips-alex": weights.require("lpips-alex").path}).network
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = lpips.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False).eval()
    kinds = [[m for m in net.modules() if isinstance(m, torch.nn.Conv2d)] for net in (same.parts, theirs.net)]
    for mine, slot in zip(*kinds, strict=True):
        slot.load_state_dict(mine.state_dict())
    pairs = clips.pairs

    @torch.no_grad()
    def loop() -> Numbers:
        return np.concatenate([theirs(*to_tensor(pair)[:, None]).numpy().reshape(1, 1) for pair in pairs])

    return Part(
        "LPIPS, AlexNet", len(pairs), "pair", lambda: in_batches(run, pairs, 16),
        (Peer("lpips", loop, 1e-5, "pair by pair"),), whole="lpips",
    )  # fmt: skip


def similarity(clips: Clips, folder: Path, large: bool) -> Part:
    """SSIM, and with large frames MS-SSIM; ours computes both at once."""
    from pytorch_msssim import ms_ssim, ssim
    from skimage.metrics import structural_similarity

    from fevbench.extractors.pixels import SCALES, Similarity

    pairs, run = clips.large if large else clips.pairs, Similarity("cpu", {})
    tensors = [torch.from_numpy(pairs[:, i].copy()).movedim(-1, 1).float() for i in (0, 1)]

    def by_scikit_image() -> Numbers:
        how: Mapping[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        asked = {"channel_axis": 2, "data_range": 255, **how}
        return np.array([structural_similarity(made, true, **asked) for made, true in pairs])

    def by_pytorch_msssim() -> Numbers:
        asked: Mapping[str, Any] = {"data_range": 255, "size_average": False}
        if not large:  # its MS-SSIM wants frames of more than 160 pixels
            return ssim(*tensors, **asked).numpy()
        scales = [one / sum(SCALES) for one in SCALES]
        return torch.stack(
            [ssim(*tensors, **asked), ms_ssim(*tensors, weights=scales, **asked)], dim=1
        ).numpy()

    also = "SSIM and MS-SSIM" if large else "SSIM alone"
    peers = (
        Peer("scikit-image", by_scikit_image, 1e-9, "SSIM alone"),
        Peer("pytorch-msssim", by_pytorch_msssim, 1e-5, f"{also}, in float32"),
    )
    return Part(
        f"SSIM and MS-SSIM, {LARGE if large else 64} px", len(pairs), "pair", lambda: run(pairs), peers,
        whole="" if large else "scikit-image",
    )  # fmt: skip


def face_mesh(clips: Clips, folder: Path) -> Part:
    """MediaPipe's landmarks and blendshapes, which MediaPipe computes in both."""
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    from fevbench.extractors.faces import to_canvas

    run = network("face-mesh")
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(weights.require("face-landmarker").path)),
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
        num_faces=1,
    )
    detector = vision.FaceLandmarker.create_from_options(options)

    def loop() -> Numbers:
        found = []
        for frame in clips.frames:
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=to_canvas(frame))
            [shapes] = detector.detect(image).face_blendshapes or [[]]
            scores = {
                shape.category_name: shape.score for shape in shapes if shape.category_name != "_neutral"
            }
            found.append(list(scores.values()) or [np.nan] * 51)
        return np.array(found)

    return Part(
        "face mesh and blendshapes", len(clips.frames), "frame", lambda: run(clips.frames)[:, :51],
        (Peer("mediapipe", loop, 1e-6, "its FaceLandmarker, frame by frame, on frames with our border"),),
        whole="mediapipe", close=detector.close,
    )  # fmt: skip


def distance(clips: Clips, folder: Path) -> Part:
    """The Fréchet distance of two sets of features."""
    import cleanfid.fid
    from pytorch_fid import fid_score
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    from fevbench.metrics.frechet import frechet_distance

    rng = np.random.default_rng(0)
    decay = 1 / np.sqrt(1 + np.arange(FEATURES))
    one, other = (rng.standard_normal((ROWS, FEATURES)) * decay + shift for shift in (0, 0.1))

    def statistics(rows: Numbers) -> tuple[Numbers, Numbers]:
        return rows.mean(axis=0), np.cov(rows, rowvar=False)

    def by_torch_fidelity() -> Numbers:
        sides = [fid_features_to_statistics(torch.from_numpy(rows)) for rows in (one, other)]
        return np.array([fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"]])

    def by_roots(root_of: Callable[..., float]) -> Numbers:
        return np.array([root_of(*statistics(one), *statistics(other))])

    root = "the root of a singular matrix keeps half the digits"
    return Part(
        f"Fréchet distance, 2 × {ROWS} × {FEATURES}", 1, "distance",
        lambda: np.array([frechet_distance(one, other)]),
        (
            Peer("torch-fidelity", by_torch_fidelity, 1e-3, root),
            Peer("pytorch-fid", partial(by_roots, fid_score.calculate_frechet_distance), 1e-3, root),
            Peer("clean-fid", partial(by_roots, cleanfid.fid.frechet_distance), 1e-3, root),
        ),
    )  # fmt: skip


PARTS: Mapping[str, Callable[[Clips, Path], Part]] = {
    "inception": inception,
    "i3d": i3d,
    "faces": faces,
    "lpips": lpips_alex,
    "ssim": partial(similarity, large=False),
    "ssim-256": partial(similarity, large=True),
    "mesh": face_mesh,
    "frechet": distance,
}
