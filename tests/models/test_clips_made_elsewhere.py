"""``videos:DIR``: clips match by id, and what does not match is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image
from tiny import Cli

from fevbench.data.protocol import protocols
from fevbench.data.video import write_clip

PROTOCOL = protocols.get("64x16")
CLIPS = tiny.Tiny().clips("test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The true clips as another program would leave them."""
    for clip in CLIPS:
        _write(tmp_path / "made", clip.id)
    return tmp_path / "made"


def _write(folder: Path, name: str, frames: int = 16, size: int = 64) -> None:
    native = tiny.squares(list(tiny.PEOPLE).index(name[:3]), tiny.LABELS.index(name[4:]))
    clip = PROTOCOL.sample(native, name)
    clip = np.concatenate([clip, clip])[:frames]
    if size != 64:
        clip = clip.repeat(size // 64, axis=1).repeat(size // 64, axis=2)
    write_clip(folder / f"{name}.mkv", clip, 12.5)


@pytest.fixture
def score(cli: Cli, folder: Path, tmp_path: Path) -> Callable[..., tiny.Outcome]:
    def call(*more: str, name: str = "run") -> tiny.Outcome:
        return cli("run", f"videos:{folder}", "tiny", "--metrics", "psnr", "--out", tmp_path / name,
                   "--format", "json", *more)  # fmt: skip

    return call


Score = Callable[..., tiny.Outcome]


def test_true_clips_made_elsewhere_are_perfect(score: Score) -> None:
    outcome = score()
    assert outcome.code == 0, outcome
    assert outcome.result["model"]["name"] == "videos:made"
    assert outcome.result["model"]["notes"] == []
    assert outcome.result["metrics"]["psnr"]["value"] == 100


def test_frames_in_folders_are_clips(score: Score, folder: Path) -> None:
    (folder / "ann-joy.mkv").unlink()
    (folder / "ann-joy").mkdir()
    for i, frame in enumerate(PROTOCOL.sample(tiny.squares(0, 1), "")):
        Image.fromarray(frame).save(folder / "ann-joy" / f"{i}.png")
    outcome = score()
    assert outcome.code == 0, outcome
    assert outcome.result["metrics"]["psnr"]["value"] == 100


def test_missing_clips_are_an_error_unless_allowed_and_then_a_note(score: Score, folder: Path) -> None:
    (folder / "ann-joy.mkv").unlink()
    refused = score()
    assert refused.code == 1
    assert "1 of 9 clips are missing (ann-joy)" in refused.complaint
    assert "--allow-missing" in refused.complaint
    outcome = score("--allow-missing", name="allowed")
    assert outcome.code == 0, outcome
    assert outcome.result["dataset"]["clips"] == outcome.result["metrics"]["psnr"]["n"] == 8
    assert outcome.result["model"]["notes"] == ["1 of 9 clips are missing (ann-joy)"]


def test_runs_that_miss_different_clips_are_not_comparable(
    score: Score, cli: Cli, folder: Path, tmp_path: Path
) -> None:
    for missing in ("ann-joy", "bob-joy"):
        content = (folder / f"{missing}.mkv").read_bytes()
        (folder / f"{missing}.mkv").unlink()
        assert score("--allow-missing", name=missing).code == 0
        (folder / f"{missing}.mkv").write_bytes(content)
    assert "different clips" in cli("compare", tmp_path / "ann-joy", tmp_path / "bob-joy").complaint


def test_clips_that_match_nothing_are_reported(score: Score, folder: Path) -> None:
    write_clip(folder / "zoe-joy.mkv", tiny.squares(0, 0)[:16], 25)
    (folder / "notes.txt").touch()
    outcome = score("--limit", "3")
    assert outcome.result["model"]["notes"] == ["left out, because no clip is called so: zoe-joy"]


def test_another_size_is_resized_and_said_so_again_when_continued(
    score: Score, folder: Path, tmp_path: Path
) -> None:
    for clip in CLIPS:
        _write(folder, clip.id, size=128)
    note = ["clips were resized from 128x128 to 64x64"]
    assert score().result["model"]["notes"] == note
    (tmp_path / "run" / "result.json").unlink()
    again = score()
    assert "continuing: 9 of 9" in again.err
    assert again.result["model"]["notes"] == note


@pytest.mark.parametrize("frames", [15, 17])
def test_another_number_of_frames_is_an_error(score: Score, folder: Path, frames: int) -> None:
    _write(folder, "cem-joy", frames=frames)
    outcome = score()
    assert outcome.code == 1
    assert f"cem-joy.mkv has {frames} frames" in outcome.complaint
    assert "export exactly 16 frames" in outcome.complaint


def test_sizes_must_not_change_between_clips_or_sessions(score: Score, folder: Path, tmp_path: Path) -> None:
    _write(folder, "cem-sorrow", size=128)
    for _ in range(2):  # the second time, the clips before it are there already
        assert "128x128, other clips are 64x64" in score().complaint
    assert len(list((tmp_path / "run" / "clips").glob("*.mkv"))) == 8


def test_a_clip_that_is_there_twice_is_an_error(score: Score, folder: Path) -> None:
    (folder / "ann-joy").mkdir()
    Image.new("RGB", (64, 64)).save(folder / "ann-joy" / "0.png")
    assert "holds clip ann-joy twice" in score().complaint


def test_a_damaged_clip_is_named(score: Score, folder: Path) -> None:
    path = folder / "bob-anger.mkv"
    path.write_bytes(path.read_bytes()[:-100])
    assert f"{path} is cut short" in score().complaint


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "names no folder"), ("/no/such/place", "is not a folder"), (".", "holds no clip")],
)
def test_a_folder_that_cannot_be_scored(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = cli("run", f"videos:{name}", "tiny")
    assert outcome.code == 1
    assert reason in outcome.complaint


def test_a_folder_in_which_nothing_matches_shows_a_right_name(cli: Cli, tmp_path: Path) -> None:
    write_clip(tmp_path / "other" / "1.mkv", tiny.squares(0, 0)[:16], 25)
    outcome = cli("run", f"videos:{tmp_path / 'other'}", "tiny", "--out", tmp_path / "run")
    assert "for example ann-anger.mkv" in outcome.complaint
