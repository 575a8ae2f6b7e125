"""Small clips beside results, for viewing: one archive per model, and one of the true clips.

Folders of loose clips, which older versions wrote, are read as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fevbench.zips import StoredArchive, write_archive

CLIPS_SUFFIX = ".mp4"
ARCHIVE_SUFFIX = ".zip"
TRUE_CLIPS = "true"
"""The name of the small true clips, beside the results of one data set and protocol."""


class SmallClips:
    """Clips as MP4 files, ``CLIP.mp4`` each, in an archive or a folder, which messages call ``name``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive = None if path.is_dir() else StoredArchive(path)
        self.name = path.name if self._archive else f"{path.name}/"

    def files(self) -> set[str]:
        """The names of all files in it, without links.

        Raises:
            OSError: It cannot be read.
        """
        if self._archive:
            return set(self._archive.names())
        return {path.name for path in self.path.iterdir() if path.is_file() and not path.is_symlink()}

    def read(self, clip: str) -> bytes:
        """The file of a clip.

        Raises:
            OSError: It cannot be read.
        """
        name = f"{clip}{CLIPS_SUFFIX}"
        return self._archive.read(name) if self._archive else (self.path / name).read_bytes()

    def all(self) -> dict[str, bytes]:
        """The file of every clip, by its id.

        Raises:
            OSError: It cannot be read.
        """
        ids = [name.removesuffix(CLIPS_SUFFIX) for name in self.files() if name.endswith(CLIPS_SUFFIX)]
        return {clip: self.read(clip) for clip in ids}


def archive_of(folder: Path, name: str) -> Path:
    """The archive of a model's small clips, or of the true ones (`TRUE_CLIPS`)."""
    return folder / f"{name}{ARCHIVE_SUFFIX}"


def find_small_clips(folder: Path, name: str) -> SmallClips | None:
    """The small clips of a model, or the true ones; None if there are none."""
    places = (archive_of(folder, name), folder / name)
    return next((SmallClips(path) for path in places if path.exists() and not path.is_symlink()), None)


def write_small_clips(path: Path, clips: Mapping[str, bytes]) -> None:
    """Write an archive of small clips (id to MP4 file), atomically; the same clips give the same bytes.

    Raises:
        OSError: The disk is full or the folder cannot be written.
    """
    write_archive(path, [(f"{clip}{CLIPS_SUFFIX}", clips[clip]) for clip in sorted(clips)])
