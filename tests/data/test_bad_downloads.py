"""Whatever is wrong with a download is named and counted, and ends nothing but the take it concerns."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import downloads
import numpy as np
import pytest
from downloads import performance, write_frames, write_video
from PIL import Image
from tiny import Cli, Outcome, tree

from fevbench.data.prepared import build, recording
from fevbench.data.prepared.job import Job, JobRecord
from fevbench.data.video import read_clip

pytestmark = pytest.mark.usefixtures("middle_faces")

SMALL = ("--jobs", 1, "--size", 48, "--frames", 8)


def prepare(cli: Cli, source: Path, out: Path, *options: object) -> Outcome:
    return cli("data", "prepare", "folder:own", source, "--out", out, *SMALL, *map(str, options))


def report(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Four people, two expressions: videos and folders of frames."""
    root = tmp_path / "own"
    for person, name in enumerate(("ann", "bob", "cem", "dan"), 1):
        write_video(root / name / "happy" / "1.mp4", performance(person, "happiness"))
        write_frames(root / name / "anger" / "1", performance(person, "anger"))
    return root


def test_one_bad_take_never_ends_the_run(cli: Cli, own: Path, tmp_path: Path) -> None:
    good = performance(5, "anger", frames=20)
    bad = own / "eve"
    write_frames(bad / "anger" / "truncated-frame", good)
    frame = bad / "anger" / "truncated-frame" / "img_0004.jpg"
    frame.write_bytes(frame.read_bytes()[:300])
    write_frames(bad / "anger" / "zero-byte-frames", good)
    for i in range(8):
        (bad / "anger" / "zero-byte-frames" / f"img_{i:04}.jpg").write_bytes(b"")
    write_frames(bad / "anger" / "mixed", good)
    Image.fromarray(good[0, :40]).save(bad / "anger" / "mixed" / "img_0009.jpg")
    write_frames(bad / "anger" / "dark-half", np.concatenate([good[:9], good[:11] // 20]))
    write_frames(bad / "anger" / "grey", good.mean(-1).astype(np.uint8))
    write_frames(bad / "anger" / "still", good[:1])
    (bad / "anger" / "empty").mkdir()
    (bad / "fear").mkdir()
    (bad / "fear" / "zero.mp4").write_bytes(b"")
    whole = write_video(bad / "fear" / "cut.mp4", good)
    whole.write_bytes(whole.read_bytes()[:-200])
    (bad / "fear" / "no-video.mkv").write_text("no video at all")
    (bad / "happy" / "1").mkdir(parents=True)
    (bad / "happy" / "1" / "loop").symlink_to(bad)
    (bad / "happy" / "nowhere.mp4").symlink_to(bad / "gone.mp4")
    outcome = prepare(cli, own, tmp_path / "out")
    assert outcome.code == 0, outcome
    found = report(tmp_path / "out")
    assert found["per_subject"]["eve"] == {"anger": 2, "happiness": 0}
    assert found["missing"] == {"eve": ["happiness"]}
    assert sum(sum(counts.values()) for counts in found["per_subject"].values()) == 10
    why = {why: sorted(Path(e["what"]).name for e in entries) for why, entries in found["skipped"].items()}
    assert why == {
        "cannot be decoded": ["cut.mp4", "no-video.mkv", "zero-byte-frames", "zero.mp4"],
        "mixed frame sizes": ["mixed"],
        "no face": ["dark-half"],
        "too short": ["img_0000.jpg"],
        "empty take": ["empty"],
        "link that leads back": ["loop"],
        "link that leads nowhere": ["nowhere.mp4"],
    }
    assert "img_0004.jpg" in found["notes"]["eve-anger-truncated-frame"][0]
    assert "eve/anger/dark-half: no face" in outcome.err
    failing = prepare(cli, own, tmp_path / "strict", "--on-error", "fail")
    assert failing.code == 1
    assert "eve" in failing.complaint
    assert "--on-error skip" in failing.complaint


def test_a_damaged_frame_does_not_shift_time(cli: Cli, own: Path, tmp_path: Path) -> None:
    frames = np.stack([np.full((48, 60, 3), 40 + 10 * i, np.uint8) for i in range(20)])
    write_frames(own / "ann" / "fear" / "1", frames, "{}.png")
    (own / "ann" / "fear" / "1" / "7.png").write_bytes(b"")
    assert (
        cli("data", "prepare", "folder:own", own, "--out", tmp_path / "out", "--jobs", 1, "--frames", 20).code
        == 0
    )
    clip = read_clip(tmp_path / "out" / "clips" / "ann-fear-1.mkv")
    assert len(clip) == 20
    levels = clip.mean(axis=(1, 2, 3)).round().astype(int).tolist()
    assert levels == [40 + 10 * (i if i != 7 else 6) for i in range(20)]


def test_a_header_that_lies_is_not_believed(cli: Cli, own: Path, tmp_path: Path) -> None:
    from fevbench.data.video import examine

    path = write_video(own / "ann" / "fear" / "1.avi", performance(1, "fear"), codec="mpeg4")
    content = bytearray(path.read_bytes())
    for at in (content.index(b"avih") + 8 + 16, content.index(b"strh") + 8 + 32):
        content[at : at + 4] = (77).to_bytes(4, "little")
    path.write_bytes(bytes(content))
    facts = examine(path)
    assert (facts.count, facts.claimed) == (10, 77)
    assert prepare(cli, own, tmp_path / "out").code == 0
    assert report(tmp_path / "out")["notes"]["ann-fear-1"] == ["its header says 77 frames, 10 decode"]


def test_names_in_other_alphabets(cli: Cli, own: Path, tmp_path: Path) -> None:
    write_video(own / "Δημήτρης" / "happy" / "λήψη 1.mp4", performance(5, "happiness"))
    write_video(own / "宮崎" / "joy" / "一.mp4", performance(6, "happiness"))
    write_video(Path(os.fsdecode(os.fsencode(own) + b"/Andr\xe9/happy/1.mp4")), performance(7, "happiness"))
    outcome = prepare(cli, own, tmp_path / "out")
    assert outcome.code == 0, outcome
    ids = [path.stem for path in (tmp_path / "out" / "clips").iterdir()]
    assert {"Δημήτρης-happiness-λήψη-1", "宮崎-happiness-一"} <= set(ids)
    assert set(report(tmp_path / "out")["per_subject"]) >= {"Δημήτρης", "宮崎"}
    assert len(ids) + sum(map(len, report(tmp_path / "out")["skipped"].values())) == 11
    assert cli("data", "verify", "own").code == 0


def test_a_wrong_folder_says_what_was_expected_found_and_meant(cli: Cli, tmp_path: Path) -> None:
    mug = downloads.mug(tmp_path / "mug") / "subjects3"

    def complaint(name: str, source: Path) -> str:
        outcome = cli("data", "prepare", name, source, "--out", tmp_path / "out", *SMALL)
        assert outcome.code == 1
        assert not (tmp_path / "out").exists()
        return outcome.complaint

    deep = complaint("mug", mug / "001" / "anger")
    assert "expected subjects 001, 002" in deep
    assert "found take000" in deep
    assert deep.endswith(f"did you mean {mug}?")
    assert complaint("oulu-casia", mug).count("found .DS_Store, 001, 002") == 1
    assert "did you mean 'mug'?" in complaint("mugg", mug)
    assert "did you mean 'subjects3'?" in complaint("mug", tmp_path / "mug" / "subject3")
    assert "holds MUG 2 times" in complaint("mug", shutil.copytree(mug, tmp_path / "mug" / "again").parent)
    (tmp_path / "zips").mkdir()
    (tmp_path / "zips" / "mug.zip").write_bytes(b"PK")
    assert "unpack mug.zip first" in complaint("mug", tmp_path / "zips")
    assert "is an archive: unpack it" in complaint("mug", tmp_path / "zips" / "mug.zip")
    (mug / "001" / "happiness").rename(mug / "001" / "hapiness")
    assert cli("data", "prepare", "mug", mug, "--out", tmp_path / "o", *SMALL).code == 0
    (entry,) = report(tmp_path / "o")["skipped"]["unknown expression"]
    assert entry == {"what": "001/hapiness", "detail": "did you mean 'happiness'?"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--set", "pattern={subject}/{lable}"), "did you mean 'label'?"),
        (("--set", "pattern={subject}/x"), "lacks {subject} or {label}: name each once"),
        (("--set", "patern=x"), "did you mean 'pattern'?"),
        (("--split", "seeded:70-20-20:0"), "write seeded:70-10-20:0"),
        (("--split", "kfold:9:1"), "more folds than the 4 subjects"),
        (("--split", "kfold:2:1"), "3 or more"),
        (("--split", "mug-lfdm-26-26"), "has no split"),
        (("--split", "none.csv"), "none.csv cannot be read"),
        (("--labels", "contempt"), "has no clip labelled contempt, only anger, happiness"),
        (("--sampling", "all", "--short", "resample"), "use --short pad-last or drop"),
        (("--frames", "40", "--short", "drop"), "8 too short"),
    ],
)
def test_wrong_wishes(cli: Cli, own: Path, tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    outcome = prepare(cli, own, tmp_path / "out", *options)
    assert outcome.code == 1
    assert words in outcome.complaint


def test_a_disk_that_is_full_or_read_only_ends_the_run(
    cli: Cli, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "cannot be written" in prepare(cli, own, Path("/proc/fevbench-test")).complaint

    def full(path: Path, *rest: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(recording, "write_clip", full)
    assert "the disk is full" in prepare(cli, own, tmp_path / "out").complaint


def test_the_same_command_continues(
    cli: Cli, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prepare(cli, own, tmp_path / "whole").code == 0
    left = iter(range(3))

    def stop(job: Job) -> JobRecord:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return recording.prepare_recording(job)

    monkeypatch.setattr(build, "prepare_recording", stop)
    assert prepare(cli, own, tmp_path / "out").code == 130
    assert (
        "its preparation was not finished" in cli("data", "stats", f"prepared:{tmp_path / 'out'}").complaint
    )
    monkeypatch.setattr(build, "prepare_recording", recording.prepare_recording)
    again = prepare(cli, own, tmp_path / "out")
    assert "continuing: 3 of 8 takes are done" in again.err
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    monkeypatch.setattr(build, "prepare_recording", stop)
    assert prepare(cli, own, tmp_path / "out").code == 0  # nothing is left to do
    assert "other settings" in prepare(cli, own, tmp_path / "out", "--align", "eyes").complaint


def test_several_processes_make_the_same_set(cli: Cli, tmp_path: Path) -> None:
    """The takes here have no face to find, so that the workers need no detector to say so."""
    for name in ("ann", "bob"):
        write_frames(tmp_path / "own" / name / "anger" / "1", performance(1, "anger")[:1])
    outcome = cli("data", "prepare", "folder:own", tmp_path / "own", "--out", tmp_path / "out", "--jobs", 2)
    assert "(2 too short)" in outcome.complaint
    assert len(list((tmp_path / "out" / "records").iterdir())) == 2


def test_a_damaged_clip_is_made_again_by_the_same_command(cli: Cli, own: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert prepare(cli, own, out).code == 0
    before = tree(out / "clips")
    clip = sorted((out / "clips").iterdir())[0]
    content = bytearray(clip.read_bytes())
    content[len(content) // 2] ^= 255
    clip.write_bytes(bytes(content))
    assert cli("data", "verify", "own").code == 1
    assert prepare(cli, own, out).code == 0
    assert cli("data", "verify", "own").code == 0
    assert tree(out / "clips") == before


def test_names_that_are_alike_lose_no_clip(cli: Cli, own: Path, tmp_path: Path) -> None:
    """Vowel signs tell names apart; takes of one name in two folders are two takes."""
    for person, name in enumerate(("राम", "रीम"), 5):
        write_video(own / name / "happy" / "1.mp4", performance(person, "happiness"))
    for session in ("s1", "s2"):
        shutil.copytree(own, tmp_path / "sessions" / session)
    pattern = "pattern=*/{subject}/{label}/{take}"
    outcome = prepare(
        cli, tmp_path / "sessions", tmp_path / "out", "--set", pattern, "--duplicates", "leave-out"
    )
    assert outcome.code == 0, outcome
    found = report(tmp_path / "out")
    assert {"राम", "रीम"} <= set(found["per_subject"])
    assert "same name as another" not in found["skipped"]
    assert sum(sum(counts.values()) for counts in found["per_subject"].values()) == 2 * 10


def test_other_parts_and_misspelt_labels_are_refused(cli: Cli, own: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    typo = prepare(cli, own, out, "--labels", "anger,hapiness")
    assert typo.code == 1
    assert "has no clip labelled 'hapiness': did you mean 'happiness'?" in typo.complaint
    assert prepare(cli, own, out, "--labels", ",").code == 2
    assert prepare(cli, own, out).code == 0
    other = prepare(cli, own, out, "--set", "pattern={subject}/{label}/*")
    assert "holds a set prepared with other settings" in other.complaint


def test_links_among_folders_are_followed_once(cli: Cli, own: Path, tmp_path: Path) -> None:
    people = ("ann", "bob", "cem", "dan")
    for one in people:
        for other in people:
            if one != other:
                (own / one / f"friend-{other}").symlink_to(own / other)
    outcome = prepare(cli, own, tmp_path / "out")
    assert outcome.code == 0, outcome
    found = report(tmp_path / "out")
    assert sum(sum(counts.values()) for counts in found["per_subject"].values()) == 8
    assert "link that leads back" in found["skipped"]
