"""What is learned: the mean motion of each label, the face it is of, and where it comes from, as one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fevbench.errors import ModelError
from fevbench.training.export import read_exported, write_exported

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

NAME = "mean-motion"


@dataclass(frozen=True)
class Learned:
    """The mean motion of the labels of a data set.

    Attributes:
        motion: ``float32[L, T, P, 2]``, displacements of the points, in the units of ``face``.
        face: ``float32[P, 2]``, the mean of the neutral faces: x and y as parts of a frame's side.
        about: ``labels``, ``fps`` of the motion, ``dataset``, ``version``, ``protocol``, ``people``,
            ``clips``, ``left_out`` (clips in which the face was lost), and ``mesh``, the finder of points.
    """

    motion: Floats
    face: Floats
    about: Mapping[str, Any]

    def of(self, label: str) -> Floats:
        """The motion of a label.

        Raises:
            ModelError: It was not learned.
        """
        known: list[str] = self.about["labels"]
        if label not in known:
            raise ModelError(
                f"the mean motion of {self.about['dataset']} is of {', '.join(known)}, and not of {label}",
                "learn it from a data set that shows it: python -m baselines.mean_motion.learn DATASET",
            )
        motion: Floats = self.motion[known.index(label)]
        return motion

    def write(self, path: Path) -> None:
        """Write it in half precision: a displacement keeps three digits."""
        state = {"motion": torch.from_numpy(self.motion), "face": torch.from_numpy(self.face)}
        write_exported(path, state, {**self.about, "model": NAME}, half=True)


def read_learned(path: Path) -> Learned:
    """Read it.

    Raises:
        ModelError: The file is missing, broken, or of another model.
    """
    exported = read_exported(path, NAME)
    state = {name: value.numpy() for name, value in exported.state.items()}
    return Learned(state["motion"], state["face"], exported.about)
