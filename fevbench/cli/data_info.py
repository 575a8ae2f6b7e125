"""``fevbench data info``: how to get a data set, and what becomes of it."""

from __future__ import annotations

import click

from fevbench.cli.output import say


@click.command("info")
@click.argument("name")
def command(name: str) -> None:
    """Tell how to get the data set NAME, its terms, its layout, its options and its splits.

    \b
    Example:
      fevbench data info mug
    """
    from fevbench.data.datasets import prepared_folders
    from fevbench.data.layouts import layouts

    where = prepared_folders()
    if name not in layouts and name in where:
        say(f"{name}: clips of your own, prepared in {where[name]} (fevbench data stats {name})")
        return
    layout = layouts.get(name)
    lines = [layout.title, f"  get it    {layout.access}", f"  terms     {layout.licence}"]
    if layout.citation:
        lines.append(f"  cite      {layout.citation}")
    lines.append(f"  takes run {layout.phase}, {layout.fps:g} frames a second unless a video says otherwise")
    if layout.labels:
        renamed = [key if key == value else f"{key} → {value}" for key, value in layout.labels.items()]
        lines.append(f"  labels    {', '.join(renamed)}")
    lines += ["", "Layout", *(f"  {line}" for line in layout.tree.splitlines()), "", "Options"]
    for key, option in layout.options.items():
        choices = f" ({', '.join(option.choices)})" if option.choices else ""
        lines.append(f"  --set {key}={option.default}{choices}: {option.meaning}")
    if not layout.options:
        lines.append("  none")
    lines += ["", "Splits"]
    for key, split in layout.splits.items():
        lines.append(f"  {key}: {len(split.train)} to train on, {len(split.test)} to test on; {split.source}")
    lines.append(f"  by default {layout.split}; also seeded:70-10-20:SEED, kfold:K:FOLD, or a CSV file")
    if name in where:
        lines += ["", f"Prepared in {where[name]} (fevbench data stats {name})"]
    say("\n".join(lines))
