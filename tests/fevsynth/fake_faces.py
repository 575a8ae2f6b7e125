"""Rendering without a renderer: noise and made-up truth in no time, for all that happens around it.

``python fake_faces.py SECONDS data render fevsynth …`` is ``fevbench`` with it, a clip taking that long.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

from fevbench.fevsynth import Performance
from fevbench.fevsynth.render.plan import UNITS, Job, Rendered

SECONDS = "FAKE_FACES_SECONDS"
"""The environment variable that says how long a clip takes."""


def make(job: Job) -> Rendered:
    """Noise that grows brighter; everything follows from the job's own random numbers."""
    time.sleep(float(os.environ.get(SECONDS, "0")))
    rng = job.rng()
    picture = rng.normal(128, 4, (job.size, job.size, 3))
    frames = np.stack([np.clip(picture + 0.5 * number, 0, 255) for number in range(job.frames)])
    performance = Performance(f"{job.label}-a", 1, job.frames // 2, job.frames - 2)
    return Rendered(
        frames=frames.astype(np.uint8),
        performance=None if job.label is None else performance,
        weights=rng.random((job.frames, len(UNITS))),
        pose=rng.normal(0, 3, (job.frames, 3)),
        points=rng.uniform(0, job.size, (job.frames, 5, 2)),
        light=np.array([0.6, 0.0, 0.8]),
        key=rng.random(3),
        ambient=rng.random(3),
    )


def sleep_over_clips(job: Job) -> Rendered:
    """A neutral image at once, a clip after a minute."""
    if job.label is not None:
        time.sleep(60)
    return make(job)


def run_out_of_memory(job: Job) -> Rendered:
    """As numpy does when an array does not fit."""
    raise MemoryError


def be_killed(job: Job) -> Rendered:
    """As the system does to a process that takes too much memory."""
    os._exit(9)


def install() -> None:
    """Make the command use it, and look for no assets."""
    from fevbench.cli import data_fevsynth
    from fevbench.fevsynth.render import assets

    data_fevsynth._renderer = lambda: make
    assets.locate = lambda folder=None: assets.Assets(Path(), Path())


if __name__ == "__main__":
    import fake_faces

    from fevbench.cli.main import main

    os.environ[SECONDS] = sys.argv.pop(1)
    fake_faces.install()
    main()
