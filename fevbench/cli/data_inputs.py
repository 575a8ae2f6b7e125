"""``fevbench data inputs``: what a run will ask a model for, for a program elsewhere."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from fevbench.cli.output import say


@click.command("inputs")
@click.argument("dataset")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder to write.")
@click.option("--split", type=click.Choice(["train", "val", "test"]), help="Which people.  [default: test]")
@click.option("--protocol", metavar="NAME", help="How clips are sampled.  [default: 64x16]")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Only N clips, those of run --limit N."
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of generation.  [default: the protocol's, 0]")
def command(
    dataset: str, out: Path, split: str | None, protocol: str | None, limit: int | None, seed: int | None
) -> None:
    """Write the input images, labels, ids and seeds that a run on DATASET will ask for.

    DIR gets images/ID.png and manifest.json, which says of each clip its id, image, label, seed and out,
    where it is to go: clips/ID, a folder of frames or a video with an ending. Paths are relative to DIR.
    Kill it anywhere: the same command continues. Nothing that it did not write is overwritten.

    \b
    Example:
      fevbench data inputs fevsynth --out inputs
      python my_model.py inputs/manifest.json       # elsewhere, perhaps on another machine
      fevbench run videos:inputs/clips fevsynth
    """
    from typing import cast

    from fevbench.cli.console import RunDisplay, error_console
    from fevbench.counts import clips
    from fevbench.data.clip import Split
    from fevbench.data.corpus import Corpus
    from fevbench.data.datasets import open_dataset
    from fevbench.data.protocol import DEFAULT_PROTOCOL, protocols
    from fevbench.engine.inputs import InputSettings, write_inputs

    how = protocols.get(protocol or DEFAULT_PROTOCOL)
    data = open_dataset(dataset)
    people = cast(Split, split or how.split)
    settings = InputSettings(
        dataset=data.name,
        dataset_version=data.version,
        protocol=how.id,
        split=people,
        limit=limit,
        seed=how.seed if seed is None else seed,
    )
    corpus = Corpus(data, how, people, limit)
    with RunDisplay(error_console()) as display:
        written = write_inputs(corpus, settings, out, display)
    shown = "" if written == len(corpus.clips) else f" ({written} written, the others were there)"
    say(f"{out}: {clips(len(corpus.clips))}, {how.frames} frames of {how.size} px each{shown}")
    given = {"--split": split, "--protocol": protocol, "--limit": limit, "--seed": seed}
    more = [f" {option} {value}" for option, value in given.items() if value is not None]
    line = f"fevbench run {shlex.quote(f'videos:{out}/clips')} {shlex.quote(dataset)}{''.join(more)}"
    say(f"put the clips into {out}/clips, then: {line}")
