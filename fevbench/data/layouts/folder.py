"""Anyone's own clips: videos or folders of frames, with a CSV file or a pattern that says who shows what."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fevbench.data.layouts.layout import Found, Layout, Option, Take, canonical, take_id
from fevbench.data.layouts.tree import Skip, Tree, is_video, legible, nearest, wrong_folder
from fevbench.data.video import IMAGE_SUFFIXES
from fevbench.errors import DatasetError

FIELDS = ("subject", "label", "take")
COLUMNS = ("path", "subject", "label")
TITLE = "clips of your own"
EXPECTED = "videos or folders of frames where --set pattern=… says"
_FIELD = re.compile(r"\{(\w+)\}|\*")


def discover(root: Path, options: Mapping[str, str]) -> Found:
    """Find every take that the pattern or the CSV file names.

    Raises:
        DatasetError: The pattern or the CSV file is wrong, or nothing fits.
    """
    tree = Tree()
    if options["csv"]:
        found = _from_csv(root, Path(options["csv"]).expanduser(), tree)
    else:
        found = Found(list(_from_pattern(root, options["pattern"], tree)), tree.skipped)
    if not found.takes:
        raise wrong_folder(root, TITLE, EXPECTED if not options["csv"] else f"what {options['csv']} names")
    return Found(_numbered(found.takes), tree.skipped, found.attributes, found.splits)


def _numbered(takes: Sequence[Take]) -> list[Take]:
    """The takes; those of one name are told apart by a number, as they are different files."""
    used: set[str] = set()
    numbered = []
    for take in takes:
        name, number = take.id, 1
        while name.casefold() in used:
            number += 1
            name = f"{take.id}-{number}"
        used.add(name.casefold())
        numbered.append(replace(take, id=name))
    return numbered


def _from_pattern(root: Path, pattern: str, tree: Tree) -> Iterator[Take]:
    regex = _compile(pattern)
    for path, files in _candidates(root, tree):
        relative = path.relative_to(root)
        match = regex.fullmatch((relative.with_suffix("") if path.is_file() else relative).as_posix())
        if match is None:
            tree.skip(path, "does not fit the pattern", pattern)
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
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            columns = list(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise DatasetError(f"{path} cannot be read ({why})", "give a CSV file in UTF-8") from error
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        wanted = "columns path, subject, label, and take, split if you like"
        raise DatasetError(
            f"{path} has no column {missing[0]!r}, but {', '.join(columns)}", f"give it {wanted}"
        )
    takes = []
    splits: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        where = f"{path.name} line {number}"
        if not all((row[name] or "").strip() for name in COLUMNS):
            tree.skipped.append(Skip(where, "incomplete line"))
            continue
        target = root / row["path"]
        files = (target,) if target.is_file() else tree.images(target) if target.is_dir() else ()
        if not target.exists():
            tree.skipped.append(Skip(where, "missing file", str(target)))
        if not files:
            continue
        said = {name: (row.get(name) or "").strip() for name in FIELDS}
        takes.append(_take({**said, "take": said["take"] or target.stem}, files))
        if (row.get("split") or "").strip():
            _assign(splits, legible(said["subject"]), str(row["split"]).strip(), where)
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
