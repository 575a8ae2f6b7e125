"""Command groups that import a subcommand's module only when that subcommand is asked for."""

from __future__ import annotations

from typing import Any

import click

from fevbench.registry import Registry


class LazyGroup(click.Group):
    """A group whose subcommands are the entries of a registry.

    Args:
        entries: The subcommands, as ``"module:attribute"``.
    """

    def __init__(self, *args: Any, entries: Registry[click.Command], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the registry's order."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand, imported now; None if there is none of this name."""
        return self._entries.get(cmd_name) if cmd_name in self._entries else None
