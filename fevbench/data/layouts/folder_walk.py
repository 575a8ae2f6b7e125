"""Walking a downloaded folder: everything skipped is noted, and links cannot lead in circles."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fevbench.data.members import frames_of, natural_key
from fevbench.data.pictures import PICTURE_SUFFIXES
from fevbench.data.video import WHAT_IS_READ
from fevbench.errors import DatasetError, VideoError
from fevbench.wording import first_few

ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2")
DEPTH = 5
"""Depth below the given folder to which a data set is searched."""
SHOWN = 6
"""Most names of found folders in an error."""
STRAY = "stray file"
BESIDE = "beside the frames"
"""Names of pictures that are not frames."""
MIXTURE = "pictures that are no one clip"
TWIN = "same take again"
NOT_ASKED = "part not asked for"
LFS = b"version https://git-lfs"
POINTER = 1024
"""Most bytes of a Git LFS pointer."""


@dataclass(frozen=True)
class SkippedItem:
    """Something that gives no clip.

    Attributes:
        why: The reason, in words that are the same for all items of a kind.
    """

    what: str
    why: str
    detail: str = ""


class FolderWalk:
    """A folder that is read once, and what was skipped in it."""

    def __init__(self) -> None:
        self.skipped: list[SkippedItem] = []

    def skip(self, path: Path, why: str, detail: str = "") -> None:
        """Note that something gives no clip."""
        self.skipped.append(SkippedItem(str(path), why, detail))

    def folders(self, path: Path, stray: bool = True) -> list[Path]:
        """The folders in a folder, in natural order; if ``stray``, notes files beside them, or no folders."""
        found = []
        entries = self._entries(path)
        if stray and not entries:
            self.skip(path, "empty folder")
        for entry in entries:
            if entry.is_dir():
                if entry.is_symlink() and path.resolve().is_relative_to(entry.resolve()):
                    self.skip(entry, "link that leads back")
                elif entry.name.startswith((".", "__")):
                    self.skip(entry, "hidden folder")
                else:
                    found.append(entry)
            elif stray:
                self._stray(entry)
        return found

    def files(self, path: Path, suffixes: Iterable[str]) -> list[Path]:
        """The files of some kinds in a folder, in natural order; the others are noted as stray."""
        wanted = tuple(suffixes)
        found = []
        for entry in self._entries(path):
            if entry.is_dir():
                continue
            if entry.is_file() and entry.suffix.lower() in wanted and not entry.name.startswith("."):
                found.append(entry)
            else:
                self._stray(entry)
        return found

    def images(self, path: Path) -> tuple[Path, ...]:
        """The frames in a recording's folder; a folder with no frames, or not those of one clip, is noted."""
        stray = len(self.skipped)
        found = self.files(path, PICTURE_SUFFIXES)
        others = {Path(skip.what).suffix.lower() or "no suffix" for skip in self.skipped[stray:]}
        for entry in self.folders(path, stray=False):
            self.skip(entry, "unexpected folder")
        if not found:
            there = f"there is {first_few(sorted(others))}; {WHAT_IS_READ}" if others else ""
            self.skip(path, "empty take", there)
        return self.members(path, found)

    def members(self, path: Path, pictures: Iterable[Path]) -> tuple[Path, ...]:
        """The pictures of a folder that are frames, in order; the others are noted."""
        try:
            members = frames_of(path, pictures)
        except VideoError as error:
            self.skip(path, MIXTURE, str(error))
            return ()
        for picture in members.beside:
            self.skip(picture, BESIDE)
        return members.frames

    def everything(self, path: Path, seen: set[Path] | None = None) -> Iterator[Path]:
        """Yield a folder and all folders below it, each before its content, and each once despite links."""
        seen = set() if seen is None else seen
        seen.add(path.resolve())
        yield path
        for folder in self._onward(path, seen):
            yield from self.everything(folder, seen)

    def _onward(self, path: Path, seen: set[Path]) -> Iterator[Path]:
        """Yield the folders in a folder, but no link to a folder already seen."""
        for folder in self.folders(path, stray=False):
            if folder.is_symlink() and folder.resolve() in seen:
                self.skip(folder, "link that leads back")
            else:
                yield folder

    def named(
        self,
        root: Path,
        pattern: re.Pattern[str],
        pass_over: Callable[[Path], tuple[str, str]] = lambda folder: ("", ""),
        seen: set[Path] | None = None,
    ) -> Iterator[tuple[Path, re.Match[str]]]:
        """Yield every file below a folder whose name matches, with the match; others are noted as stray.

        ``pass_over`` returns why a folder is skipped, with details, or two empty texts.
        """
        seen = set() if seen is None else seen
        seen.add(root.resolve())
        for entry in self._entries(root):
            if entry.is_dir():
                continue
            match = pattern.fullmatch(entry.name)
            if match and entry.is_file():
                if is_pointer(entry):
                    self.skip(entry, "Git LFS pointer", "the video is not here: git lfs pull")
                else:
                    yield entry, match
            else:
                self._stray(entry)
        for folder in self._onward(root, seen):
            why, detail = pass_over(folder)
            if why:
                self.skip(folder, why, detail)
            else:
                yield from self.named(folder, pattern, pass_over, seen)

    def _stray(self, entry: Path) -> None:
        broken = entry.is_symlink() and not entry.exists()
        self.skip(entry, "link that leads nowhere" if broken else STRAY)

    def _entries(self, path: Path) -> list[Path]:
        try:
            return sorted(path.iterdir(), key=natural_key)
        except OSError as error:
            self.skip(path, "cannot be read", error.strerror or str(error))
            return []


def find_all(root: Path, fits: Callable[[Path], bool]) -> list[Path]:
    """The matching folders at or below a folder, outermost first; nothing is searched below a match."""
    tree = FolderWalk()
    found: list[Path] = []
    level = [root]
    for _ in range(DEPTH + 1):
        fitting = [folder for folder in level if fits(folder)]
        found += fitting
        level = [
            child for folder in level if folder not in fitting for child in tree.folders(folder, stray=False)
        ]
    return found


def find_root(
    root: Path,
    title: str,
    expected: str,
    fits: Callable[[Path], bool],
    whole: Callable[[Path], bool] | None = None,
) -> Path:
    """The one folder at or below ``root`` that is the data set, for which ``fits`` is true.

    ``whole`` tells whether a folder above a matching one is the data set instead.

    Raises:
        DatasetError: There is none, or there are several.
    """
    found = find_all(root, fits)
    if not found:
        raise wrong_folder(root, title, expected, whole or fits)
    if len(found) > 1:
        names = ", ".join(str(folder) for folder in found[:SHOWN])
        raise DatasetError(f"{root} holds {title} {len(found)} times ({names})", "name one of them")
    return found[0]


def wrong_folder(
    root: Path, title: str, expected: str, fits: Callable[[Path], bool] | None = None
) -> DatasetError:
    """The error for a folder that is not the data set: what was expected, what was found, a suggestion."""
    names = sorted(legible(entry.name) for entry in root.iterdir())
    what = f"{root} does not hold {title}: expected {expected}, found {first_few(names, SHOWN) or 'nothing'}"
    for parent in list(root.resolve().parents)[:DEPTH] if fits else []:
        if os.access(parent, os.R_OK) and fits is not None and fits(parent):
            return DatasetError(what, f"did you mean {parent}?")
    archives = [path.name for path in [*root.glob("*"), *root.glob("*/*")] if path.suffix.lower() in ARCHIVES]
    if archives:
        return DatasetError(what, f"unpack {archives[0]} first")
    return DatasetError(what, "give the folder as unpacked (fevbench data info NAME shows it)")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``did you mean …`` for a name similar to a known one, or an empty text."""
    folded = {word.lower(): word for word in known}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f"did you mean {folded[close[0]]!r}?" if close else ""


def check_source(root: Path) -> None:
    """Check that a source is a readable folder.

    Raises:
        DatasetError: It is not a folder, or cannot be read.
    """
    if root.is_file() and root.suffix.lower() in ARCHIVES:
        raise DatasetError(f"{root} is an archive", "unpack it and give the folder")
    if not root.is_dir():
        beside = root.parent.iterdir() if root.parent.is_dir() else ()
        near = did_you_mean(root.name, [path.name for path in beside if path != root])
        raise DatasetError(f"{root} is not a folder", near or "give the folder as downloaded and unpacked")
    if not os.access(root, os.R_OK | os.X_OK):
        raise DatasetError(f"{root} cannot be read", "check its permissions")


def legible(text: str) -> str:
    """A text in composed Unicode; bytes of a file name that are not Unicode are shown as numbers."""
    return unicodedata.normalize("NFC", text.encode(errors="backslashreplace").decode())


def is_pointer(path: Path) -> bool:
    """Whether Git LFS left a pointer where a file should be."""
    if path.stat().st_size > POINTER:
        return False
    with path.open("rb") as file:
        return file.read(len(LFS)) == LFS
