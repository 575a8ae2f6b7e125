"""``videos:DIR``: clips made elsewhere, one file or one folder of frames each, matched by clip id."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench.data.facts import FileFacts, notes_on_files
from fevbench.data.own_protocol import MOST_FRAMES
from fevbench.data.pictures import PICTURE_SUFFIXES
from fevbench.data.video import WHAT_IS_READ, is_clip, read_clip
from fevbench.errors import ModelError, VideoError
from fevbench.hashing import sha256_of
from fevbench.models.found import VIDEOS_PREFIX, FoundModel
from fevbench.wording import first_few

if TYPE_CHECKING:
    import torch

    from fevbench.data.clip import Clip, Frames
    from fevbench.models.protocol import ModelSpec

LARGEST_FILE = 4 << 30
"""Bytes; 64 uncompressed frames of 1024 px have only 0.2 GiB."""


class VideoFolder:
    """Clips made elsewhere.

    Clips of another length than the protocol's are sampled by the protocol's rule, as true clips are, and the
    notes say so. Clips of another size are resized as true clips are. All clips must have the same size.

    Args:
        found: Clip id to file or folder.
        spec: The run's sizes and true clips.
        allow_missing: Score the existing clips if some are missing.

    Attributes:
        notes: Notes for the reader of the result: missing and extra clips, resizing.
        missing: Ids of scored clips the folder does not hold.

    Raises:
        ModelError: Clips are missing and ``allow_missing`` is false, or none matches.
        VideoError: The first clip cannot be read.
    """

    def __init__(self, found: dict[str, Path], folder: Path, spec: ModelSpec, allow_missing: bool) -> None:
        self._found = found
        self._spec = spec
        self.notes: list[str] = []
        self._facts: dict[str, FileFacts] = {}
        wanted = {clip.id for clip in spec.corpus.clips}
        self.missing = sorted(wanted - found.keys())
        extra = sorted(found.keys() - {clip.id for clip in spec.corpus.pool})
        if len(self.missing) == len(wanted):
            raise ModelError(
                f"{folder}: no clip has the name of a clip of {spec.corpus.dataset.name}",
                f"name each file or folder after its clip id, for example {min(wanted)}.mkv",
            )
        if self.missing:
            text = f"{len(self.missing)} of {len(wanted)} clips are missing ({first_few(self.missing)})"
            if not allow_missing:
                raise ModelError(f"{folder}: {text}", "add them, or score the rest with --allow-missing")
            self.notes.append(text)
        if extra:
            self.notes.append(f"left out, because no true clip has this name: {first_few(extra)}")
        # The first clip by id, whichever is requested first, so that a continued run gives the same note.
        self._size = size_of(read_clip(found[min(wanted & found.keys())], most=1))
        if self._size != (spec.size, spec.size):
            width, height = self._size
            cut = "cut to the square in the middle and " * (width != height)
            self.notes.append(f"clips were {cut}resized from {width}x{height} to {spec.size}x{spec.size}")

    def clip(self, wanted: Clip, generator: torch.Generator) -> Frames:
        """Read the clip made for ``wanted``; ``generator`` is not used."""
        path = self._found[wanted.id]
        frames = self._read(wanted.id)
        check_size(str(path), frames, self._size)
        return self._spec.corpus.protocol.resize(frames, str(path))

    def file_notes(self) -> list[str]:
        """Notes on what changed pixels in the files, and on how they were checked for damage.

        Clips from earlier sessions are read for this, so that a continued run gives the same notes.

        Raises:
            VideoError: One cannot be read any more.
        """
        clips = [clip.id for clip in self._spec.corpus.clips if clip.id in self._found]
        for clip in clips:
            if clip not in self._facts:
                self._read(clip)
        return notes_on_files([self._facts[clip] for clip in clips])

    def _read(self, clip: str) -> Frames:
        self._facts[clip] = facts = FileFacts()
        path = self._found[clip]
        return sampled(read_clip(path, facts, most=MOST_FRAMES + 1), facts, str(path), self._spec)


def find_videos(folder: Path, allow_missing: bool) -> FoundModel:
    """Index a folder of clips.

    Raises:
        ModelError: The folder does not exist, holds no clip, or holds one clip twice.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder} is not a folder", "give videos:DIR a folder of clips")
    found: dict[str, Path] = {}
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        files = _clip_files(path)
        if not files:
            continue
        name = path.name if path.is_dir() else path.stem
        if name in found:
            raise ModelError(f"{folder} holds clip {name} twice", f"keep {found[name].name} or {path.name}")
        found[name] = path
        for file in files:
            digest.update(f"{file.relative_to(folder)}\0".encode())
            _check_file(file)
            digest.update(bytes.fromhex(sha256_of(file)))
    if not found:
        there = sorted(path.name for path in folder.iterdir())
        raise ModelError(
            f"{folder} holds no clip, but {first_few(there)}" if there else f"{folder} is empty",
            f"put one video, animation or folder of frames per clip in it; {WHAT_IS_READ}",
        )

    def build(spec: ModelSpec) -> VideoFolder:
        return VideoFolder(found, folder, spec, allow_missing)

    return FoundModel(
        f"{VIDEOS_PREFIX}{folder.resolve().name}",
        str(folder),
        digest.hexdigest(),
        False,
        build,
        fingerprint_is_complete=True,
    )


def _clip_files(path: Path) -> list[Path]:
    if path.name.startswith("."):
        return []
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
    return [path] if is_clip(path) else []


def _check_file(file: Path) -> None:
    """Check that a file is a regular file of limited size, before it is read."""
    try:
        found = file.stat()
    except OSError as error:
        raise ModelError(f"{file} cannot be read ({error.strerror})", "restore it, or remove it") from error
    if not stat.S_ISREG(found.st_mode):
        raise ModelError(f"{file} is not a regular file", "put files into the folder, or links to files")
    if found.st_size > LARGEST_FILE:
        raise ModelError(
            f"{file} has {found.st_size / 2**30:.1f} GiB, too large for a clip",
            f"cut it to the scored part, at most {LARGEST_FILE >> 30} GiB",
        )


def sampled(frames: Frames, facts: FileFacts, what: str, spec: ModelSpec) -> Frames:
    """A clip made elsewhere at the protocol's length: unchanged, or sampled by the rule for true clips.

    ``facts`` gets a note on the sampling; ``what`` is what to call the clip in an error.

    Raises:
        VideoError: It has another length than the protocol's, and the rule does not apply to it.
    """
    protocol, count = spec.corpus.protocol, len(frames)
    if count == protocol.frames:
        return frames
    if count > MOST_FRAMES:
        raise VideoError(f"{what} has more than {MOST_FRAMES} frames", "cut it to the scored part")
    try:
        numbers = protocol.taken(count, what, None if facts.uneven else facts.fps)
    except VideoError as error:
        fix = f"export exactly {protocol.frames} frames" + ", at a constant rate" * facts.uneven
        raise VideoError(error.what, fix) from error
    rate = f" at {facts.fps:g} a second" if protocol.fps and facts.fps else ""
    facts.note(f"{count} frames{rate} became {protocol.frames} by the rule of protocol {protocol.id}")
    return frames[numbers]


def check_length(what: str, frames: Frames, facts: FileFacts, spec: ModelSpec) -> None:
    """Check that a clip made elsewhere has the protocol's length; ``frames`` may hold one more frame.

    Raises:
        VideoError: It has another length.
    """
    if len(frames) != spec.frames:
        more = " or more" if len(frames) > spec.frames else ""
        raise VideoError(
            f"{what} has {len(frames)} frames{more}, protocol {spec.corpus.protocol.id} scores {spec.frames}",
            f"export exactly {spec.frames} frames" + ", at a constant rate" * facts.uneven,
        )


def check_size(what: str, frames: Frames, others: tuple[int, int]) -> None:
    """Check that a clip made elsewhere has the size of the others, ``others`` (width, height).

    Raises:
        VideoError: It has another size.
    """
    size = size_of(frames)
    if size != others:
        raise VideoError(
            f"{what} is {size[0]}x{size[1]}, other clips are {others[0]}x{others[1]}",
            "make all clips of the folder the same size",
        )


def size_of(frames: Frames) -> tuple[int, int]:
    """Width and height in pixels."""
    return frames.shape[2], frames.shape[1]
