"""``fevbench data prepare``: from a downloaded folder to a data set that can be scored on."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fevbench.cli import options
from fevbench.cli.output import say
from fevbench.data.clip import EXPRESSIONS
from fevbench.data.datasets import PREPARED, SPLITS, datasets, remember_folder
from fevbench.data.protocol import protocols
from fevbench.errors import DatasetError, FevbenchError

if TYPE_CHECKING:
    from fevbench.data.prepared.manifest import Manifest

SHORT_OF_ALL = "pad-last"
"""What becomes of short takes by default where every frame is kept: there is nothing to spread."""


@click.command("prepare")
@click.argument("name")
@click.argument("source", metavar="SRC", type=options.PATH)
@options.out(required=True, help="Folder to write.")
@options.option("--size", default=128, type=click.IntRange(32, 1024), help="Width and height, pixels.")
@options.option("--frames", default=32, type=options.clip_length(2), help="Frames per clip.")
@options.choice(
    "--sampling",
    ("uniform", "onset-apex", "all"),
    "Spread over the take, spread up to its apex, or every frame.",
)
@click.option(
    "--short",
    type=click.Choice(["resample", "pad-last", "drop"]),
    help="How to handle takes with fewer frames.  [default: resample; with --sampling all: pad-last]",
)
@options.choice(
    "--neutral", ("first", "stillest"), "Frame 0: the take's first, or the stillest of its first quarter."
)
@options.choice("--align", ("none", "eyes"), "eyes: rotate the square so that the eyes are level.")
@options.option(
    "--labels", default="basic", metavar="NAMES", help="Labels to keep: basic (the six), all, or a,b,…"
)
@click.option("--split", default="", metavar="SPLIT", help="See above.  [default: the data set's]")
@click.option(
    "--val", type=click.IntRange(0), metavar="N", help="Hold out N train subjects of a published split."
)
@options.assignments("Choose a part of the data set (fevbench data info NAME).")
@options.choice("--duplicates", ("refuse", "leave-out"), "How to handle clips that look alike in two splits.")
@options.choice("--on-error", ("skip", "fail"), "How to handle a take that gives no clip.")
@options.jobs
@options.offline
def prepare_command(
    name: str,
    source: Path,
    out: Path,
    size: int,
    frames: int,
    sampling: Any,
    short: Any,
    neutral: Any,
    align: Any,
    labels: str,
    split: str,
    val: int | None,
    assignments: tuple[str, ...],
    duplicates: str,
    on_error: str,
    jobs: int | None,
    offline: bool,
) -> None:
    """Prepare the data set NAME, downloaded to SRC, for scoring and training.

    NAME is one of `fevbench data list`, or folder:MY-NAME for clips of your own. The face is detected in
    every take, and one square around it is cropped from all frames. Clips are written losslessly, with a
    manifest and a report of what was skipped and why. Afterwards the name opens the set.

    \b
    SPLIT is a published one (fevbench data info NAME), or
      seeded:70-10-20:0    70 % train, 10 % val and 20 % test subjects; seed 0
      kfold:10:3           of ten folds, the third is test and the next one val
      my-split.csv         columns subject, split
      test                 all subjects are test, to score models trained elsewhere

    If it is stopped, the same command continues. With another --split, only the manifest is written again.

    \b
    Example:
      fevbench data prepare mug ~/subjects3 --out mug-128
      fevbench data prepare mug ~/subjects3 --out mug-lfdm --split mug-lfdm-26-26 --val 0
      fevbench data prepare folder:lab ~/recordings --set pattern={subject}_{label} --out lab-128
      fevbench run fev-gan-warp mug
    """
    from fevbench import weights
    from fevbench.cli.console import ProgressDisplay
    from fevbench.data.layouts import layouts
    from fevbench.data.prepared.build import PrepareRequest, prepare
    from fevbench.data.prepared.manifest import Recipe
    from fevbench.extractors.arcface import DETECTOR, EMBEDDER, FaceRecogniser

    kind, title = _layout_and_name(name)
    layout = layouts.get(kind)
    if layout.phase == "speech" and sampling == "onset-apex":
        raise DatasetError(f"takes of {kind} are spoken and have no single apex", "use --sampling uniform")
    if sampling == "all" and short == "resample":
        raise DatasetError(
            "--sampling all keeps every frame and resamples nothing", "use --short pad-last or drop"
        )
    short = short or (SHORT_OF_ALL if sampling == "all" else "resample")
    recipe = Recipe(size=size, frames=frames, sampling=sampling, short=short, neutral=neutral, align=align)
    wish = PrepareRequest(
        layout=layout,
        name=title,
        source=source.expanduser().absolute(),
        out=out.expanduser(),
        recipe=recipe,
        options=layout.settings(_parsed(assignments)),
        labels=_labels(labels),
        split=split,
        val=val,
        fail=on_error == "fail",
        leave_out_duplicates=duplicates == "leave-out",
        jobs=jobs or os.cpu_count() or 1,
    )
    with ProgressDisplay() as display:

        def open_eyes() -> FaceRecogniser:
            detector, embedder = (
                weights.require(name, offline=offline, progress=display.pull).path
                for name in (DETECTOR, EMBEDDER)
            )
            return FaceRecogniser(detector, embedder)

        manifest = prepare(wish, open_eyes, display)
        try:
            before = remember_folder(title, wish.out)
        except OSError as error:  # the set is there all the same
            display.note(f"{error.filename} cannot be written ({error.strerror}): use {title}:{wish.out}")
        else:
            if before:
                display.note(f"{title} was {before} before, which is now {title}:{before}")
    _summarise(manifest, wish.out)


def _layout_and_name(name: str) -> tuple[str, str]:
    """Layout and name of the prepared set."""
    from fevbench.data.layouts import layouts
    from fevbench.data.layouts.layout import slug

    kind, colon, title = name.partition(":")
    if kind in layouts and kind != "folder":
        if colon:
            raise DatasetError(
                f"{name} cannot be renamed", f"use {kind}, and folder:MY-NAME for clips of your own"
            )
        return kind, kind
    if kind != "folder":
        layouts.get(kind)  # did you mean …
    if not title or slug(title) != title or title in (*datasets, *layouts, PREPARED):
        raise DatasetError(
            f"{name!r} gives your clips no name of their own", "write folder:MY-NAME, letters, digits and -"
        )
    return kind, title


def _parsed(assignments: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise FevbenchError(f"--set {assignment} has no =", "write --set KEY=VALUE")
        found[key] = value
    return found


def _labels(text: str) -> tuple[str, ...]:
    from fevbench.data.layouts.layout import canonical

    if text == "all":
        return ()
    if text == "basic":
        return EXPRESSIONS
    names = tuple(canonical(name) for name in text.split(",") if name.strip())
    if not names:
        raise click.UsageError("--labels names none: basic, all, or a,b,…")
    return names


def _examples(why: str, entries: list[dict[str, str]]) -> str:
    """What was skipped: the first of them; of parts that were not asked for, how to ask for each."""
    from fevbench.data.layouts.folder_walk import NOT_ASKED
    from fevbench.wording import first_few

    parts = Counter(entry["detail"] for entry in entries if why == NOT_ASKED and entry["detail"])
    if parts:
        return first_few([f"{how}: {count}" for how, count in parts.most_common()], 8)
    return entries[0]["what"] + (", …" if len(entries) > 1 else "")


def _summarise(manifest: Manifest, out: Path) -> None:
    """Say what there is now, what was left out, and what can be done."""
    from fevbench.data.prepared.report import REPORT_HTML, summary
    from fevbench.data.prepared.splits import required_splits
    from fevbench.wording import n_clips, n_subjects

    found = summary(manifest)
    per_split = ", ".join(
        f"{found['clips_per_split'].get(s, 0)} {s} of {n_subjects(found['people_per_split'].get(s, 0))}"
        for s in SPLITS
    )
    say(f"{out}: {n_clips(found['clips'])} ({per_split}), digest {manifest.digest[:12]}")
    record = manifest.split
    held = f"; {record.val} of its train subjects held out as val" if record.val else ""
    absent = f"; {len(record.missing)} of its subjects are not here" if record.missing else ""
    say(f"split: {record.spec}{held}{absent}")
    say("labels: " + ", ".join(f"{count} {name}" for name, count in found["clips_per_label"].items()))
    if found["sources"]:
        say("sources: " + ", ".join(f"{count} {what}" for what, count in found["sources"].items()))
    if found["missing"]:
        say(f"missing: {len(found['missing'])} subjects do not show every expression")
    for why, entries in found["skipped"].items():
        say(f"skipped: {len(entries)} {why} ({_examples(why, entries)})")
    for finding in found["findings"]:
        of = finding["clips"]
        say(f"noted: {n_clips(len(of))}: {finding['what']} ({of[0]}{', …' if len(of) > 1 else ''})")
    say(f"look at {out / REPORT_HTML}")
    for split in required_splits(record):
        if not found["clips_per_split"].get(split):
            say(f"no clip to {split} on is left: choose another --split, or see what was skipped")
    if not found["clips_per_split"].get("test"):
        return
    lengths = sorted({len(clip.taken) for clip in manifest.clips})
    fit = [name for name in protocols if all(map(protocols.get(name).covers, lengths))]
    if fit:
        protocol = "" if fit[0] == "64x16" else f" --protocol {fit[0]}"
        say(f"score a model on it: fevbench run copy {manifest.name}{protocol}")
    else:
        span = str(lengths[0]) if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
        say(f"no protocol takes clips of {span} frames (fevbench list protocols)")
