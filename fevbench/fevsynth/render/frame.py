"""Pictures of one subject, and the frames of a clip with the truth about them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth import Performance
from fevbench.fevsynth.render.assets import locate
from fevbench.fevsynth.render.mesh import Part, vertex_normals
from fevbench.fevsynth.render.person import Person, Studio
from fevbench.fevsynth.render.plan import Job, Rendered, Subject
from fevbench.fevsynth.render.raster import blend, rasterize
from fevbench.fevsynth.render.scene import NECK, Camera, Scene, draw_scene
from fevbench.fevsynth.render.shading import (
    EYES,
    SKIN,
    Light,
    Looks,
    colour_pixels,
    layer_light,
    openness,
    tint_occlusion,
    tint_shadow,
    tone_map,
    unshadowed,
)
from fevbench.fevsynth.render.skin import coordinates
from fevbench.fevsynth.render.trajectory import LIDS, Trajectory, draw_pose, draw_trajectory

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LEAST_OPENNESS = 0.2
_EYE_DEPTH = 0.03  # keeps the eyeball from coming through a raised cheek or lowered brow, dm


class Surface:
    """The opaque mesh of a subject."""

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


_SUPERSAMPLING = 3
_LASH_BRIGHTNESS = 0.25
_HAIR_BIAS = 0.06  # hair lies on the head, and the skull of an unusual shape comes through it, dm

# Face units alone wrinkle the nose too little; MakeHuman's own nose targets go with them.
_COMPANIONS = {
    "noseSneerLeft": ("expression/units/caucasian/nose-left-elevation", 0.45),
    "noseSneerRight": ("expression/units/caucasian/nose-right-elevation", 0.45),
}
# Places on the unshaped base mesh, dm: the tip of the nose, and the mouth's corner on the subject's left.
_NOSE_TIP, _MOUTH_CORNER = (0.0, 6.938, 1.68), (0.249, 6.612, 1.426)


class Painter:
    """Draws one subject."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._surface = Surface(person)
        lashes, eyes = person.lashes.fit(person.neutral), person.eyes.fit(person.neutral)
        # Lower lashes fold into dark blots when the lids tighten, and are too fine to be missed.
        self._upper_lashes = person.lash_density * (lashes[:, 1] > eyes[:, 1].mean())
        self._pupils = [int(np.where(side * eyes[:, 0] > 0, eyes[:, 2], -1e9).argmax()) for side in (-1, 1)]
        x, y, z = _MOUTH_CORNER
        apart = [person.base.vertices - place for place in (_NOSE_TIP, (-x, y, z), (x, y, z))]
        self._landmarks = [int((offset**2).sum(1).argmin()) for offset in apart]

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


def _fade_at_midline(brows: Floats) -> Floats:
    """Return the (P,) opacity that keeps lowered brows from growing together over the nose."""
    away = np.clip((np.abs(brows[:, 0]) - 0.05) / 0.09, 0, 1)
    return away * away * (3 - 2 * away)


def render_frames(job: Job) -> Rendered:
    """Render a clip, or the one frame of a neutral image."""
    person, painter = _sitting(job.assets, job.subject)
    rng = job.rng()
    if job.label is None:
        motion, performance = _rest(rng, job.frames), None
    else:
        motion = draw_trajectory(rng, job.label, person.style, job.frames)
        performance = Performance(motion.variant, motion.onset, motion.apex, motion.offset)
    scene = draw_scene(rng)
    frames = np.empty((job.frames, job.size, job.size, 3), np.uint8)
    points = np.empty((job.frames, 5, 2))
    for index in range(job.frames):
        weights = dict(zip(motion.units, motion.weights[index].tolist(), strict=True))
        shown = (scene, weights, float(motion.blink[index]), motion.pose[index], job.size)
        frames[index] = scene.sense(rng, painter.draw(*shown))
        points[index] = painter.points(*shown)
    return Rendered(
        frames=frames,
        performance=performance,
        weights=motion.curves(),
        pose=np.rad2deg(motion.pose),
        points=points,
        light=scene.light,
        key=scene.key,
        ambient=scene.ambient,
    )


def _rest(rng: np.random.Generator, frames: int) -> Trajectory:
    """Return the motion of a face at rest: only the head's pose."""
    still = np.zeros((frames, 0))
    return Trajectory("", (), still, np.zeros(frames), draw_pose(rng, frames), onset=0, apex=0, offset=None)


@lru_cache(maxsize=1)
def _sitting(assets: Path, subject: Subject) -> tuple[Person, Painter]:
    person = _studio(assets).person(subject)
    return person, Painter(person)


@lru_cache(maxsize=1)
def _studio(assets: Path) -> Studio:
    return Studio(locate(assets))
