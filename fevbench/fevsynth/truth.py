"""The ground truth of every rendered clip: ``truth.npz`` beside the manifest."""

from __future__ import annotations

from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile
from zlib import error as BadCompression

import numpy as np
from numpy.typing import NDArray

from fevbench.atomic import replacing
from fevbench.errors import DatasetError, suggested_fix

FILE = "truth.npz"


@dataclass(frozen=True)
class Truth:
    """Ground truth of N clips of T frames, and of M neutral images.

    Attributes:
        units: (52,) names of the ARKit face units, sorted: the columns of ``weights``.
        clips: (N,) clip ids, in the manifest's order.
        weights: (N, T, 52) float16 weight of every unit, blinks included; 1 is the modelled full strength.
        pose: (N, T, 3) float32 yaw, pitch and roll of the head, degrees. Positive yaw turns the nose to the
            picture's right, positive pitch turns it down, positive roll tilts the head to the picture's left.
        points: (N, T, 5, 2) float32 x and y in pixels, y down, of the centre of the eye on the picture's
            left, of the one on its right, of the tip of the nose, and of the mouth's corners on the
            picture's left and right. The centre of the first pixel is at (0.5, 0.5).
        light: (N, 3) float32 unit vector from the head towards the key light: picture's right, up, to the
            camera.
        key: (N, 3) float32 linear RGB strength of the key light.
        ambient: (N, 3) float32 linear RGB strength of the light from all around.
        neutrals: (M,) ids of the neutral images.
        neutral_pose: (M, 3) float32, as ``pose``.
        neutral_points: (M, 5, 2) float32, as ``points``.
        neutral_light: (M, 3) float32, as ``light``.
    """

    units: NDArray[np.str_]
    clips: NDArray[np.str_]
    weights: NDArray[np.float16]
    pose: NDArray[np.float32]
    points: NDArray[np.float32]
    light: NDArray[np.float32]
    key: NDArray[np.float32]
    ambient: NDArray[np.float32]
    neutrals: NDArray[np.str_]
    neutral_pose: NDArray[np.float32]
    neutral_points: NDArray[np.float32]
    neutral_light: NDArray[np.float32]

    def save(self, folder: Path) -> None:
        """Write ``truth.npz`` below ``folder``; the same truth gives the same bytes."""
        buffer = BytesIO()
        np.savez_compressed(buffer, **{field.name: getattr(self, field.name) for field in fields(self)})
        with replacing(folder / FILE) as part:
            part.write_bytes(buffer.getvalue())


def read_truth(folder: Path) -> Truth:
    """Read the ground truth of the set in ``folder``.

    Raises:
        DatasetError: The file is missing or broken.
    """
    path = folder / FILE
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Truth(**{field.name: arrays[field.name] for field in fields(Truth)})
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, BadCompression) as error:
        fix = suggested_fix(error, "install fevbench again")
        raise DatasetError(f"{path} is missing or broken ({error})", fix) from error
