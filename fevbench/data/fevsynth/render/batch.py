"""Many clips at once: one process a core, each clip finished on disk before the next, and a clean way out."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess

from fevbench.data.fevsynth.render.job import Job, Rendered
from fevbench.data.fevsynth.render.writer import write
from fevbench.errors import FevbenchError

Make = Callable[[Job], Rendered]

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def render_all(
    todo: Sequence[Job], workers: int, make: Make, done: Callable[[Job], None] = lambda job: None
) -> float:
    """Render clips and images in parallel, and write their files and sidecars.

    Whatever ends this early, an error, Ctrl-C or a signal, ends the workers at once: what they were at is
    lost, what they finished is kept. Should this process be killed outright, they go by themselves.

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
    try:
        with _pool(min(workers, len(todo)) or 1) as pool:
            with _without_ctrl_c():  # the workers start here, and inherit this
                futures = {pool.submit(_render, job, make): job for job in todo}
            for future in as_completed(futures):
                seconds += future.result()
                done(futures[future])
    except (BrokenProcessPool, MemoryError) as error:
        raise FevbenchError(
            "a rendering process was killed, perhaps for want of memory",
            "repeat the command with fewer --jobs, which continues",
        ) from error
    return seconds


def _render(job: Job, make: Make) -> float:
    start = time.perf_counter()
    write(job, make(job))
    return time.perf_counter() - start


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    ours = set(multiprocessing.active_children())
    # One process a core already: threads inside numpy's products would only get in each other's way.
    for variable in _THREADS:
        os.environ.setdefault(variable, "1")
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_follow_parent)
    try:
        yield pool
    except BaseException:
        started: set[BaseProcess] = set(multiprocessing.active_children()) - ours
        for worker in started:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Hold Ctrl-C back. It goes to every process of the terminal, and only this one has an answer to it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _follow_parent() -> None:
    """In a worker: end when the parent does, which may be killed without a chance to say so."""
    threading.Thread(target=_exit_after_parent, daemon=True).start()


def _exit_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
