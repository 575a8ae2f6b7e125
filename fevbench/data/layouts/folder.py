"""Clips of your own: videos or folders of frames, with a CSV file or a pattern of their paths."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fevbench.data.clip import EXPRESSIONS
from fevbench.data.layouts.folder_walk import (
    BESIDE,
    MIXTURE,
    TWIN,
    FolderWalk,
    SkippedItem,
    did_you_mean,
    legible,
    wrong_folder,
)
from fevbench.data.layouts.layout import (
    SYNONYMS,
    Download,
    Layout,
    Option,
    Recording,
    canonical,
    numbered,
    recording_id,
)
from fevbench.data.layouts.table import read_table
from fevbench.data.members import natural_key, without_companions
from fevbench.data.pictures import ANIMATION_SUFFIXES, PICTURE_SUFFIXES
from fevbench.data.video import VIDEO_SUFFIXES, WHAT_IS_READ, is_clip
from fevbench.errors import DatasetError

FRAME = "frame"
"""The field of a frame's number, for folders with the frames of several takes."""
FIELDS = ("subject", "label", "take", FRAME)
KNOWN = {*EXPRESSIONS, *SYNONYMS.values(), "calm"}
_FIELD = re.compile(r"\{(\w+)\}|\*")
_NUMBER = r"\d+(?:[.,]\d+)?"


def fields(pattern: str) -> list[str]:
    """The names of a pattern's fields, in order."""
    return [match[1] for match in _FIELD.finditer(pattern) if match[1]]


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression for a whole path, with one group per field.

    Raises:
        DatasetError: It has an unknown field, or lacks or repeats a required one.
    """
    names = fields(pattern)
    for name in names:
        if name not in FIELDS:
            hint = did_you_mean(name, FIELDS) or f"use {', '.join(f'{{{field}}}' for field in FIELDS)} and *"
            raise DatasetError(f"the pattern {pattern!r} has a field {{{name}}}", hint)
    if not {"subject", "label"} <= set(names) or len(set(names)) < len(names):
        raise DatasetError(f"the pattern {pattern!r} lacks {{subject}} or {{label}}", "name each once")
    text, end = "", 0
    for match in _FIELD.finditer(pattern):
        text += re.escape(pattern[end : match.start()])
        text += f"(?P<{match[1]}>{_NUMBER if match[1] == FRAME else '[^/]+?'})" if match[1] else "[^/]*?"
        end = match.end()
    return re.compile(text + re.escape(pattern[end:]))


def suggested(path: Path, flat: bool) -> str:
    """A pattern that reads a path below the data set's folder; empty if no part is a known label.

    The path has no suffix. If ``flat``, it is that of a frame and ends in its number.
    """
    folders, last = path.parts[:-1], path.name
    # Split at separators, and between a word and its number: S01_happy3 is S01, _, happy, 3.
    parts = [text for text in re.split(r"([_\-. ]+)", last) if text]
    split = [piece for text in parts for piece in _label_and_number(text)]
    units = [piece for folder in folders for piece in (folder, "/")] + split
    roles: dict[int, str] = {}
    if flat:
        numbers = [i for i, unit in enumerate(units) if re.fullmatch(_NUMBER, unit)]
        if not numbers or numbers[-1] < 2 * len(folders):
            return ""
        roles[numbers[-1]] = FRAME
    words = [i for i, unit in enumerate(units) if i not in roles and re.search(r"[^\W_]", unit)]
    label = next((i for i in words if canonical(units[i]) in KNOWN), None)
    others = [i for i in words if i != label]
    if label is None or not others:
        return ""
    roles |= {label: "label", others[0]: "subject"}
    if len(others) > 1:
        roles[others[1]] = "take"
    pattern = "".join(
        f"{{{roles[i]}}}" if i in roles else "*" if i in words else unit for i, unit in enumerate(units)
    )
    return pattern if compiled(pattern).fullmatch(path.as_posix()) else ""


def _label_and_number(text: str) -> list[str]:
    match = re.fullmatch(r"([^\W\d_]+)(\d+)", text)
    return [match[1], match[2]] if match and canonical(match[1]) in KNOWN else [text]


COLUMNS = ("path", "subject", "label")
TITLE = "clips of your own"
EXPECTED = "videos or folders of frames where --set pattern=… says"
MISFIT = "does not fit the pattern"


def discover(root: Path, options: Mapping[str, str]) -> Download:
    """Find every recording that the pattern or the CSV file names.

    Raises:
        DatasetError: The pattern or the CSV file is wrong, or nothing matches.
    """
    tree = FolderWalk()
    if options["csv"]:
        table = Path(options["csv"]).expanduser()
        found = _from_csv(root, table, tree)
        if not found.recordings:
            raise _nothing_named(root, table, tree)
    else:
        found = Download(list(_from_pattern(root, options["pattern"], tree)), tree.skipped)
        if not found.recordings:
            raise _nothing_fits(root, options["pattern"], tree)
    _check_subjects(found.recordings)
    # Takes of the same name are different files, as of several sessions.
    ids = numbered(recording.id for recording in found.recordings)
    recordings = [replace(recording, id=name) for recording, name in zip(found.recordings, ids, strict=True)]
    return Download(recordings, tree.skipped, found.attributes, found.splits)


def _nothing_named(root: Path, table: Path, tree: FolderWalk) -> DatasetError:
    first = next((f" ({skip.what}: {skip.why})" for skip in tree.skipped), "")
    return DatasetError(
        f"{table} names no clip in {root}{first}", "name videos or folders of frames below that folder"
    )


def _nothing_fits(root: Path, pattern: str, tree: FolderWalk) -> DatasetError:
    for skip in tree.skipped:
        if skip.why in (MISFIT, MIXTURE):
            what = f"nothing in {root} fits the pattern {pattern!r}"
            there, other = _suggestion(root, Path(skip.what))
            if other:  # it matches something
                return DatasetError(f"{what}; there is, for example, {there}", f"--set 'pattern={other}'")
            if skip.why == MIXTURE:
                return DatasetError(what, skip.detail)
            return DatasetError(what, f"there is, for example, {there}")
    wrong = wrong_folder(root, TITLE, EXPECTED)
    return DatasetError(wrong.what, f"{wrong.fix}; {WHAT_IS_READ}")


def _suggestion(root: Path, path: Path) -> tuple[str, str]:
    """An existing file as an example, and a pattern that would match it, or an empty text."""
    examples = [(path, not path.is_dir() and not is_clip(path))]
    if path.is_dir():
        pictures = [file for file in path.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES]
        flat = [(picture, True) for picture in sorted(pictures, key=natural_key)[:1]]
        examples = [*examples, *flat] if FolderWalk().members(path, pictures) else flat or examples
    for there, is_frame in examples:
        below = there.relative_to(root)
        pattern = suggested(below if there.is_dir() else below.with_suffix(""), is_frame)
        if pattern and any(_from_pattern(root, pattern, FolderWalk())):
            return legible(below.as_posix()), pattern
    return legible(examples[0][0].relative_to(root).as_posix()), ""


def _check_subjects(recordings: Sequence[Recording]) -> None:
    """Check that no subject is spelt in two ways, which could fall into two splits."""
    spelt: dict[str, str] = {}
    for recording in recordings:
        first = spelt.setdefault(recording.subject.casefold().strip(), recording.subject)
        if first != recording.subject:
            raise DatasetError(
                f"{first!r} and {recording.subject!r} may be one subject",
                "write each subject's name the same way everywhere",
            )


def _from_pattern(root: Path, pattern: str, tree: FolderWalk) -> Iterator[Recording]:
    regex = compiled(pattern)
    flat = FRAME in fields(pattern)
    recordings: dict[tuple[Path, str], list[Path]] = {}
    said: dict[tuple[Path, str], Mapping[str, str]] = {}
    for path, pictures in _candidates(root, tree, flat):
        relative = path.relative_to(root)
        named = (relative.with_suffix("") if path.is_file() else relative).as_posix()
        match = regex.fullmatch(named)
        if match is None:
            tree.skip(path, MISFIT, pattern)
            continue
        values = match.groupdict()
        frame = values.pop(FRAME, "")
        # Frames without folders belong to one recording if their names differ only in the number.
        key = (
            (path.parent, named[: match.start(FRAME)] + named[match.end(FRAME) :]) if frame else (path, named)
        )
        said[key] = values
        recordings.setdefault(key, []).extend(pictures)
    names = {named for _, named in recordings}
    there: dict[str, Path] = {}
    for (path, named), files in recordings.items():
        first = there.setdefault(named, path)
        if not flat and _is_companion(named, names):
            tree.skip(path, BESIDE)
        elif first is not path:
            tree.skip(path, TWIN, f"the same as {first}")
        elif frames := (tuple(files) if is_clip(files[0]) else tree.members(path, files)):
            yield _recording(said[path, named], frames)


def _is_companion(named: str, names: Collection[str]) -> bool:
    """Whether a recording is a mask or similar of others, as ``1_mask`` of ``1``, or ``masks`` of all."""
    before, slash, last = named.rpartition("/")
    other = without_companions(last)
    if other is None:
        return False
    if other:
        return f"{before}{slash}{other}" in names
    return any(name != named and name.rpartition("/")[0] == before for name in names)


def _recording(said: Mapping[str, str], files: tuple[Path, ...]) -> Recording:
    subject, native = legible(said["subject"]), legible(said["label"])
    parts = [subject, canonical(native), *([said["take"]] if said.get("take") else [])]
    return Recording(recording_id(*parts), subject, canonical(native), native, files)


def _candidates(root: Path, tree: FolderWalk, flat: bool) -> Iterator[tuple[Path, list[Path]]]:
    """Every video, and every folder that directly holds frames; or every picture, if ``flat``."""
    for folder in tree.everything(root):
        pictures = []
        for file in tree.files(folder, (*PICTURE_SUFFIXES, *VIDEO_SUFFIXES, *ANIMATION_SUFFIXES)):
            if is_clip(file) or flat:
                yield file, [file]
            else:
                pictures.append(file)
        if pictures:
            yield folder, pictures
        elif not any(folder.iterdir()):
            tree.skip(folder, "empty take")


def _from_csv(root: Path, path: Path, tree: FolderWalk) -> Download:
    recordings = []
    splits: dict[str, str] = {}
    named: dict[str, str] = {}
    for number, row in read_table(path, COLUMNS, ("take", "split")):
        where = f"{path.name} line {number}"
        if not all(row[name] for name in COLUMNS):
            tree.skipped.append(SkippedItem(where, "incomplete line"))
            continue
        if row["split"]:
            _assign(splits, legible(row["subject"]), row["split"].lower(), where)
        target = root / row["path"]
        said = f"line {number}: {row['subject']}, {row['label']}"
        first = named.setdefault(os.path.normpath(target), said)
        if first is not said:  # it must not count twice
            tree.skipped.append(SkippedItem(where, "same file again", f"{first}; {said}"))
            continue
        if target.is_file() and not is_clip(target):
            why = "neither a video nor a folder of frames"
            tree.skipped.append(SkippedItem(where, why, f"{target}; {WHAT_IS_READ}"))
            continue
        files = (target,) if target.is_file() else tree.images(target) if target.is_dir() else ()
        if not target.exists():
            tree.skipped.append(SkippedItem(where, "missing file", str(target)))
        if not files:
            continue
        recordings.append(_recording({**row, "take": row["take"] or target.stem}, files))
    return Download(recordings, tree.skipped, {}, splits)


def _assign(splits: dict[str, str], subject: str, split: str, where: str) -> None:
    if splits.setdefault(subject, split) != split:
        raise DatasetError(
            f"{where}: {subject} is in both {splits[subject]} and {split}", "give every subject one split"
        )


LAYOUT = Layout(
    name="folder",
    title="Clips of your own: videos, or folders of frames",
    phase="any",
    fps=25.0,
    licence="your own",
    access="record it",
    citation="",
    tree="""\
SRC/
  anna/                       --set pattern={subject}/{label}/{take}   (the default)
    happiness/
      1.mp4                   a video,
      2/  0001.png 0002.png … or a folder of frames
or, with --set pattern={subject}_{label}_{take}
  anna_happy_1.mp4
or, with --set pattern={subject}/{label}_{frame}
  anna/  happy_01.jpg happy_02.jpg … sad_01.jpg …
or, with --set csv=clips.csv: columns path (from SRC), subject, label, and take, split if you like""",
    expected=EXPECTED,
    labels={},
    split="seeded:70-10-20:0",
    discover=discover,
    options={
        "pattern": Option(
            "{subject}/{label}/{take}",
            (),
            "where who shows what; {subject}, {label}, {take}, {frame}, * for anything",
        ),
        "csv": Option(
            "", (), "a CSV file that says so instead: path, subject, label, take, split", file=True
        ),
    },
)
