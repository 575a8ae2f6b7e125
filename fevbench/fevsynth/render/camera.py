"""From the head's coordinates to the picture's: the pose of the head, and the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth.render.scene import Scene

Floats = NDArray[np.float64]

_DISTANCE, _FIELD = 11.0, 3.05  # of the camera from the head, and the width it sees there, dm
_LIFT = 0.08  # of the camera's axis over the head's centre, dm
NECK = 1.35
"""How far below the head's centre turns of the head fade out, dm."""


@dataclass(frozen=True)
class Camera:
    """What one frame's points go through.

    Attributes:
        centre: (3,) point the head turns about and the camera aims at, dm.
        pose: (3,) yaw, pitch and roll of the head, radians.
        scene: Gives the zoom and the head's place in the picture.
    """

    centre: Floats
    pose: Floats
    scene: Scene

    @property
    def rotation(self) -> Floats:
        """(3, 3) rotation of the head."""
        (cy, cp, cr), (sy, sp, sr) = np.cos(self.pose), np.sin(self.pose)
        roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        rotation: Floats = roll @ pitch @ yaw
        return rotation

    def turn(self, points: Floats) -> Floats:
        """Turn the head about its centre, the shoulders not, the neck in between."""
        share = np.clip((points[:, 1] - (self.centre[1] - NECK - 0.2)) / 0.8, 0, 1)[:, None]
        turned: Floats = points + share * ((points - self.centre) @ (self.rotation.T - np.eye(3)))
        return turned

    def project(self, points: Floats, size: int) -> Floats:
        """Return (N, 3) x and y in pixels of a picture ``size`` wide, y down, and depth in dm."""
        offset = points - self.centre
        away = _DISTANCE - offset[:, 2]
        focal = size * _DISTANCE * self.scene.zoom / _FIELD
        x = size * (0.5 + self.scene.shift[0]) + focal * offset[:, 0] / away
        y = size * (0.5 + self.scene.shift[1]) - focal * (offset[:, 1] - _LIFT) / away
        return np.stack([x, y, away], 1)
