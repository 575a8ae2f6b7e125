"""Many clips at once: one process a core, each clip finished on disk before the next."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence

from fevbench.fevsynth.render.job import Job, Rendered
from fevbench.fevsynth.render.writer import write
from fevbench.processes import work_all

Make = Callable[[Job], Rendered]


def render_all(
    todo: Sequence[Job], workers: int, make: Make, done: Callable[[Job], None] = lambda job: None
) -> float:
    """Render clips and images in parallel, and write their files and sidecars.

    Args:
        todo: What to render; neighbours of one person save making the person again.
        workers: How many processes.
        make: Renders one: a function that the workers can import, such as `clip.render_frames`.
        done: Hears of each that is finished.

    Returns:
        Seconds of work, summed over the workers.

    Raises:
        FevbenchError: A worker was killed or ran out of memory, or one of the errors of ``make`` or `write`.
        OSError: The disk is full or the folder cannot be written.
    """
    seconds = 0.0

    def finish(job: Job, took: float) -> None:
        nonlocal seconds
        seconds += took
        done(job)

    work_all(functools.partial(_render, make=make), todo, workers, finish)
    return seconds


def _render(job: Job, make: Make) -> float:
    start = time.perf_counter()
    write(job, make(job))
    return time.perf_counter() - start
