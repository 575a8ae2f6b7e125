"""``fevbench data``: prepare, make and examine data sets."""

from __future__ import annotations

import click

from fevbench.cli.lazy import LazyGroup
from fevbench.registry import Registry

COMMANDS: Registry[click.Command] = Registry(
    "command of fevbench data",
    {
        "list": "fevbench.cli.data_list:command",
        "info": "fevbench.cli.data_info:command",
        "prepare": "fevbench.cli.data_prepare:command",
        "verify": "fevbench.cli.data_verify:command",
        "stats": "fevbench.cli.data_stats:command",
        "inputs": "fevbench.cli.data_inputs:command",
        "export": "fevbench.cli.data_export:command",
        "show": "fevbench.cli.data_show:command",
        "render": "fevbench.cli.data_render:command",
        "measure": "fevbench.cli.data_measure:command",
    },
)


@click.group(cls=LazyGroup, entries=COMMANDS)
def group() -> None:
    """Prepare a data set you downloaded, render one of your own, or look at one."""
