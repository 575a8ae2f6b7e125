"""The ``fevbench`` command: its subcommands, and what is said when one of them fails."""

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

from fevbench.cli.options import GroupInOrder
from fevbench.cli.output import make_streams_encodable, say, show_usage
from fevbench.errors import (
    NO_ROOM,
    FevbenchError,
    Terminated,
    is_out_of_gpu_memory,
    is_out_of_memory,
    suggested_fix,
)
from fevbench.registry import Registry
from fevbench.sanitise import one_line
from fevbench.version import VERSION

COMMANDS: Registry[click.Command] = Registry(
    "command",
    {
        "run": "fevbench.cli.run:run_command",
        "score": "fevbench.cli.score:score_command",
        "sweep": "fevbench.cli.sweep:sweep_command",
        "list": "fevbench.cli.run:list_command",
        "compare": "fevbench.cli.compare:compare_command",
        "diff": "fevbench.cli.compare:diff_command",
        "confusion": "fevbench.cli.compare:confusion_command",
        "show": "fevbench.cli.compare:show_command",
        "generate": "fevbench.cli.generate:generate_command",
        "app": "fevbench.cli.app:app_command",
        "train": "fevbench.cli.train:train_command",
        "export": "fevbench.cli.train:export_command",
        "cost": "fevbench.cli.audit:cost_command",
        "data": "fevbench.cli.data:group",
        "audit": "fevbench.cli.audit:audit_command",
        "study": "fevbench.cli.study:group",
        "leaderboard": "fevbench.cli.leaderboard:group",
        "weights": "fevbench.cli.weights:group",
        "cache": "fevbench.cli.cache:group",
    },
)
"""Imported only when they are asked for."""
HEADINGS = {
    "Score a model": ("run", "score", "sweep", "list"),
    "Compare results": ("compare", "diff", "confusion", "show"),
    "Generate and train": ("generate", "app", "train", "export", "cost"),
    "Prepare data, test metrics": ("data", "audit", "study"),
    "Share results": ("leaderboard",),
    "Files kept on this machine": ("weights", "cache"),
}
CONTINUED = {"run", "sweep", "train", "audit", "data render", "data prepare", "data measure", "data inputs"}
"""Commands that go on where they were stopped."""
_RUN, _SCORE = "fevbench run MODEL DATASET scores a model", "fevbench score MADE TRUE two folders of clips"
HABITS = {
    "eval": f"{_RUN}, {_SCORE}",
    "evaluate": f"{_RUN}, {_SCORE}",
    "test": f"{_RUN}, {_SCORE}",
    "--model": "the model is named without an option, first: fevbench run MODEL DATASET",
    "--metric": "it is --metrics, names with commas between",
    "--data": "the data set is named without an option, second: fevbench run MODEL DATASET",
}
"""Words of other programs to what they are here."""
TRAIN_CLASSIFIER = {"train expression-classifier", "train judge"}
"""What is said of ``train`` is not true of it: it takes minutes and starts anew."""
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM


class _Commands(GroupInOrder):
    """All commands, each imported when it is asked for."""

    headings = HEADINGS

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the registry's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None if there is none of this name."""
        return COMMANDS.get(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is asked for; of a habit, what it is here."""
        if args and args[0] in HABITS:
            ctx.fail(f"No such command {args[0]!r}: {HABITS[args[0]]}.")
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse what is empty: it is a variable that was not set, and never means the default."""
        for i, word in enumerate(args):
            option, equals, value = word.partition("=")
            if not word.strip():
                before = args[i - 1] if i and args[i - 1].startswith("--") else ""
                ctx.fail(f"{before or 'an argument'} is empty: leave it out, or give it a value")
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


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="fevbench")
@click.option("--debug", is_flag=True, help="Show the traceback of an error. Works after a command as well.")
def cli(debug: bool) -> None:
    """Score models that generate a facial-expression video from one neutral face and a label.

    \b
    Example: score a control on the included data set, then a model of your own
      fevbench run copy fevsynth
      fevbench run my-model fevsynth --plugin my_model.py
      fevbench compare runs/*
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 an error, 2 wrong usage, 130 or 143 stopped by a signal."""
    make_streams_encodable()
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
        if isinstance(error, click.NoSuchOption) and error.option_name in HABITS:
            hint = f"No such option {error.option_name}: {HABITS[error.option_name]}."
            error = click.UsageError(hint, error.ctx)
        show_usage(error)
        code = error.exit_code
    except Exception as error:
        if debug:
            say(traceback.format_exc(), err=True)
        say(f"error: {one_line(_error_text(error, words))}", err=True)
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
    continues = _command_name(words) in CONTINUED
    kept = "what was finished is kept, and the same command continues"
    say(f"stopped; {kept if continues else 'the same command starts again'}", err=True)
    return code


def _error_text(error: Exception, words: Sequence[str]) -> str:
    """What went wrong, and what to do about it."""
    if isinstance(error, FevbenchError):
        return str(error)
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        where = f" while writing {error.filename}" if error.filename else ""
        return f"the disk is full{where}: free some space, then repeat the command{_which_continues(words)}"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}: {suggested_fix(error, 'see where with --debug')}"
    if is_out_of_memory(error):
        return f"out of memory: {_memory_advice(words, is_out_of_gpu_memory(error))}"
    return f"{type(error).__name__}: {error}: repeat with --debug and report the traceback"


def _command_name(words: Sequence[str]) -> str:
    """The command that was called, after its group's name where that tells more."""
    plain = [word for word in words if not word.startswith("-")]
    both = " ".join(plain[:2])
    return both if both in CONTINUED | TRAIN_CLASSIFIER else "".join(plain[:1])


def _options(words: Sequence[str]) -> set[str]:
    """The options that the command which was called has."""
    command: click.Command | None = cli
    for word in words:
        if isinstance(command, click.Group) and not word.startswith("-"):
            command = command.get_command(click.Context(command), word)
    return {name for parameter in command.params for name in parameter.opts} if command else set()


def _which_continues(words: Sequence[str]) -> str:
    """What becomes of the command if it is repeated, for the end of an advice; empty if it starts anew."""
    return ", which continues" if _command_name(words) in CONTINUED else ""


def _memory_advice(words: Sequence[str], on_gpu: bool) -> str:
    """What to do where memory, or that of a GPU, was not enough: only what the command can do."""
    options = _options(words)
    ways = []
    if "--batch-size" in options and _value(words, "--batch-size") != "1":
        ways.append("a smaller --batch-size")
    if "--jobs" in options and _value(words, "--jobs") != "1":
        ways.append("fewer --jobs")
    if _command_name(words) == "train":
        ways.append("a smaller --set batch_size=N and another --out")
    if on_gpu and "--device" in options:
        ways.append("--device cpu")
    continues = _which_continues(words)
    if ways:
        return f"repeat with {' or '.join(ways)}{continues}"
    return f"end other programs or use a machine with more, then repeat the command{continues}"


def _value(words: Sequence[str], option: str) -> str | None:
    """What an option was given, the last time it was."""
    found = None
    for i, word in enumerate(words):
        if word.startswith(f"{option}="):
            found = word.partition("=")[2]
        elif word == option and i + 1 < len(words):
            found = words[i + 1]
    return found
