"""Anyone's own clips: videos or folders of frames, with a CSV file or a pattern that says who shows what."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fevbench.data.layouts.layout import Found, Layout, Option, Take, canonical, numbered, take_id
from fevbench.data.layouts.table import read_table
from fevbench.data.layouts.tree import Skip, Tree, is_video, legible, nearest, wrong_folder
from fevbench.data.video import IMAGE_SUFFIXES
from fevbench.errors import DatasetError

FIELDS = ("subject", "label", "take")
COLUMNS = ("path", "subject", "label")
TITLE = "clips of your own"
EXPECTED = "videos or folders of frames where --set pattern=… says"
MISFIT = "does not fit the pattern"
_FIELD = re.compile(r"\{(\w+)\}|\*")


def discover(root: Path, options: Mapping[str, str]) -> Found:
    """Find every take that the pattern or the CSV file names.

    Raises:
        DatasetError: The pattern or the CSV file is wrong, or nothing fits.
    """
    tree = Tree()
    if options["csv"]:
        table = Path(options["csv"]).expanduser()
        found = _from_csv(root, table, tree)
        if not found.takes:
            raise _nothing_named(root, table, tree)
    else:
        found = Found(list(_from_pattern(root, options["pattern"], tree)), tree.skipped)
        if not found.takes:
            raise _nothing_fits(root, options["pattern"], tree)
    _check_people(found.takes)
    # Takes of one name are different files, as those of several sessions are.
    ids = numbered(take.id for take in found.takes)
    takes = [replace(take, id=name) for take, name in zip(found.takes, ids, strict=True)]
    return Found(takes, tree.skipped, found.attributes, found.splits)


def _nothing_named(root: Path, table: Path, tree: Tree) -> DatasetError:
    first = next((f" ({skip.what}: {skip.why})" for skip in tree.skipped), "")
    return DatasetError(
        f"{table} names no take in {root}{first}", "name videos or folders of frames below that folder"
    )


def _nothing_fits(root: Path, pattern: str, tree: Tree) -> DatasetError:
    for skip in tree.skipped:
        if skip.why == MISFIT:
            return DatasetError(
                f"nothing in {root} fits the pattern {pattern!r}",
                f"there is, for example, {legible(Path(skip.what).relative_to(root).as_posix())}",
            )
    return wrong_folder(root, TITLE, EXPECTED)


def _check_people(takes: Sequence[Take]) -> None:
    """See that nobody is two people, who could be in two splits, for a capital letter.

    Raises:
        DatasetError: Somebody is.
    """
    spelt: dict[str, str] = {}
    for take in takes:
        first = spelt.setdefault(take.subject.casefold().strip(), take.subject)
        if first != take.subject:
            raise DatasetError(
                f"{first!r} and {take.subject!r} may be one person", "write a person's name in one way"
            )


def _from_pattern(root: Path, pattern: str, tree: Tree) -> Iterator[Take]:
    regex = _compile(pattern)
    for path, files in _candidates(root, tree):
        relative = path.relative_to(root)
        match = regex.fullmatch((relative.with_suffix("") if path.is_file() else relative).as_posix())
        if match is None:
            tree.skip(path, MISFIT, pattern)
        else:
            yield _take(match.groupdict(), files)


def _take(said: Mapping[str, str], files: tuple[Path, ...]) -> Take:
    subject, native = legible(said["subject"]), legible(said["label"])
    parts = [subject, canonical(native), *([said["take"]] if said.get("take") else [])]
    return Take(take_id(*parts), subject, canonical(native), native, files)


def _candidates(root: Path, tree: Tree) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """Every video, and every folder that directly holds frames."""
    for folder in tree.everything(root):
        images = []
        for file in tree.files(folder, (*IMAGE_SUFFIXES, *_videos(folder))):
            if is_video(file):
                yield file, (file,)
            else:
                images.append(file)
        if images:
            yield folder, tuple(images)
        elif not any(folder.iterdir()):
            tree.skip(folder, "empty take")


def _videos(folder: Path) -> set[str]:
    return {entry.suffix.lower() for entry in folder.iterdir() if is_video(entry)}


def _compile(pattern: str) -> re.Pattern[str]:
    names = [match[1] for match in _FIELD.finditer(pattern) if match[1]]
    for name in names:
        if name not in FIELDS:
            hint = nearest(name, FIELDS) or f"use {', '.join(f'{{{field}}}' for field in FIELDS)} and *"
            raise DatasetError(f"the pattern {pattern!r} has a field {{{name}}}", hint)
    if not {"subject", "label"} <= set(names) or len(set(names)) < len(names):
        raise DatasetError(
            f"the pattern {pattern!r} does not say who shows what", "name {subject} and {label} once each"
        )
    text, end = "", 0
    for match in _FIELD.finditer(pattern):
        text += re.escape(pattern[end : match.start()])
        text += f"(?P<{match[1]}>[^/]+?)" if match[1] else "[^/]*?"
        end = match.end()
    return re.compile(text + re.escape(pattern[end:]))


def _from_csv(root: Path, path: Path, tree: Tree) -> Found:
    takes = []
    splits: dict[str, str] = {}
    named: dict[str, str] = {}
    for number, row in read_table(path, COLUMNS, ("take", "split")):
        where = f"{path.name} line {number}"
        if not all(row[name] for name in COLUMNS):
            tree.skipped.append(Skip(where, "incomplete line"))
            continue
        if row["split"]:
            _assign(splits, legible(row["subject"]), row["split"].lower(), where)
        target = root / row["path"]
        said = f"line {number}: {row['subject']}, {row['label']}"
        first = named.setdefault(os.path.normpath(target), said)
        if first is not said:  # twice in a set, it would count twice
            tree.skipped.append(Skip(where, "same file again", f"{first}; {said}"))
            continue
        if target.is_file() and not is_video(target):
            tree.skipped.append(Skip(where, "neither a video nor a folder of frames", str(target)))
            continue
        files = (target,) if target.is_file() else tree.images(target) if target.is_dir() else ()
        if not target.exists():
            tree.skipped.append(Skip(where, "missing file", str(target)))
        if not files:
            continue
        takes.append(_take({**row, "take": row["take"] or target.stem}, files))
    return Found(takes, tree.skipped, {}, splits)


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
or, with --set csv=clips.csv: columns path (from SRC), subject, label, and take, split if you like""",
    expected=EXPECTED,
    labels={},
    split="seeded:70-10-20:0",
    discover=discover,
    options={
        "pattern": Option(
            "{subject}/{label}/{take}", (), "where who shows what; {subject}, {label}, {take}, * for anything"
        ),
        "csv": Option(
            "", (), "a CSV file that says so instead: path, subject, label, take, split", file=True
        ),
    },
)
