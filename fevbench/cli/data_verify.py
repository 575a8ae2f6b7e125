"""``fevbench data verify``: whether a prepared set is whole."""

from __future__ import annotations

import click

from fevbench.cli.output import say
from fevbench.errors import DatasetError

NAMED = 5
"""Damaged files that are named before they are counted."""


@click.command("verify")
@click.argument("dataset")
def command(dataset: str) -> None:
    """Decode every clip of DATASET and compare it with what the data set says of it.

    For a prepared set: the digest of the manifest, people in one split only, the sha256 of every file and of
    its pixels, and files that the manifest does not name.

    \b
    Example:
      fevbench data verify mug
    """
    from fevbench.cli.console import RunDisplay, error_console
    from fevbench.data.datasets import SPLITS, open_dataset
    from fevbench.data.prepared.adapter import damage_of, unnamed_files

    data = open_dataset(dataset)
    clips = [clip for split in SPLITS for clip in data.clips(split)]
    found = []
    with RunDisplay(error_console()) as display:
        display.start("verify", len(clips))
        for clip in clips:
            why = damage_of(data, clip)
            if why:
                display.note(why)
                found.append(why)
            display.advance(1)
    for path in unnamed_files(data):
        say(f"note: {path} is not of this set", err=True)
    if found:
        raise DatasetError(
            f"{len(found)} of {len(clips)} clips of {data.name} are damaged",
            "repeat the command that made them",
        )
    say(f"{data.name} {data.version}: {len(clips)} clips are whole")
