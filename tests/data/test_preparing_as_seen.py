"""What cameras and archives say of their pictures reaches the prepared clip, and its manifest says so."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import clips
import numpy as np
import pytest
from downloads import performance, write_frames
from PIL import Image
from tiny import Cli, Outcome

from fevbench.data.prepared.manifest import ClipEntry, read_manifest
from fevbench.data.prepared.sampling import choose, rate
from fevbench.data.video import read_clip

pytestmark = pytest.mark.usefixtures("middle_faces")


def prepare(cli: Cli, tmp_path: Path, *options: object, out: str = "out") -> Outcome:
    return cli(
        "data", "prepare", "folder:own", tmp_path / "own", "--out", tmp_path / out, "--jobs", 1,
        "--size", 48, "--split", "test", *options,
    )  # fmt: skip


def prepared(cli: Cli, tmp_path: Path, *options: object, out: str = "out") -> tuple[ClipEntry, np.ndarray]:
    """The one clip of a set."""
    outcome = prepare(cli, tmp_path, *options, out=out)
    assert outcome.code == 0, outcome
    (entry,) = read_manifest(tmp_path / out).clips
    return entry, read_clip(tmp_path / out / "clips" / f"{entry.id}.mkv")


@pytest.fixture
def take(tmp_path: Path) -> Path:
    """Where a video of a take goes, without suffix."""
    (tmp_path / "own" / "ann" / "anger").mkdir(parents=True)
    return tmp_path / "own" / "ann" / "anger" / "1"


def test_pictures_of_a_camera_are_upright(cli: Cli, take: Path, tmp_path: Path) -> None:
    frames = performance(1, "anger")
    upright, clip = prepared_of_frames(cli, tmp_path, take, frames, 1)
    assert upright.notes == []
    for path in take.iterdir():
        path.unlink()
    turned, again = prepared_of_frames(cli, tmp_path, take, np.rot90(frames, 1, (1, 2)), 6)
    assert turned.notes == ["turned as its EXIF data say"]
    assert turned.source_size == upright.source_size
    assert np.array_equal(clip, again)
    assert (turned.source_form, turned.source_lossy, turned.source_checked) == ("png", False, "checksums")


def prepared_of_frames(
    cli: Cli, tmp_path: Path, take: Path, frames: np.ndarray, orientation: int
) -> tuple[ClipEntry, np.ndarray]:
    exif = Image.Exif()
    exif[274] = orientation
    take.mkdir(exist_ok=True)
    for i, frame in enumerate(frames):
        Image.fromarray(np.ascontiguousarray(frame)).save(take / f"{i}.PNG", exif=exif)
    return prepared(cli, tmp_path, "--frames", 10, out=f"out{orientation}")


def test_square_pixels_come_out_of_oblong_ones(cli: Cli, take: Path, tmp_path: Path) -> None:
    squeezed = performance(1, "anger")[:, :, ::2]
    clips.write(take.with_suffix(".mp4"), squeezed, aspect=Fraction(2), options={"crf": "1"})
    entry, _ = prepared(cli, tmp_path, "--frames", 10)
    assert entry.source_size == (80, 64)
    assert entry.notes == ["pixels are not square (2:1); frames were stretched to 80x64"]
    assert (entry.source_form, entry.source_lossy, entry.source_checked) == ("h264 yuv420p", True, "")


def test_a_variable_frame_rate_is_sampled_by_time(cli: Cli, take: Path, tmp_path: Path) -> None:
    """Sixteen frames of 80 ms, then sixteen of 20: evenly spread moments see the slow ones more often."""
    at = [8 * i if i < 16 else 128 + 2 * (i - 16) for i in range(32)]
    frames = np.stack([np.full((64, 80, 3), 40 + 6 * i, np.uint8) for i in range(32)])
    clips.write(take.with_suffix(".mkv"), frames, codec="ffv1", form="bgr0", times=at)
    entry, clip = prepared(cli, tmp_path, "--frames", 32)
    wanted = np.linspace(0, 158, 32)
    assert np.abs(np.array(at)[entry.taken] - wanted).max() <= 4
    assert [round((float(f.mean()) - 40) / 6) for f in clip] == entry.taken
    assert entry.fps == pytest.approx(31 / 1.58, abs=0.01)
    assert "the frame rate varies, so frames were chosen by time" in entry.notes
    assert entry.source_checked == "checksums"


def test_a_constant_rate_is_sampled_as_ever() -> None:
    even = [i / 25 for i in range(50)]
    for frames in (8, 16, 31, 32):
        by_number = choose(50, 0, None, frames, "uniform", "resample")
        assert by_number == np.linspace(0, 49, frames).round().astype(int).tolist()
        by_time = choose(50, 0, None, frames, "uniform", "resample", even)
        assert np.abs(np.array(by_time) - by_number).max() <= 1
    assert rate(25, [0, 2, 4]) == rate(25, [0, 2, 4], even) == 12.5


def test_every_frame_of_a_varying_rate_is_at_the_median_step() -> None:
    times = [0.0, 0.04, 0.08, 0.2, 0.24, 0.28]  # two frames were dropped
    taken = choose(6, 0, None, 2, "all", "drop", times)
    assert len(taken) == 8
    assert set(taken) == set(range(6))
    assert choose(6, 0, None, 10, "uniform", "pad-last", times)[-3:] == [5, 5, 5]
    long = [0.0, 0.001, 0.002, 1000.0]
    assert len(choose(4, 0, None, 2, "all", "drop", long)) <= 4 * 3 + 1


def test_a_damaged_lossless_take_gives_no_clip(cli: Cli, take: Path, tmp_path: Path) -> None:
    path = clips.write(
        take.with_suffix(".mkv"), performance(1, "anger"), codec="ffv1", form="bgr0",
        options={"level": "3", "slicecrc": "1"},
    )  # fmt: skip
    write_frames(tmp_path / "own" / "bob" / "anger" / "1", performance(2, "anger"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    outcome = prepare(cli, tmp_path)
    assert outcome.code == 0
    assert "1 cannot be decoded (ann/anger/1.mkv" in outcome.out
    manifest = read_manifest(tmp_path / "out")
    assert [clip.subject for clip in manifest.clips] == ["bob"]
    assert any("a checksum of its frames is wrong" in skip.detail for skip in manifest.skipped)


def test_missing_numbers_are_told(cli: Cli, take: Path, tmp_path: Path) -> None:
    write_frames(take, performance(1, "anger"))
    (take / "img_0004.jpg").unlink()
    entry, _ = prepared(cli, tmp_path)
    assert "numbers of frames jump (img_0003.jpg to img_0005.jpg)" in entry.notes
