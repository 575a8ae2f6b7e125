"""A prepared folder as a data set, and checks of its files."""

from __future__ import annotations

from pathlib import Path

from fevbench.data.clip import Clip, Dataset, Frames, Split, Subject
from fevbench.data.facts import FileFacts
from fevbench.data.prepared.manifest import AGAIN, CLIPS, ClipEntry, read_manifest
from fevbench.data.video import LOSSLESS_SUFFIX, content_digest, read_clip
from fevbench.errors import DatasetError, VideoError
from fevbench.hashing import sha256_of


class Prepared:
    """A set that ``fevbench data prepare`` made; every clip is checked against the manifest when read.

    Attributes:
        version: The start of the digest of its subjects, splits, labels and pixels.

    Raises:
        DatasetError: The manifest is missing, broken or changed, or splits share a subject.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest = read_manifest(root)
        self.name = self.manifest.name
        self.version = self.manifest.digest[:12]
        self.title = self.manifest.title
        self.licence = self.manifest.licence
        self.citation = self.manifest.citation
        self.fps = self.manifest.fps
        self.labels = tuple(self.manifest.labels)
        self._subjects = tuple(Subject(s.id, s.split, s.attributes) for s in self.manifest.subjects)
        home: dict[str, Split] = {}
        for subject in self._subjects:
            if home.setdefault(subject.id, subject.split) != subject.split:
                raise DatasetError(f"{root}: {subject.id} is in two splits", AGAIN)
        self._entries = {entry.id: entry for entry in self.manifest.clips}
        self._clips = tuple(
            Clip(e.id, e.subject, e.label, home[e.subject], self.file(e.id)) for e in self.manifest.clips
        )

    def entry(self, clip_id: str) -> ClipEntry:
        """The manifest's entry for a clip."""
        return self._entries[clip_id]

    def file(self, clip_id: str) -> Path:
        """The file of a clip."""
        return self.root / CLIPS / f"{clip_id}{LOSSLESS_SUFFIX}"

    def subjects(self) -> tuple[Subject, ...]:
        """Every subject, by id."""
        return self._subjects

    def clips(self, split: Split) -> tuple[Clip, ...]:
        """The clips of a split, by subject, label and recording."""
        return tuple(clip for clip in self._clips if clip.split == split)

    def frames(self, clip: Clip) -> Frames:
        """The clip: ``uint8[T, size, size, 3]``, RGB, frame 0 neutral.

        Raises:
            DatasetError: The file is missing or damaged, or does not hold the pixels the manifest names.
        """
        facts = FileFacts()
        try:
            frames = read_clip(clip.path, facts)
        except VideoError as error:
            raise DatasetError(error.what, AGAIN) from error
        if (facts.digest or content_digest(frames)) != self._entries[clip.id].pixels_sha256:
            raise DatasetError(f"{clip.path} does not hold the pixels its manifest names", AGAIN)
        return frames


def damage_of(data: Dataset, clip: Clip) -> str:
    """What is wrong with a clip of a set; empty if nothing."""
    try:
        if isinstance(data, Prepared) and sha256_of(clip.path) != data.entry(clip.id).sha256:
            return f"{clip.path} is not the file that was written"
        data.frames(clip)
    except (DatasetError, VideoError) as error:
        return error.what
    except OSError as error:
        return f"{clip.path} cannot be read ({error.strerror})"
    return ""


def unnamed_files(data: Dataset) -> list[Path]:
    """Files in the clips folder of a prepared set that its manifest does not name."""
    if not isinstance(data, Prepared):
        return []
    folder = data.root / CLIPS
    known = {data.file(entry.id).name for entry in data.manifest.clips}
    return sorted(path for path in folder.iterdir() if path.name not in known) if folder.is_dir() else []
