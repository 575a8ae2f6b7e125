"""``fevbench data``: prepare, make and examine data sets."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path

import click

from fevbench.atomic import check_writable, replacing
from fevbench.cli import options
from fevbench.cli.data_fevsynth import measure_command, render_command
from fevbench.cli.data_prepare import prepare_command
from fevbench.cli.output import say, say_json
from fevbench.data.clip import Clip, Dataset, Split
from fevbench.data.datasets import SPLITS, open_dataset, prepared_folders
from fevbench.data.protocol import find_protocol
from fevbench.errors import DatasetError, UnknownName, suggested_fix

CLIPS_ACROSS = 6
"""Clips beside each other in a video."""


@click.group(cls=options.GroupInOrder)
def group() -> None:
    """Prepare a downloaded data set, render one, or look at one."""


@group.command("list")
@options.output_format("table", "json")
def list_command(output_format: str) -> None:
    """List the data sets that fevbench can prepare, and where prepared ones are."""
    from fevbench.cli.console import print_list
    from fevbench.data.layouts import layouts

    folders = prepared_folders()
    columns = ("data set", "what it is", "a take shows", "prepared in", "terms")
    rows = []
    for name in layouts:
        layout = layouts.get(name)
        place = _place(folders[name]) if name in folders else ""
        shown = "folder:MY-NAME" if name == "folder" else name
        rows.append((shown, layout.title, str(layout.phase), place, layout.licence))
    rows += [
        (name, "clips of your own", "", _place(path), "")
        for name, path in folders.items()
        if name not in layouts
    ]
    print_list(columns, rows, output_format)


def _place(folder: Path) -> str:
    return str(folder) if folder.is_dir() else f"{folder} (missing)"


@group.command("info")
@click.argument("name")
def info_command(name: str) -> None:
    """Show how to get the data set NAME, its terms, layout, options and splits.

    \b
    Example:
      fevbench data info mug
    """
    from fevbench.data.layouts import layouts

    folders = prepared_folders()
    if name not in layouts and name in folders:
        say(f"{name}: clips of your own, prepared in {folders[name]} (fevbench data stats {name})")
        return
    layout = layouts.get(name)
    lines = [layout.title, f"  get it    {layout.access}", f"  terms     {layout.licence}"]
    if layout.citation:
        lines.append(f"  cite      {layout.citation}")
    lines.append(
        f"  takes     {layout.phase}, {layout.fps:g} frames per second unless a video says otherwise"
    )
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
        lines.append(f"  {key}: {len(split.train)} train, {len(split.test)} test subjects; {split.source}")
    lines.append(f"  by default {layout.split}; also seeded:70-10-20:SEED, kfold:K:FOLD, or a CSV file")
    if name in folders:
        lines += ["", f"Prepared in {folders[name]} (fevbench data stats {name})"]
    say("\n".join(lines))


group.add_command(prepare_command)


@group.command("verify")
@click.argument("dataset")
def verify_command(dataset: str) -> None:
    """Decode every clip of DATASET and compare it with the data set's digests.

    For a prepared set this checks the digest of the manifest, that no subject is in two splits, the sha256 of
    every file and of its pixels, and that there is no file that the manifest does not list.

    \b
    Example:
      fevbench data verify mug
    """
    from fevbench.cli.console import ProgressDisplay
    from fevbench.data.prepared.adapter import damage_of, unnamed_files

    data = open_dataset(dataset)
    clips = [clip for split in SPLITS for clip in data.clips(split)]
    complaints = []
    with ProgressDisplay() as display:
        display.start("verify", len(clips))
        for clip in clips:
            why = damage_of(data, clip)
            if why:
                display.note(why)
                complaints.append(why)
            display.advance(1)
    for path in unnamed_files(data):
        say(f"note: {path} is not of this set", err=True)
    if complaints:
        raise DatasetError(
            f"{len(complaints)} of {len(clips)} clips of {data.name} are damaged",
            "repeat the command that made them",
        )
    say(f"{data.name} {data.version}: {len(clips)} clips are undamaged")


@group.command("stats")
@click.argument("dataset")
@click.option("--subjects", "--people", "by_subject", is_flag=True, help="One row per subject.")
@options.output_format("table", "json")
def stats_command(dataset: str, by_subject: bool, output_format: str) -> None:
    """Count the clips of DATASET by split or subject, and expression.

    For a prepared set this also shows how much was skipped and why.

    \b
    Example:
      fevbench data stats mug --subjects
    """
    from fevbench.data.prepared.adapter import Prepared

    data = open_dataset(dataset)
    rows: dict[str, Counter[str]] = {}
    for split in SPLITS:
        for clip in data.clips(split):
            rows.setdefault(f"{clip.subject} ({split})" if by_subject else split, Counter())[clip.label] += 1
    skipped = (
        Counter(entry.why for entry in data.manifest.skipped) if isinstance(data, Prepared) else Counter()
    )
    if output_format == "json":
        content = {"name": data.name, "version": data.version, "clips": rows, "skipped": skipped}
        say_json(content)
        return
    from rich.table import Table

    from fevbench.cli.console import print_text
    from fevbench.report.terminal import name_cell
    from fevbench.wording import n_subjects

    title = name_cell(f"{data.name} {data.version}: {n_subjects(len(data.subjects()))}")
    table = Table(title=title, title_justify="left")
    for column in ("subject" if by_subject else "split", *data.labels, "all"):
        table.add_column(name_cell(column), justify="left" if column in ("subject", "split") else "right")
    for name, counts in rows.items():
        table.add_row(name_cell(name), *(str(counts[label]) for label in data.labels), str(counts.total()))
    whole = sum(rows.values(), Counter())
    table.add_row("all", *(str(whole[label]) for label in data.labels), str(whole.total()))
    print_text(table)
    for why, count in skipped.most_common():
        say(f"skipped: {count} {why}")


@group.command("inputs")
@click.argument("dataset")
@options.out(required=True, metavar="DIR", help="Folder to write.")
@options.split()
@options.protocol()
@options.limit("Only N clips, those of run --limit N.", metavar="N")
@options.seed()
def inputs_command(
    dataset: str,
    out: Path,
    split: Split | None,
    protocol_name: str | None,
    limit: int | None,
    seed: int | None,
) -> None:
    """Write the input images, labels, ids and seeds of a run on DATASET, to generate clips elsewhere.

    DIR gets images/ID.png and manifest.json, which holds for each clip its id, image, label, seed and out:
    the path for the generated clip, clips/ID for a folder of frames, or with a suffix for a video. Paths are
    relative to DIR. If it is stopped, the same command continues. It overwrites only its own files.

    \b
    Example:
      fevbench data inputs fevsynth --out inputs
      python my_model.py inputs/manifest.json       # elsewhere, perhaps on another machine
      fevbench run videos:inputs/clips fevsynth
    """
    from fevbench.cli.console import ProgressDisplay
    from fevbench.data.corpus import Corpus
    from fevbench.engine.inputs import InputSettings, write_inputs
    from fevbench.wording import n_clips

    protocol = find_protocol(protocol_name)
    data = open_dataset(dataset)
    chosen_split = split or protocol.split
    settings = InputSettings(
        dataset=data.name,
        dataset_version=data.version,
        protocol=protocol.id,
        split=chosen_split,
        limit=limit,
        seed=protocol.seed if seed is None else seed,
    )
    corpus = Corpus(data, protocol, chosen_split, limit)
    with ProgressDisplay() as display:
        written = write_inputs(corpus, settings, out, display)
    shown = "" if written == len(corpus.clips) else f" ({written} written, the others were there)"
    say(f"{out}: {n_clips(len(corpus.clips))}, {protocol.frames} frames of {protocol.size} px each{shown}")
    given = {"--split": split, "--protocol": protocol_name, "--limit": limit, "--seed": seed}
    same = [f" {option} {value}" for option, value in given.items() if value is not None]
    line = f"fevbench run {shlex.quote(f'videos:{out}/clips')} {shlex.quote(dataset)}{''.join(same)}"
    say(f"put the clips into {out}/clips, then: {line}")


@group.command("export")
@click.argument("dataset")
@click.argument("ids", metavar="[CLIP_ID]...", nargs=-1)
@options.out(required=True, metavar="DIR", help="Folder to write to.")
@click.option(
    "--split",
    default="test",
    show_default=True,
    type=click.Choice(["train", "val", "test"]),
    help="Whose clips, if none is named.",
)
@click.option("--neutral", is_flag=True, help="Neutral images, which FEVSynth has, instead of clips.")
def export_command(dataset: str, ids: tuple[str, ...], out: Path, split: Split, neutral: bool) -> None:
    """Write clips of DATASET as files, one each; all clips of a split if none is named.

    Clips and neutral images of FEVSynth come as they are stored, byte for byte; clips of other sets as
    lossless video.

    \b
    Example:
      fevbench data export fevsynth p014-fear-0 p014-happiness-1 --out clips
      fevbench data export fevsynth p014-0 --neutral --out faces
    """
    from fevbench import wording
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
            f"{out} cannot be written ({error.strerror})", suggested_fix(error, "choose another --out")
        ) from error
    images = "1 neutral image" if len(wanted) == 1 else f"{len(wanted)} neutral images"
    say(f"{out}: {images if neutral else wording.n_clips(len(wanted))} of {data.name}")


@group.command("show")
@click.argument("dataset")
@options.out(required=True, metavar="FILE", help="File to write: .png, .jpg, .mp4 or .gif.")
@options.split("Only these subjects.")
@click.option(
    "--subject", "subjects", metavar="ID", multiple=True, help="Only this subject; may be repeated."
)
@click.option(
    "--label", "labels", metavar="NAME", multiple=True, help="Only this expression; may be repeated."
)
@options.clips_shown(12)
@options.frames_shown("Frames per row of a picture.")
@options.scale(1)
def show_command(
    dataset: str,
    out: Path,
    split: Split | None,
    subjects: tuple[str, ...],
    labels: tuple[str, ...],
    count: int,
    frames: int,
    scale: int,
) -> None:
    """Show clips of DATASET: rows of frames as a picture, or a grid that plays.

    Clips of all expressions in turn and of different subjects are chosen by the hash of their id.

    \b
    Example:
      fevbench data show mug --subject 017 --out 017.png
      fevbench data show oulu-casia --label surprise --out surprise.mp4
    """
    import numpy as np

    from fevbench.data import show
    from fevbench.data.corpus import balanced_clips

    options.check_suffix(out, ".png", ".jpg", ".mp4", ".gif")
    check_writable(out)
    data = open_dataset(dataset)
    candidates = _clips_of(data, split, subjects, labels)
    chosen = balanced_clips(candidates, labels or data.labels, count)
    clips = {f"{clip.id}": data.frames(clip) for clip in chosen}
    if out.suffix.lower() in (".png", ".jpg"):
        rows = {
            name: show.enlarged(clip[np.linspace(0, len(clip) - 1, frames).round().astype(int)], scale)
            for name, clip in clips.items()
        }
        show.write_picture(out, show.labelled(rows, f"{data.name} {data.version}"))
    else:
        longest = max(len(clip) for clip in clips.values())
        playing = [
            show.captioned(
                show.enlarged(np.concatenate([c, c[-1:].repeat(longest - len(c), 0)]), scale), name
            )
            for name, c in clips.items()
        ]
        across = min(CLIPS_ACROSS, len(playing))
        playing += [np.full_like(playing[0], 255)] * (-len(playing) % across)
        grid = [show.beside(playing[i : i + across]) for i in range(0, len(playing), across)]
        write = show.write_gif if out.suffix.lower() == ".gif" else show.write_mp4
        write(out, np.concatenate(grid, axis=1), data.fps)
    say(f"{out}: {', '.join(clips)}")


def _clips_of(
    data: Dataset, split: Split | None, subjects: tuple[str, ...], labels: tuple[str, ...]
) -> list[Clip]:
    """The clips of these subjects and labels; of all, where none are named."""
    known = [subject.id for subject in data.subjects()]
    for subject in subjects:
        if subject not in known:
            raise UnknownName(f"subject of {data.name}", subject, known)
    for label in labels:
        if label not in data.labels:
            raise UnknownName(f"expression of {data.name}", label, data.labels)
    found = [
        clip
        for each_split in ([split] if split else SPLITS)
        for clip in data.clips(each_split)
        if (not subjects or clip.subject in subjects) and (not labels or clip.label in labels)
    ]
    if not found:
        raise DatasetError(f"{data.name} has no such clip", "ask for less with --split, --subject, --label")
    return found


group.add_command(render_command)
group.add_command(measure_command)
