"""MUG: folders of frames, subject / expression / take, with one more level for several sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from fevbench.data.clip import EXPRESSIONS
from fevbench.data.layouts.folder_walk import FolderWalk, did_you_mean, find_root
from fevbench.data.layouts.layout import Download, Layout, Option, PublishedSplit, Recording, recording_id

LABELS = {name: name for name in (*EXPRESSIONS, "neutral")}
TITLE = "MUG"
EXPECTED = "subjects 001, 002 … with folders anger, disgust … of takes"


def _ids(*numbers: int) -> tuple[str, ...]:
    return tuple(f"{number:03}" for number in numbers)


SUBJECTS = _ids(
    1, 2, 6, 7, 8, 10, 13, 14, 17, 20, 21, 27, 28, 30, 31, 32, 33, 34, 36, 37, 38, 39, 40, 42, 43, 44,
    45, 46, 48, 49, 52, 55, 60, 61, 62, 63, 64, 65, 66, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 82, 83,
    84,
)  # fmt: skip
"""The subjects whose recordings are given to researchers."""
_IMAGINATOR_TEST = _ids(17, 34, 45, 55, 60, 64, 65, 73, 78, 83)
_LFDM_TRAIN = _ids(
    8, 17, 21, 28, 30, 31, 34, 36, 37, 38, 39, 42, 43, 44, 45, 55, 60, 61, 62, 63, 71, 75, 76, 77, 83,
    84,
)  # fmt: skip
_SUBJECT = re.compile(r"\d{3}")
_SESSION = re.compile(r"session\d+", re.IGNORECASE)
_TAKE = re.compile(r"take(\d+)(nsg|end)?", re.IGNORECASE)
_NOTES = {
    "nsg": "its name ends in nsg, whose meaning is not documented",
    "end": "its name ends in end: a take of its own",
}


def discover(root: Path, options: Mapping[str, str]) -> Download:
    """Find every recording of MUG.

    Raises:
        DatasetError: The folder does not hold it.
    """
    top = find_root(root, TITLE, EXPECTED, _holds_subjects)
    tree = FolderWalk()
    recordings = [
        recording for subject in _subjects(tree, top) for recording in _recordings(tree, subject, options)
    ]
    return Download.distinct(recordings, tree.skipped)


def _holds_subjects(folder: Path) -> bool:
    subjects = [child for child in FolderWalk().folders(folder) if _SUBJECT.fullmatch(child.name)]
    return any(_is_subject(subject) for subject in subjects)


def _is_subject(folder: Path) -> bool:
    names = {child.name.lower() for child in FolderWalk().folders(folder)}
    return bool(names & LABELS.keys()) or any(_SESSION.fullmatch(name) for name in names)


def _subjects(tree: FolderWalk, top: Path) -> Iterator[Path]:
    for folder in tree.folders(top):
        if _SUBJECT.fullmatch(folder.name):
            yield folder
        else:
            tree.skip(folder, "not a subject")


def _recordings(tree: FolderWalk, subject: Path, options: Mapping[str, str]) -> Iterator[Recording]:
    for folder in tree.folders(subject):
        if _SESSION.fullmatch(folder.name):
            for expression in tree.folders(folder):
                yield from _of_expression(tree, subject.name, expression, options, folder.name.lower())
        else:
            yield from _of_expression(tree, subject.name, folder, options)


def _of_expression(
    tree: FolderWalk, subject: str, folder: Path, options: Mapping[str, str], session: str = ""
) -> Iterator[Recording]:
    native = folder.name.lower()
    if native not in LABELS:
        tree.skip(folder, "unknown expression", did_you_mean(native, LABELS))
        return
    for recording in tree.folders(folder):
        match = _TAKE.fullmatch(recording.name)
        if not match:
            tree.skip(recording, "not a take", "expected take000, take001 …")
            continue
        suffix = (match[2] or "").lower()
        if suffix == "nsg" and options["nsg"] == "skip":
            tree.skip(recording, "nsg take", "left out by --set nsg=skip")
            continue
        files = tree.images(recording)
        if files:
            parts = [subject, *([session] if session else []), native, recording.name.lower()]
            notes = (_NOTES[suffix],) if suffix else ()
            yield Recording(recording_id(*parts), subject, LABELS[native], native, files, notes)


LAYOUT = Layout(
    name="mug",
    title="MUG Facial Expression Database: posed, from neutral to apex and back",
    phase="neutral-apex-neutral",
    fps=19.0,
    licence="signed agreement, non-commercial research, no redistribution",
    access="ask the Multimedia Understanding Group, Aristotle University of Thessaloniki, for its agreement: "
    "https://mug.ee.auth.gr/fed/",
    citation="N. Aifanti, C. Papachristou, A. Delopoulos, The MUG Facial Expression Database, WIAMIS 2010",
    tree="""\
SRC/                          any folder above this, up to four levels, does as well
  001/
    happiness/
      take000/  img_0000.jpg img_0001.jpg …
      take001nsg/
      take000end/
  002/                        also 003 and 049: subjects of several sessions
    session0/
      happiness/
        take000/""",
    expected=EXPECTED,
    labels=LABELS,
    split="mug-imaginator-42-10",
    discover=discover,
    options={"nsg": Option("keep", ("keep", "skip"), "takes whose name ends in nsg")},
    splits={
        "mug-imaginator-42-10": PublishedSplit(
            tuple(p for p in SUBJECTS if p not in _IMAGINATOR_TEST), _IMAGINATOR_TEST,
            "ImaGINator (Wang et al., WACV 2020), the lists in its repository",
        ),
        "mug-lfdm-26-26": PublishedSplit(
            _LFDM_TRAIN, tuple(p for p in SUBJECTS if p not in _LFDM_TRAIN),
            "LFDM (Ni et al., CVPR 2023), the lists in its repository",
        ),
    },
)  # fmt: skip
