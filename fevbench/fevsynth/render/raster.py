"""The compiled loops over triangles: to pixels, to depth maps, and as transparent layers.

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


def compiled(function: _Kernel) -> _Kernel:
    """Compile a function with numba, and keep the machine code for the next process."""
    compiler: Any = numba.njit(cache=True, error_model="numpy")
    kernel: _Kernel = compiler(function)
    return kernel


@compiled
def _fragments(
    screen: Floats, face: Ints, size: tuple[int, int], slack: float, at: Ints, weights: Floats
) -> int:
    """Find the pixels whose centres lie inside a triangle; returns how many.

    ``at`` (H * W, 2) gets row and column of each, ``weights`` (H * W, 3) the barycentric weights of its
    centre. None of these may fall below ``-slack``; above 0 it closes cracks between triangles.
    """
    ax, ay = screen[face[0], 0], screen[face[0], 1]
    bx, by = screen[face[1], 0], screen[face[1], 1]
    cx, cy = screen[face[2], 0], screen[face[2], 1]
    left, right = int(np.ceil(min(ax, bx, cx) - 0.5)), int(np.floor(max(ax, bx, cx) - 0.5))
    top, bottom = int(np.ceil(min(ay, by, cy) - 0.5)), int(np.floor(max(ay, by, cy) - 0.5))
    if left > right or top > bottom:  # most triangles of a face fall between pixel centres
        return 0
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    if abs(area) < 1e-9:
        return 0
    count = 0
    for row in range(max(top, 0), min(bottom, size[0] - 1) + 1):
        y = row + 0.5
        for column in range(max(left, 0), min(right, size[1] - 1) + 1):
            x = column + 0.5
            wa = ((bx - x) * (cy - y) - (cx - x) * (by - y)) / area
            wb = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) / area
            wc = 1 - wa - wb
            if wa >= -slack and wb >= -slack and wc >= -slack:
                at[count, 0], at[count, 1] = row, column
                weights[count, 0], weights[count, 1], weights[count, 2] = wa, wb, wc
                count += 1
    return count


@compiled
def _depth(screen: Floats, face: Ints, weights: Floats) -> float:
    """Return the depth of a point in a triangle."""
    z: float = (
        weights[0] * screen[face[0], 2] + weights[1] * screen[face[1], 2] + weights[2] * screen[face[2], 2]
    )
    return z


@compiled
def rasterize(screen: Floats, faces: Ints, depth: Floats, face_of: Ints, weights: Floats) -> None:
    """Draw opaque triangles into a depth buffer.

    Args:
        screen: (V, 3) x, y and depth of the vertices.
        faces: (M, 3) vertex indices.
        depth: (H, W) depth buffer, updated.
        face_of: (H, W) index of the nearest triangle, updated.
        weights: (H, W, 3) barycentric weights of the pixel centre in it, updated.
    """
    at, inside = np.empty((depth.size, 2), np.int64), np.empty((depth.size, 3))
    for face in range(faces.shape[0]):
        for n in range(_fragments(screen, faces[face], depth.shape, 0.0, at, inside)):
            y, x = at[n, 0], at[n, 1]
            z = _depth(screen, faces[face], inside[n])
            if z < depth[y, x]:
                depth[y, x] = z
                face_of[y, x] = face
                for k in range(3):
                    weights[y, x, k] = inside[n, k]


@compiled
def draw_depth(screen: Floats, faces: Ints, depth: Floats) -> None:
    """Draw only the depth of triangles into ``depth`` (H, W)."""
    at, inside = np.empty((depth.size, 2), np.int64), np.empty((depth.size, 3))
    for face in range(faces.shape[0]):
        for n in range(_fragments(screen, faces[face], depth.shape, 1e-4, at, inside)):
            y, x = at[n, 0], at[n, 1]
            depth[y, x] = min(depth[y, x], _depth(screen, faces[face], inside[n]))


@compiled
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


@compiled
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


@compiled
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
    at, inside = np.empty((depth.size, 2), np.int64), np.empty((depth.size, 3))
    colour = np.empty(4)
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        for n in range(_fragments(screen, faces[face], depth.shape, 0.0, at, inside)):
            y, x = at[n, 0], at[n, 1]
            wa, wb, wc = inside[n, 0], inside[n, 1], inside[n, 2]
            if _depth(screen, faces[face], inside[n]) > depth[y, x] + bias:
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
