"""How light reaches the head and its hair, and the camera: shadows, ambient occlusion, tone mapping."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth.render.raster import add_visibility, draw_depth
from fevbench.fevsynth.render.scene import Scene

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_WORLD = 3.6  # width of the space a depth map covers, dm: the head and what shades it
_SHADOW_PIXELS, _SHADOW_BIAS, _SHADOW_RAYS, _LIGHT_RADIUS = 200, 0.04, 4, 0.08
_OCCLUSION_PIXELS, _OCCLUSION_BIAS, _OCCLUSION_RAYS = 96, 0.05, 14

_SHADOW_TINT = np.array([0.7, 1.0, 1.1])
_OCCLUSION_TINT = np.array([0.85, 1.05, 1.15])


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


def layer_light(normals: Floats, scene: Scene) -> Floats:
    """Return the (V, 3) light on the vertices of a hair-like layer, which has no inside or outside."""
    facing = 0.2 + 0.8 * np.abs(normals @ scene.light)[:, None]
    lit: Floats = scene.ambient * (0.8 + 0.2 * normals[:, 1:2]) + scene.fill * 0.5 + 0.6 * scene.key * facing
    return lit


def tone_map(linear: Floats) -> NDArray[np.float32]:
    """Return display values in [0, 1] for linear light: a soft shoulder above 0.7, then a gamma of 2.2."""
    knee = np.float32(0.7)
    shown = np.maximum(linear, 0).astype(np.float32)
    bright = shown > knee
    shown[bright] = knee + (1 - knee) * (1 - np.exp(-(shown[bright] - knee) / (1 - knee)))
    display: NDArray[np.float32] = shown ** np.float32(1 / 2.2)
    return display


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
