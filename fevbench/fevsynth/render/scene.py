"""The surroundings of a face, and the camera.

All of it is drawn per clip, never per subject: otherwise a model could recognise subjects by the background.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """The surroundings of one clip. Colours are linear RGB in [0, 1].

    Attributes:
        light: (3,) unit vector towards the key light.
        key: (3,) colour times strength of the key light.
        ambient: (3,) colour times strength of the light from all around.
        fill: Strength of the soft light opposite the key.
        backdrop: (G, G, 3) coarse picture of the out-of-focus background.
        clothes: (3,) colour of the clothes.
        neckline: Height of the collar above its usual place, dm, and how far it dips in front, dm.
        zoom: Magnification; 1 shows 3.05 dm over the picture's width.
        shift: (2,) offset of the head, fraction of the picture, x right and y down.
        white: (3,) gain of each colour that the camera's white balance leaves.
        falloff: How much darker the corners of the picture are than its middle, as a fraction.
        noise: Standard deviation of the sensor's noise, as a fraction of full scale.
    """

    light: Floats
    key: Floats
    ambient: Floats
    fill: float
    backdrop: Floats
    clothes: Floats
    neckline: tuple[float, float]
    zoom: float
    shift: Floats
    white: Floats
    falloff: float
    noise: float

    def background(self, size: int) -> Floats:
        """Return the (size, size, 3) background."""
        planes = [
            np.asarray(
                Image.fromarray(self.backdrop[:, :, k].astype(np.float32)).resize(
                    (size, size), Image.Resampling.BICUBIC
                )
            )
            for k in range(3)
        ]
        return np.clip(np.stack(planes, 2).astype(np.float64), 0, 1)

    def sense(self, rng: np.random.Generator, clean: Floats) -> NDArray[np.uint8]:
        """Return the (S, S, 3) picture that the sensor makes of (S, S, 3) display values in [0, 1]."""
        place = (np.arange(len(clean)) + 0.5) / len(clean) - 0.5
        corner = 2 * (place[:, None] ** 2 + place**2)
        gained = clean * self.white * (1 - self.falloff * corner)[..., None]
        noisy = gained + rng.normal(0, self.noise, clean.shape)
        return np.clip(255 * noisy + 0.5, 0, 255).astype(np.uint8)


def draw_scene(rng: np.random.Generator) -> Scene:
    """Draw the surroundings of one clip."""
    light = np.array([rng.choice([-1, 1]) * rng.uniform(0.1, 0.75), rng.uniform(0.2, 0.65), 1.0])
    warmth = rng.uniform(-0.06, 0.09)
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    return Scene(
        light=light / np.linalg.norm(light),
        key=rng.uniform(0.72, 1.0) * tint,
        ambient=rng.uniform(0.36, 0.52) * (2 - tint) ** 0.5,
        fill=rng.uniform(0.14, 0.28),
        backdrop=_draw_backdrop(rng),
        clothes=_draw_colour(rng, (0.1, 0.8), 0.6) ** 2.2,
        neckline=(rng.uniform(0.34, 0.5), rng.uniform(0.0, 0.22)),
        zoom=rng.uniform(1.22, 1.34),
        shift=np.add(rng.normal(0, 0.01, 2), (0, 0.03)),
        white=1 + rng.uniform(-0.03, 0.03) * np.array([1.0, 0.0, -1.0]) + rng.uniform(-0.01, 0.01, 3),
        falloff=rng.uniform(0, 0.12),
        noise=rng.uniform(0.5, 1.2) / 255,
    )


def _draw_colour(rng: np.random.Generator, brightness: tuple[float, float], saturation: float) -> Floats:
    hue, strength, value = rng.random(), saturation * rng.random() ** 2, rng.uniform(*brightness)
    return np.array(colorsys.hsv_to_rgb(hue, strength, value))


def _draw_backdrop(rng: np.random.Generator) -> Floats:
    near, far = _draw_colour(rng, (0.25, 0.85), 0.22), _draw_colour(rng, (0.25, 0.85), 0.22)
    far = near + 0.45 * (far - near)
    grid = 7
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:grid, 0:grid] / (grid - 1) - 0.5
    ramp = np.clip(0.5 + np.cos(angle) * x + np.sin(angle) * y, 0, 1)[..., None]
    blur = rng.uniform(0, 0.035) * rng.normal(0, 1, (grid, grid, 1))
    backdrop: Floats = np.clip(near * (1 - ramp) + far * ramp + blur, 0.02, 0.98) ** 2.2
    return backdrop


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
