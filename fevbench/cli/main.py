"""The ``fevbench`` command: a group that loads each subcommand when it is called."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import click

import fevbench
from fevbench.cli.lazy import LazyGroup
from fevbench.errors import FevbenchError
from fevbench.registry import Registry

COMMANDS: Registry[click.Command] = Registry(
    "command",
    {
        "run": "fevbench.cli.run:command",
        "compare": "fevbench.cli.compare:command",
        "diff": "fevbench.cli.diff:command",
        "confusion": "fevbench.cli.confusion:command",
        "show": "fevbench.cli.show:command",
        "generate": "fevbench.cli.generate:command",
        "train": "fevbench.cli.train:command",
        "export": "fevbench.cli.export:command",
        "cost": "fevbench.cli.cost:command",
        "audit": "fevbench.cli.audit:command",
        "study": "fevbench.cli.study:group",
        "list": "fevbench.cli.list:command",
        "data": "fevbench.cli.data:group",
        "leaderboard": "fevbench.cli.leaderboard:group",
        "weights": "fevbench.cli.weights:group",
    },
)
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
CONTINUES = (["run"], ["train"], ["audit"], ["data", "render"], ["data", "prepare"], ["data", "measure"])
"""Commands that go on where they were stopped; training a judge, minutes of work, does not."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Commands(LazyGroup):
    """All commands."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except EOFError as error:
            # click would take it for Ctrl-D at a prompt, and there is none.
            raise FevbenchError(f"a file ends too early ({error})", "see where with --debug") from error


@click.group(cls=_Commands, entries=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(fevbench.__version__, prog_name="fevbench")
@click.option("--debug", is_flag=True, help="Show the traceback of an error. Works after a command as well.")
def cli(debug: bool) -> None:
    """Score videos of facial expressions made from one neutral face and a label.

    \b
    Example: score a control on the embedded data set, then a model of your own
      fevbench run copy fevsynth
      fevbench run my-model fevsynth --plugin my_model.py
      fevbench compare runs/*
    """


class _Terminated(BaseException):
    """SIGTERM, as an exception: temporary files are removed on the way out."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 an error, 2 wrong usage, 130 or 143 stopped by a signal."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in words or bool(os.environ.get("FEVBENCH_DEBUG"))
    try:
        with _sigterm_raises():
            code = cli.main([word for word in words if word != "--debug"], "fevbench", standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = _stopped(INTERRUPTED, words)
    except _Terminated:
        code = _stopped(TERMINATED, words)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except Exception as error:
        if debug:
            traceback.print_exc()
        click.echo(f"error: {_one_line(error)}", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


@contextlib.contextmanager
def _sigterm_raises() -> Iterator[None]:
    def terminate(number: int, frame: FrameType | None) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stopped(code: int, words: Sequence[str]) -> int:
    plain = [word for word in words if not word.startswith("-")]
    goes_on = any(plain[: len(command)] == command for command in CONTINUES) and plain[:2] != [
        "train",
        "judge",
    ]
    says = "what was finished is kept, and the same command continues"
    click.echo(f"stopped; {says if goes_on else 'the same command starts anew'}", err=True)
    return code


def _one_line(error: Exception) -> str:
    if isinstance(error, FevbenchError):
        text = str(error)
    elif isinstance(error, OSError) and error.errno in NO_ROOM:
        where = f" while writing {error.filename}" if error.filename else ""
        text = f"the disk is full{where}: free some space, then repeat the command, which continues"
    elif isinstance(error, OSError) and error.filename:
        text = f"{error.filename}: {error.strerror}"
    elif isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        text = "out of memory: repeat with a smaller --batch-size; the run continues"
    else:
        text = f"{type(error).__name__}: {error}: repeat with --debug and report the traceback"
    return " ".join(text.split())
