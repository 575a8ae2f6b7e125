"""Much work of one kind: one process a core, each piece finished before the next, and a clean way out."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.util
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

import cloudpickle

from fevbench.errors import FevbenchError

T = TypeVar("T")
R = TypeVar("R")

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def work_all(work: Callable[[T], R], todo: Sequence[T], workers: int, done: Callable[[T, R], None]) -> None:
    """Do all of it in parallel.

    Whatever ends this early, an error, Ctrl-C or a signal, ends the workers at once: what they were at is
    lost, what they finished is kept. Should this process be killed outright, they go by themselves.

    Raises:
        FevbenchError: A worker was killed or ran out of memory, or an error of ``work``.
        OSError: One of ``work``.
    """
    work_in_turns(work, [todo], workers, done)


def work_in_turns(
    work: Callable[[T], R],
    turns: Sequence[Sequence[T]],
    workers: int,
    done: Callable[[T, R], None],
    prepare: Callable[[], None] | None = None,
    deaths: int = 0,
) -> None:
    """Do all of each turn in parallel, a turn after the other, by the same workers.

    Args:
        work: Does one piece.
        turns: Pieces; those of a turn begin when the turn before is done.
        workers: How many processes.
        done: Called for each finished piece, with its outcome.
        prepare: What each worker does before its first piece.
        deaths: How many workers may die. What such a one was at is done again by another.

    Raises:
        FevbenchError: More workers were killed or ran out of memory, or an error of ``work``.
        OSError: One of ``work``.
    """
    left = [list(turn) for turn in turns if turn]
    while left:
        try:
            with _pool(min(workers, max(map(len, left))), prepare) as pool:
                while left:
                    with without_ctrl_c():  # the workers start here, and inherit this
                        futures = {_submit(pool, work, piece): piece for piece in left[0]}
                    for future in as_completed(futures):
                        piece = futures.pop(future)  # which would keep all results
                        result = future.result()
                        left[0].remove(piece)
                        done(piece, result)
                    left.pop(0)
        except (BrokenProcessPool, MemoryError) as error:
            deaths -= 1
            if deaths >= 0:
                continue
            fewer = "repeat the command with fewer --jobs, which continues"
            raise FevbenchError(
                "a worker process was killed, perhaps for lack of memory",
                fewer if workers > 1 else "close other programs, or use a machine with more memory",
            ) from error


def work_with_opened(
    opener: Callable[[Any], AbstractContextManager[Callable[[T], R]]],
    job: bytes,
    turns: Sequence[Sequence[T]],
    workers: int,
    done: Callable[[T, R], None],
    deaths: int = 0,
) -> None:
    """As `work_in_turns`, by workers that keep something open between pieces: networks, caches, files.

    Args:
        opener: Takes the job, and returns a context manager of the function that does one piece. A worker
            calls it once, before its first piece; its errors are those of that piece.
        job: The job, pickled by cloudpickle.
        turns: As there.
        workers: As there.
        done: As there.
        deaths: As there.
    """
    with tempfile.TemporaryDirectory(prefix="fevbench-job-") as scratch:
        # As a file: arguments of a new process go through a pipe. If the process dies before it has read more
        # than the pipe holds, Python waits for ever.
        file = Path(scratch) / "job"
        file.write_bytes(job)
        work_in_turns(_with_opened, turns, workers, done, partial(_remember, opener, file), deaths)


_asked: list[tuple[Callable[[Any], Any], Path]] = []
_opened: list[Callable[[Any], Any]] = []
"""State of a worker: its opener with the file of its job, and the function that does a piece."""


def _remember(opener: Callable[[Any], Any], job: Path) -> None:
    _asked.append((opener, job))


def _with_opened(piece: Any) -> Any:
    if not _opened:  # not earlier: an error raised here reaches the user
        stack = contextlib.ExitStack()
        opener, job = _asked[0]
        _opened.append(stack.enter_context(opener(cloudpickle.loads(job.read_bytes()))))
        multiprocessing.util.Finalize(None, stack.close, exitpriority=10)
    return _opened[0](piece)


def _submit(pool: ProcessPoolExecutor, work: Callable[[T], R], piece: T) -> Future[R]:
    try:
        return pool.submit(work, piece)
    except OSError as error:
        # A worker died while another was started: the pool has closed the pipe that the other should read. It
        # says so with an error of Python's own; what the system refuses has a number.
        if error.errno is None:
            raise BrokenProcessPool(str(error)) from error
        raise


@contextlib.contextmanager
def _pool(workers: int, prepare: Callable[[], None] | None) -> Iterator[ProcessPoolExecutor]:
    ours = set(multiprocessing.active_children())
    # One process a core already: threads inside numpy's products would only get in each other's way.
    for variable in _THREADS:
        os.environ.setdefault(variable, "1")
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(prepare,))
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
def without_ctrl_c() -> Iterator[None]:
    """Hold Ctrl-C back. It goes to every process of the terminal, and only this one has an answer to it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(prepare: Callable[[], None] | None) -> None:
    """In a worker: end when the parent does, which may be killed without a chance to say so."""
    threading.Thread(target=_exit_after_parent, daemon=True).start()
    if prepare is not None:
        prepare()


def _exit_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
