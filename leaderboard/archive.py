"""A run in one file, for submission: its result, its lossless clips, and the sha256 of each.

The same run gives the same file. An untrusted archive is checked before it is used: only file names of runs,
no more bytes than `LIMITS`, and every file as its manifest says.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from fevbench.data.video import LOSSLESS_SUFFIX
from fevbench.engine.folder import SETTINGS_FILE
from fevbench.errors import FevbenchError, RunError
from fevbench.hashing import BLOCK, sha256_of
from fevbench.records import Record
from fevbench.results.files import CLIPS_FOLDER, read_result
from fevbench.results.schema import RESULT_FILE
from fevbench.zips import write_archive as pack
from leaderboard.layout import is_file_name, scored_clips

SUFFIX = ".zip"
MANIFEST = "manifest.json"
CARD = "card.md"
FORMAT = "fevbench submission 1"
ALLOWED = re.compile(
    "|".join(map(re.escape, (MANIFEST, RESULT_FILE, SETTINGS_FILE, CARD)))
    + rf"|{CLIPS_FOLDER}/[^/]+{re.escape(LOSSLESS_SUFFIX)}"
)
MEGABYTE = 1 << 20
MOST_FILES = 20_000
MOST_BYTES = 4096 * MEGABYTE
LIMITS = {".json": 64 * MEGABYTE, ".md": MEGABYTE, LOSSLESS_SUFFIX: 256 * MEGABYTE}
"""Most bytes of an unpacked file, by its suffix; `MOST_BYTES` is the limit of all together."""
UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Exceptions of reading a damaged or unusual archive."""
PACK_AGAIN = "make it with `fevbench leaderboard submit`"


class Manifest(Record):
    """The manifest of an archive."""

    format: str
    """The format of the archive, with a version."""
    contact: str = ""
    """Contact of the submitter; may be empty."""
    files: dict[str, str]
    """Every other file's name to its sha256."""


def write_archive(run: Path, out: Path, card: Path | None = None, contact: str = "") -> None:
    """Pack a checked run into one file, atomically, perhaps with a text file that describes the model.

    Raises:
        RunError: The run lacks a file, or the card is not text.
    """
    contents = {RESULT_FILE: run / RESULT_FILE, SETTINGS_FILE: run / SETTINGS_FILE}
    for clip in scored_clips(read_result(run)):
        name = f"{CLIPS_FOLDER}/{clip}{LOSSLESS_SUFFIX}"
        contents[name] = run / name
    if card is not None:
        _check_text(card)
        contents[CARD] = card
    absent = [path for path in contents.values() if not path.is_file()]
    if absent:
        raise RunError(f"{absent[0]} does not exist", "finish the run: repeat its command")
    files = {name: sha256_of(contents[name]) for name in sorted(contents)}
    manifest = Manifest(format=FORMAT, contact=contact, files=files)
    head = (MANIFEST, (manifest.model_dump_json(indent=1) + "\n").encode())
    pack(out, itertools.chain([head], ((name, contents[name].read_bytes()) for name in files)))


def _check_text(card: Path) -> None:
    try:
        fits = len(card.read_bytes()) <= LIMITS[".md"]
        card.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{card} cannot be read as text ({error})", "give --card a text file") from error
    if not fits:
        raise RunError(f"{card} is larger than {LIMITS['.md'] // MEGABYTE} MiB", "shorten it")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[Path, Manifest]]:
    """Unpack an archive into a temporary folder, and yield the run folder and the archive's manifest.

    Raises:
        RunError: It is not such an archive, or does not match its manifest. Nothing was written elsewhere.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        try:
            with zipfile.ZipFile(path) as archive:
                entries = _entries(path, archive)
                for entry in entries.values():
                    _unpack(archive, entry, folder)
        except UNREADABLE as error:
            raise RunError(f"{path} cannot be unpacked ({error})", PACK_AGAIN) from error
        manifest = _manifest(path, folder / MANIFEST)
        _check_files(path, folder, manifest, entries.keys() - {MANIFEST})
        try:
            yield folder, manifest
        except FevbenchError as error:  # name the archive, not the temporary folder
            what, fix = (text.replace(str(folder), str(path)) for text in (error.what, error.fix))
            raise RunError(what, fix) from error


def _entries(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive, after checking before unpacking that a submission may hold them."""
    listed = archive.infolist()
    if len(listed) > MOST_FILES:
        raise RunError(f"{path} holds {len(listed)} files, more than {MOST_FILES}", PACK_AGAIN)
    if (total := sum(entry.file_size for entry in listed)) > MOST_BYTES:
        raise RunError(f"{path} unpacks to {total} bytes, more than {MOST_BYTES}", PACK_AGAIN)
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in listed:
        if why := _refusal_reason(entry, entries):
            raise RunError(f"{path} holds {entry.filename!r}, {why}: nothing was unpacked", PACK_AGAIN)
        entries[entry.filename] = entry
    for name in (MANIFEST, RESULT_FILE, SETTINGS_FILE):
        if name not in entries:
            raise RunError(f"{path} holds no {name}", PACK_AGAIN)
    return entries


def _refusal_reason(entry: zipfile.ZipInfo, before: Mapping[str, zipfile.ZipInfo]) -> str:
    """Why a file of an archive is not unpacked; empty if it is."""
    name = PurePosixPath(entry.filename)
    if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in entry.filename:
        return "whose path leaves the archive"
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        return "which is not a file"
    if not ALLOWED.fullmatch(entry.filename) or not is_file_name(name.name):
        return "which is not a file of a run"
    if entry.filename in before:
        return "twice"
    if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "which is encrypted or compressed by an unusual method"
    if entry.file_size > LIMITS[name.suffix]:
        return f"of {entry.file_size} bytes, more than {LIMITS[name.suffix]}"
    return ""


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    """Unpack a checked file. Its bytes are counted, because its header may be wrong."""
    target = folder / entry.filename
    target.parent.mkdir(exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as packed, target.open("xb") as file:
        while block := packed.read(BLOCK):
            left -= len(block)
            if left < 0:
                raise ValueError(f"{entry.filename} is larger than it says")
            file.write(block)


def _manifest(path: Path, file: Path) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise RunError(f"{path}: its {MANIFEST} is broken", PACK_AGAIN) from error
    if manifest.format != FORMAT:
        raise RunError(f"{path} is {manifest.format!r}, this fevbench reads {FORMAT!r}", PACK_AGAIN)
    return manifest


def _check_files(path: Path, folder: Path, manifest: Manifest, there: Collection[str]) -> None:
    """Check that an archive holds exactly the files of its manifest, each with the right sha256."""
    for name in sorted(manifest.files.keys() ^ set(there)):
        what = f"holds {name!r}, which its {MANIFEST} does not name" if name in there else f"lacks {name!r}"
        raise RunError(f"{path} {what}", PACK_AGAIN)
    for name, sha256 in sorted(manifest.files.items()):
        if sha256_of(folder / name) != sha256:
            raise RunError(
                f"{path}: {name!r} is not the file that was packed (its sha256 differs)", PACK_AGAIN
            )
