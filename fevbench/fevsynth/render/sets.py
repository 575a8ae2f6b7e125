"""A whole set: many clips at once, then the manifest and the ground truth it names, and its archive."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from fevbench.atomic import write_text
from fevbench.data.datasets import SPLITS
from fevbench.fevsynth import VERSION
from fevbench.fevsynth.adapter import ARCHIVE, FEVSynth
from fevbench.fevsynth.render.expression import LABELS
from fevbench.fevsynth.render.files import FPS, Sidecar, finished, write
from fevbench.fevsynth.render.plan import LICENCE, UNITS, Job, Rendered, Settings, design
from fevbench.fevsynth.truth import FILE as TRUTH_FILE
from fevbench.fevsynth.truth import Truth
from fevbench.processes import work_all
from fevbench.zips import write_archive

Make = Callable[[Job], Rendered]


def render_all(
    todo: Sequence[Job], workers: int, make: Make, done: Callable[[Job], None] = lambda job: None
) -> float:
    """Render clips and images in parallel, and write their files and sidecars.

    Args:
        todo: What to render; neighbours of one subject save making the subject again.
        workers: Number of processes.
        make: Renders one: a function that the workers can import, such as `frame.render_frames`.
        done: Called for each finished one.

    Returns:
        Seconds of work, summed over the workers.

    Raises:
        FevbenchError: A worker was killed or ran out of memory, or one of the errors of ``make`` or `write`.
    """
    seconds = 0.0

    def finish(job: Job, took: float) -> None:
        nonlocal seconds
        seconds += took
        done(job)

    work_all(functools.partial(_render, make=make), todo, workers, finish)
    return seconds


def _render(job: Job, make: Make) -> float:
    start = time.perf_counter()
    write(job, make(job))
    return time.perf_counter() - start


MANIFEST_FILE = "manifest.json"

Finished = tuple[Job, Sidecar]


def write_set(folder: Path, settings: Settings, jobs: Iterable[Job]) -> None:
    """Write ``truth.npz`` and then ``manifest.json`` of a set whose every file is there.

    The clips are in order of take, subject, label: then the next clip of the same label is that of the next
    subject in the same take, and the control `other-subject` shows every clip once.

    Raises:
        DatasetError: A clip or an image is not finished.
    """
    done = [(job, finished(job)) for job in jobs]
    done.sort(key=lambda entry: entry[0].repetition)
    clips = [entry for entry in done if entry[0].label is not None]
    neutrals = [entry for entry in done if entry[0].label is None]
    _truth(clips, neutrals).save(folder)
    manifest = {
        "name": "fevsynth",
        "version": VERSION,
        "licence": LICENCE,
        "fps": FPS,
        "size": settings.size,
        "frames": settings.frames,
        "takes": settings.takes,
        "seed": settings.seed,
        "labels": list(LABELS),
        "truth": {
            "file": TRUTH_FILE,
            "sha256": hashlib.sha256((folder / TRUTH_FILE).read_bytes()).hexdigest(),
        },
        "subjects": [asdict(subject) for subject in design(settings.people, settings.seed)],
        "neutrals": [_row(*entry) for entry in neutrals],
        "clips": [_row(*entry) for entry in clips],
    }
    write_text(folder / MANIFEST_FILE, _dumps(manifest))


def pack(folder: Path) -> Path:
    """Put every clip and neutral image of a set into one archive in its folder; they may then be deleted.

    The same set gives the same bytes. ``python -m fevbench.fevsynth.render.sets FOLDER`` does it.

    Returns:
        The archive.

    Raises:
        DatasetError: A file is missing or is not the one the manifest names.
    """
    data = FEVSynth(folder)
    clips = [clip.id for split in SPLITS for clip in data.clips(split)]
    images = [name for split in SPLITS for name in data.neutral_ids(split)]
    archive = folder / ARCHIVE
    write_archive(archive, sorted(data.stored(name) for name in (*clips, *images)))
    return archive


def _row(job: Job, sidecar: Sidecar) -> dict[str, Any]:
    label = {} if job.label is None else {"label": job.label}
    performance = {} if sidecar.performance is None else asdict(sidecar.performance)
    psnr = {} if sidecar.psnr is None else {"psnr": sidecar.psnr}
    return {
        "id": job.id,
        "subject": job.subject.id,
        **label,
        "take": job.repetition,
        "split": job.subject.split,
        **performance,
        **psnr,
        "file": job.file,
        "sha256": sidecar.sha256,
        "frames_sha256": sidecar.frames_sha256,
    }


def _truth(clips: Sequence[Finished], neutrals: Sequence[Finished]) -> Truth:
    def stack(entries: Iterable[Finished], name: str, kind: type[np.floating[Any]] = np.float32) -> Any:
        return np.stack([sidecar.truth[name] for _, sidecar in entries]).astype(kind)

    return Truth(
        units=np.array(UNITS),
        clips=np.array([job.id for job, _ in clips]),
        weights=stack(clips, "weights", np.float16),
        pose=stack(clips, "pose"),
        points=stack(clips, "points"),
        light=stack(clips, "light"),
        key=stack(clips, "key"),
        ambient=stack(clips, "ambient"),
        neutrals=np.array([job.id for job, _ in neutrals]),
        neutral_pose=stack(neutrals, "pose")[:, 0],
        neutral_points=stack(neutrals, "points")[:, 0],
        neutral_light=stack(neutrals, "light"),
    )


def _dumps(manifest: Mapping[str, Any]) -> str:
    """Write JSON with one line per clip, image and subject: small, and a change is a changed line."""
    return "{\n" + ",\n".join(f' "{key}": {_value(value)}' for key, value in manifest.items()) + "\n}\n"


def _value(value: Any) -> str:
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return json.dumps(value)
    return "[\n" + ",\n".join(f"  {json.dumps(row)}" for row in value) + "\n ]"


if __name__ == "__main__":
    print(pack(Path(sys.argv[1])))
