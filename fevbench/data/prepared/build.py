"""From a downloaded folder to a prepared set: discover, prepare in parallel, split, check, write."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from fevbench.counts import some
from fevbench.data.clip import EXPRESSIONS
from fevbench.data.datasets import SPLITS
from fevbench.data.layouts.layout import Found, Layout, Take
from fevbench.data.layouts.tree import MIXTURE, TWIN, Skip, check_source, nearest
from fevbench.data.prepared.adapter import Prepared
from fevbench.data.prepared.face import Eyes, Seen
from fevbench.data.prepared.job import Job, Record, claimed, printable, read_record, told
from fevbench.data.prepared.manifest import (
    FORMAT,
    MANIFEST,
    ClipEntry,
    Manifest,
    Recipe,
    SkipEntry,
    SubjectEntry,
    write_manifest,
)
from fevbench.data.prepared.recording import prepare_take
from fevbench.data.prepared.report import write_report
from fevbench.data.prepared.splits import GIVEN, Assignment, Pair, across_splits, assign
from fevbench.errors import DatasetError
from fevbench.processes import work_all
from fevbench.progress import Progress
from fevbench.version import VERSION

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

UNWANTED = "label not asked for"
"""Why takes are left out that --labels does not name."""
NOT_IN_SPLIT = "person not in the split"
DUPLICATE = "same frames in another split"
BY_CHOICE = (UNWANTED, NOT_IN_SPLIT, DUPLICATE)
DAMAGE = (
    "cannot be decoded", "cannot be read", "mixed frame sizes", "no face", "no face in frame 0", "too short",
    "empty take",
    "missing file", "incomplete line", "same file again", "neither a video nor a folder of frames",
    "same name as another", "link that leads nowhere", "Git LFS pointer", "label cannot be read",
    MIXTURE, TWIN,
)  # fmt: skip
"""What ``--on-error fail`` stops at."""
NAMED = 3
"""Clips that an error names before it counts."""


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Attributes:
        layout: The data set.
        name: What the prepared set is called.
        source: The downloaded folder.
        out: The prepared folder.
        recipe: How a take becomes a clip.
        options: Choices between parts of the data set.
        labels: Wanted expressions; empty for all.
        split: The split.
        val: How many train people of a published split to hold out.
        fail: End at the first take that gives no clip for want of something.
        leave_out_duplicates: Leave train and val clips out that share frames with clips to test on.
        jobs: Processes.
    """

    layout: Layout
    name: str
    source: Path
    out: Path
    recipe: Recipe
    options: dict[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = EXPRESSIONS
    split: str = ""
    val: int | None = None
    fail: bool = False
    leave_out_duplicates: bool = False
    jobs: int = 1


def prepare(wish: Wish, open_eyes: Callable[[], Eyes], progress: Progress) -> Manifest:
    """Prepare a set and report on it; the same wish continues where it was stopped.

    Args:
        wish: What is asked for.
        open_eyes: Gives what finds faces and tells whose they are; called only if there is something to look
            at.
        progress: Hears how it proceeds.

    Raises:
        DatasetError: The source or the split is wrong, the folder is another set's or another process
            prepares into it, nothing could be prepared, splits share frames, or, if asked for, a take gives
            no clip.
        OSError: The disk is full or the folder cannot be written.
    """
    check_source(wish.source)
    if wish.out.resolve().is_relative_to(wish.source.resolve()):
        raise DatasetError(f"{wish.out} is inside {wish.source}", "choose another --out")
    found = wish.layout.discover(wish.source, wish.options)
    takes, unwanted = _wanted(found, wish)
    people = sorted({take.subject for take in takes})
    spec = wish.split or (GIVEN if found.splits else wish.layout.split)
    split = assign(spec, people, wish.layout, wish.val, found.splits)
    takes, strangers = _in_split(takes, split, wish)
    skipped = [
        SkipEntry(what=printable(Path(s.what), wish.source), why=s.why, detail=told(s.detail, wish.source))
        for s in found.skipped
    ]
    _stop(wish, skipped)
    # The wanted takes come first: one of them is mostly enough to know the source by.
    with claimed(wish.out, _settings(wish), (_job(wish, take) for take in [*takes, *found.takes])):
        records = _prepare_all(wish, takes, open_eyes, progress)
        made = [record.clip for record in records if record.clip]
        skipped += [record.skipped for record in records if record.skipped] + unwanted + strangers
        made, doubled = _without_duplicates(wish, made, split)
        if not made:
            raise _nothing(wish, skipped)
        manifest = _manifest(wish, found, split, made, [*skipped, *doubled])
        write_manifest(wish.out, manifest)
        write_report(Prepared(wish.out), progress)
    return manifest


def _nothing(wish: Wish, skipped: Sequence[Skip | SkipEntry]) -> DatasetError:
    """The error of a folder that gave no clip at all."""
    reasons = ", ".join(f"{count} {why}" for why, count in Counter(s.why for s in skipped).most_common())
    detail = next((entry.detail for entry in skipped if entry.detail), "")
    return DatasetError(
        f"nothing in {wish.source} could be prepared ({reasons or 'it is empty'})",
        detail or f"see `fevbench data info {wish.layout.name}`",
    )


def _wanted(found: Found, wish: Wish) -> tuple[list[Take], list[SkipEntry]]:
    """The takes of wanted expressions, and what to say of the others."""
    if not found.takes:
        raise _nothing(wish, found.skipped)
    there = {take.label for take in found.takes}
    takes = [take for take in found.takes if not wish.labels or take.label in wish.labels]
    if not takes:
        raise DatasetError(
            f"{wish.source} shows none of {', '.join(wish.labels)}, but {', '.join(sorted(there))}",
            "choose with --labels, or --labels all",
        )
    known = {*there, *wish.layout.labels.values(), *EXPRESSIONS}
    for label in wish.labels:
        if label not in known:
            hint = nearest(label, known) or f"choose of {', '.join(sorted(there))}"
            raise DatasetError(f"{wish.source} shows no {label!r}", hint)
    kept = {id(take) for take in takes}
    others = [take for take in found.takes if id(take) not in kept]
    return takes, [_skip(wish, take, UNWANTED, take.native_label) for take in others]


def _in_split(takes: list[Take], split: Assignment, wish: Wish) -> tuple[list[Take], list[SkipEntry]]:
    inside = [take for take in takes if take.subject in split.of]
    outside = [take for take in takes if take.subject not in split.of]
    return inside, [_skip(wish, take, NOT_IN_SPLIT, take.subject) for take in outside]


def _skip(wish: Wish, take: Take, why: str, detail: str) -> SkipEntry:
    return SkipEntry(what=_job(wish, take).source, why=why, detail=detail)


def _stop(wish: Wish, skipped: Sequence[SkipEntry]) -> None:
    """End here if that is wished and something is damaged."""
    for entry in skipped if wish.fail else ():
        if entry.why in DAMAGE:
            raise DatasetError(
                f"{entry.what}: {entry.why} ({entry.detail})", "repair it, or use --on-error skip"
            )


def _settings(wish: Wish) -> str:
    """What makes clips of one folder comparable."""
    options = json.dumps(wish.layout.written(wish.options), sort_keys=True)
    return f"{FORMAT} {wish.name} {wish.layout.name} {wish.recipe.model_dump_json()} {options}\n"


def _blind(frame: Frames) -> list[Seen]:
    """For a job that is asked about and not carried out."""
    raise NotImplementedError


def _job(wish: Wish, take: Take, eyes: Eyes = _blind) -> Job:
    return Job(take, wish.source, wish.out, wish.recipe, wish.layout.phase, wish.layout.fps, eyes)


def _prepare_all(
    wish: Wish,
    takes: Sequence[Take],
    open_eyes: Callable[[], Eyes],
    progress: Progress,
) -> list[Record]:
    """What came of every take, in their order."""
    records = {take.id: read_record(_job(wish, take)) for take in takes}
    there = [record for record in records.values() if record]
    todo = [take for take in takes if records[take.id] is None]
    _stop(wish, [record.skipped for record in there if record.skipped])
    if there:
        progress.note(f"continuing: {len(there)} of {len(takes)} takes are done")

    def done(job: Job, record: Record) -> None:
        records[job.take.id] = record
        progress.advance(1)
        if record.skipped:
            progress.note(f"{record.skipped.what}: {record.skipped.why} ({record.skipped.detail})")
            _stop(wish, [record.skipped])

    if todo:
        # Until all is done again, nobody must open clips by what the manifest said of earlier ones.
        (wish.out / MANIFEST).unlink(missing_ok=True)
        eyes = open_eyes()
        progress.start("takes", len(todo))
        jobs = [_job(wish, take, eyes) for take in todo]
        if wish.jobs == 1 or len(jobs) == 1:
            for one in jobs:
                done(one, prepare_take(one))
        else:
            work_all(prepare_take, jobs, wish.jobs, done)
    return [record for take in takes if (record := records[take.id])]


def _without_duplicates(
    wish: Wish, made: list[ClipEntry], split: Assignment
) -> tuple[list[ClipEntry], list[SkipEntry]]:
    """The clips without those that share frames with another split, if that is wished.

    Raises:
        DatasetError: It is not, and there are such.
    """
    pairs = across_splits(made, split.of)
    if pairs and not wish.leave_out_duplicates:
        named = some([_named(pair, split) for pair in pairs], NAMED, "; ")
        raise DatasetError(
            f"the splits of {wish.name} share frames: {named}",
            "give one person one id, or leave the clips to train on out with --duplicates leave-out",
        )
    drop: dict[str, ClipEntry] = {}
    for pair in pairs:
        loser, keeper = sorted(
            (pair.first, pair.second), key=lambda clip: SPLITS.index(split.of[clip.subject])
        )
        drop[loser.id] = keeper
    kept = [clip for clip in made if clip.id not in drop]
    lost = [
        SkipEntry(
            what=clip.source,
            why=DUPLICATE,
            detail=f"the same as {drop[clip.id].source}",
        )
        for clip in made
        if clip.id in drop
    ]
    return kept, lost


def _named(pair: Pair, split: Assignment) -> str:
    first, second = pair.first, pair.second
    return f"{first.id} ({split.of[first.subject]}) and {second.id} ({split.of[second.subject]})"


def _manifest(
    wish: Wish, found: Found, split: Assignment, made: list[ClipEntry], skipped: list[SkipEntry]
) -> Manifest:
    layout = wish.layout
    there = {clip.label for clip in made}
    people = sorted({clip.subject for clip in made})
    manifest = Manifest(
        fevbench=VERSION,
        name=wish.name,
        layout=layout.name,
        title=layout.title,
        phase=layout.phase,
        licence=layout.licence,
        citation=layout.citation,
        fps=median(clip.fps for clip in made),
        labels=[name for name in EXPRESSIONS if name in there] + sorted(there - {*EXPRESSIONS}),
        options=layout.written(wish.options),
        recipe=wish.recipe,
        split=split.record,
        subjects=[
            SubjectEntry(id=p, split=split.of[p], attributes=found.attributes.get(p, {})) for p in people
        ],
        clips=sorted(made, key=lambda clip: (clip.subject, clip.label, clip.id)),
        skipped=sorted(skipped, key=lambda entry: (entry.why, entry.what)),
        digest="",
    )
    return manifest.model_copy(update={"digest": manifest.computed_digest()})
