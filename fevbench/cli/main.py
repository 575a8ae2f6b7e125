"""The ``fevbench`` command: a group that loads each subcommand when it is called."""

from __future__ import annotations

import errno
import os
import sys
import traceback

import click

import fevbench
from fevbench.errors import FevbenchError
from fevbench.registry import Registry

COMMANDS: Registry[click.Command] = Registry(
    "command",
    {
        "run": "fevbench.cli.run:command",
        "compare": "fevbench.cli.compare:command",
        "list": "fevbench.cli.list:command",
        "weights": "fevbench.cli.weights:group",
    },
)
INTERRUPTED = 130


class _LazyGroup(click.Group):
    """Imports a subcommand's module only when that subcommand is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return COMMANDS.get(cmd_name) if cmd_name in COMMANDS else None


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
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


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 an error, 2 wrong usage, 130 interrupted."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in words or bool(os.environ.get("FEVBENCH_DEBUG"))
    try:
        code = cli.main([word for word in words if word != "--debug"], "fevbench", standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; what was finished is kept, and the same command continues", err=True)
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except Exception as error:
        if debug:
            traceback.print_exc()
        click.echo(f"error: {_one_line(error)}", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _one_line(error: Exception) -> str:
    if isinstance(error, FevbenchError):
        text = str(error)
    elif isinstance(error, OSError) and error.errno == errno.ENOSPC:
        where = f" while writing {error.filename}" if error.filename else ""
        text = f"the disk is full{where}: free some space, then repeat the command; it continues"
    elif isinstance(error, OSError) and error.filename:
        text = f"{error.filename}: {error.strerror}"
    else:
        text = f"{type(error).__name__}: {error}: repeat with --debug and report the traceback"
    return " ".join(text.split())
