"""``fevbench data stats``: how many clips of what by whom."""

from __future__ import annotations

from collections import Counter

import click

from fevbench.cli.output import say, say_json


@click.command("stats")
@click.argument("dataset")
@click.option("--people", is_flag=True, help="A row a person.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(dataset: str, people: bool, form: str) -> None:
    """Count the clips of DATASET by split or person, and expression.

    For a prepared set it also tells what was skipped and why.

    \b
    Example:
      fevbench data stats mug --people
    """
    from fevbench.data.datasets import SPLITS, open_dataset
    from fevbench.data.prepared.adapter import Prepared

    data = open_dataset(dataset)
    rows: dict[str, Counter[str]] = {}
    for split in SPLITS:
        for clip in data.clips(split):
            rows.setdefault(f"{clip.subject} ({split})" if people else split, Counter())[clip.label] += 1
    skipped = (
        Counter(entry.why for entry in data.manifest.skipped) if isinstance(data, Prepared) else Counter()
    )
    if form == "json":
        content = {"name": data.name, "version": data.version, "clips": rows, "skipped": skipped}
        say_json(content)
        return
    from rich.table import Table

    from fevbench.cli.console import print_text
    from fevbench.counts import people as counted
    from fevbench.report.terminal import name_cell

    title = name_cell(f"{data.name} {data.version}: {counted(len(data.subjects()))}")
    table = Table(title=title, title_justify="left")
    for column in ("person" if people else "split", *data.labels, "all"):
        table.add_column(name_cell(column), justify="left" if column in ("person", "split") else "right")
    for name, counts in rows.items():
        table.add_row(name_cell(name), *(str(counts[label]) for label in data.labels), str(counts.total()))
    whole = sum(rows.values(), Counter())
    table.add_row("all", *(str(whole[label]) for label in data.labels), str(whole.total()))
    print_text(table)
    for why, count in skipped.most_common():
        say(f"skipped: {count} {why}")
