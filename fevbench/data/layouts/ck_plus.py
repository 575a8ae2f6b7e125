"""CK+: folders of frames by subject and sequence; labels in a tree of their own, for 327 of 593 sequences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from fevbench.data.layouts.folder_walk import FolderWalk, find_root
from fevbench.data.layouts.layout import Download, Layout, Recording, canonical, recording_id
from fevbench.data.pictures import PICTURE_SUFFIXES

CODES = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
TITLE = "CK+"
EXPECTED = "cohn-kanade-images / S005 / 001 / S005_001_00000001.png"
EXPECTED_LABELS = "Emotion / S005 / 001 / S005_001_00000011_emotion.txt"
_SUBJECT = re.compile(r"S\d{3}")
_SEQUENCE = re.compile(r"\d{3}")


def discover(root: Path, options: Mapping[str, str]) -> Download:
    """Find every sequence with a label.

    Raises:
        DatasetError: The images or the labels are missing.
    """
    images = find_root(
        root, f"the images of {TITLE}", EXPECTED, lambda folder: _holds(folder, PICTURE_SUFFIXES), _holds_both
    )
    labels = find_root(
        root, f"the labels of {TITLE}", EXPECTED_LABELS, lambda folder: _holds(folder, (".txt",)), _holds_both
    )
    tree = FolderWalk()
    recordings = []
    for subject in tree.folders(images):
        if not _SUBJECT.fullmatch(subject.name):
            tree.skip(subject, "not a subject")
            continue
        for sequence in tree.folders(subject):
            code = _code(tree, labels / subject.name / sequence.name, sequence)
            files = tree.images(sequence) if code is not None else ()
            if code is not None and files:
                native = CODES[code]
                label = canonical(native)
                recordings.append(
                    Recording(
                        recording_id(subject.name, sequence.name, label), subject.name, label, native, files
                    )
                )
    return Download.distinct(recordings, tree.skipped)


def _holds(folder: Path, suffixes: tuple[str, ...]) -> bool:
    """Whether a folder has subjects whose sequences hold files of a kind."""
    quiet = FolderWalk()
    for subject in quiet.folders(folder):
        for sequence in quiet.folders(subject) if _SUBJECT.fullmatch(subject.name) else ():
            if _SEQUENCE.fullmatch(sequence.name) and any(
                file.name.startswith("S") and (".txt" not in suffixes or file.name.endswith("_emotion.txt"))
                for file in quiet.files(sequence, suffixes)
            ):
                return True
    return False


def _holds_both(folder: Path) -> bool:
    """Whether a folder has images and labels side by side, by their names."""
    names = [child.name.lower() for child in FolderWalk().folders(folder)]
    return any("cohn-kanade" in name for name in names) and any(n.startswith("emotion") for n in names)


def _code(tree: FolderWalk, folder: Path, sequence: Path) -> int | None:
    """The code of a sequence's expression; None, and a note, if it has none."""
    files = sorted(folder.glob("*_emotion.txt")) if folder.is_dir() else []
    files = [file for file in files if not file.name.startswith(".")]
    if not files:
        tree.skip(sequence, "no label")
        return None
    try:
        code = float(files[0].read_text(encoding="utf-8"))
    except (ValueError, OSError):
        code = -1.0
    if code not in range(len(CODES)):
        tree.skip(sequence, "label cannot be read", str(files[0]))
        return None
    return int(code)


LAYOUT = Layout(
    name="ck-plus",
    title="Extended Cohn-Kanade (CK+): posed, from neutral to apex",
    phase="neutral-apex",
    fps=30.0,
    licence="signed agreement, non-commercial research, no redistribution",
    access="ask the Affect Analysis Group, University of Pittsburgh, for its agreement",
    citation="P. Lucey, J. F. Cohn, T. Kanade, J. Saragih, Z. Ambadar, I. Matthews, The Extended Cohn-Kanade "
    "Dataset (CK+): A complete dataset for action unit and emotion-specified expression, CVPR Workshops "
    "2010, doi:10.1109/CVPRW.2010.5543262",
    tree="""\
SRC/                          above both, up to five levels
  cohn-kanade-images/         perhaps below extended-cohn-kanade-images/
    S005/
      001/  S005_001_00000001.png S005_001_00000002.png …
  Emotion/                    perhaps below Emotion_labels/
    S005/
      001/  S005_001_00000011_emotion.txt      one number; sequences without it are not used""",
    expected=EXPECTED,
    labels={native: canonical(native) for native in CODES},
    split="kfold:10:1",
    discover=discover,
)
