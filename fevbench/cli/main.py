"""The ``fevbench`` command: a group that loads each subcommand when it is called."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import click

from fevbench.cli.advice import afterwards, for_want_of_memory, goes_on
from fevbench.cli.lazy import LazyGroup
from fevbench.cli.output import say, settle_streams, show_usage
from fevbench.errors import NO_ROOM, FevbenchError, Terminated, way_out
from fevbench.foreign import one_line
from fevbench.registry import Registry
from fevbench.version import VERSION

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


class _Commands(LazyGroup):
    """All commands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse what is empty: it is a variable that was not set, and never means the default."""
        for i, word in enumerate(args):
            option, equals, value = word.partition("=")
            if not word.strip():
                before = args[i - 1] if i and args[i - 1].startswith("--") else ""
                ctx.fail(f"{before or 'a word of the command'} is empty: leave it out, or give it a value")
            if option.startswith("--") and equals and not value.strip():
                ctx.fail(f"{option} is empty: leave it out, or give it a value")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except EOFError as error:
            # click would take it for Ctrl-D at a prompt, and there is none.
            raise FevbenchError(f"a file ends too early ({error})", "see where with --debug") from error


@click.group(cls=_Commands, entries=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="fevbench")
@click.option("--debug", is_flag=True, help="Show the traceback of an error. Works after a command as well.")
def cli(debug: bool) -> None:
    """Score videos of facial expressions made from one neutral face and a label.

    \b
    Example: score a control on the embedded data set, then a model of your own
      fevbench run copy fevsynth
      fevbench run my-model fevsynth --plugin my_model.py
      fevbench compare runs/*
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 an error, 2 wrong usage, 130 or 143 stopped by a signal."""
    settle_streams()
    words = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in words or bool(os.environ.get("FEVBENCH_DEBUG"))
    try:
        with _sigterm_raises():
            code = cli.main([word for word in words if word != "--debug"], "fevbench", standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = _stopped(INTERRUPTED, words)
    except Terminated:
        code = _stopped(TERMINATED, words)
    except click.ClickException as error:
        show_usage(error)
        code = error.exit_code
    except Exception as error:
        if debug:
            say(traceback.format_exc(), err=True)
        say(f"error: {one_line(_text(error, words))}", err=True)
        code = 1
    if arguments is None:
        _print_no_more()
    sys.exit(code if isinstance(code, int) else 0)


def _print_no_more() -> None:
    """See that nothing is added to the results, by what a model registered for the end of the process."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        os.dup2(2, 1)


@contextlib.contextmanager
def _sigterm_raises() -> Iterator[None]:
    def terminate(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stopped(code: int, words: Sequence[str]) -> int:
    says = "what was finished is kept, and the same command continues"
    say(f"stopped; {says if goes_on(words) else 'the same command starts anew'}", err=True)
    return code


def _text(error: Exception, words: Sequence[str]) -> str:
    """What went wrong, and what to do about it."""
    if isinstance(error, FevbenchError):
        return str(error)
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        where = f" while writing {error.filename}" if error.filename else ""
        return f"the disk is full{where}: free some space, then repeat the command{afterwards(words)}"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}: {way_out(error, 'see where with --debug')}"
    on_gpu = type(error).__name__ == "OutOfMemoryError"
    if isinstance(error, MemoryError) or on_gpu:
        return f"out of memory: {for_want_of_memory(words, on_gpu)}"
    return f"{type(error).__name__}: {error}: repeat with --debug and report the traceback"
