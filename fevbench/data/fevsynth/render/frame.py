"""One picture: a person with an expression, posed and lit, as the camera sees it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fevbench.data.fevsynth.render.identity import Person
from fevbench.data.fevsynth.render.mesh import Part, vertex_normals
from fevbench.data.fevsynth.render.raster import blend, interpolate, look_up, rasterize
from fevbench.data.fevsynth.render.scene import Scene
from fevbench.data.fevsynth.render.shading import (
    Points,
    layer_light,
    lit_colour,
    openness,
    tint_occlusion,
    tint_shadow,
    tone_map,
    unshadowed,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_SUPERSAMPLING = 3
_DISTANCE, _FIELD = 11.0, 3.05  # of the camera from the head, and the width it sees there, dm
_NECK = 1.35  # below the head's centre, dm: turns fade out there
_LASH_BRIGHTNESS, _LEAST_OPENNESS = 0.25, 0.2
_SKIN, _EYES = 0, 1  # order of the opaque surfaces; teeth and tongue follow
_GLOSS = np.array([0.055, 0.0, 0.08, 0.06])
_GLINT = np.array([0.025, 0.8, 0.05, 0.05])

# Face units alone wrinkle the nose too little; MakeHuman's own nose targets go with them.
_COMPANIONS = {
    "noseSneerLeft": ("expression/units/caucasian/nose-left-elevation", 0.45),
    "noseSneerRight": ("expression/units/caucasian/nose-right-elevation", 0.45),
}
_EYE_OPENERS = ("eyeWide", "eyeSquint", "eyeBlink")


class Painter:
    """Draws one person.

    Args:
        person: Whom to draw.
    """

    def __init__(self, person: Person) -> None:
        self._person = person
        parts = (person.eyes, person.teeth, person.tongue)
        faces, corners, surface = [person.base.faces], [person.base.corners], [0] * len(person.base.faces)
        start = len(person.neutral)
        for number, part in enumerate(parts, start=1):
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
        self._textures = (person.skin, *(part.texture for part in parts))
        lashes = person.lashes.fit(person.neutral)
        # Lower lashes fold into dark blots when the lids tighten, and are too fine to be missed.
        self._upper_lashes = (lashes[:, 1] > person.eyes.fit(person.neutral)[:, 1].mean()).astype(np.float64)
        self._is_eye = np.zeros(len(self._used), dtype=bool)
        self._is_eye[self._faces[self._surface == _EYES]] = True

    def draw(
        self, scene: Scene, weights: Mapping[str, float], blink: float, pose: Floats, size: int
    ) -> Floats:
        """Draw one frame, without sensor noise.

        Args:
            scene: The surroundings.
            weights: Weight of each moving face unit.
            blink: Closure of both lids on top of that, 0 to 1.
            pose: (3,) yaw, pitch and roll, radians.
            size: Width and height of the picture.

        Returns:
            (size, size, 3) display values in [0, 1].
        """
        person, fine = self._person, size * _SUPERSAMPLING
        base = self._deform(weights, blink)
        parts = (person.eyes, person.teeth, person.tongue)
        vertices = self._turn(np.concatenate([base, *(part.fit(base) for part in parts)])[self._used], pose)
        normals = vertex_normals(vertices, self._faces)
        hair = self._turn(person.hair.fit(base), pose)

        depth = np.full((fine, fine), 1e9)
        face_of = np.full((fine, fine), -1, dtype=np.int64)
        inside = np.zeros((fine, fine, 3))
        rasterize(self._project(vertices, scene, fine), self._faces, depth, face_of, inside)
        covered = face_of >= 0
        picture = scene.background(fine)
        picture[covered] = person.exposure * self._surface_colour(
            scene, vertices, normals, hair, face_of[covered], inside[covered]
        )
        brows, lashes = person.brows.fit(base), person.lashes.fit(base)
        self._blend(
            picture, depth, scene, person.brows, self._turn(brows, pose), 0.02, _fade_at_midline(brows)
        )
        turned = self._turn(lashes, pose)
        self._blend(picture, depth, scene, person.lashes, turned, 0.01, self._upper_lashes, _LASH_BRIGHTNESS)
        self._blend(picture, depth, scene, person.hair, hair, 0.0, np.ones(len(hair)))
        shown = tone_map(picture)
        coarse: Floats = shown.reshape(size, _SUPERSAMPLING, size, _SUPERSAMPLING, 3).mean((1, 3))
        return coarse

    def _deform(self, weights: Mapping[str, float], blink: float) -> Floats:
        person = self._person
        vertices: Floats = person.neutral.copy()
        for unit, weight in weights.items():
            if unit.startswith(_EYE_OPENERS):
                weight *= 1 - blink  # a closing lid takes over: the two together would cross the eyeball
            person.targets.add(vertices, unit, weight)
            if unit in _COMPANIONS:
                name, share = _COMPANIONS[unit]
                person.targets.add(vertices, name, share * weight)
        for unit in ("eyeBlinkLeft", "eyeBlinkRight"):
            person.targets.add(vertices, unit, blink)
        return vertices

    def _turn(self, points: Floats, pose: Floats) -> Floats:
        """Turn the head about its centre, the shoulders not, the neck in between."""
        centre = self._person.centre
        share = np.clip((points[:, 1] - (centre[1] - _NECK - 0.2)) / 0.8, 0, 1)[:, None]
        turned: Floats = points + share * ((points - centre) @ (_rotation(pose).T - np.eye(3)))
        return turned

    def _project(self, points: Floats, scene: Scene, size: int) -> Floats:
        offset = points - self._person.centre
        away = _DISTANCE - offset[:, 2]
        focal = size * _DISTANCE * scene.zoom / _FIELD
        x = size * (0.5 + scene.shift[0]) + focal * offset[:, 0] / away
        y = size * (0.5 + scene.shift[1]) - focal * (offset[:, 1] - 0.08) / away
        return np.stack([x, y, away], 1)

    def _surface_colour(
        self, scene: Scene, vertices: Floats, normals: Floats, hair: Floats, face: Ints, inside: Floats
    ) -> Floats:
        person, centre = self._person, self._person.centre
        skin_faces = self._faces[self._surface == _SKIN]
        caster = np.concatenate([vertices, hair])
        caster_faces = np.concatenate([skin_faces, person.hair.faces + len(vertices)])
        lit = unshadowed(len(vertices), caster, caster_faces, scene.light, centre)
        # Creases of the mesh that no ray leaves would be black, where skin lets some light through.
        open_ = np.maximum(openness(vertices, normals, skin_faces, centre), _LEAST_OPENNESS)
        # The lids and lashes shade the eyeball too strongly at this mesh density.
        lit[self._is_eye] = 0.4 + 0.6 * lit[self._is_eye]
        open_[self._is_eye] = np.clip(0.25 + 1.1 * open_[self._is_eye], 0, 1)

        table = np.concatenate(
            [vertices, normals, tint_shadow(lit), tint_occlusion(open_), open_[:, None]], 1
        )
        values = interpolate(table, self._faces, face, inside)
        normal = values[:, 3:6] / np.sqrt((values[:, 3:6] ** 2).sum(1, keepdims=True) + 1e-18)
        uv = interpolate(self._corners.reshape(-1, 2), self._corner_faces, face, inside)
        surface = self._surface[face]
        albedo = np.empty((len(face), 3))
        for number, texture in enumerate(self._textures):
            chosen = surface == number
            albedo[chosen] = look_up(texture, uv[chosen])[:, :3]
        albedo[surface != _SKIN] /= person.exposure**0.7  # the exposure is meant for the skin
        clothed = (surface == _SKIN) & self._under_clothes(scene, values[:, :3])
        albedo[clothed] = scene.clothes / person.exposure
        in_mouth = surface > _EYES
        albedo[in_mouth] *= 0.3 + 0.7 * np.clip(2 * values[in_mouth, 12:], 0, 1)
        gloss, glint = _GLOSS[surface] / person.exposure**0.5, _GLINT[surface] / person.exposure
        gloss[clothed] = glint[clothed] = 0
        return lit_colour(Points(albedo, normal, values[:, 6:9], values[:, 9:12], gloss, glint), scene)

    def _under_clothes(self, scene: Scene, points: Floats) -> Bools:
        rise, dip = scene.neckline
        collar = self._person.centre[1] - _NECK - 0.12 + rise
        front = np.clip(1 - (points[:, 0] / 0.7) ** 2, 0, 1) * (points[:, 2] > self._person.centre[2] - 0.4)
        hidden: Bools = points[:, 1] < collar - dip * front
        return hidden

    def _blend(
        self,
        picture: Floats,
        depth: Floats,
        scene: Scene,
        part: Part,
        vertices: Floats,
        bias: float,
        alpha: Floats,
        brightness: float = 1.0,
    ) -> None:
        screen = self._project(vertices, scene, len(picture))
        light = (
            self._person.exposure**0.2 * brightness * layer_light(vertex_normals(vertices, part.faces), scene)
        )
        shade = np.concatenate([light, alpha[:, None]], 1)
        order = np.argsort(-screen[part.faces][:, :, 2].mean(1), kind="stable")
        blend(screen, part.faces[order], part.corners[order], part.texture, shade, depth, bias, picture)


def _rotation(pose: Floats) -> Floats:
    (cy, cp, cr), (sy, sp, sr) = np.cos(pose), np.sin(pose)
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    turned: Floats = roll @ pitch @ yaw
    return turned


def _fade_at_midline(brows: Floats) -> Floats:
    """Return the (P,) opacity that keeps lowered brows from growing together over the nose."""
    away = np.clip((np.abs(brows[:, 0]) - 0.05) / 0.09, 0, 1)
    return away * away * (3 - 2 * away)
