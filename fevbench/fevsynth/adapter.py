"""FEVSynth as a data set: a manifest, the clips and neutral images, and the ground truth.

Clips and neutral images are in folders, or in one archive that stores each unchanged (`ARCHIVE`); the
manifest is the same in both cases.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fevbench.data.clip import Clip, Frames, Split, Subject
from fevbench.errors import DatasetError, suggested_fix
from fevbench.fevsynth import VERSION, Performance
from fevbench.wording import quantity
from fevbench.zips import StoredArchive

if TYPE_CHECKING:
    from fevbench.fevsynth.truth import Truth


ROOT = Path(__file__).parent
MANIFEST = "manifest.json"
ARCHIVE = "fevsynth.zip"
"""Archive beside the manifest that may hold every clip and neutral image, by its name in the manifest."""
REINSTALL = "install fevbench again"
RENDER_AGAIN = "repeat the `fevbench data render` that made it"


class FEVSynth:
    """The data set as its manifest describes it; every file is checked against its sha256 when read.

    The included set is called ``fevsynth``. A set that a user rendered is named after its folder, and its
    version ends in a digest of its manifest, so that its results are not mistaken for the included set's.

    Args:
        root: The folder of ``manifest.json``; the included set by default.

    Attributes:
        repetitions: Performances of each label per subject.

    Raises:
        DatasetError: The manifest is missing, broken, or of another version of FEVSynth.
    """

    name = "fevsynth"
    title = "FEVSynth: rendered subjects performing the six basic expressions"
    licence = "CC0-1.0"
    citation = "The fevbench authors, FEVSynth (2026)"

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._archive = StoredArchive(root / ARCHIVE) if (root / ARCHIVE).exists() else None
        shipped = root.resolve() == ROOT.resolve()
        self._fix = REINSTALL if shipped else RENDER_AGAIN
        self._truth: Truth | None = None
        path = root / MANIFEST
        try:
            text = path.read_bytes()
            manifest: dict[str, Any] = json.loads(text)
            self.version: str = manifest["version"]
            if self.version != VERSION:
                what = f"{path} is of FEVSynth {self.version}, and this fevbench reads {VERSION}"
                raise DatasetError(what, self._fix)
            self.fps: float = manifest["fps"]
            self.repetitions: int = manifest["takes"]
            self.labels: tuple[str, ...] = tuple(manifest["labels"])
            self._subjects = tuple(_subject(entry) for entry in manifest["subjects"])
            self._clips = tuple(
                Clip(
                    e["id"],
                    e["subject"],
                    e["label"],
                    e["split"],
                    self._archive.path if self._archive else root / e["file"],
                )
                for e in manifest["clips"]
            )
            self._neutrals = {(e["subject"], e["take"]): e for e in manifest["neutrals"]}
            self._entries: dict[str, dict[str, Any]] = {
                entry["id"]: entry for entry in (*manifest["neutrals"], *manifest["clips"])
            }
            self._truth_entry: dict[str, Any] = manifest["truth"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            why = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
            fix = suggested_fix(error, self._fix)
            raise DatasetError(f"{path} is missing or broken ({why})", fix) from error
        if not shipped:
            self.name = f"{self.name}:{root.resolve().name}"
            self.version += f"+{hashlib.sha256(text).hexdigest()[:12]}"

    def subjects(self) -> tuple[Subject, ...]:
        """Every subject, by id."""
        return self._subjects

    def clips(self, split: Split) -> tuple[Clip, ...]:
        """The clips of a split, by take, subject and label."""
        return tuple(clip for clip in self._clips if clip.split == split)

    def frames(self, clip: Clip) -> Frames:
        """The clip as it is stored: ``uint8[T, H, W, 3]``, RGB, frame 0 neutral.

        Raises:
            DatasetError: Its file is missing or is not the one the manifest names.
            VideoError: It cannot be decoded.
        """
        from fevbench.data.video import read_clip

        entry = self._entries[clip.id]
        return read_clip(self._place(entry), content=self._checked(entry))

    def repetition(self, clip: Clip) -> int:
        """Which of its subject's performances of the label a clip is, counted from 0."""
        number: int = self._entries[clip.id]["take"]
        return number

    def performance(self, clip: Clip) -> Performance:
        """The timing of the expression in a clip."""
        entry = self._entries[clip.id]
        return Performance(entry["variant"], entry["onset"], entry["apex"], entry["offset"])

    def neutral(self, subject: str, repetition: int = 0) -> Frames:
        """A neutral image of a subject, taken apart from every clip: ``uint8[H, W, 3]``, RGB.

        Raises:
            DatasetError: There is no such subject or take, or the file is missing or damaged.
        """
        import numpy as np
        from PIL import Image

        entry = self._neutrals.get((subject, repetition))
        if entry is None:
            raise DatasetError(
                f"{self.name} has no neutral image of {subject!r}, repetition {repetition}",
                f"it has {quantity(len(self._subjects), 'subject')}, from {self._subjects[0].id!r}, "
                f"and repetitions 0 to {self.repetitions - 1}",
            )
        with Image.open(BytesIO(self._checked(entry))) as image:
            return np.asarray(image.convert("RGB"))

    def truth(self) -> Truth:
        """The ground truth of every clip and neutral image; read once.

        Raises:
            DatasetError: The file is missing or is not the one the manifest names.
        """
        from fevbench.fevsynth.truth import read_truth

        if self._truth is None:
            self._checked(self._truth_entry)
            self._truth = read_truth(self._root)
        return self._truth

    def neutral_ids(self, split: Split) -> tuple[str, ...]:
        """The ids of the neutral images of a split's subjects."""
        return tuple(entry["id"] for entry in self._neutrals.values() if entry["split"] == split)

    def stored(self, name: str) -> tuple[str, bytes]:
        """The file of a clip or a neutral image, by id: its name in the manifest and its content.

        Raises:
            KeyError: There is none of this id.
            DatasetError: The file is missing or is not the one the manifest names.
        """
        entry = self._entries[name]
        return entry["file"], self._checked(entry)

    def files(self) -> Iterator[Path]:
        """Yield the manifest, the truth, and the files of the clips and neutral images or their archive."""
        yield self._root / MANIFEST
        yield self._root / self._truth_entry["file"]
        if self._archive:
            yield self._archive.path
        else:
            for entry in self._entries.values():
                yield self._root / entry["file"]

    def _archive_of(self, entry: dict[str, Any]) -> StoredArchive | None:
        return None if entry is self._truth_entry else self._archive

    def _place(self, entry: dict[str, Any]) -> Path:
        """The path of a file for messages; in an archive, below the archive's path."""
        archive = self._archive_of(entry)
        path: Path = (archive.path if archive else self._root) / entry["file"]
        return path

    def _checked(self, entry: dict[str, Any]) -> bytes:
        """The bytes of a file, after checking them against the manifest."""
        archive, path = self._archive_of(entry), self._place(entry)
        try:
            content = archive.read(entry["file"]) if archive else path.read_bytes()
        except OSError as error:
            fix = suggested_fix(error, self._fix)
            raise DatasetError(f"{path} cannot be read ({error.strerror})", fix) from error
        found, expected = hashlib.sha256(content).hexdigest(), entry["sha256"]
        if found != expected:
            raise DatasetError(f"{path} is damaged: sha256 {found}, expected {expected}", self._fix)
        return content


def _subject(entry: dict[str, Any]) -> Subject:
    known = {key: value for key, value in entry.items() if key not in ("id", "split")}
    return Subject(entry["id"], entry["split"], known)
