"""Train clips looked up by the face: the nearest person's clip, and its apex. No network is trained for it.

They read clips of the train people of the data set that is scored, and of nobody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from fevbench.data.tensors import to_pixels, to_tensor
from fevbench.errors import DatasetError, ModelError
from fevbench.training.data import TrainingSet, open_training_set
from fevgan.faces import DETECTOR, Faces, fill_missing, open_faces
from fevgan.identity import WEIGHTS
from fevgan.preparation import both_ways, face_points, identity_codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames
    from fevbench.models.protocol import ModelSpec

    Floats = NDArray[np.float32]


class Nearest:
    """The train clip of that label whose person is nearest to the input face in E_Id's space.

    A person's code is the mean of E_Id's codes of frame 0 of all their train clips; nearest is the largest
    cosine. Of a person's clips of the label, the one is shown whose own frame 0 is nearest. Where no face is
    found in the input, its code is that of a face where faces are on average.

    Args:
        spec: What is wanted.
        faces: Detector and E_Id; opened on the device by default.

    Attributes:
        notes: What a reader of the result must know.

    Raises:
        ModelError: The data set has no train people, or they are the people that are scored.
        DatasetError: No train clip shows a label that is scored.
        TrainingError: No face was found in any train clip.
        WeightsError: E_Id or the detector is not here.
    """

    networks = (WEIGHTS, DETECTOR)

    def __init__(self, spec: ModelSpec, faces: Faces | None = None) -> None:
        self._data = data = _train_clips(spec)
        self._faces = faces or open_faces(spec.device)
        points = face_points(data, self._faces, spec.progress)
        self._mean_points: Floats = np.nanmean(points, axis=0)
        both = both_ways(points, self._mean_points)
        codes = identity_codes(data, self._faces, both, torch.device(spec.device), spec.progress)
        self._codes: Floats = codes[:, 0]  # not those of mirrored faces
        self._persons = _codes_of_persons(self._codes, data.subjects)
        self._labels = [data.label_names.index(label) for label in spec.labels]
        people, dataset = len(set(data.subjects)), spec.corpus.dataset
        self.notes = [
            f"looks up {len(data)} train clips of {people} people of {dataset.name} {dataset.version}"
        ]

    def generate(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Look up one video for each of ``float32[B, 3, H, W]``; ``generator`` is not used."""
        points = fill_missing(self._faces.points(to_pixels(images)), self._mean_points)
        codes = self._faces.codes(images, points).cpu().numpy()
        found = [
            self._data.frames[self._nearest(code, self._labels[label])]
            for code, label in zip(codes, labels.tolist(), strict=True)
        ]
        return torch.stack([self._shown(image, clip) for image, clip in zip(images, found, strict=True)])

    def _nearest(self, code: Floats, label: int) -> int:
        """Which train clip of a label is nearest to a code ``float32[512]``."""
        shows = np.flatnonzero(self._data.labels == label)
        best = max(shows, key=lambda i: (self._persons[i] @ code, self._codes[i] @ code))
        return int(best)

    def _shown(self, image: Tensor, clip: Frames) -> Tensor:
        """The video ``float32[T, 3, H, W]`` made of a train clip ``uint8[T, H, W, 3]``."""
        return to_tensor(clip, image.device)


class Jump(Nearest):
    """The input, then the apex frame of the nearest train clip: right expression, no motion.

    The apex is told by pixels, so that every data set has one: the frame that differs most from the clip's
    frame 0, in mean absolute difference.
    """

    def _shown(self, image: Tensor, clip: Frames) -> Tensor:
        apex = to_tensor(clip[apex_frame(clip)], image.device)
        return torch.cat([image[None], apex.expand(len(clip) - 1, -1, -1, -1)])


def apex_frame(clip: Frames) -> int:
    """Which frame of ``uint8[T, H, W, 3]`` differs most from frame 0, in mean absolute difference."""
    change = np.abs(clip.astype(np.int16) - clip[:1]).mean(axis=(1, 2, 3))
    return int(change.argmax())


def _train_clips(spec: ModelSpec) -> TrainingSet:
    """The train clips of the data set that is scored, if they may be looked up."""
    dataset, corpus = spec.corpus.dataset, spec.corpus
    train = dataset.clips("train")
    if not train:
        raise ModelError(
            f"{dataset.name} has no train people, whose clips this model looks up",
            "score it on a data set with a train split",
        )
    scored = {clip.subject for clip in corpus.pool}
    if scored & {clip.subject for clip in train}:
        raise ModelError(
            f"the {corpus.split} split of {dataset.name} holds train people, whose clips this model looks up",
            "score it on --split val or test",
        )
    missing = {clip.label for clip in corpus.pool} - {clip.label for clip in train}
    if missing:
        raise DatasetError(
            f"no train clip of {dataset.name} shows {', '.join(sorted(missing))}",
            "give each label of the scored split a train clip",
        )
    return open_training_set(dataset, corpus.protocol, "train", spec.progress)


def _codes_of_persons(codes: Floats, subjects: list[str]) -> Floats:
    """For each clip, its person's mean code, of length 1: ``float32[N, 512]``."""
    who = np.array(subjects)
    means = np.stack([codes[who == subject].mean(axis=0) for subject in subjects])
    unit: Floats = means / np.linalg.norm(means, axis=1, keepdims=True)
    return unit
