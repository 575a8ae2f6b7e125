"""The opaque parts of a person (skin, eyes, teeth, tongue): one mesh, and the colour of what shows of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth.render.camera import NECK, Camera
from fevbench.fevsynth.render.facemap import coordinates
from fevbench.fevsynth.render.identity import Person
from fevbench.fevsynth.render.mesh import vertex_normals
from fevbench.fevsynth.render.pixels import EYES, SKIN, Light, Looks, colour_pixels
from fevbench.fevsynth.render.raster import rasterize
from fevbench.fevsynth.render.scene import Scene
from fevbench.fevsynth.render.shading import openness, tint_occlusion, tint_shadow, unshadowed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LEAST_OPENNESS = 0.2
_EYE_DEPTH = 0.03  # keeps the eyeball from coming through a raised cheek or lowered brow, dm


class Surface:
    """The opaque mesh of a person.

    Args:
        person: Whose it is.
    """

    def __init__(self, person: Person) -> None:
        self._person = person
        self._parts = (person.eyes, person.teeth, person.tongue)
        faces, corners, surface = [person.base.faces], [person.base.corners], [0] * len(person.base.faces)
        start = len(person.neutral)
        for number, part in enumerate(self._parts, start=1):
            faces.append(part.faces + start)
            corners.append(part.corners)
            surface += [number] * len(part.faces)
            start += len(part.anchors)
        # Most base vertices are never drawn; what follows works on the used ones only.
        self._used, renumbered = np.unique(np.concatenate(faces), return_inverse=True)
        self._faces = renumbered.reshape(-1, 3)
        self._corners = np.concatenate(corners)
        self._corner_faces = np.arange(self._faces.size).reshape(-1, 3)
        self._surface = np.array(surface)
        eyes, teeth, tongue = (part.texture for part in self._parts)
        self._textures = (person.skin, eyes, teeth, tongue)
        self._is_eye = np.zeros(len(self._used), dtype=bool)
        self._is_eye[self._faces[self._surface == EYES]] = True
        self._in_mouth = np.zeros(len(self._used), dtype=bool)
        self._in_mouth[self._faces[self._surface > EYES]] = True
        mapped = np.zeros((start, 3))
        mapped[: len(person.neutral)] = coordinates(person.base)
        self._mapped = mapped[self._used]

    def draw(
        self, picture: Floats, base: Floats, hair: Floats, weights: Mapping[str, float], camera: Camera
    ) -> Floats:
        """Draw the mesh over a background.

        Args:
            picture: (S, S, 3) linear light, updated.
            base: (V, 3) deformed base vertices.
            hair: (P, 3) turned hair, which casts shadows.
            weights: Weight of each moving face unit, for the wrinkles.
            camera: Pose and camera.

        Returns:
            (S, S) depth of what was drawn.
        """
        size = len(picture)
        fitted = np.concatenate([base, *(part.fit(base) for part in self._parts)])
        vertices = camera.turn(fitted[self._used])
        depth = np.full((size, size), 1e9)
        face_of = np.full((size, size), -1, dtype=np.int64)
        inside = np.zeros((size, size, 3))
        screen = camera.project(vertices, size)
        screen[self._is_eye, 2] += _EYE_DEPTH
        rasterize(screen, self._faces, depth, face_of, inside)
        colour_pixels(
            picture,
            face_of,
            inside,
            self._faces,
            self._corners,
            self._surface,
            self._vertex_table(vertices, hair, camera),
            self._looks(weights, camera),
            _light(camera.scene),
        )
        return depth

    def _looks(self, weights: Mapping[str, float], camera: Camera) -> Looks:
        person, scene = self._person, camera.scene
        relief = person.wrinkles.relief(weights)
        slope_down, slope_left = np.gradient(relief)
        rise, dip = scene.neckline
        return Looks(
            textures=self._textures,
            complexion=person.complexion,
            relief=np.stack([relief, slope_left, -slope_down], 2),
            left=camera.rotation[:, 0].copy(),
            up=camera.rotation[:, 1].copy(),
            exposure=person.exposure,
            clothes=scene.clothes,
            collar=(camera.centre[1] - NECK - 0.12 + rise, dip),
            centre=camera.centre,
        )

    def _vertex_table(self, vertices: Floats, hair: Floats, camera: Camera) -> Floats:
        """Return the (V, COLUMNS) table that `colour_pixels` reads."""
        normals = vertex_normals(vertices, self._faces)
        skin_faces = self._faces[self._surface == SKIN]
        caster = np.concatenate([vertices, hair])
        caster_faces = np.concatenate([skin_faces, self._person.hair.faces + len(vertices)])
        lit = unshadowed(len(vertices), caster, caster_faces, camera.scene.light, camera.centre)
        # Creases of the mesh that no ray leaves would be black, where skin lets some light through.
        open_ = np.maximum(openness(vertices, normals, skin_faces, camera.centre), _LEAST_OPENNESS)
        # The lids and lashes shade the eyeball too strongly at this mesh density.
        lit[self._in_mouth] = 0.35 + 0.65 * lit[self._in_mouth]
        lit[self._is_eye] = 0.4 + 0.6 * lit[self._is_eye]
        open_[self._is_eye] = np.clip(0.25 + 1.1 * open_[self._is_eye], 0, 1)
        return np.concatenate(
            [vertices, normals, tint_shadow(lit), tint_occlusion(open_), open_[:, None], self._mapped], 1
        )


def _light(scene: Scene) -> Light:
    opposite, halfway = np.array([-0.8 * scene.light[0], 0.15, 0.8]), np.add(scene.light, (0, 0, 1))
    return Light(
        direction=scene.light,
        halfway=halfway / np.linalg.norm(halfway),
        opposite=opposite / np.linalg.norm(opposite),
        key=scene.key,
        ambient=scene.ambient,
        fill=scene.fill,
    )
