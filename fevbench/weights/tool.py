"""Run a package manager to its end, out of sight, its download watched."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

_POLL_S = 0.1
_FOLLOWER = """
import os, signal, subprocess, sys, threading

def follow():
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)

threading.Thread(target=follow, daemon=True).start()
status = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL)
sys.exit(status if status >= 0 else 128 - status)
"""
"""Runs a command, and ends it with all it started once nobody holds the other end of its input any more."""
_FULL = re.compile(r"No space left on device|Disk quota exceeded|File too large|ENOSPC|EDQUOT")
"""What package managers say where a disk is full."""


def run(
    command: list[str],
    environment: Mapping[str, str],
    log: Path,
    report: Callable[[], None],
    folder: Path | None = None,
) -> int:
    """Run ``command`` to its end, its output in ``log``.

    It outlives neither an exception in here nor this process, however that is killed.

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
            [sys.executable, "-I", "-S", "-c", _FOLLOWER, *command],
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
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
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def check_room(room: Path, log: str, needed: int) -> None:
    """See that a package manager did not fail for want of room on the disk.

    Args:
        room: Where it wrote to.
        log: What it said. Where the disk was full, that may be nothing.
        needed: Bytes that it and we have to write.

    Raises:
        OSError: It did.
    """
    disk = os.statvfs(room)
    silent = not re.search(r"error|ERR!", log, re.IGNORECASE)
    if _FULL.search(log) or (silent and disk.f_bavail * disk.f_frsize < needed):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(room))


def largest(folder: Path) -> int:
    """Return the bytes of the largest file below ``folder``: the archive as it comes in."""
    sizes = [0]
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                sizes.append(Path(where, name).stat().st_size)
    return max(sizes)
