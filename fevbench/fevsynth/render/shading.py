"""How light reaches a face, and the compiled loop that colours its pixels.

Everything a point's colour needs is looked up and used on the spot, which is several times faster than whole
arrays of each quantity.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth.render.raster import add_visibility, compiled, draw_depth, texel
from fevbench.fevsynth.render.scene import Scene

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Texture = NDArray[np.float32]

SKIN, EYES, TEETH, TONGUE = range(4)
"""The surfaces."""
POSITION, NORMAL, KEY, AROUND, OPEN, MAP, COUNTS, COLUMNS = 0, 3, 6, 9, 12, 13, 15, 16
"""First columns of what each vertex carries: position, unit normal; shares of the key light and of the light
from all around that arrive, by colour; openness; place on the face map, and how much the map counts there."""

# Light bleeds around edges in skin, red farthest (wrapped diffuse; Green, GPU Gems ch. 16, 2004).
_WRAP = (0.28, 0.14, 0.10)
_KEY_STRENGTH = 0.75
# By surface: strength of the broad highlight, and of the sharp one.
_GLOSS, _GLINT = (0.055, 0.0, 0.08, 0.06), (0.025, 0.8, 0.05, 0.05)
_TONGUE_SHADE = 0.5  # deep in a mouth that the openness of single vertices leaves too light
_CAVITY = (0.20, 0.28, 0.31)  # how much less light leaves the bottom of a groove
_STEEPNESS = 1.2  # of a wrinkle whose relief changes by 1 within a hundredth of the face map


class Light(NamedTuple):
    """A scene's light, seen from the front. Colours are linear RGB.

    Attributes:
        direction: (3,) unit vector towards the key light.
        halfway: (3,) unit vector between that and the camera.
        opposite: (3,) unit vector towards the fill light.
        key: (3,) strength of the key light.
        ambient: (3,) strength of the light from all around.
        fill: Strength of the fill light.
    """

    direction: Floats
    halfway: Floats
    opposite: Floats
    key: Floats
    ambient: Floats
    fill: float


class Looks(NamedTuple):
    """The colours and textures of one frame of a subject.

    Attributes:
        textures: (h, w, 4) linear colour of each surface.
        complexion: (S, S, 3) factors on the skin's colour, on the face map.
        relief: (S, S, 3) relief of the wrinkles there, and its slope to the subject's left and up.
        left: (3,) direction of the face map's first axis on the turned head.
        up: (3,) that of its second axis.
        exposure: Factor on all light.
        clothes: (3,) linear colour of the clothes.
        collar: Height of the collar, and how far it dips in front, dm.
        centre: (3,) the head's centre, dm.
    """

    textures: tuple[Texture, Texture, Texture, Texture]
    complexion: Texture
    relief: Texture
    left: Floats
    up: Floats
    exposure: float
    clothes: Floats
    collar: tuple[float, float]
    centre: Floats


@compiled
def colour_pixels(
    picture: Floats,
    face_of: Ints,
    inside: Floats,
    faces: Ints,
    corners: Floats,
    surface_of: Ints,
    table: Floats,
    looks: Looks,
    light: Light,
) -> None:
    """Colour the pixels that a triangle covers.

    Args:
        picture: (H, W, 3) linear light, updated.
        face_of: (H, W) the triangle at each pixel, or -1.
        inside: (H, W, 3) barycentric weights in it.
        faces: (M, 3) vertex indices.
        corners: (M, 3, 2) texture coordinates.
        surface_of: (M,) which surface each triangle belongs to.
        table: (V, COLUMNS) what each vertex carries.
        looks: The subject and the clothes.
        light: The light.
    """
    height, width = face_of.shape
    at, albedo, fine, scratch = np.empty(COLUMNS), np.empty(3), np.empty(3), np.empty(4)
    for y in range(height):
        for x in range(width):
            face = face_of[y, x]
            if face < 0:
                continue
            wa, wb, wc = inside[y, x, 0], inside[y, x, 1], inside[y, x, 2]
            a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
            for k in range(COLUMNS):
                at[k] = wa * table[a, k] + wb * table[b, k] + wc * table[c, k]
            _normalise(at)
            surface = surface_of[face]
            u = wa * corners[face, 0, 0] + wb * corners[face, 1, 0] + wc * corners[face, 2, 0]
            v = wa * corners[face, 0, 1] + wb * corners[face, 1, 1] + wc * corners[face, 2, 1]
            texel(looks.textures[surface], u, v, scratch)
            for k in range(3):
                albedo[k] = scratch[k]
            gloss, glint = _GLOSS[surface] / looks.exposure**0.5, _GLINT[surface] / looks.exposure
            if surface != SKIN:
                _dim(albedo, surface, at[OPEN], looks.exposure)
            elif _clothed(at, looks):
                gloss = glint = 0.0
                for k in range(3):
                    albedo[k] = looks.clothes[k] / looks.exposure
            elif at[COUNTS] > 0.01:
                _detail(albedo, at, looks, fine)
            _light(picture[y, x], albedo, at, gloss, glint, looks.exposure, light)


@compiled
def _normalise(at: Floats) -> None:
    x, y, z = at[NORMAL], at[NORMAL + 1], at[NORMAL + 2]
    length = np.sqrt(x * x + y * y + z * z + 1e-18)
    at[NORMAL], at[NORMAL + 1], at[NORMAL + 2] = x / length, y / length, z / length


@compiled
def _dim(albedo: Floats, surface: int, openness: float, exposure: float) -> None:
    """Darken what is not skin: the exposure is meant for the skin, and little light gets into a mouth."""
    factor = exposure**-0.7
    if surface != EYES:
        factor *= 0.3 + 0.9 * min(max(3 * openness, 0.0), 1.0)
    if surface == TONGUE:
        factor *= _TONGUE_SHADE
    for k in range(3):
        albedo[k] *= factor


@compiled
def _clothed(at: Floats, looks: Looks) -> bool:
    """Tell whether a point of the skin is under the clothes."""
    front = max(1 - (at[0] / 0.7) ** 2, 0.0) if at[2] > looks.centre[2] - 0.4 else 0.0
    hidden: bool = at[1] < looks.collar[0] - looks.collar[1] * front
    return hidden


@compiled
def _detail(albedo: Floats, at: Floats, looks: Looks, fine: Floats) -> None:
    """Apply the face map: complexion, and wrinkles as shade and as relief, which bends the normal."""
    u, v, counts = at[MAP], at[MAP + 1], at[COUNTS]
    texel(looks.complexion, u, v, fine)
    for k in range(3):
        albedo[k] *= 1 + counts * (fine[k] - 1)
    texel(looks.relief, u, v, fine)
    groove = min(max(-counts * fine[0], 0.0), 1.4)
    along, across = 0.0, 0.0
    for k in range(3):
        albedo[k] *= 1 - _CAVITY[k] * groove
        along += at[NORMAL + k] * looks.left[k]
        across += at[NORMAL + k] * looks.up[k]
    # The slope along an axis tilts the normal against that axis' part in the surface.
    steep = counts * _STEEPNESS * looks.relief.shape[0] / 400
    for k in range(3):
        flat = at[NORMAL + k]
        at[NORMAL + k] -= steep * fine[1] * (looks.left[k] - along * flat)
        at[NORMAL + k] -= steep * fine[2] * (looks.up[k] - across * flat)
    _normalise(at)


@compiled
def _light(
    pixel: Floats, albedo: Floats, at: Floats, gloss: float, glint: float, exposure: float, light: Light
) -> None:
    """Write the colour of a lit point to ``pixel`` (3,)."""
    facing, towards_fill, mirrored = 0.0, 0.0, 0.0
    for k in range(3):
        facing += at[NORMAL + k] * light.direction[k]
        towards_fill += at[NORMAL + k] * light.opposite[k]
        mirrored += at[NORMAL + k] * light.halfway[k]
    mirrored = min(max(mirrored, 0.0), 1.0)
    highlight = (gloss * mirrored**18 + glint * mirrored**90) * at[KEY + 1]
    sky = 0.75 + 0.25 * at[NORMAL + 1]
    fill = light.fill * min(max(0.5 * towards_fill + 0.5, 0.0), 1.0)
    for k in range(3):
        diffuse = min(max((facing + _WRAP[k]) / (1 + _WRAP[k]), 0.0), 1.0) * at[KEY + k]
        around = (light.ambient[k] * sky + fill) * at[AROUND + k]
        lit = albedo[k] * (around + _KEY_STRENGTH * light.key[k] * diffuse) + highlight * light.key[k]
        pixel[k] = exposure * lit


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
