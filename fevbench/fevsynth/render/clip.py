"""One clip from its seed: the same subject, label and take always give the same pixels."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from fevbench.fevsynth import Performance
from fevbench.fevsynth.render.assets import locate
from fevbench.fevsynth.render.frame import Painter
from fevbench.fevsynth.render.identity import Person, Studio
from fevbench.fevsynth.render.job import Job, Rendered
from fevbench.fevsynth.render.population import Subject
from fevbench.fevsynth.render.scene import draw_scene
from fevbench.fevsynth.render.trajectory import Trajectory, draw_pose, draw_trajectory


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
