"""What a researcher gives instead of the folder that was meant, and headers that cannot be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import downloads
import pytest
from downloads import performance, write_video
from tiny import Cli

from fevbench.data.datasets import open_dataset

pytestmark = pytest.mark.usefixtures("middle_faces")

SMALL = ("--jobs", 1, "--size", 48, "--frames", 8)


@pytest.mark.parametrize(
    "given",
    [
        "extended-cohn-kanade-images",
        "extended-cohn-kanade-images/cohn-kanade-images",
        "extended-cohn-kanade-images/cohn-kanade-images/S005",
        "Emotion_labels",
        "Emotion_labels/Emotion",
    ],
)
def test_half_of_ck_plus_is_answered_with_the_folder_of_both(cli: Cli, tmp_path: Path, given: str) -> None:
    root = downloads.ck_plus(tmp_path / "ck")
    half = cli("data", "prepare", "ck-plus", root / given, "--out", tmp_path / "out", *SMALL)
    assert half.complaint.endswith(f"did you mean {root}?")


def test_a_file_is_not_answered_with_its_own_name(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    given = cli("data", "prepare", "mug", tmp_path / "notes.txt", "--out", tmp_path / "out", *SMALL)
    assert given.complaint.endswith("is not a folder: give the folder as downloaded and unpacked")
    missed = cli("data", "prepare", "mug", tmp_path / "note.txt", "--out", tmp_path / "out", *SMALL)
    assert missed.complaint.endswith("did you mean 'notes.txt'?")


def test_a_set_whose_clips_are_gone_is_damaged(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert cli("data", "prepare", "mug", downloads.mug(tmp_path / "mug"), "--out", out, *SMALL).code == 0
    shutil.rmtree(out / "clips")
    assert "10 of 10 clips of mug are damaged" in cli("data", "verify", "mug").complaint


def test_a_rate_that_cannot_be_is_not_believed(cli: Cli, tmp_path: Path) -> None:
    """Some recorders write the ticks of their clock where frames a second belong."""
    for person, (name, fps) in enumerate((("ann", 25), ("bob", 30000), ("cem", 25)), 1):
        write_video(tmp_path / "own" / name / "anger" / "1.mp4", performance(person, "anger"), fps)
    out = tmp_path / "out"
    done = cli("data", "prepare", "folder:own", tmp_path / "own", "--out", out, "--jobs", 1, "--frames", 10)
    assert done.code == 0
    notes = json.loads((out / "report.json").read_text())["notes"]
    assert notes == {"bob-anger-1": ["its header says 30000 frames a second, which cannot be"]}
    data = open_dataset("own")
    assert data.fps == 25
    assert {entry.fps for entry in data.manifest.clips} == {25}  # type: ignore[attr-defined]
