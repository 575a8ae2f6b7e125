"""``videos:DIR``: clips match by id, and what does not match is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from PIL import Image
from tiny import Cli

from fevbench.data.protocol import protocols
from fevbench.data.video import write_clip

PROTOCOL = protocols.get("64x16")
CLIPS = tiny.Tiny().clips("test")


def checked(clips: int, how: str = "by fevbench's digest of their pixels") -> str:
    """The note on damage."""
    return f"checked for damage: {clips} of {clips} clips {how}"


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
    assert outcome.result["model"]["notes"] == [checked(9)]
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
    assert outcome.result["model"]["notes"] == ["1 of 9 clips are missing (ann-joy)", checked(8)]


def test_runs_that_miss_different_clips_are_not_in_one_table(
    score: Score, cli: Cli, folder: Path, tmp_path: Path
) -> None:
    for missing in ("ann-joy", "bob-joy"):
        content = (folder / f"{missing}.mkv").read_bytes()
        (folder / f"{missing}.mkv").unlink()
        assert score("--allow-missing", name=missing).code == 0
        (folder / f"{missing}.mkv").write_bytes(content)
    outcome = cli("compare", tmp_path / "ann-joy", tmp_path / "bob-joy", "--format", "csv")
    assert "left out" in outcome.err
    assert "scored on different clips" in outcome.err
    assert outcome.out.count("videos:made,psnr,") == 1


def test_clips_that_match_nothing_are_reported(score: Score, folder: Path) -> None:
    write_clip(folder / "zoe-joy.mkv", tiny.squares(0, 0)[:16], 25)
    (folder / "notes.txt").touch()
    outcome = score("--limit", "3")
    note = "left out, because no true clip has this name: zoe-joy"
    assert outcome.result["model"]["notes"] == [note, checked(3)]


def test_another_size_is_resized_and_said_so_again_when_continued(
    score: Score, folder: Path, tmp_path: Path
) -> None:
    for clip in CLIPS:
        _write(folder, clip.id, size=128)
    note = ["clips were resized from 128x128 to 64x64", checked(9)]
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
    assert f"cem-joy.mkv has {frames} frames, protocol 64x16@2 needs 31" in outcome.complaint
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
    [("", "has no folder"), ("/no/such/place", "is not a folder"), (".", "is empty")],
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


def write_pictures(folder: Path, name: str, frames: np.ndarray, suffix: str = "png", **options: Any) -> None:
    (folder / f"{name}.mkv").unlink(missing_ok=True)
    (folder / name).mkdir(exist_ok=True)
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / name / f"{round(i * 0.04, 2):g}.{suffix}", **options)


def true_clip(name: str) -> np.ndarray:
    return PROTOCOL.sample(tiny.squares(list(tiny.PEOPLE).index(name[:3]), tiny.LABELS.index(name[4:])), name)


def test_what_was_done_to_pictures_is_told_also_when_a_run_continues(
    score: Score, folder: Path, tmp_path: Path
) -> None:
    """Nothing that is invisible is scored, and frames named by their times are in order."""
    exif = Image.Exif()
    exif[274] = 3
    for clip in CLIPS:
        frames = true_clip(clip.id)
        alpha = np.full((*frames.shape[:3], 1), 255, np.uint8)
        alpha[:, (frames[0] == 255).all(-1)] = 0
        write_pictures(folder, clip.id, np.concatenate([frames, alpha], -1))
    write_pictures(
        folder, CLIPS[0].id, true_clip(CLIPS[0].id)[:, ::-1, ::-1], "webp", lossless=True, exif=exif
    )
    for path in (folder / CLIPS[0].id).glob("*.png"):
        path.unlink()
    first = score()
    assert first.code == 0, first
    assert first.result["metrics"]["psnr"]["value"] == 100
    notes = first.result["model"]["notes"]
    assert "1 of 9 clips: turned as its EXIF data say" in notes
    assert notes[-1] == (
        "checked for damage: 8 of 9 clips by the checksums of their format, 1 of 9 clips cannot be (webp)"
    )
    (tmp_path / "run" / "result.json").unlink()
    assert score().result["model"]["notes"] == notes


def test_lossy_clips_are_told(score: Score, folder: Path) -> None:
    for clip in CLIPS:
        write_pictures(folder, clip.id, true_clip(clip.id), "jpg")
    assert score().result["model"]["notes"] == [
        "9 of 9 clips: the format loses detail (jpeg), and what is lost counts",
        "checked for damage: 9 of 9 clips cannot be (jpeg)",
    ]


def test_a_damaged_lossless_clip_is_never_scored(score: Score, folder: Path) -> None:
    """One flipped bit in a packet decodes to other pixels, and FFmpeg says nothing."""
    path = folder / "bob-anger.mkv"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 8
    path.write_bytes(content)
    outcome = score()
    assert outcome.code == 1
    assert f"{path} is damaged" in outcome.complaint


def test_pictures_that_are_no_one_clip_are_refused(score: Score, folder: Path) -> None:
    write_pictures(folder, "bob-anger", true_clip("bob-anger"))
    write_pictures(folder, "bob-anger", true_clip("bob-anger"), "jpg")
    assert "the same frame twice: 0.04.jpg and 0.04.png" in score().complaint


def test_frames_that_lie_flat_are_answered_with_what_is_read(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "flat" / "ann-joy_0.png")
    complaint = cli("run", f"videos:{tmp_path / 'flat'}", "tiny").complaint
    assert "holds no clip, but ann-joy_0.png" in complaint
    assert "folder of frames per clip in it; read are videos (.mkv" in complaint
