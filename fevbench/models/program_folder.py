"""The folder of an external program in a run: the list of clips it gets, and its output.

runs/…/outside/
log.txt       each call and its output
made-….jsonl  size and format of each clip as the program wrote it, before it was stored in clips/
work-…/       one folder per call: images, manifest, output; deleted once its clips are stored
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fevbench.data.clip import Frames
from fevbench.data.corpus import Corpus
from fevbench.data.facts import FileFacts
from fevbench.data.pictures import ANIMATION_SUFFIXES, PICTURE_SUFFIXES
from fevbench.data.video import VIDEO_SUFFIXES, read_clip
from fevbench.errors import VideoError
from fevbench.models.videos import size_of

MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True)
class ManifestEntry:
    """One requested clip.

    Attributes:
        image: The input, a PNG file of the protocol's size; relative paths are relative to the manifest.
        out: Where to write the clip: a folder of frames of this name, or a video of this name and a suffix.
        seed: The clip's seed, of 31 bits, which every library accepts.
    """

    id: str
    image: str
    label: str
    out: str
    seed: int


def seed_for_programs(seed: int) -> int:
    """The upper 31 bits of a clip's 63-bit seed: NumPy and C's ``int`` accept no more."""
    return seed >> 32


def manifest_text(corpus: Corpus, entries: Sequence[ManifestEntry]) -> str:
    """A manifest as JSON: length, size and rate of clips, all labels in order, and the requested clips."""
    how = corpus.protocol
    content: dict[str, Any] = {
        "frames": how.frames,
        "size": how.size,
        "fps": how.rate(corpus.dataset.fps),
        "labels": list(corpus.dataset.labels),
        "clips": [asdict(entry) for entry in entries],
    }
    return json.dumps(content, indent=1) + "\n"


def entries_of(file: Path) -> Mapping[str, ManifestEntry]:
    """Clip id to entry of a manifest that fevbench wrote; empty if it is incomplete."""
    try:
        return {
            row["id"]: ManifestEntry(**row) for row in json.loads(file.read_text(encoding="utf-8"))["clips"]
        }
    except (OSError, ValueError, TypeError, KeyError):
        return {}


OUTSIDE_FOLDER = "outside"


class ProgramFolder:
    """The folder of one model in one run.

    Args:
        root: The folder; made if it does not exist.
        key: Identifies what determines the clips; letters and digits. Files of other keys are removed.
        kept: Whether the folder remains after the run, so that its log can be read.

    Attributes:
        known: Clip id to width and height as written, and the facts of its files.
    """

    def __init__(self, root: Path, key: str, kept: bool) -> None:
        self._root, self._key, self.kept = root.absolute(), key, kept
        self._root.mkdir(parents=True, exist_ok=True)
        self.log = self._root / "log.txt"
        self._made = self._root / f"made-{key}.jsonl"
        self.known = _known(self._made)
        for path in (*self._root.glob("work-*"), *self._root.glob("made-*.jsonl")):
            if path != self._made and not path.name.startswith(f"work-{key}-"):
                discard([path])

    def new_folder(self) -> Path:
        """Make an empty folder for a call."""
        folder = self._root / f"work-{self._key}-{secrets.token_hex(4)}"
        folder.mkdir()
        return folder

    def clear(self) -> None:
        """Remove the folders of all calls."""
        for folder in self._root.glob("work-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def left_over(self, wanted: Mapping[str, int]) -> Iterator[tuple[ManifestEntry, Path]]:
        """Yield the output of stopped calls for requested clips; ``wanted`` is clip id to seed.

        The last file of each call is left out: it may be incomplete.
        """
        for folder in sorted(self._root.glob("work-*")):
            entries = entries_of(folder / MANIFEST_FILE).values()
            written = [(entry, path) for entry in entries for path in outputs(Path(entry.out))]
            last = max((_written_at(path) for _, path in written), default=0)
            for entry, path in written:
                if _written_at(path) < last and wanted.get(entry.id) == entry.seed:
                    yield entry, path

    def remember(self, clip: str, frames: Frames, facts: FileFacts) -> None:
        """Store the size and facts of a clip as the program wrote it."""
        facts.digest = ""
        fields = asdict(facts) | {"forms": sorted(facts.forms), "checks": sorted(facts.checks)}
        row = {"clip": clip, "size": size_of(frames), **fields}
        self.known[clip] = (size_of(frames), facts)
        with self._made.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def forget(self, clips: Iterable[str]) -> None:
        """Drop the size and facts of clips that are made again."""
        for clip in clips:
            self.known.pop(clip, None)


def outputs(out: Path) -> list[Path]:
    """The files that a program wrote for a clip with path ``out``.

    These are a folder of frames with this name, or a video with this name and any suffix or none. The folder
    may instead hold one video, for programs that choose the name themselves.
    """
    endings = dict.fromkeys(("", *VIDEO_SUFFIXES, *ANIMATION_SUFFIXES))
    named = [out.with_name(f"{out.name}{ending}") for ending in endings]
    return sorted(inner for path in named if path.exists() for inner in _within(path))


def read_output(paths: list[Path], facts: FileFacts, most: int) -> Frames:
    """Read the one clip among a program's files.

    Raises:
        VideoError: There are several clips, or the clip cannot be read.
    """
    if len(paths) > 1:
        names = ", ".join(path.name for path in paths[:3])
        raise VideoError(f"{len(paths)} clips were written ({names})", "it must write one, at {out}")
    return read_clip(paths[0], facts, most)


def discard(paths: list[Path]) -> None:
    """Remove a program's files after reading."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _within(path: Path) -> list[Path]:
    """The path itself if it is a file or a folder of frames; the videos in a folder of videos; or none."""
    if not path.is_dir():
        return [path]
    inner = [file for file in path.iterdir() if not file.name.startswith(".")]
    if any(file.suffix.lower() in PICTURE_SUFFIXES for file in inner):
        return [path]
    return [file for file in inner if file.suffix.lower() in VIDEO_SUFFIXES] or ([path] if inner else [])


def _written_at(path: Path) -> int:
    """Time of the last change of a file or folder, in nanoseconds."""
    times = [path.stat().st_mtime_ns]
    if path.is_dir():
        times += [file.stat().st_mtime_ns for file in path.iterdir()]
    return max(times)


def _known(file: Path) -> dict[str, tuple[tuple[int, int], FileFacts]]:
    """Clip id to its latest line in a file of sizes and facts."""
    found: dict[str, tuple[tuple[int, int], FileFacts]] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        try:
            row: dict[str, Any] = json.loads(line)
            clip, (width, height) = str(row.pop("clip")), row.pop("size")
            row["forms"], row["checks"] = set(row["forms"]), set(row["checks"])
            found[clip] = ((int(width), int(height)), FileFacts(**row))
        except (ValueError, TypeError, KeyError):  # after a kill, the last line may be incomplete
            continue
    return found
