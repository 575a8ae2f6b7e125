"""Clips of one's own: CSV files as spreadsheets and people write them, patterns, and names that are alike."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import downloads
import pytest
from downloads import performance, write_frames, write_video
from tiny import Cli, Outcome

from fevbench import paths
from fevbench.data.datasets import open_dataset
from fevbench.data.layouts import layouts
from fevbench.data.layouts.table import read_table
from fevbench.data.show import captioned
from fevbench.data.video import WHAT_IS_READ
from fevbench.errors import DatasetError

pytestmark = pytest.mark.usefixtures("middle_faces")

SMALL = ("--jobs", 1, "--size", 48, "--frames", 8)
ROWS = "path,subject,label\nann.mp4,ann,Anger\nbob.mp4,bob,angry\ncem.mp4,cem,anger\n"
AS_WRITTEN = [
    {"path": f"{name}.mp4", "subject": name, "label": label}
    for name, label in (("ann", "Anger"), ("bob", "angry"), ("cem", "anger"))
]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Three people, a video each."""
    root = tmp_path / "own"
    for person, name in enumerate(("ann", "bob", "cem"), 1):
        write_video(root / f"{name}.mp4", performance(person, "anger"))
    return root


def prepare(cli: Cli, source: Path, out: Path, *options: object) -> Outcome:
    return cli("data", "prepare", "folder:own", source, "--out", out, *SMALL, *map(str, options))


def report(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize(
    "content",
    [
        ROWS.encode(),
        b"\xef\xbb\xbf" + ROWS.replace("\n", "\r\n").encode(),
        ROWS.replace(",", ";").encode(),
        ROWS.replace(",", "\t").encode(),
        ROWS.replace(",", " , ").replace("path", "Path").replace("label", "LABEL").encode(),
        ROWS.replace("\n", ",\n\n").encode().rstrip(),
        ROWS.replace("ann.mp4", '"ann.mp4"').replace("\n", "\r").encode(),
    ],
    ids=["plain", "bom-crlf", "semicolons", "tabs", "spaces-capitals", "blank-lines", "quotes-cr"],
)
def test_a_table_is_read_however_it_was_saved(tmp_path: Path, content: bytes) -> None:
    table = tmp_path / "clips.csv"
    table.write_bytes(content)
    rows = read_table(table, ("path", "subject", "label"), ("take",))
    assert [{k: v for k, v in row.items() if k != "take"} for _, row in rows] == AS_WRITTEN
    assert {row["take"] for _, row in rows} == {""}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no first line that names its columns: give it the columns path, subject"),
        (b"file;who\na;b\n", "has no column 'path', but file, who: give it the columns path, subject"),
        ("path,subject\na,Jos\xe9".encode("latin-1"), "is not in UTF-8"),
        (b'path,subject\n"a,b', "unexpected end of data"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    table = tmp_path / "clips.csv"
    table.write_bytes(content)
    with pytest.raises(DatasetError, match=words) as caught:
        read_table(table, ("path", "subject"))
    assert str(table) in str(caught.value)
    with pytest.raises(DatasetError, match="No such file"):
        read_table(tmp_path / "none.csv", ("path",))


def test_a_file_that_is_named_twice_counts_once(cli: Cli, own: Path, tmp_path: Path) -> None:
    """Neither a repeated line nor a second label, nor a second person, makes a second clip of it."""
    (own / "note.txt").write_text("no video")
    table = tmp_path / "clips.csv"
    table.write_text(
        ROWS
        + "ann.mp4,ann,Anger\n./ann.mp4,ann,fear\nbob.mp4,dan,anger\nnote.txt,ann,anger\ngone,ann,anger\n"
    )
    assert prepare(cli, own, tmp_path / "out", "--set", f"csv={table}").code == 0
    found = report(tmp_path / "out")
    assert found["clips_per_label"] == {"anger": 3}
    assert found["skipped"] == {
        "same file again": [
            {"what": "clips.csv line 5", "detail": "line 2: ann, Anger; line 5: ann, Anger"},
            {"what": "clips.csv line 6", "detail": "line 2: ann, Anger; line 6: ann, fear"},
            {"what": "clips.csv line 7", "detail": "line 3: bob, angry; line 7: dan, anger"},
        ],
        "neither a video nor a folder of frames": [
            {"what": "clips.csv line 8", "detail": f"note.txt; {WHAT_IS_READ}"}
        ],
        "missing file": [{"what": "clips.csv line 9", "detail": "gone"}],
    }
    strict = prepare(cli, own, tmp_path / "strict", "--set", f"csv={table}", "--on-error", "fail")
    assert "same file again (line 2" in strict.complaint


def test_splits_are_read_in_any_case(cli: Cli, own: Path, tmp_path: Path) -> None:
    table, split = tmp_path / "clips.csv", tmp_path / "split.csv"
    table.write_text("path;subject;label;Split\nann.mp4;ann;anger;Train\nbob.mp4;bob;anger;TEST\n")
    assert prepare(cli, own, tmp_path / "a", "--set", f"csv={table}").code == 0
    assert {s.id: s.split for s in open_dataset("own").subjects()} == {"ann": "train", "bob": "test"}
    split.write_text("Subject;Split\nann;Test\nbob;train\n")
    wish = ("--set", "pattern={subject}", "--split", split)
    assert "lacks {subject} or {label}: name each once" in prepare(cli, own, tmp_path / "b", *wish).complaint


def test_a_split_names_who_is_not_here(cli: Cli, own: Path, tmp_path: Path) -> None:
    """A misspelt id must not leave a person out in silence."""
    table, split = tmp_path / "clips.csv", tmp_path / "split.csv"
    table.write_text(ROWS)
    split.write_text("subject,split\nann,train\nbob,test\nCem,test\n")
    wish = ("--set", f"csv={table}", "--split", split)
    made = prepare(cli, own, tmp_path / "out", *wish)
    assert "split: split.csv; 1 of its subjects are not here" in made.out
    assert "skipped: 1 subject not in the split" in made.out
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["split"]["missing"] == ["Cem"]
    split.write_text("subject,split\n1,train\n2,test\n")
    none = prepare(cli, own, tmp_path / "none", *wish).complaint
    assert f"{split} names no subject of this set, only 1, 2: its subjects are ann, bob, cem" in none


def test_a_set_that_lost_whom_to_test_says_so(cli: Cli, own: Path, tmp_path: Path) -> None:
    table = tmp_path / "clips.csv"
    table.write_text("path,subject,label,split\nann.mp4,ann,anger,test\nbob.mp4,bob,anger,train\n")
    (own / "ann.mp4").write_bytes(b"")
    options = ("--set", f"csv={table}", "--frames", 32)
    made = prepare(cli, own, tmp_path / "out", *options)
    assert made.code == 0
    assert "no clip to test on is left" in made.out
    assert "score a model" not in made.out


def test_what_names_nothing_says_what_there_is(cli: Cli, own: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out", tmp_path / "clips.csv"
    fits = prepare(cli, own, out, "--set", "pattern={subject}_{label}")
    assert "fits the pattern '{subject}_{label}': there is, for example, ann.mp4" in fits.complaint
    table.write_text("path,subject,label\n")
    assert (
        f"{table} names no clip in {own}: name videos"
        in prepare(cli, own, out, f"--set=csv={table}").complaint
    )
    table.write_text("path,subject,label\nowen.mp4,ann,anger\n")
    named = prepare(cli, own, out, "--set", f"csv={table}").complaint
    assert f"{table} names no clip in {own} (clips.csv line 2: missing file)" in named
    assert not out.exists()


def test_nobody_is_two_people_for_a_capital_letter(cli: Cli, own: Path, tmp_path: Path) -> None:
    table = tmp_path / "clips.csv"
    write_video(own / "ann2.mp4", performance(1, "fear"))
    table.write_text(ROWS + "ann2.mp4,Ann,fear\n")
    refused = prepare(cli, own, tmp_path / "out", "--set", f"csv={table}")
    assert (
        "'ann' and 'Ann' may be one subject: write each subject's name the same way everywhere"
        in refused.complaint
    )


def test_one_person_is_told_that_two_are_needed(cli: Cli, tmp_path: Path) -> None:
    write_video(tmp_path / "own" / "ann" / "anger" / "1.mp4", performance(1, "anger"))
    complaint = prepare(cli, tmp_path / "own", tmp_path / "out").complaint
    assert "there is only one subject, ann" in complaint
    assert "or use --split test to score only" in complaint


def test_a_set_to_score_on_only(cli: Cli, tmp_path: Path) -> None:
    """One person will do; whatever needs somebody to learn from says that there is nobody."""
    for label in ("anger", "fear"):
        write_video(tmp_path / "own" / "ann" / label / "1.mp4", performance(1, label))
    wishes = ("--split", "test", "--frames", 32, "--size", 64)
    done = prepare(cli, tmp_path / "own", tmp_path / "out", *wishes)
    assert done.code == 0, done
    assert "2 clips (0 train of 0 subjects, 0 val of 0 subjects, 2 test of 1 subject)" in done.out
    assert "nobody" not in done.out
    assert "no clip to train" not in done.out
    at = f"own:{tmp_path / 'out'}"
    scored = cli("run", "copy", at, "--metrics", "psnr,motion", "--out", tmp_path / "run")
    assert scored.code == 0, scored
    commands = ("run", "nearest", at), ("train", "imaginator", at), ("train", "judge", at)
    complaints = [cli(*command, "--out", tmp_path / command[1]).complaint for command in commands]
    assert [complaint for complaint in complaints if "own has no train" not in complaint] == []


def test_people_of_like_names_have_sheets_of_their_own(cli: Cli, tmp_path: Path) -> None:
    """Both are ``A-B`` as part of a file name."""
    for person, name in enumerate(("A B", "A+B", "C"), 1):
        write_frames(tmp_path / "own" / name / "anger" / "1", performance(person, "anger"))
    out = tmp_path / "out"
    assert prepare(cli, tmp_path / "own", out).code == 0
    sheets = {path.name: path.read_bytes() for path in (out / "sheets").iterdir()}
    assert sorted(sheets) == ["A-B-2.jpg", "A-B.jpg", "C.jpg"]
    assert sheets["A-B.jpg"] != sheets["A-B-2.jpg"]
    page = (out / "report.html").read_text()
    assert page.index('src="sheets/A-B.jpg"') < page.index('alt="clips of A+B')


def test_marks_on_letters_are_left_out_where_the_font_has_none() -> None:
    frames = performance(1, "anger")
    assert (captioned(frames, "José Åsa") == captioned(frames, "Jose Asa")).all()


@pytest.mark.parametrize("code", ["-1", "8", "2.5", "inf", "nan", "happy", ""])
def test_a_code_that_is_none_is_no_label(tmp_path: Path, code: str) -> None:
    """Counted from its end, the list of codes would read -1 as surprise."""
    downloads.ck_plus(tmp_path)
    (label,) = tmp_path.glob("**/S005/001/*_emotion.txt")
    label.write_text(code)
    found = layouts.get("ck-plus").discover(tmp_path, {})
    assert "S005" not in {take.subject for take in found.recordings}
    assert [Path(s.what).name for s in found.skipped if s.why == "label cannot be read"] == ["001"]


def test_a_prepared_folder_that_is_gone_is_shown_as_such(cli: Cli, own: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out", tmp_path / "clips.csv"
    table.write_text(ROWS)
    made = prepare(cli, own, out, "--set", f"csv={table}")
    assert "no protocol takes clips of 8 frames" in made.out

    def place() -> str:
        rows = json.loads(cli("data", "list", "--format", "json").out)
        return {row["data set"]: str(row["prepared in"]) for row in rows}["own"]

    assert place() == str(out)
    shutil.rmtree(out)
    assert place() == f"{out} (missing)"
    assert f"{out} does not exist: name its folder" in cli("data", "stats", f"own:{out}").complaint
    assert f"{out} does not exist any more: name its folder" in cli("data", "stats", "own").complaint


def test_a_home_that_cannot_be_written_loses_no_set(
    cli: Cli, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, table = tmp_path / "out", tmp_path / "clips.csv"
    table.write_text(ROWS)
    monkeypatch.setattr(paths, "home", lambda: Path("/proc/fevbench-test"))
    made = prepare(cli, own, out, "--set", f"csv={table}")
    assert made.code == 0
    assert f"use own:{out}" in made.err
    assert "digest" in made.out


def test_a_picture_that_cannot_be_written_is_said_first(cli: Cli) -> None:
    shown = cli("data", "show", "fevsynth", "--out", "/proc/fevbench-test/a.png")
    assert "/proc/fevbench-test/a.png cannot be written" in shown.complaint
