"""Run a package manager to its end, out of sight, its download watched."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

_POLL_S = 0.1
_STOP_S = 5.0


def run(
    command: list[str],
    environment: Mapping[str, str],
    log: Path,
    report: Callable[[], None],
    folder: Path | None = None,
) -> int:
    """Run ``command`` to its end, its output in ``log``; it does not outlive an exception in here.

    Args:
        command: The program and its arguments.
        environment: All of its environment.
        log: The file that takes both of its outputs.
        report: Called every tenth of a second.
        folder: Where it runs; None for the working folder.

    Returns:
        The exit status.
    """
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            while True:
                report()
                try:
                    return process.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()


def largest(folder: Path) -> int:
    """Return the bytes of the largest file below ``folder``: the archive as it comes in."""
    sizes = [0]
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                sizes.append(Path(where, name).stat().st_size)
    return max(sizes)
