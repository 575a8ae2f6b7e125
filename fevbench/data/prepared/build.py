"""From a downloaded folder to a prepared set: discover, prepare in parallel, split, check, write."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from fevbench.data.clip import EXPRESSIONS, Frames
from fevbench.data.datasets import SPLITS
from fevbench.data.layouts.folder_walk import MIXTURE, TWIN, SkippedItem, check_source, did_you_mean
from fevbench.data.layouts.layout import Download, Layout, Recording
from fevbench.data.prepared.adapter import Prepared
from fevbench.data.prepared.face import DetectedFace, ReadFaces
from fevbench.data.prepared.job import Job, JobRecord, hold_folder, printable, read_record, relative_text
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
from fevbench.data.prepared.recording import prepare_recording
from fevbench.data.prepared.report import write_report
from fevbench.data.prepared.splits import GIVEN, Assignment, SharedFrame, assign, frames_shared_by_splits
from fevbench.errors import DatasetError
from fevbench.processes import work_all
from fevbench.progress import Progress
from fevbench.version import VERSION
from fevbench.wording import first_few

UNWANTED = "label not asked for"
"""The reason for leaving out recordings that --labels does not name."""
NOT_IN_SPLIT = "subject not in the split"
DUPLICATE = "same frames in another split"
DAMAGE = (
    "cannot be decoded", "cannot be read", "mixed frame sizes", "no face", "no face in frame 0", "too short",
    "empty take",
    "missing file", "incomplete line", "same file again", "neither a video nor a folder of frames",
    "same name as another", "link that leads nowhere", "Git LFS pointer", "label cannot be read",
    MIXTURE, TWIN,
)  # fmt: skip
"""The reasons at which ``--on-error fail`` stops."""
NAMED = 3
"""Most clips that an error names; others are counted."""


@dataclass(frozen=True)
class PrepareRequest:
    """The request to prepare a set.

    Attributes:
        labels: Wanted expressions; empty for all.
        val: How many train subjects of a published split to hold out.
        fail: Stop at the first take that gives no clip because of damage.
        leave_out_duplicates: Leave out train and val clips that share frames with test clips.
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


def prepare(
    request: PrepareRequest, open_face_reader: Callable[[], ReadFaces], progress: Progress
) -> Manifest:
    """Prepare a set and report on it. If it is stopped, the same request continues.

    ``open_face_reader`` loads the networks that find and recognise faces; it is called only if needed.

    Raises:
        DatasetError: The source or the split is wrong, the folder holds another set or another process is
            writing to it, nothing could be prepared, splits share frames, or, with ``fail``, a recording is
            damaged.
    """
    check_source(request.source)
    if request.out.resolve().is_relative_to(request.source.resolve()):
        raise DatasetError(f"{request.out} is inside {request.source}", "choose another --out")
    found = request.layout.discover(request.source, request.options)
    recordings, unwanted = _wanted(found, request)
    subjects = sorted({recording.subject for recording in recordings})
    spec = request.split or (GIVEN if found.splits else request.layout.split)
    assignment = assign(spec, subjects, request.layout, request.val, found.splits)
    not_in_split = [
        _skip(request, recording, NOT_IN_SPLIT, recording.subject)
        for recording in recordings
        if recording.subject not in assignment.split_of
    ]
    recordings = [recording for recording in recordings if recording.subject in assignment.split_of]
    root = request.source
    skipped = [
        SkipEntry(what=printable(Path(s.what), root), why=s.why, detail=relative_text(s.detail, root))
        for s in found.skipped
    ]
    _stop_at_damage(request, skipped)
    # The requested ones come first: one of them usually identifies the source.
    jobs = (_job(request, recording) for recording in [*recordings, *found.recordings])
    with hold_folder(request.out, _settings(request), jobs):
        records = _prepare_all(request, recordings, open_face_reader, progress)
        made = [record.clip for record in records if record.clip]
        skipped += [record.skipped for record in records if record.skipped] + unwanted + not_in_split
        made, doubled = _without_duplicates(request, made, assignment)
        if not made:
            raise _nothing(request, skipped)
        manifest = _manifest(request, found, assignment, made, [*skipped, *doubled])
        write_manifest(request.out, manifest)
        write_report(Prepared(request.out), progress)
    return manifest


def _nothing(request: PrepareRequest, skipped: Sequence[SkippedItem | SkipEntry]) -> DatasetError:
    """The error for a folder that gave no clip at all."""
    reasons = ", ".join(f"{count} {why}" for why, count in Counter(s.why for s in skipped).most_common())
    detail = next((entry.detail for entry in skipped if entry.detail), "")
    return DatasetError(
        f"nothing in {request.source} could be prepared ({reasons or 'it is empty'})",
        detail or f"see `fevbench data info {request.layout.name}`",
    )


def _wanted(found: Download, request: PrepareRequest) -> tuple[list[Recording], list[SkipEntry]]:
    """The recordings of requested expressions, and the entries for skipped ones."""
    if not found.recordings:
        raise _nothing(request, found.skipped)
    there = {recording.label for recording in found.recordings}
    recordings = [
        recording for recording in found.recordings if not request.labels or recording.label in request.labels
    ]
    if not recordings:
        raise DatasetError(
            f"{request.source} has no clip labelled {', '.join(request.labels)}, "
            f"only {', '.join(sorted(there))}",
            "choose with --labels, or --labels all",
        )
    known = {*there, *request.layout.labels.values(), *EXPRESSIONS}
    for label in request.labels:
        if label not in known:
            hint = did_you_mean(label, known) or f"choose of {', '.join(sorted(there))}"
            raise DatasetError(f"{request.source} has no clip labelled {label!r}", hint)
    kept = {id(recording) for recording in recordings}
    others = [recording for recording in found.recordings if id(recording) not in kept]
    return recordings, [_skip(request, recording, UNWANTED, recording.native_label) for recording in others]


def _skip(request: PrepareRequest, recording: Recording, why: str, detail: str) -> SkipEntry:
    return SkipEntry(what=_job(request, recording).source, why=why, detail=detail)


def _stop_at_damage(request: PrepareRequest, skipped: Sequence[SkipEntry]) -> None:
    """Stop if the request says so and a recording is damaged."""
    for entry in skipped if request.fail else ():
        if entry.why in DAMAGE:
            raise DatasetError(
                f"{entry.what}: {entry.why} ({entry.detail})", "repair it, or use --on-error skip"
            )


def _settings(request: PrepareRequest) -> str:
    """The settings that all clips of a folder must share."""
    options = json.dumps(request.layout.written(request.options), sort_keys=True)
    return f"{FORMAT} {request.name} {request.layout.name} {request.recipe.model_dump_json()} {options}\n"


def _cannot_see(frame: Frames) -> list[DetectedFace]:
    """The face reader of a job that is only checked, and never runs."""
    raise NotImplementedError


def _job(request: PrepareRequest, recording: Recording, read_faces: ReadFaces = _cannot_see) -> Job:
    return Job(
        recording,
        request.source,
        request.out,
        request.recipe,
        request.layout.phase,
        request.layout.fps,
        read_faces,
    )


def _prepare_all(
    request: PrepareRequest,
    recordings: Sequence[Recording],
    open_face_reader: Callable[[], ReadFaces],
    progress: Progress,
) -> list[JobRecord]:
    """The outcome of every recording, in order."""
    records = {recording.id: read_record(_job(request, recording)) for recording in recordings}
    there = [record for record in records.values() if record]
    todo = [recording for recording in recordings if records[recording.id] is None]
    _stop_at_damage(request, [record.skipped for record in there if record.skipped])
    if there:
        progress.note(f"continuing: {len(there)} of {len(recordings)} takes are done")

    def done(job: Job, record: JobRecord) -> None:
        records[job.recording.id] = record
        progress.advance(1)
        if record.skipped:
            progress.note(f"{record.skipped.what}: {record.skipped.why} ({record.skipped.detail})")
            _stop_at_damage(request, [record.skipped])

    if todo:
        # Until all is done, an earlier manifest must not open clips that may have changed.
        (request.out / MANIFEST).unlink(missing_ok=True)
        read_faces = open_face_reader()
        progress.start("takes", len(todo))
        jobs = [_job(request, recording, read_faces) for recording in todo]
        if request.jobs == 1 or len(jobs) == 1:
            for one in jobs:
                done(one, prepare_recording(one))
        else:
            work_all(prepare_recording, jobs, request.jobs, done)
    return [record for recording in recordings if (record := records[recording.id])]


def _without_duplicates(
    request: PrepareRequest, made: list[ClipEntry], assignment: Assignment
) -> tuple[list[ClipEntry], list[SkipEntry]]:
    """The clips; without those that share frames with another split, if the request says so."""
    pairs = frames_shared_by_splits(made, assignment.split_of)
    if pairs and not request.leave_out_duplicates:
        named = first_few([_shown(pair, assignment) for pair in pairs], NAMED, "; ")
        raise DatasetError(
            f"the splits of {request.name} share frames: {named}",
            "give each subject one id, or leave out the train clips with --duplicates leave-out",
        )
    drop: dict[str, ClipEntry] = {}
    for pair in pairs:
        loser, keeper = sorted(
            (pair.first, pair.second), key=lambda clip: SPLITS.index(assignment.split_of[clip.subject])
        )
        drop[loser.id] = keeper
    kept = [clip for clip in made if clip.id not in drop]
    lost = [
        SkipEntry(what=clip.source, why=DUPLICATE, detail=f"the same as {drop[clip.id].source}")
        for clip in made
        if clip.id in drop
    ]
    return kept, lost


def _shown(pair: SharedFrame, assignment: Assignment) -> str:
    return " and ".join(
        f"{clip.id} ({assignment.split_of[clip.subject]})" for clip in (pair.first, pair.second)
    )


def _manifest(
    request: PrepareRequest,
    found: Download,
    assignment: Assignment,
    made: list[ClipEntry],
    skipped: list[SkipEntry],
) -> Manifest:
    layout = request.layout
    there = {clip.label for clip in made}
    subjects = sorted({clip.subject for clip in made})
    manifest = Manifest(
        fevbench=VERSION,
        name=request.name,
        layout=layout.name,
        title=layout.title,
        phase=layout.phase,
        licence=layout.licence,
        citation=layout.citation,
        fps=median(clip.fps for clip in made),
        labels=[name for name in EXPRESSIONS if name in there] + sorted(there - {*EXPRESSIONS}),
        options=layout.written(request.options),
        recipe=request.recipe,
        split=assignment.record,
        subjects=[
            SubjectEntry(id=name, split=assignment.split_of[name], attributes=found.attributes.get(name, {}))
            for name in subjects
        ],
        clips=sorted(made, key=lambda clip: (clip.subject, clip.label, clip.id)),
        skipped=sorted(skipped, key=lambda entry: (entry.why, entry.what)),
        digest="",
    )
    return manifest.model_copy(update={"digest": manifest.computed_digest()})
