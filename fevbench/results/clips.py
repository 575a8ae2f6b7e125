"""Whether the clips beside a result are those it is about.

A result holds the digest of the pixels of each clip it scored, and each clip carries that of its own pixels.
A model that does not repeat makes other clips each time, and the numbers are not theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench.counts import some
from fevbench.data.clip import DIGEST_TAG, LOSSLESS_SUFFIX
from fevbench.errors import RunError, way_out

if TYPE_CHECKING:
    from fevbench.data.clip import Clip
    from fevbench.results.schema import Result

CLIPS_FOLDER = "clips"
DRAWS_FOLDER = "draws"
HEAD = 4096
"""Bytes at the beginning of a clip among which its digest is; it need not be decoded for that."""
_TAG = re.compile(rb"%b\x44\x87\xc0([0-9a-f]{64})" % DIGEST_TAG.encode())
"""A tag of Matroska: its name, the element that holds a text (0x4487), its length of 64, and the text."""


def file_name(clip: Clip) -> str:
    """What a generated clip's file is called."""
    return f"{clip.id}{LOSSLESS_SUFFIX}"


def check_clips(folder: Path, result: Result) -> None:
    """See that the clips of a run folder are those its result is about; what is not there is not asked for.

    The digests that clips carry are compared. Whether their pixels are whole is seen when they are decoded.

    Raises:
        RunError: Some are others, or one cannot be read.
    """
    if others := list(other_clips(folder, result)):
        what = f"{folder}: {not_scored(others)}"
        raise RunError(what, "repeat its command, which scores the clips that are there")


def not_scored(others: Sequence[str]) -> str:
    """In words, that clips are not those a result is about."""
    many = "clips are" if len(others) > 1 else "clip is"
    return f"{len(others)} {many} not what was scored ({some(others)})"


def other_clips(folder: Path, result: Result) -> Iterator[str]:
    """Yield the files of a run folder that are not the clips its result is about, by their paths in it."""
    wanted = [(CLIPS_FOLDER, clip, digest) for clip, digest in result.clips.items()]
    for clip, digests in result.draws.items():
        wanted += [(f"{DRAWS_FOLDER}/{draw}", clip, digest) for draw, digest in enumerate(digests, start=1)]
    for inside, clip, digest in wanted:
        # A stranger's result may name anything: nothing is read outside of the folder.
        name = f"{clip}{LOSSLESS_SUFFIX}"
        plain = "\0" not in name and Path(name).name == name
        if not plain or written_digest(folder / inside / name) not in (digest, None):
            yield f"{inside}/{name}"


def written_digest(path: Path) -> str | None:
    """The digest that a clip carries; empty if it carries none or is no file, None if it is not there.

    Raises:
        RunError: It cannot be read.
    """
    try:
        if path.exists() and not path.is_file():
            return ""
        with path.open("rb") as file:
            tag = _TAG.search(file.read(HEAD))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        fix = way_out(error, "check its permissions")
        raise RunError(f"{path} cannot be read ({error.strerror})", fix) from error
    return tag[1].decode() if tag else ""
