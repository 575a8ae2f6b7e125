"""``fevbench score MADE TRUE``: two folders, and what can go wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
from PIL import Image
from tiny import Cli

from fevbench.data.protocol import protocols
from fevbench.data.video import write_clip

CLIPS = tiny.Tiny().clips("test")
PROTOCOL = protocols.get("64x16")
Score = Callable[..., tiny.Outcome]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Made clips, which are frozen, and true ones, of the same names."""
    for clip in CLIPS:
        frames = PROTOCOL.sample(tiny.Tiny().frames(clip), clip.id)
        write_clip(tmp_path / "true" / f"{clip.id}.mkv", frames, 12.5)
        write_clip(tmp_path / "made" / f"{clip.id}.mkv", frames[:1].repeat(16, 0), 12.5)
    return tmp_path / "made", tmp_path / "true"


@pytest.fixture
def score(cli: Cli, folders: tuple[Path, Path]) -> Score:
    def call(*more: str | Path) -> tiny.Outcome:
        return cli("score", *folders, "--metrics", "csim,psnr,motion", "--format", "json", *more)

    return call


def test_two_folders_have_the_numbers_of_a_run(score: Score, cli: Cli, tmp_path: Path) -> None:
    found = score("--subjects", "{subject}-{label}", "--out", tmp_path / "scores.json").result
    run = cli("run", "copy", "tiny", "--metrics", "csim,psnr,motion", "--out", tmp_path / "run",
              "--format", "json").result  # fmt: skip
    for name, metric in run["metrics"].items():
        for what in ("id", "value", "interval", "ceiling", "n", "subjects"):
            assert found["metrics"][name][what] == metric[what], (name, what)
    assert found["matched"] == "name"
    assert json.loads((tmp_path / "scores.json").read_text()) == found


def test_it_says_how_clips_were_matched(score: Score, folders: tuple[Path, Path]) -> None:
    assert "made and true clips were matched by name" in score().result["notes"]
    for i, path in enumerate(sorted(folders[0].iterdir())):
        path.rename(path.with_name(f"result_{i}.mkv"))
    by_order = score().result
    assert by_order["matched"] == "order"
    assert by_order["clips"]["result_0"] == "ann-anger"
    assert "no clip of made has the name of a clip of true" in score("--match", "name").complaint
    next(folders[0].iterdir()).unlink()
    assert "made holds 8 clips, true 9" in score().complaint


def test_the_table_says_what_cannot_be_had(cli: Cli, folders: tuple[Path, Path]) -> None:
    outcome = cli("score", *folders, "--metrics", "psnr,rank-1,fvd,accuracy")
    assert outcome.code == 0, outcome
    words = " ".join(outcome.out.split())
    for said in (
        "give subjects",
        "9 clips, needs at least 32",
        "needs the expression classifier of a data set; use fevbench run",
    ):
        assert said in words
    alone = cli("score", folders[0], "--metrics", "psnr,face-rate")
    assert "no psnr: needs the true clips" in " ".join(alone.out.split())


def test_frames_in_folders_and_input_pictures(cli: Cli, folders: tuple[Path, Path], tmp_path: Path) -> None:
    for clip in CLIPS:
        frames = PROTOCOL.sample(tiny.Tiny().frames(clip), clip.id)
        for folder, some in (("frames", frames[1:]), ("inputs", frames[:1])):
            place = tmp_path / folder / clip.id if folder == "frames" else tmp_path / folder
            place.mkdir(parents=True, exist_ok=True)
            for i, frame in enumerate(some):
                name = f"{i}.png" if folder == "frames" else f"{clip.id}.png"
                Image.fromarray(frame).save(place / name)
    words = ("--inputs", tmp_path / "inputs", "--metrics", "psnr,csim", "--format", "json")
    outcome = cli("score", tmp_path / "frames", tmp_path / "frames", *words)
    assert outcome.code == 0, outcome
    assert (outcome.result["metrics"]["psnr"]["value"], outcome.result["protocol"]["frames"]) == (100, 16)
    (tmp_path / "inputs" / "ann-joy.png").unlink()
    complaint = cli("score", tmp_path / "frames", tmp_path / "frames", *words).complaint
    assert "inputs: none for ann-joy" in complaint


def test_what_has_no_partner_or_is_broken_is_an_error_unless_allowed(
    score: Score, folders: tuple[Path, Path]
) -> None:
    (folders[0] / "ann-joy.mkv").unlink()
    assert "1 have no clip of their name on the other side (ann-joy)" in score().complaint
    broken = folders[0] / "bob-joy.mkv"
    broken.write_bytes(broken.read_bytes()[:-100])
    outcome = score("--allow-missing")
    assert outcome.code == 0, outcome
    assert len(outcome.result["clips"]) == 7
    notes = " ".join(outcome.result["notes"])
    assert "left out: 1 have no clip of their name on the other side (ann-joy)" in notes
    assert f"left out: 1 of 8 clips (bob-joy): {broken} is cut short" in notes


def test_mixed_lengths_are_one_line_and_a_protocol_is_the_way_out(
    score: Score, folders: tuple[Path, Path]
) -> None:
    native = tiny.Tiny().frames(CLIPS[3])
    write_clip(folders[1] / f"{CLIPS[3].id}.mkv", native, 25)
    complaint = score().complaint
    assert f"true clip {CLIPS[3].id} is 33 frames of 64x64, others are 16 frames of 64x64" in complaint
    outcome = score("--protocol", "64x16")
    assert outcome.code == 0, outcome
    assert (
        "true: 1 of 9 clips: 33 frames became 16 by the rule of protocol 64x16@2" in outcome.result["notes"]
    )


def test_subjects_of_a_table_and_what_is_wrong_with_them(score: Score, tmp_path: Path) -> None:
    table = tmp_path / "who.csv"
    rows = [f"{clip.id},{clip.subject}" for clip in CLIPS]
    table.write_text("\n".join(["clip,subject", *rows]))
    assert score("--subjects", table).result["metrics"]["psnr"]["subjects"] == 3
    table.write_text("\n".join(["clip,subject", *rows[1:]]))
    assert "subjects: nothing for ann-anger" in score("--subjects", table).complaint
    assert "no.csv cannot be read" in score("--subjects", tmp_path / "no.csv").complaint
    assert "is no pattern with a subject" in score("--subjects", "{label}").complaint
    assert "is no pattern with a subject" in score("--subjects", "{subject}_{take}").complaint
    assert "'{subject}_{label}' does not fit ann-anger" in score("--subjects", "{subject}_{label}").complaint


def test_folders_that_cannot_be_scored(cli: Cli, folders: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "empty holds no clip" in cli("score", tmp_path / "empty", folders[1]).complaint
    assert "gone does not exist" in cli("score", tmp_path / "gone", folders[1]).complaint
    outcome = cli("score", *folders, folders[0])
    assert (outcome.code, "3 folders are given" in outcome.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("eval", "copy", "tiny"), "fevbench run MODEL DATASET scores a model, fevbench score MADE TRUE two"),
        (
            ("run", "--model", "copy", "tiny"),
            "No such option --model: the model is named without an option, first: ",
        ),
        (("run", "copy", "tiny", "--metric", "psnr"), "it is --metrics, names with commas between"),
    ],
)
def test_habits_get_a_hint(cli: Cli, words: tuple[str, ...], hint: str) -> None:
    outcome = cli(*words)
    assert outcome.code == 2
    assert hint in outcome.err
