"""One picture: a person with an expression, posed and lit, as the camera sees it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth.render.camera import Camera
from fevbench.fevsynth.render.identity import Person
from fevbench.fevsynth.render.mesh import Part, vertex_normals
from fevbench.fevsynth.render.raster import blend
from fevbench.fevsynth.render.scene import Scene
from fevbench.fevsynth.render.shading import layer_light, tone_map
from fevbench.fevsynth.render.surface import Surface
from fevbench.fevsynth.render.trajectory import LIDS

Floats = NDArray[np.float64]

_SUPERSAMPLING = 3
_LASH_BRIGHTNESS = 0.25
_HAIR_BIAS = 0.06  # hair lies on the head, and the skull of an unusual shape comes through it, dm

# Face units alone wrinkle the nose too little; MakeHuman's own nose targets go with them.
_COMPANIONS = {
    "noseSneerLeft": ("expression/units/caucasian/nose-left-elevation", 0.45),
    "noseSneerRight": ("expression/units/caucasian/nose-right-elevation", 0.45),
}
# Places on the unshaped base mesh, dm: the tip of the nose, and the mouth's corner on the person's left.
_NOSE_TIP, _MOUTH_CORNER = (0.0, 6.938, 1.68), (0.249, 6.612, 1.426)


class Painter:
    """Draws one person.

    Args:
        person: Whom to draw.
    """

    def __init__(self, person: Person) -> None:
        self._person = person
        self._surface = Surface(person)
        lashes, eyes = person.lashes.fit(person.neutral), person.eyes.fit(person.neutral)
        # Lower lashes fold into dark blots when the lids tighten, and are too fine to be missed.
        self._upper_lashes = person.lash_density * (lashes[:, 1] > eyes[:, 1].mean())
        self._pupils = [int(np.where(side * eyes[:, 0] > 0, eyes[:, 2], -1e9).argmax()) for side in (-1, 1)]
        x, y, z = _MOUTH_CORNER
        self._landmarks = [
            _nearest(person.base.vertices, place) for place in (_NOSE_TIP, (-x, y, z), (x, y, z))
        ]

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
        person, camera = self._person, Camera(self._person.centre, pose, scene)
        base = self._deform(weights, blink)
        hair = camera.turn(person.hair.fit(base))
        picture = scene.background(size * _SUPERSAMPLING)
        depth = self._surface.draw(picture, base, hair, weights, camera)
        brows, lashes = person.brows.fit(base), camera.turn(person.lashes.fit(base))
        opacity = person.brow_density * _fade_at_midline(brows)
        self._blend(picture, depth, camera, person.brows, camera.turn(brows), 0.02, opacity)
        self._blend(picture, depth, camera, person.lashes, lashes, 0.01, self._upper_lashes, _LASH_BRIGHTNESS)
        self._blend(picture, depth, camera, person.hair, hair, _HAIR_BIAS, person.hair_opacity)
        shown = tone_map(picture)
        coarse: Floats = shown.reshape(size, _SUPERSAMPLING, size, _SUPERSAMPLING, 3).mean((1, 3))
        return coarse

    def points(
        self, scene: Scene, weights: Mapping[str, float], blink: float, pose: Floats, size: int
    ) -> Floats:
        """Return where five points of the face are in the frame that `draw` gives for the same arguments.

        Returns:
            (5, 2) x and y in pixels: the eye's centre on the picture's left and right, the tip of the nose,
            the mouth's corner on the picture's left and right.
        """
        camera = Camera(self._person.centre, pose, scene)
        base = self._deform(weights, blink)
        places = np.concatenate([self._person.eyes.fit(base)[self._pupils], base[self._landmarks]])
        return camera.project(camera.turn(places), size)[:, :2]

    def _deform(self, weights: Mapping[str, float], blink: float) -> Floats:
        person = self._person
        vertices: Floats = person.neutral.copy()
        for unit, weight in weights.items():
            if unit.startswith(LIDS):
                weight *= 1 - blink  # a closing lid takes over: the two together would cross the eyeball
            person.targets.add(vertices, unit, weight)
            if unit in _COMPANIONS:
                name, share = _COMPANIONS[unit]
                person.targets.add(vertices, name, share * weight)
        for unit in ("eyeBlinkLeft", "eyeBlinkRight"):
            person.targets.add(vertices, unit, blink)
        return vertices

    def _blend(
        self,
        picture: Floats,
        depth: Floats,
        camera: Camera,
        part: Part,
        vertices: Floats,
        bias: float,
        alpha: Floats,
        brightness: float = 1.0,
    ) -> None:
        screen = camera.project(vertices, len(picture))
        light = brightness * layer_light(vertex_normals(vertices, part.faces), camera.scene)
        shade = np.concatenate([self._person.exposure**0.2 * light, alpha[:, None]], 1)
        order = np.argsort(-screen[part.faces][:, :, 2].mean(1), kind="stable")
        blend(screen, part.faces[order], part.corners[order], part.texture, shade, depth, bias, picture)


def _nearest(vertices: Floats, place: tuple[float, float, float]) -> int:
    return int(((vertices - place) ** 2).sum(1).argmin())


def _fade_at_midline(brows: Floats) -> Floats:
    """Return the (P,) opacity that keeps lowered brows from growing together over the nose."""
    away = np.clip((np.abs(brows[:, 0]) - 0.05) / 0.09, 0, 1)
    return away * away * (3 - 2 * away)
