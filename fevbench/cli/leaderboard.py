"""``fevbench leaderboard``: results that count, and the page made from them."""

from __future__ import annotations

import click

from fevbench.cli.lazy import LazyGroup
from fevbench.registry import Registry

COMMANDS: Registry[click.Command] = Registry(
    "command of fevbench leaderboard",
    {
        "add": "fevbench.cli.leaderboard_add:command",
        "check": "fevbench.cli.leaderboard_check:command",
        "submit": "fevbench.cli.leaderboard_submit:command",
        "build": "fevbench.cli.leaderboard_build:command",
        "serve": "fevbench.cli.leaderboard_serve:command",
    },
)


@click.group(cls=LazyGroup, entries=COMMANDS)
def group() -> None:
    """Add results to a leaderboard, check them, send some in; build its site."""
