"""Measuring and telling: the best of a few rounds, beside what it should be."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 5


def of_this_thread(work: Callable[[], object]) -> float:
    """Seconds of processor that ``work`` takes in this thread."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def of_children(work: Callable[[], object]) -> float:
    """Seconds of processor that the processes take which ``work`` starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def tell(what: str, limit: float, measure: Callable[[], float]) -> bool:
    """Print the best of `ROUNDS` and whether it is within ``limit`` seconds, and return that."""
    best = min(measure() for _ in range(ROUNDS))
    print(f"{what}: {best:.2f} s of CPU time, limit {limit:g} s{'' if best < limit else ': TOO SLOW'}")
    return best < limit


def other_checkout(text: str) -> Path:
    """The folder of another checkout, from the command line. Without one in it, Python would import this one.

    Raises:
        ArgumentTypeError: It is none.
    """
    folder = Path(text).resolve()
    if not (folder / "fevbench" / "__init__.py").is_file():
        raise argparse.ArgumentTypeError(f"{text} holds no fevbench: name the folder of a checkout")
    return folder


def new_file(text: str) -> Path:
    """A file to write, from the command line: a wrong folder is found before anything is measured.

    Raises:
        ArgumentTypeError: Its folder does not exist.
    """
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text} cannot be written: name a file in an existing folder")
    return path


def weights_folder() -> Path:
    """The folder of the pretrained files."""
    return Path(os.environ.get("FEVBENCH_HOME", Path.home() / ".cache" / "fevbench")) / "weights"


def forget(network: object) -> None:
    """Let a network forget what it keeps between batches, so that it computes all of the next one.

    LPIPS keeps the maps of pictures, and the face detector, which several networks share, the faces.
    """
    for holder in (network, getattr(network, "_detector", None)):
        for kept in ("_kept", "_known"):
            getattr(holder, kept, {}).clear()


def finish(results: list[bool]) -> None:
    """Exit with 1 unless all are true."""
    sys.exit(0 if all(results) else 1)
