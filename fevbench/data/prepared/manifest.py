"""The manifest of a prepared set, as JSON: every setting, every clip, and everything that gave no clip.

OUT/
manifest.json  written last
clips/         one lossless clip each
records/       the outcome of each recording, so that the same command can continue
sheets/        one contact sheet per subject
report.html, report.json
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

from pydantic import ValidationError, field_validator

from fevbench.atomic import write_text
from fevbench.data.clip import Split
from fevbench.data.layouts.folder_walk import legible
from fevbench.data.layouts.layout import Phase
from fevbench.errors import DatasetError
from fevbench.records import Record

FORMAT: Literal[2] = 2
"""Increased whenever a field changes its meaning, or the same settings give other pixels.

2: the square is around one subject, followed by identity and place, and frame 0 shows that subject's face.
1: it is around the largest face of each frame.
"""
MANIFEST = "manifest.json"
CLIPS = "clips"
RECORDS = "records"
SHEETS = "sheets"
AGAIN = "repeat the `fevbench data prepare` that made it"

Sampling = Literal["uniform", "onset-apex", "all"]
Short = Literal["resample", "pad-last", "drop"]


class Recipe(Record):
    """How a recording becomes a clip.

    Attributes:
        size: Height and width of a frame, pixels.
        frames: Frames per clip; the least number if sampling is ``all``.
        sampling: Which frames are taken; see `sampling.choose`.
        short: How recordings with fewer frames are handled.
        neutral: How frame 0 is found: the ``first``, or the ``stillest`` of the recording's first quarter.
        align: ``none``: an upright square; ``eyes``: turned so that the eyes are level.
        looks: Number of frames of a recording in which the face is searched.
    """

    size: int = 128
    frames: int = 32
    sampling: Sampling = "uniform"
    short: Short = "resample"
    neutral: Literal["first", "stillest"] = "first"
    align: Literal["none", "eyes"] = "none"
    looks: int = 5


class ClipEntry(Record):
    """A prepared clip.

    Attributes:
        label: What, in this project's words.
        native_label: What, in the data set's own words.
        source: The recording below the downloaded folder.
        source_sha256: The sha256 of its files' bytes.
        source_size: Width and height of its frames as viewers see them, pixels.
        source_form: Codec and pixel format of its video, or the formats of its pictures.
        source_checked: How it was checked for damage, see `fevbench.data.facts`; empty if it was not.
        neutral: The recording's frame that is frame 0.
        apex: The recording's frame with the strongest expression, if the sampling needs it.
        faces: Number of frames in which the subject's face was found.
        looks: Number of frames in which it was searched.
        placement: The placement of the square; see `fevbench.data.framing`.
        hashes: Perceptual hashes of its first, middle and last frame; see `duplicates`.
    """

    id: str
    subject: str
    label: str
    native_label: str
    source: str
    source_sha256: str
    source_frames: int
    source_size: tuple[int, int]
    source_form: str = ""
    source_lossy: bool = False
    source_checked: str = ""
    neutral: int
    apex: int | None
    taken: list[int]
    fps: float
    faces: int
    looks: int
    placement: list[list[float]]
    sha256: str
    bytes: int
    pixels_sha256: str
    hashes: list[str]
    notes: list[str]


class SkipEntry(Record):
    """Something that gave no clip; see `fevbench.data.layouts.folder_walk.SkippedItem`."""

    what: str
    why: str
    detail: str = ""

    @field_validator("what", "detail", mode="before")
    @classmethod
    def _unicode(cls, text: str) -> str:
        return legible(text)


class SubjectEntry(Record):
    """A subject."""

    id: str
    split: Split
    attributes: dict[str, str] = {}


class SplitRecord(Record):
    """How subjects were split.

    Attributes:
        source: Its publication, or how it is made.
        val: Number of train subjects held out for validation.
        missing: Its subjects that the data set lacks.
    """

    spec: str
    source: str
    val: int
    missing: list[str]


class Manifest(Record):
    """A prepared set."""

    format: Literal[1, 2] = FORMAT
    fevbench: str
    name: str
    layout: str
    title: str
    phase: Phase
    licence: str
    citation: str
    fps: float
    labels: list[str]
    options: dict[str, str]
    recipe: Recipe
    split: SplitRecord
    subjects: list[SubjectEntry]
    clips: list[ClipEntry]
    skipped: list[SkipEntry]
    digest: str

    def computed_digest(self) -> str:
        """The sha256 of what determines results on this set: name, subjects, splits, labels, pixels."""
        clips = [(clip.id, clip.subject, clip.label, clip.pixels_sha256) for clip in self.clips]
        subjects = [(subject.id, subject.split) for subject in self.subjects]
        what = (self.format, self.name, self.fps, self.labels, subjects, clips)
        return hashlib.sha256(json.dumps(what, ensure_ascii=True).encode()).hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a prepared set."""
    write_text(folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a prepared set.

    Raises:
        DatasetError: It is missing, broken, changed, or of another version.
    """
    path = folder / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        begun = (folder / RECORDS).is_dir()
        what = f"{folder} holds no {MANIFEST}" + (": its preparation was not finished" if begun else "")
        raise DatasetError(what, AGAIN if begun else "prepare it with `fevbench data prepare`") from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror})", "check its permissions") from error
    except (ValidationError, UnicodeDecodeError) as error:
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise DatasetError(f"{path} is broken or of another version ({why})", AGAIN) from error
    if manifest.digest != manifest.computed_digest():
        raise DatasetError(f"{path} was changed by hand: its digest does not fit", AGAIN)
    return manifest
