"""A prepared folder that is used again: by the same source wherever it lies, by another, by two at once."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path

import pytest
from downloads import performance, write_frames, write_video
from tiny import Cli, Outcome, tree

from fevbench.data.prepared import recording
from fevbench.data.prepared.job import Job
from fevbench.data.prepared.manifest import ClipEntry

pytestmark = pytest.mark.usefixtures("middle_faces")

SMALL = ("--jobs", 1, "--size", 48, "--frames", 8, "--split", "kfold:3:1")


def prepare(cli: Cli, source: Path, out: Path, *options: object) -> Outcome:
    return cli("data", "prepare", "folder:own", source, "--out", out, *SMALL, *map(str, options))


def record(root: Path, *people: int) -> Path:
    """People who show anger, as frames, and happiness, as a video; their names do not tell who they are."""
    for number, person in enumerate(people, 1):
        write_frames(root / f"p{number}" / "anger" / "1", performance(person, "anger"))
        write_video(root / f"p{number}" / "happy" / "1.mp4", performance(person, "happiness"))
    return root


def age(root: Path) -> None:
    """Give every file another time, as a copy has."""
    for path in root.rglob("*"):
        os.utime(path, (1e9, 1e9))


def test_another_source_is_refused_and_harms_nothing(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert prepare(cli, record(tmp_path / "own", 1, 2, 3), out).code == 0
    before = tree(out)
    refused = prepare(cli, record(tmp_path / "others", 4, 5, 6), out)
    assert refused.code == 1
    assert refused.complaint == (
        f"error: {out} holds a set prepared from another source: choose another --out, or delete it"
    )
    assert tree(out) == before
    # Nothing came of the first source: then there is nothing to mix with.
    still = tmp_path / "still"
    for name in ("p1", "p2", "p3"):
        write_frames(still / name / "anger" / "1", performance(1, "anger")[:1])
    assert "(3 too short)" in prepare(cli, still, tmp_path / "none").complaint
    assert prepare(cli, tmp_path / "own", tmp_path / "none").code == 0


def test_a_source_that_moved_grew_or_was_copied_is_the_same(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its clips are not made again, even where times were lost or the folder above is given."""
    out = tmp_path / "out"
    assert prepare(cli, record(tmp_path / "own", 1, 2, 3), out).code == 0
    first = (out / "manifest.json").read_bytes()
    made: list[str] = []
    make = recording._prepare

    def count(job: Job) -> ClipEntry:
        made.append(job.recording.id)
        return make(job)

    monkeypatch.setattr(recording, "_prepare", count)
    moved = shutil.move(tmp_path / "own", tmp_path / "elsewhere")
    assert prepare(cli, moved, out).code == 0
    assert (out / "manifest.json").read_bytes() == first
    copy = shutil.copytree(moved, tmp_path / "mount" / "copy")
    age(copy)
    assert prepare(cli, copy, out).code == 0
    assert (out / "manifest.json").read_bytes() == first
    assert made == []
    shutil.move(record(tmp_path / "late", 4) / "p1", copy / "p4")
    (copy / "p1" / "happy" / "1.mp4").unlink()
    assert prepare(cli, copy, out).code == 0
    assert made == ["p4-anger-1", "p4-happiness-1"]
    # Whichever expressions are asked for, a source is known by all that it shows.
    assert prepare(cli, copy, out, "--labels", "happiness").code == 0
    assert prepare(cli, copy, out, "--labels", "anger").code == 0
    assert len(made) == 2


def test_the_level_above_is_the_same_source(cli: Cli, tmp_path: Path) -> None:
    import downloads

    out, root = tmp_path / "out", downloads.mug(tmp_path / "mug")
    wish = ("--out", out, "--jobs", 1, "--size", 48, "--frames", 8)
    assert cli("data", "prepare", "mug", root, *wish).code == 0
    below = json.loads((out / "manifest.json").read_text())
    assert cli("data", "prepare", "mug", root / "subjects3", *wish).code == 0
    again = json.loads((out / "manifest.json").read_text())
    assert again["digest"] == below["digest"]
    assert below["clips"][0]["source"] == f"subjects3/{again['clips'][0]['source']}"


def test_a_take_of_the_same_sizes_and_other_bytes_is_made_again(cli: Cli, tmp_path: Path) -> None:
    out, own = tmp_path / "out", record(tmp_path / "own", 1, 2, 3)
    frames = performance(1, "fear")
    write_frames(own / "p1" / "fear" / "1", frames, "{}.bmp")
    assert prepare(cli, own, out).code == 0
    before = (out / "clips" / "p1-fear-1.mkv").read_bytes()
    write_frames(own / "p1" / "fear" / "1", frames[::-1], "{}.bmp")
    age(own)
    assert prepare(cli, own, out).code == 0
    assert (out / "clips" / "p1-fear-1.mkv").read_bytes() != before


def test_sheets_of_people_who_left_do_not_stay(cli: Cli, tmp_path: Path) -> None:
    out, own = tmp_path / "out", record(tmp_path / "own", 1, 2, 3, 4)
    assert prepare(cli, own, out).code == 0
    shutil.rmtree(own / "p4")
    assert prepare(cli, own, out).code == 0
    assert sorted(path.name for path in (out / "sheets").iterdir()) == ["p1.jpg", "p2.jpg", "p3.jpg"]


def test_nothing_that_is_passed_on_says_where_the_source_lies(cli: Cli, tmp_path: Path) -> None:
    own = record(tmp_path / "own", 1, 2, 3)
    (own / "p1" / "happy" / "1.mp4").write_bytes(b"")
    write_frames(own / "p1" / "anger" / "1", performance(1, "anger", frames=20))
    (own / "p1" / "anger" / "1" / "img_0004.jpg").write_bytes(b"")
    outside = write_video(tmp_path / "outside" / "1.mp4", performance(5, "fear"))
    table = tmp_path / "clips.csv"
    rows = [
        f"p{n}/{path},p{n},{label}"
        for n in (1, 2, 3)
        for path, label in (("anger/1", "anger"), ("happy/1.mp4", "happy"))
    ]
    table.write_text("\n".join(["path,subject,label", *rows, "gone.mp4,p1,fear", f"{outside},p1,fear"]))
    out = tmp_path / "out"
    assert prepare(cli, own, out, "--set", f"csv={table}").code == 0
    for path in out.rglob("*"):
        if path.suffix in (".json", ".html"):
            assert str(tmp_path) not in path.read_text(), path
    notes = json.loads((out / "report.json").read_text())["notes"]
    assert "p1/anger/1/img_0004.jpg cannot be decoded" in notes["p1-anger-1"][0]
    assert json.loads((out / "manifest.json").read_text())["options"]["csv"] == "clips.csv"


def test_two_processes_do_not_prepare_into_one_folder(cli: Cli, tmp_path: Path) -> None:
    out, own = tmp_path / "out", record(tmp_path / "own", 1, 2, 3)
    assert prepare(cli, own, out).code == 0
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = tree(out)
        refused = prepare(cli, own, out, "--split", "kfold:3:2")
        assert tree(out) == before
    assert refused.code == 1
    assert f"another process is writing to {out}: wait until it is done" in refused.complaint
    assert prepare(cli, own, out, "--split", "kfold:3:2").code == 0
