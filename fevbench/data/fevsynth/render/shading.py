"""How light reaches the head: shadows, ambient occlusion, and the colour of a lit point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fevbench.data.fevsynth.render.raster import add_visibility, draw_depth
from fevbench.data.fevsynth.render.scene import Scene

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_WORLD = 3.6  # width of the space a depth map covers, dm: the head and what shades it
_SHADOW_PIXELS, _SHADOW_BIAS, _SHADOW_RAYS, _LIGHT_RADIUS = 200, 0.04, 5, 0.08
_OCCLUSION_PIXELS, _OCCLUSION_BIAS, _OCCLUSION_RAYS = 96, 0.05, 20

# Light bleeds around edges in skin, red farthest (wrapped diffuse; Green, GPU Gems ch. 16, 2004).
_WRAP = np.array([0.28, 0.14, 0.10])
_SHADOW_TINT = np.array([0.7, 1.0, 1.1])
_OCCLUSION_TINT = np.array([0.85, 1.05, 1.15])


@dataclass(frozen=True)
class Points:
    """N visible surface points.

    Attributes:
        albedo: (N, 3) linear colour.
        normal: (N, 3) unit normals.
        key: (N, 3) share of the key light that arrives, from `tint_shadow`.
        around: (N, 3) share of the surrounding light that arrives, from `tint_occlusion`.
        gloss: (N,) strength of the broad highlight.
        glint: (N,) strength of the sharp highlight.
    """

    albedo: Floats
    normal: Floats
    key: Floats
    around: Floats
    gloss: Floats
    glint: Floats


def unshadowed(receivers: int, vertices: Floats, faces: Ints, light: Floats, centre: Floats) -> Floats:
    """Return how much of an area light each receiver sees.

    Args:
        receivers: How many of the vertices, from the first, receive light.
        vertices: (V, 3) vertices of receivers and casters.
        faces: (M, 3) triangles that cast shadows.
        light: (3,) unit vector towards the light.
        centre: (3,) middle of the space looked at.

    Returns:
        (receivers,) values from 0 to 1.
    """
    visible = np.zeros(receivers)
    view = _view_along(light)
    for right, up in _spiral(_SHADOW_RAYS) * _LIGHT_RADIUS:
        toward = light + right * view[0] + up * view[1]
        _add_visible(visible, vertices, faces, toward, centre, _SHADOW_PIXELS, _SHADOW_BIAS)
    return visible / _SHADOW_RAYS


def openness(vertices: Floats, normals: Floats, caster_faces: Ints, centre: Floats) -> Floats:
    """Return the (V,) cosine-weighted share of the front and upper sky each vertex sees.

    Args:
        vertices: (V, 3) receivers, and the casters' vertices.
        normals: (V, 3) unit normals.
        caster_faces: (M, 3) triangles that occlude.
        centre: (3,) middle of the space looked at.
    """
    seen, total = np.zeros(len(vertices)), np.full(len(vertices), 1e-6)
    for toward in _sky(_OCCLUSION_RAYS):
        visible = np.zeros(len(vertices))
        _add_visible(visible, vertices, caster_faces, toward, centre, _OCCLUSION_PIXELS, _OCCLUSION_BIAS)
        cosine = np.maximum(normals @ toward, 0)
        seen += cosine * visible
        total += cosine
    share: Floats = np.clip(seen / total, 0, 1)
    return share


def tint_shadow(unshadowed: Floats) -> Floats:
    """Return (V, 3) shares of the key light for (V,) unshadowed ones: skin's shadows have red edges."""
    tinted: Floats = unshadowed[:, None] ** _SHADOW_TINT
    return tinted


def tint_occlusion(openness: Floats) -> Floats:
    """Return (V, 3) shares of the surrounding light for (V,) openness: skin's creases are reddish."""
    tinted: Floats = openness[:, None] ** _OCCLUSION_TINT
    return tinted


def lit_colour(points: Points, scene: Scene) -> Floats:
    """Return the (N, 3) linear colour of points under a scene's light, seen from the front."""
    light, normal = scene.light, points.normal
    facing = (normal @ light)[:, None]
    diffuse = np.clip((facing + _WRAP) / (1 + _WRAP), 0, 1) * points.key
    opposite = np.array([-0.8 * light[0], 0.15, 0.8])
    fill = np.clip(0.5 * (normal @ (opposite / np.linalg.norm(opposite))) + 0.5, 0, 1)[:, None]
    sky = 0.75 + 0.25 * normal[:, 1:2]
    around = (scene.ambient * sky + scene.fill * fill) * points.around
    halfway = np.add(light, (0, 0, 1))
    cosine = np.clip(normal @ (halfway / np.linalg.norm(halfway)), 0, 1)
    highlight = points.gloss * cosine**18 + points.glint * cosine**90
    lit: Floats = points.albedo * (around + 0.75 * scene.key * diffuse)
    lit += (highlight * points.key[:, 1])[:, None] * scene.key
    return lit


def layer_light(normals: Floats, scene: Scene) -> Floats:
    """Return the (V, 3) light on the vertices of a hair-like layer, which has no inside or outside."""
    facing = 0.2 + 0.8 * np.abs(normals @ scene.light)[:, None]
    lit: Floats = scene.ambient * (0.8 + 0.2 * normals[:, 1:2]) + scene.fill * 0.5 + 0.6 * scene.key * facing
    return lit


def tone_map(linear: Floats) -> Floats:
    """Return display values in [0, 1] for linear light: a soft shoulder above 0.7, then sRGB's gamma."""
    knee = 0.7
    over = np.maximum(linear - knee, 0)
    soft = np.where(linear > knee, knee + (1 - knee) * (1 - np.exp(-over / (1 - knee))), linear)
    return np.clip(soft, 0, 1) ** (1 / 2.2)


def _add_visible(
    visible: Floats, vertices: Floats, faces: Ints, toward: Floats, centre: Floats, pixels: int, bias: float
) -> None:
    """Add to ``visible`` what the first vertices see of the sky in one direction."""
    view = _view_along(toward / np.linalg.norm(toward))
    seen = (vertices - centre) @ view.T
    seen[:, :2] = (seen[:, :2] / _WORLD + 0.5) * pixels
    depth = np.full((pixels, pixels), 1e9)
    draw_depth(seen, faces, depth)
    add_visibility(seen[: len(visible)], depth, bias, visible)


def _view_along(toward: Floats) -> Floats:
    """Return the (3, 3) rotation whose rows are right, up and away, looking from ``toward`` (unit)."""
    up = np.array([0.0, 1.0, 0.0]) if abs(toward[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    right = np.cross(up, toward)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(toward, right), -toward])


def _spiral(count: int) -> Floats:
    """Return (count, 2) points spread evenly over the unit disc (Vogel's spiral)."""
    index = np.arange(count) + 0.5
    radius, angle = np.sqrt(index / count), np.pi * (1 + np.sqrt(5)) * index
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def _sky(count: int) -> Floats:
    """Return (count, 3) unit vectors spread evenly over the sphere's upper nine tenths (Fibonacci)."""
    index = np.arange(count) + 0.5
    height = 1 - 1.6 * index / count
    around = np.sqrt(1 - height**2)
    angle = np.pi * (1 + np.sqrt(5)) * index
    return np.stack([around * np.cos(angle), height, around * np.sin(angle)], 1)
