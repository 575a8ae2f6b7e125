"""``fevbench data``: make and examine data sets."""

from __future__ import annotations

import click

from fevbench.cli.lazy import LazyGroup
from fevbench.registry import Registry

COMMANDS: Registry[click.Command] = Registry(
    "command of fevbench data",
    {
        "render": "fevbench.cli.data_render:command",
        "measure": "fevbench.cli.data_measure:command",
    },
)


@click.group(cls=LazyGroup, entries=COMMANDS)
def group() -> None:
    """Render a data set of your own, or measure one."""
