"""``fevbench data export``: single clips of a data set as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fevbench.cli.output import say
from fevbench.errors import DatasetError, way_out

if TYPE_CHECKING:
    from fevbench.data.clip import Split


@click.command("export")
@click.argument("dataset")
@click.argument("ids", metavar="[CLIP_ID]...", nargs=-1)
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to."
)
@click.option(
    "--split",
    default="test",
    show_default=True,
    type=click.Choice(["train", "val", "test"]),
    help="Whose clips, if none is named.",
)
@click.option("--neutral", is_flag=True, help="Neutral images, which FEVSynth has, instead of clips.")
def command(dataset: str, ids: tuple[str, ...], out: Path, split: Split, neutral: bool) -> None:
    """Write clips of DATASET as files, one each; all clips of a split if none is named.

    Clips and neutral images of FEVSynth come as they are stored, byte for byte; clips of other sets as
    lossless video.

    \b
    Example:
      fevbench data export fevsynth p014-fear-0 p014-happiness-1 --out clips
      fevbench data export fevsynth p014-0 --neutral --out faces
    """
    from fevbench import counts
    from fevbench.atomic import check_writable, replacing
    from fevbench.data.datasets import SPLITS, open_dataset
    from fevbench.data.video import LOSSLESS_SUFFIX, write_clip
    from fevbench.fevsynth.adapter import FEVSynth

    data = open_dataset(dataset)
    splits: tuple[Split, ...] = SPLITS if ids else (split,)
    clips = {clip.id: clip for home in splits for clip in data.clips(home)}
    there = list(clips)
    if neutral:
        if not isinstance(data, FEVSynth):
            raise DatasetError(f"{data.name} has no neutral images", "leave out --neutral")
        there = [name for home in splits for name in data.neutral_ids(home)]
    for name in ids:
        if name not in there:
            kind = "neutral image" if neutral else "clip"
            raise DatasetError(f"{data.name} has no {kind} {name!r}", f"give ids such as {there[0]}")
    if not there:
        raise DatasetError(f"{data.name} has no {split} clips", "choose another --split")
    check_writable(out / "clip")
    wanted = ids or there
    try:
        for name in wanted:
            if isinstance(data, FEVSynth):
                file, content = data.stored(name)
                with replacing(out / Path(file).name) as part:
                    part.write_bytes(content)
            else:
                write_clip(out / f"{name}{LOSSLESS_SUFFIX}", data.frames(clips[name]), data.fps)
    except OSError as error:
        raise DatasetError(
            f"{out} cannot be written ({error.strerror})", way_out(error, "choose another --out")
        ) from error
    images = "1 neutral image" if len(wanted) == 1 else f"{len(wanted)} neutral images"
    say(f"{out}: {images if neutral else counts.clips(len(wanted))} of {data.name}")
