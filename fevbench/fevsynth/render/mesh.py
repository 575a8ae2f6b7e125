"""The assets' file formats as arrays: the base mesh, shape targets, and the parts fitted to it.

Lengths are decimetres, as in MakeHuman: +x is the subject's left, +y up, +z out of the face.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fevbench.fevsynth.render.assets import Assets
from fevbench.fevsynth.render.expression import ARKIT_UNITS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Texture = NDArray[np.float32]

_GAMMA = 2.2
# The picture ends at the shoulders, so the rest of the body is dropped.
_LOWEST, _WIDEST = 4.9, 2.6
_SOCKETS = (0.0, 0.535), (0.16, 0.645)


@dataclass(frozen=True)
class BaseMesh:
    """The hm08 base mesh, triangulated, its drawn faces restricted to head and shoulders.

    Attributes:
        vertices: (V, 3) positions of all vertices, drawn or not: targets and parts refer to them.
        faces: (M, 3) vertex indices of the drawn triangles.
        corners: (M, 3, 2) texture coordinates of the drawn triangles' corners, in [0, 1].
    """

    vertices: Floats
    faces: Ints
    corners: Floats


@dataclass(frozen=True)
class Part:
    """A textured mesh bound to the base mesh: an eye, a brow, hair.

    Attributes:
        anchors: (P, 3) base vertices that carry each vertex.
        weights: (P, 3) their weights, summing to 1.
        offsets: (P, 3) offset from the weighted mean, dm.
        faces: (M, 3) vertex indices.
        corners: (M, 3, 2) texture coordinates of each triangle's corners.
        texture: (H, W, 4) linear RGB and alpha, in [0, 1].
    """

    anchors: Ints
    weights: Floats
    offsets: Floats
    faces: Ints
    corners: Floats
    texture: Texture

    def fit(self, vertices: Floats) -> Floats:
        """Return the part's (P, 3) vertices on the base ``vertices`` (V, 3)."""
        carried: Floats = (vertices[self.anchors] * self.weights[:, :, None]).sum(1)
        return carried + self.offsets

    def without_transparent_faces(self) -> Part:
        """Return the part without the triangles whose texture is transparent at their centre."""
        height, width = self.texture.shape[:2]
        centre = self.corners.mean(1)
        row = np.clip(((1 - centre[:, 1]) * height).astype(int), 0, height - 1)
        column = np.clip((centre[:, 0] * width).astype(int), 0, width - 1)
        solid = self.texture[row, column, 3] > 0.5
        return replace(self, faces=self.faces[solid], corners=self.corners[solid])


class Targets:
    """Shape targets by name: sparse displacements of the base mesh's vertices.

    A name is a path below the target folder (``"nose/nose-hump-incr"``) or one of the ARKit face units.
    """

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._loaded: dict[str, tuple[Ints, Floats]] = {}

    def add(self, vertices: Floats, name: str, weight: float) -> None:
        """Displace ``vertices`` (V, 3) in place by ``weight`` times the target called ``name``."""
        if abs(weight) < 1e-6:
            return
        if name not in self._loaded:
            self._loaded[name] = self._read(name)
        index, displacement = self._loaded[name]
        vertices[index] += weight * displacement

    def _read(self, name: str) -> tuple[Ints, Floats]:
        body = self._assets.body
        if name in ARKIT_UNITS:
            text = (body / f"faceunits01/targets/faceunits/{name}.target").read_text(encoding="utf-8")
        else:
            with gzip.open(body / f"mpfb2/targets/{name}.target.gz", "rt", encoding="utf-8") as stream:
                text = stream.read()
        rows = " ".join(line for line in text.splitlines() if line and not line.startswith("#"))
        table = np.array(rows.split(), dtype=np.float64).reshape(-1, 4)
        return table[:, 0].astype(np.int64), table[:, 1:]


def read_base(assets: Assets) -> BaseMesh:
    """Read the base mesh and triangulate its visible surface."""
    vertices: list[list[float]] = []
    uvs: list[list[float]] = []
    triangles: list[list[list[int]]] = []
    group = ""
    with (assets.body / "mpfb2/3dobjs/base.obj").open(encoding="utf-8") as lines:
        for line in lines:
            kind, *fields = line.split() or [""]
            if kind == "v":
                vertices.append([float(field) for field in fields[:3]])
            elif kind == "vt":
                uvs.append([float(field) for field in fields[:2]])
            elif kind == "g":
                group = fields[0]
            elif kind == "f" and group == "body":  # the other groups are rigging helpers
                corners = [[int(index) - 1 for index in field.split("/")[:2]] for field in fields]
                triangles += [[corners[0], corners[k], corners[k + 1]] for k in range(1, len(corners) - 1)]
    points, table = np.array(vertices), np.array(triangles)
    faces, uv_faces = table[:, :, 0], table[:, :, 1]
    drawn = (points[faces][:, :, 1].min(1) > _LOWEST) & (np.abs(points[faces][:, :, 0]).max(1) < _WIDEST)
    corners = np.array(uvs)[uv_faces]
    # The sockets behind the eyeballs are patches of their own in the texture; raised cheeks press them out.
    (left, bottom), (right, top) = _SOCKETS
    centre = corners.mean(1)
    socket = (centre > (left, bottom)).all(1) & (centre < (right, top)).all(1)
    drawn &= ~socket
    return BaseMesh(points, faces[drawn], corners[drawn])


def read_part(assets: Assets, path: str, texture: str | None = None) -> Part:
    """Read a part fitted to the base mesh.

    ``path`` is its description below the ``proxies`` folder, such as ``"hair/short01/short01.json"``;
    ``texture`` its texture's path beside that, by default the one that it names.
    """
    file = assets.head / "proxies" / path
    described = json.loads(file.read_text(encoding="utf-8"))
    faces, uv_faces = _three_js_faces(described["faces"])
    uvs = np.array(described["uvs"][0]).reshape(-1, 2)
    return Part(
        np.array(described["ref_vIdxs"]),
        np.array(described["weights"]),
        np.array(described["offsets"]),
        faces,
        uvs[uv_faces],
        read_texture(file.parent / (texture or described["materials"][0]["mapDiffuse"])),
    )


def read_texture(path: Path) -> Texture:
    """Read a picture as (H, W, 4) linear RGB and alpha in [0, 1]."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGBA"), np.float32) / 255
    return np.concatenate([pixels[..., :3] ** _GAMMA, pixels[..., 3:]], 2)


def vertex_normals(vertices: Floats, faces: Ints) -> Floats:
    """Return the (V, 3) area-weighted unit normals of a mesh; zero where no face touches."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    total = np.stack(
        [
            np.bincount(faces.ravel(), np.repeat(normal[:, axis], 3), minlength=len(vertices))
            for axis in range(3)
        ],
        1,
    )
    unit: Floats = total / (np.linalg.norm(total, axis=1, keepdims=True) + 1e-12)
    return unit


def _three_js_faces(stream: list[int]) -> tuple[Ints, Ints]:
    """Decode the three.js JSON format 3 face stream into triangles of vertex and texture indices.

    Each face starts with a bit mask: 1 quad, 2 material, 4 face uv, 8 corner uvs, 16 face normal,
    32 corner normals, 64 face colour, 128 corner colours.
    """
    faces: list[list[int]] = []
    uv_faces: list[list[int]] = []
    at = 0
    while at < len(stream):
        mask = stream[at]
        count = 4 if mask & 1 else 3
        corners = stream[at + 1 : at + 1 + count]
        at += 1 + count + bool(mask & 2) + bool(mask & 4)
        uvs = stream[at : at + count]
        at += count * (bool(mask & 8) + bool(mask & 32) + bool(mask & 128))
        at += bool(mask & 16) + bool(mask & 64)
        faces += [[corners[0], corners[k], corners[k + 1]] for k in range(1, count - 1)]
        uv_faces += [[uvs[0], uvs[k], uvs[k + 1]] for k in range(1, count - 1)]
    return np.array(faces), np.array(uv_faces)
