"""Calling a program: without a shell, its output in a log, and nothing of it left running afterwards."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fevbench.errors import ModelError, way_out
from fevbench.foreign import one_line

GRACE = 5.0
"""Seconds in which a program that is told to end may do so by itself; a container's client needs them."""
TAIL = 4096
"""Bytes at the end of a program's output in which its last line is looked for."""
LONGEST_LINE = 200
"""Characters of it that are shown."""


@dataclass(frozen=True)
class Ending:
    """How a call ended.

    Attributes:
        status: The exit status; negative for the signal that ended it, None if it took too long.
        last: The last line it wrote that is not blank.
    """

    status: int | None
    last: str

    def __str__(self) -> str:
        if self.status is None:
            how = "it took too long"
        elif self.status < 0:
            how = f"ended by signal {-self.status}"
        else:
            how = f"exit status {self.status}"
        return f"{how}: {self.last}" if self.last else how


def call(
    words: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path, about: str, timeout: float | None
) -> Ending:
    """Run a program to its end.

    Args:
        words: The program and its arguments.
        cwd: The folder it works in.
        env: Its whole environment.
        log: Gets the command and all that it writes, at the end.
        about: What the call is for, in the log.
        timeout: Seconds after which it is ended, with all processes it started.

    Raises:
        ModelError: It cannot be started.
    """
    with log.open("ab") as out:
        out.write(f"== {about}: {shlex.join(words)}\n".encode("utf-8", "backslashreplace"))
        out.flush()
        begin = out.tell()
        try:
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that all it starts can be ended with it
            )
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or str(error)
            fix = way_out(error, "see that it can be executed here")
            raise ModelError(f"{words[0]} cannot be started ({said})", fix) from error
        try:
            status: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end(process)
    return Ending(status, _last_line(log, begin))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program if it still runs, and whatever it left running."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(begin, size - TAIL))
        lines = file.read().decode("utf-8", "replace").replace("\r", "\n").split("\n")
    lines = [line for line in lines if line.strip()]
    return one_line(lines[-1], LONGEST_LINE) if lines else ""
