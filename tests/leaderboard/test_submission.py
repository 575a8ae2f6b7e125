"""A run in one file: anybody can score its clips again, and a hostile file does nothing."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import Cli, tree

from fevbench.data.video import content_digest, read_clip, write_clip
from fevbench.engine.plan import Evaluation
from fevbench.metrics.catalog import Metric
from leaderboard import archive

RUN = ("run", "shuffled", "tiny", "--metrics", "csim,psnr,motion", "--limit", "4")
Members = dict[str, bytes]


@pytest.fixture
def run(cli: Cli, tmp_path: Path) -> Path:
    """A finished run of four clips."""
    folder = tmp_path / "run"
    assert cli(*RUN, "--out", folder).code == 0
    return folder


@pytest.fixture
def sent(run: Path, cli: Cli, tmp_path: Path) -> Path:
    """The same in one file."""
    file = tmp_path / "sent.zip"
    assert cli("leaderboard", "submit", run, "--out", file).code == 0
    return file


def members(file: Path) -> Members:
    with zipfile.ZipFile(file) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def pack(file: Path, contents: Members, honest: bool = True) -> Path:
    """An archive by hand; an honest one has a manifest that fits."""
    contents = dict(contents)
    if honest:
        manifest = json.loads(contents.pop("manifest.json"))
        manifest["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
        contents["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(file, "w") as packed:
        for name, data in contents.items():
            packed.writestr(name, data)
    return file


def test_an_archive_is_scored_again_and_can_be_filed(sent: Path, cli: Cli, tmp_path: Path) -> None:
    checked = cli("leaderboard", "check", sent)
    assert checked.code == 0, checked
    assert checked.out.splitlines()[-1].startswith("1 result, 1 of them scored again: 0 faults")
    added = cli("leaderboard", "add", sent, "--results", tmp_path / "results", "--allow-dirty")
    assert added.code == 0, added
    assert cli("leaderboard", "check", tmp_path / "results").code == 0


def test_the_same_run_is_the_same_file(sent: Path, run: Path, cli: Cli, tmp_path: Path) -> None:
    assert cli("leaderboard", "submit", run, "--out", tmp_path / "again.zip").code == 0
    assert (tmp_path / "again.zip").read_bytes() == sent.read_bytes()
    assert sorted(members(sent))[-3:] == ["manifest.json", "result.json", "run.json"]


def test_a_card_and_a_contact_come_along(run: Path, cli: Cli, tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("Trained on nothing.")
    words = ("--card", card, "--contact", "a@b.example \x1b[2J")
    assert cli("leaderboard", "submit", run, "--out", tmp_path / "a.zip", *words).code == 0
    said = cli("leaderboard", "check", tmp_path / "a.zip").out
    assert "note: sent in by a@b.example" in said
    assert "\x1b" not in said
    assert members(tmp_path / "a.zip")["card.md"] == b"Trained on nothing."
    card.write_bytes(b"\xff\xfe")
    refused = cli("leaderboard", "submit", run, "--out", tmp_path / "b.zip", "--card", card)
    assert "cannot be read as text" in refused.complaint
    assert (
        "give a name that ends in .zip"
        in cli("leaderboard", "submit", run, "--out", tmp_path / "b.tar").complaint
    )
    assert not (tmp_path / "b.zip").exists()


def test_a_run_with_faults_is_not_sent(run: Path, cli: Cli, tmp_path: Path) -> None:
    next((run / "clips").iterdir()).unlink()
    assert "lacks" in cli("leaderboard", "submit", run, "--out", tmp_path / "a.zip").complaint


def test_clips_that_are_not_those_that_were_scored_are_found(sent: Path, cli: Cli, tmp_path: Path) -> None:
    """The file is whole and its manifest fits: the digest tells, or else scoring it again."""
    contents = members(sent)
    name = (
        "clips/ann-joy.mkv" if "clips/ann-joy.mkv" in contents else min(n for n in contents if "clips" in n)
    )
    clip = tmp_path / "clip.mkv"
    clip.write_bytes(contents[name])
    write_clip(clip, np.ascontiguousarray(255 - read_clip(clip)), 12.5)
    contents[name] = clip.read_bytes()
    told = cli("leaderboard", "check", pack(tmp_path / "a.zip", contents))
    assert told.code == 1
    assert f"1 clip is not what was scored ({name})" in told.out
    result = json.loads(contents["result.json"])
    result["clips"][Path(name).stem] = content_digest(read_clip(clip))
    contents["result.json"] = json.dumps(result).encode()
    checked = cli("leaderboard", "check", pack(tmp_path / "b.zip", contents))
    assert checked.code == 1
    said = [line for line in checked.out.splitlines() if "scored again" in line]
    assert any("b.zip: psnr: " in line and "other values of 1 clip" in line for line in said), checked.out
    assert Path(name).stem in checked.out.partition("said, and scored again")[2]


def test_numbers_that_fit_together_and_not_the_clips_are_found(sent: Path, cli: Cli, tmp_path: Path) -> None:
    contents = members(sent)
    result = json.loads(contents["result.json"])
    psnr = result["metrics"]["psnr"]
    psnr["value"] += 1
    psnr["per_clip"] = {clip: value + 1 for clip, value in psnr["per_clip"].items()}
    file = pack(tmp_path / "b.zip", {**contents, "result.json": json.dumps(result).encode()})
    said = cli("leaderboard", "check", file)
    assert said.code == 1
    (line,) = [line for line in said.out.splitlines() if "b.zip: psnr: " in line]
    assert "other values of 4 clips" in line
    assert "1 result, 1 of them scored again: 1 fault," in said.out


def test_features_that_lie_about_are_not_believed(sent: Path, run: Path, cli: Cli, tmp_path: Path) -> None:
    caches = list((tmp_path / "home" / "features").glob("*.sqlite"))
    assert caches
    for file in caches:
        with sqlite3.connect(file) as database:
            database.execute("UPDATE features SET value = zeroblob(length(value))")
    before = tree(tmp_path / "home")
    assert cli("leaderboard", "check", sent).code == 0
    assert cli("leaderboard", "check", run, "--rescore").code == 0
    assert tree(tmp_path / "home") == before


def test_what_cannot_be_scored_here_is_said_and_not_held_against_it(
    sent: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    able = Evaluation.unavailable

    def unavailable(self: Evaluation, metric: Metric) -> str:
        return "out of order" if metric.name == "csim" else able(self, metric)

    monkeypatch.setattr(Evaluation, "unavailable", unavailable)
    checked = cli("leaderboard", "check", sent)
    assert checked.code == 0
    assert "note: csim: not scored again: out of order" in checked.out
    assert "1 of them scored again: 0 faults" in checked.out


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../evil.txt", "whose path leaves the archive"),
        ("clips/../../evil.mkv", "whose path leaves the archive"),
        ("/tmp/evil.mkv", "whose path leaves the archive"),
        ("clips\\..\\..\\evil.mkv", "whose path leaves the archive"),
        ("C:/evil.mkv", "whose path leaves the archive"),
        ("evil.py", "which is not a file of a run"),
        ("clips/evil.m3u8", "which is not a file of a run"),
        ("clips/a/b.mkv", "which is not a file of a run"),
        ("clips/.hidden.mkv", "which is not a file of a run"),
        ("clips/", "which is not a file"),
    ],
)
def test_nothing_is_written_outside(sent: Path, cli: Cli, tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "b").mkdir()
    file = pack(tmp_path / "b" / "b.zip", {**members(sent), name: b"x"})
    before = tree(tmp_path / "b")
    for command in (("check", file), ("add", file, "--results", tmp_path / "results")):
        outcome = cli("leaderboard", *command)
        assert outcome.code == 1
        assert f"holds {name!r}, {why}: nothing was unpacked" in outcome.out + outcome.err
    assert tree(tmp_path / "b") == before
    assert not Path("/tmp/evil.mkv").exists()
    assert not (tmp_path / "results").exists()


def test_a_link_is_no_file(sent: Path, cli: Cli, tmp_path: Path) -> None:
    file = pack(tmp_path / "b.zip", members(sent))
    link = zipfile.ZipInfo("card.md")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(file, "a") as packed:
        packed.writestr(link, "/etc/passwd")
    assert "'card.md', which is not a file: nothing was unpacked" in cli("leaderboard", "check", file).out


def test_a_bomb_does_not_go_off(
    sent: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "b.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members(sent).items():
            packed.writestr(name, data)
        packed.writestr("card.md", bytes(archive.LIMITS[".md"] + 1))
    assert file.stat().st_size < 1 << 20
    assert "bytes, more than 1048576: nothing was unpacked" in cli("leaderboard", "check", file).out
    for limit, said in (("MOST_BYTES", "unpacks to"), ("MOST_FILES", "files, more than 3")):
        with monkeypatch.context() as smaller:
            smaller.setattr(archive, limit, 3)
            assert said in cli("leaderboard", "check", sent).out


def test_a_clip_larger_than_the_protocols_is_not_decoded(sent: Path, cli: Cli, tmp_path: Path) -> None:
    contents = members(sent)
    name = min(name for name in contents if name.startswith("clips/"))
    for shape, what in (
        ((16, 512, 512, 3), "is 512x512, expected 16 frames of 64x64"),
        ((400, 64, 64, 3), "is longer than 16 frames, expected 16 frames of 64x64"),
        ((15, 64, 64, 3), "has 15 frames, expected 16"),
    ):
        write_clip(tmp_path / "clip.mkv", np.zeros(shape, np.uint8), 12.5)
        data = (tmp_path / "clip.mkv").read_bytes()
        said = cli("leaderboard", "check", pack(tmp_path / "b.zip", {**contents, name: data})).out
        assert f"b.zip: {name} {what}" in said


BROKEN: dict[str, tuple[Callable[[Members], Any], str]] = {
    "no result": (lambda m: m.pop("result.json"), "holds no result.json"),
    "no manifest": (lambda m: m.pop("manifest.json"), "holds no manifest.json"),
    "a clip less": (lambda m: m.pop(min(m)), "lacks 'clips/"),
    "a clip changed": (
        lambda m: m.update({min(m): b"x"}),
        "is not the file that was packed (its sha256 differs)",
    ),
    "a file more": (
        lambda m: m.update({"card.md": b"x"}),
        "holds 'card.md', which its manifest.json does not",
    ),
    "a broken manifest": (lambda m: m.update({"manifest.json": b"[" * 9999}), "its manifest.json is broken"),
    "a later format": (
        lambda m: m.update({"manifest.json": b'{"format": "fevbench submission 9", "files": {}}'}),
        "is 'fevbench submission 9', this fevbench reads 'fevbench submission 1'",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_archive_that_is_not_as_it_was_packed_is_named(
    case: str, sent: Path, cli: Cli, tmp_path: Path
) -> None:
    change, message = BROKEN[case]
    contents = members(sent)
    change(contents)
    checked = cli("leaderboard", "check", pack(tmp_path / "b.zip", contents, honest=False), sent)
    assert message in checked.out
    assert checked.code == 1
    assert "1 of them scored again" in checked.out, "the other one is checked all the same"


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all"])
def test_what_is_no_archive_is_named(content: bytes, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(content)
    assert "cannot be unpacked" in cli("leaderboard", "check", tmp_path / "b.zip").out
    assert "cannot be unpacked" in cli("leaderboard", "check", tmp_path / "none.zip").out


@pytest.mark.parametrize(
    ("at", "mark"), [(6, 99), (8, 1 << 5), (8, 1 << 6)], ids=["version", "patch", "cipher"]
)
def test_what_this_python_cannot_unpack_is_named(
    sent: Path, cli: Cli, tmp_path: Path, at: int, mark: int
) -> None:
    data = bytearray(sent.read_bytes())
    for head, shift in ((b"PK\x01\x02", 0), (b"PK\x03\x04", -2)):  # in the list of files, and before each
        start = data.find(head)
        data[start + at + shift] = mark
    (tmp_path / "b.zip").write_bytes(data)
    checked = cli("leaderboard", "check", tmp_path / "b.zip", sent)
    assert "b.zip: cannot be unpacked" in checked.out
    assert "1 of them scored again" in checked.out, "the other one is checked all the same"


def test_what_was_scored_again_and_what_is_the_senders_word_is_said(cli: Cli, tmp_path: Path) -> None:
    """Only one draw of each clip is in an archive: nobody can see from it how draws differ."""
    assert (
        cli(
            "run", "copy", "tiny", "--metrics", "psnr,diversity", "--limit", "4", "--out", tmp_path / "run"
        ).code
        == 0
    )
    assert cli("leaderboard", "submit", tmp_path / "run", "--out", tmp_path / "sent.zip").code == 0
    said = cli("leaderboard", "check", tmp_path / "sent.zip")
    assert said.code == 0
    assert "note: diversity: not scored again: compares 4 clips of each face and label" in said.out
    again = "note: scored again from its clips: 1 of 2 metrics; "
    assert f"{again}not scored again, so on the sender's word: diversity" in said.out
    assert "metrics that a run has unless told otherwise: csim, csim-min, rank-1 and" in said.out


def test_a_hostile_result_is_words_and_nothing_else(sent: Path, cli: Cli, tmp_path: Path) -> None:
    contents = members(sent)
    result = json.loads(contents["result.json"])
    result["model"]["name"] = "<script>alert(1)</script>\x1b]0;x\x07"
    result["dataset"]["name"] = "tiny:/etc"
    result["dataset"]["subjects_of"] = {"../../../evil": "ann"}
    file = pack(tmp_path / "b.zip", {**contents, "result.json": json.dumps(result).encode()})
    checked = cli("leaderboard", "check", file)
    assert checked.code == 1
    assert "a folder of the submitter's" in checked.out
    assert "\x1b" not in checked.out + checked.err
    assert not list(tmp_path.rglob("*evil*"))
