"""The trained generators as models that fevbench scores and ``fevbench generate`` asks for clips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fevbench.data.protocol import protocols
from fevbench.data.tensors import to_pixels
from fevbench.errors import ModelError
from fevbench.training.config import from_fields
from fevbench.training.export import Exported, read_exported
from fevgan.composition import compose, portrait
from fevgan.config import Config, WarpConfig
from fevgan.faces import DETECTOR, Faces, fill_missing, open_faces
from fevgan.generator import build_generator
from fevgan.identity import WEIGHTS
from fevgan.paint import limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.models.protocol import ModelSpec

FOLDER = Path(__file__).parent / "weights"
SHIPPED = FOLDER / "fevsynth-64x16.safetensors"
SHIPPED_WARP = FOLDER / "warp-fevsynth-64x16.safetensors"
NAME, WARP_NAME = "fev-gan", "fev-gan-warp"


class FEVGAN:
    """FEV-GAN (Bouzid and Ballihi, 2022), reimplemented from its published description.

    It makes clips of the size and length it was trained at. Asked for others, its frames are resized and
    taken from between those it makes, and the result says so.

    Args:
        spec: What is wanted.
        weights: An exported generator; the shipped one by default.
        faces: Detector and E_Id; opened on the device by default.

    Attributes:
        notes: What a reader of the result must know.

    Raises:
        ModelError: The weights are missing, broken, of another model, or know none of the wanted labels.
        WeightsError: E_Id or the detector is not here.
    """

    name = NAME
    weights = SHIPPED
    networks = (WEIGHTS, DETECTOR)

    def __init__(self, spec: ModelSpec, weights: Path | None = None, faces: Faces | None = None) -> None:
        file = weights or self.weights
        exported = read_exported(file, self.name)
        if exported.about["model"] != self.name and weights is None:
            raise ModelError(f"{file} holds {exported.about['model']}, not {self.name}", "install it again")
        about = exported.about
        self._spec = spec
        self._config = _config_of(exported)
        _check_composition(file, exported, self._config)
        self._labels = torch.tensor(exported.places(spec.labels), device=spec.device)
        self._mean_points: NDArray[np.float32] = np.array(about["points"], np.float32)
        self._faces = None
        if self._config.identity_encoder or self._warps:
            self._faces = faces or open_faces(spec.device)
        self._generator = build_generator(self._config, len(about["labels"])).to(spec.device).eval()
        exported.load_into(self._generator)
        self._times = self._positions()
        self.notes = [*self._renamed(exported), *exported.trained_elsewhere(spec.corpus.dataset)]
        self.notes += self._resized()

    @property
    def _warps(self) -> bool:
        """Whether the generator moves the input's pixels."""
        return self._config.composition == "warp"

    def generate(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Make one video for each of ``float32[B, 3, H, W]``."""
        config = self._config
        z = torch.randn(len(images), config.noise, generator=generator, device=generator.device)
        small = _scaled(images, config.size)
        points = self._points(small)
        code = None
        if self._faces is not None and config.identity_encoder:
            code = self._faces.codes(small, points)
        noise = (config.truncation * z).to(images.device)
        fields = self._generator.fields(small, self._labels[labels], code, noise)
        if self._warps:
            limit = torch.from_numpy(limits(points, config.size)).to(images.device)
            # What is smaller than the maps is made at their size first.
            large = images if images.shape[-1] >= config.size else small
            fields = _between(fields, self._times)
            video = portrait(large, small, fields, config, limit)
        else:
            video = _between(compose(small, fields, config), self._times)
        frames = _scaled(video.flatten(0, 1), images.shape[-1])
        video = frames.reshape(*video.shape[:2], *frames.shape[1:])
        return torch.cat([images[:, None], video[:, 1:]], 1) if config.anchor else video

    def _points(self, images: Tensor) -> NDArray[np.float32]:
        """Five points of each image; where no face is found, where faces are on average."""
        if self._faces is None:
            return np.repeat(self._mean_points[None], len(images), 0)
        return fill_missing(self._faces.points(to_pixels(images)), self._mean_points)

    def _positions(self) -> Tensor:
        """The wanted frames in time, counted in frames it was trained at; after the last one it rests."""
        trained, wanted = protocols.get(self._config.protocol), self._spec.corpus.protocol
        fps = self._spec.corpus.dataset.fps
        times = torch.arange(self._spec.frames) * (trained.rate(fps) / wanted.rate(fps))
        return times.clamp(max=self._config.frames - 1)

    def _renamed(self, exported: Exported) -> list[str]:
        """That the weights are of a model that has another name now."""
        if exported.about["model"] == self.name:
            return []
        return [f"these weights are of {WARP_NAME}, the name for what warps: ask for {WARP_NAME}:PATH"]

    def _resized(self) -> list[str]:
        """That it was trained at another size or length."""
        config, spec = self._config, self._spec
        if (config.size, config.frames) == (spec.size, spec.frames):
            return []
        how = (
            f"the input's own pixels move, and paint is as fine as {config.size} px"
            if self._warps
            else "frames were resized"
        )
        trained = f"trained at {config.size} px and {config.frames} frames"
        return [f"{trained}, not at {spec.size} px and {spec.frames} frames: {how}"]


class FEVGANWarp(FEVGAN):
    """The input's own pixels moved, and paint where they lack: fevbench's, with FEV-GAN's encoders.

    Its motion is known at 64 px and smooth in between, so that it moves an input of any size, and between its
    frames; see `fevgan.composition.portrait`. Arguments, attributes and errors are those of `FEVGAN`.
    """

    name = WARP_NAME
    weights = SHIPPED_WARP
    adapted = True


def _config_of(exported: Exported) -> Config:
    """What a generator was trained with; before version 0.2, all were of FEV-GAN-warp's fields."""
    kept = exported.about["config"]
    ours = exported.about["model"] == "fev-gan-warp" or "conditioning" not in kept
    return from_fields(WarpConfig if ours else Config, kept)


def _check_composition(file: Path, exported: Exported, config: Config) -> None:
    """See that only what warps is called so.

    Raises:
        ModelError: It paints.
    """
    if exported.about["model"] == WARP_NAME and config.composition != "warp":
        raise ModelError(
            f"{file} is of {WARP_NAME} with composition={config.composition}, which warps nothing",
            f"train {NAME} with that composition",
        )


def _scaled(images: Tensor, size: int) -> Tensor:
    """Images ``float[N, 3, S, S]`` in [-1, 1] at another size; as they are at their own."""
    if images.shape[-1] == size:
        return images
    return F.interpolate(images, (size, size), mode="bicubic", antialias=True).clamp(-1, 1)


def _between(video: Tensor, times: Tensor) -> Tensor:
    """Frames of ``float[B, t, …]`` at some times, from the two beside each: ``float[B, T, …]``."""
    before = times.floor().long().clamp(max=video.shape[1] - 1)
    after = (before + 1).clamp(max=video.shape[1] - 1)
    part = (times - before).to(video).view(-1, 1, 1, 1)
    return torch.lerp(video[:, before], video[:, after], part)
