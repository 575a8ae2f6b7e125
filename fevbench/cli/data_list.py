"""``fevbench data list``: what can be prepared, and what is."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("list")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(form: str) -> None:
    """List the data sets that fevbench can prepare, and where prepared ones are."""
    from fevbench.cli.console import print_list
    from fevbench.data.datasets import prepared_folders
    from fevbench.data.layouts import layouts

    where = prepared_folders()
    columns = ("data set", "what it is", "takes run", "prepared in", "terms")
    rows = []
    for name in layouts:
        layout = layouts.get(name)
        place = _place(where[name]) if name in where else ""
        shown = "folder:MY-NAME" if name == "folder" else name
        rows.append((shown, layout.title, str(layout.phase), place, layout.licence))
    rows += [
        (name, "clips of your own", "", _place(path), "")
        for name, path in where.items()
        if name not in layouts
    ]
    print_list(columns, rows, form)


def _place(folder: Path) -> str:
    return str(folder) if folder.is_dir() else f"{folder} (not there any more)"
