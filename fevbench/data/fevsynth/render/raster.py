"""The compiled loops: triangles to pixels, depth maps, texture look-ups, transparent layers.

Screen coordinates are pixels with y down; depth grows away from the viewer. Without ``fastmath``, so that
the pixels do not depend on how a processor's vector units would reorder a sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Texture = NDArray[np.float32]

_Kernel = TypeVar("_Kernel", bound=Callable[..., Any])


def _compiled(function: _Kernel) -> _Kernel:
    compiler: Any = numba.njit(cache=True, error_model="numpy")
    kernel: _Kernel = compiler(function)
    return kernel


@_compiled
def _area(screen: Floats, a: int, b: int, c: int) -> float:
    """Return twice the signed area of a triangle on the screen."""
    across = (screen[b, 0] - screen[a, 0]) * (screen[c, 1] - screen[a, 1])
    down = (screen[c, 0] - screen[a, 0]) * (screen[b, 1] - screen[a, 1])
    area: float = across - down
    return area


@_compiled
def _span(p: float, q: float, r: float, limit: int) -> tuple[int, int]:
    """Return the range of pixels in [0, limit) that an edge from p over q to r can touch."""
    return max(0, int(np.floor(min(p, q, r)))), min(limit - 1, int(max(p, q, r))) + 1


@_compiled
def _barycentric(
    screen: Floats, a: int, b: int, c: int, area: float, x: float, y: float
) -> tuple[float, float, float]:
    """Return the weights of three vertices at a point; one is negative if the point is outside."""
    ax, ay = screen[a, 0] - x, screen[a, 1] - y
    bx, by = screen[b, 0] - x, screen[b, 1] - y
    cx, cy = screen[c, 0] - x, screen[c, 1] - y
    wa = (bx * cy - cx * by) / area
    wb = (cx * ay - ax * cy) / area
    return wa, wb, 1 - wa - wb


@_compiled
def rasterize(screen: Floats, faces: Ints, depth: Floats, face_of: Ints, weights: Floats) -> None:
    """Draw opaque triangles into a depth buffer.

    Args:
        screen: (V, 3) x, y and depth of the vertices.
        faces: (M, 3) vertex indices.
        depth: (H, W) depth buffer, updated.
        face_of: (H, W) index of the nearest triangle, updated.
        weights: (H, W, 3) barycentric weights of the pixel centre in it, updated.
    """
    height, width = depth.shape
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        area = _area(screen, a, b, c)
        if abs(area) < 1e-9:
            continue
        left, right = _span(screen[a, 0], screen[b, 0], screen[c, 0], width)
        top, bottom = _span(screen[a, 1], screen[b, 1], screen[c, 1], height)
        for y in range(top, bottom):
            for x in range(left, right):
                wa, wb, wc = _barycentric(screen, a, b, c, area, x + 0.5, y + 0.5)
                if wa < 0 or wb < 0 or wc < 0:
                    continue
                z = wa * screen[a, 2] + wb * screen[b, 2] + wc * screen[c, 2]
                if z < depth[y, x]:
                    depth[y, x] = z
                    face_of[y, x] = face
                    weights[y, x, 0], weights[y, x, 1], weights[y, x, 2] = wa, wb, wc


@_compiled
def draw_depth(screen: Floats, faces: Ints, depth: Floats) -> None:
    """Draw only the depth of triangles into ``depth`` (H, W)."""
    height, width = depth.shape
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        area = _area(screen, a, b, c)
        if abs(area) < 1e-9:
            continue
        left, right = _span(screen[a, 0], screen[b, 0], screen[c, 0], width)
        top, bottom = _span(screen[a, 1], screen[b, 1], screen[c, 1], height)
        for y in range(top, bottom):
            for x in range(left, right):
                wa, wb, wc = _barycentric(screen, a, b, c, area, x + 0.5, y + 0.5)
                if wa < -1e-4 or wb < -1e-4 or wc < -1e-4:
                    continue
                z = wa * screen[a, 2] + wb * screen[b, 2] + wc * screen[c, 2]
                if z < depth[y, x]:
                    depth[y, x] = z


@_compiled
def add_visibility(screen: Floats, depth: Floats, bias: float, visible: Floats) -> None:
    """Add to ``visible`` (V,) how much of a 3 by 3 neighbourhood of each vertex nothing hides.

    Args:
        screen: (V, 3) the vertices as the depth map sees them.
        depth: (H, W) depth map.
        bias: Depth a vertex may lie behind the map and still count as visible, dm.
        visible: (V,) sums, updated by a value from 0 to 1.
    """
    height, width = depth.shape
    for vertex in range(visible.shape[0]):
        x, y = int(screen[vertex, 0]), int(screen[vertex, 1])
        if x < 1 or y < 1 or x >= width - 1 or y >= height - 1:
            visible[vertex] += 1.0
            continue
        free = 0
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                if screen[vertex, 2] <= depth[y + dy, x + dx] + bias:
                    free += 1
        visible[vertex] += free / 9


@_compiled
def texel(texture: Texture, u: float, v: float, colour: Floats) -> None:
    """Write the bilinear sample of ``texture`` (H, W, C) at (u, v), v up, into ``colour`` (C,)."""
    height, width, channels = texture.shape
    x = min(max(u * width - 0.5, 0.0), width - 1.001)
    y = min(max((1 - v) * height - 0.5, 0.0), height - 1.001)
    i, j = int(x), int(y)
    fx, fy = x - i, y - j
    for k in range(channels):
        upper = texture[j, i, k] * (1 - fx) + texture[j, i + 1, k] * fx
        lower = texture[j + 1, i, k] * (1 - fx) + texture[j + 1, i + 1, k] * fx
        colour[k] = upper * (1 - fy) + lower * fy


@_compiled
def look_up(texture: Texture, uv: Floats) -> Floats:
    """Return the (N, C) bilinear samples of ``texture`` (H, W, C) at ``uv`` (N, 2)."""
    colours = np.empty((uv.shape[0], texture.shape[2]))
    for n in range(uv.shape[0]):
        texel(texture, uv[n, 0], uv[n, 1], colours[n])
    return colours


@_compiled
def interpolate(table: Floats, faces: Ints, face: Ints, weights: Floats) -> Floats:
    """Return the (N, C) values at points inside triangles.

    Args:
        table: (V, C) values at the vertices.
        faces: (M, 3) vertex indices.
        face: (N,) the triangle each point is in.
        weights: (N, 3) its barycentric weights there.
    """
    values = np.empty((face.shape[0], table.shape[1]))
    for n in range(face.shape[0]):
        a, b, c = faces[face[n], 0], faces[face[n], 1], faces[face[n], 2]
        for k in range(table.shape[1]):
            values[n, k] = (
                weights[n, 0] * table[a, k] + weights[n, 1] * table[b, k] + weights[n, 2] * table[c, k]
            )
    return values


@_compiled
def blend(
    screen: Floats,
    faces: Ints,
    corners: Floats,
    texture: Texture,
    shade: Floats,
    depth: Floats,
    bias: float,
    picture: Floats,
) -> None:
    """Blend transparent triangles over a picture, in the order given (far to near).

    Args:
        screen: (V, 3) x, y and depth of the vertices.
        faces: (M, 3) vertex indices.
        corners: (M, 3, 2) texture coordinates.
        texture: (h, w, 4) colour and alpha.
        shade: (V, 4) factor on colour and alpha at each vertex.
        depth: (H, W) depth of what is opaque, not changed.
        bias: Depth a layer may lie behind that and still be drawn, dm.
        picture: (H, W, 3) the picture, updated.
    """
    height, width = depth.shape
    colour = np.empty(4)
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        area = _area(screen, a, b, c)
        if abs(area) < 1e-9:
            continue
        left, right = _span(screen[a, 0], screen[b, 0], screen[c, 0], width)
        top, bottom = _span(screen[a, 1], screen[b, 1], screen[c, 1], height)
        for y in range(top, bottom):
            for x in range(left, right):
                wa, wb, wc = _barycentric(screen, a, b, c, area, x + 0.5, y + 0.5)
                if wa < 0 or wb < 0 or wc < 0:
                    continue
                if wa * screen[a, 2] + wb * screen[b, 2] + wc * screen[c, 2] > depth[y, x] + bias:
                    continue
                u = wa * corners[face, 0, 0] + wb * corners[face, 1, 0] + wc * corners[face, 2, 0]
                v = wa * corners[face, 0, 1] + wb * corners[face, 1, 1] + wc * corners[face, 2, 1]
                texel(texture, u, v, colour)
                alpha = colour[3] * (wa * shade[a, 3] + wb * shade[b, 3] + wc * shade[c, 3])
                if alpha < 0.01:
                    continue
                for k in range(3):
                    lit = colour[k] * (wa * shade[a, k] + wb * shade[b, k] + wc * shade[c, k])
                    picture[y, x, k] = picture[y, x, k] * (1 - alpha) + lit * alpha
