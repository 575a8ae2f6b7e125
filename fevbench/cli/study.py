"""``fevbench study``: which of two clips people prefer."""

from __future__ import annotations

import click

from fevbench.cli.lazy import LazyGroup
from fevbench.registry import Registry

COMMANDS: Registry[click.Command] = Registry(
    "command of fevbench study",
    {"make": "fevbench.cli.study_make:command", "read": "fevbench.cli.study_read:command"},
)


@click.group(cls=LazyGroup, entries=COMMANDS)
def group() -> None:
    """Ask people which model's clips are better, and which metric agrees with them."""
