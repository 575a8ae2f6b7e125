"""Mean motion as a model that fevbench scores and ``fevbench generate`` asks for clips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from baselines.mean_motion.learn import learn_once
from baselines.mean_motion.learned import Learned, read_learned
from baselines.mean_motion.mesh import Mesh, open_mesh
from baselines.mean_motion.motion import at_times, placed
from baselines.mean_motion.warp import warp
from fevbench.data.tensors import to_pixels
from fevbench.extractors.face_mesh import LANDMARKER
from fevbench.generate.photograph import Photograph

if TYPE_CHECKING:
    from fevbench.models.protocol import ModelSpec

SHIPPED = Path(__file__).parent / "weights" / "fevsynth.safetensors"
"""Learned by ``python -m baselines.mean_motion.learn fevsynth``."""


class MeanMotion:
    """The mean landmark motion of the label's train clips, warped onto the input face.

    The motion is that of the train people of the data set that is scored: of FEVSynth it comes with the
    package, of another it is learned when first needed, and kept. A photograph moves as FEVSynth's people.
    Where no face is found in the input, what lies where faces are on average moves.

    Args:
        spec: What is wanted.
        weights: A file that ``python -m baselines.mean_motion.learn`` wrote, to be used whatever is scored.
        mesh: The finder of points; MediaPipe's by default.

    Attributes:
        notes: What a reader of the result must know.

    Raises:
        DatasetError: The data set has no train people, or their faces are not found.
        MissingPackage: MediaPipe is not installed.
        ModelError: The file is no mean motion, or not of the wanted labels.
        WeightsError: The landmarker is not here.
    """

    weights = SHIPPED
    networks = (LANDMARKER,)

    def __init__(self, spec: ModelSpec, weights: Path | None = None, mesh: Mesh | None = None) -> None:
        self._mesh = mesh or open_mesh()
        self._learned = read_learned(weights) if weights else _motion_for(spec, self._mesh)
        about = self._learned.about
        rate = spec.corpus.protocol.rate(spec.corpus.dataset.fps)
        times = np.arange(spec.frames) * about["fps"] / rate
        self._motions = [at_times(self._learned.of(label), times) for label in spec.labels]
        self.notes = [
            f"moves as {about['clips']} train clips of {about['people']} people of {about['dataset']} "
            f"{about['version']} do on average"
        ]
        known = self._learned.motion.shape[1]
        if times[-1] > known - 1:
            seconds = (known - 1) / about["fps"]
            self.notes.append(
                f"the motion is known for {seconds:.2f} s, and the face stands still after that"
            )

    def generate(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Move each of ``float32[B, 3, H, W]``; ``generator`` is not used."""
        face = self._learned.face
        found = self._mesh.points(to_pixels(images))
        videos = []
        for image, points, label in zip(images, found, labels.tolist(), strict=True):
            points = face if np.isnan(points).any() else points
            targets = placed(self._motions[label][1:], face, points)
            videos.append(torch.cat([image[None].float(), warp(image, points, targets)]))
        return torch.stack(videos)


def _motion_for(spec: ModelSpec, mesh: Mesh) -> Learned:
    """The motion of the train people of what is scored."""
    dataset = spec.corpus.dataset
    shipped = read_learned(SHIPPED)
    its_own = (shipped.about["dataset"], shipped.about["version"]) == (dataset.name, dataset.version)
    if its_own or isinstance(dataset, Photograph):
        return shipped
    return learn_once(dataset, spec.corpus.protocol, mesh, spec.progress)
