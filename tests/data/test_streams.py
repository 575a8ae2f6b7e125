"""A video is read as a player shows it, and what it said of itself is told."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import clips
import numpy as np
import pytest
from av.stream import Disposition

from fevbench.data.facts import CHECKSUMS, DIGEST, FileFacts, is_rate_uneven, notes_on_files
from fevbench.data.video import examine, read_clip, write_clip
from fevbench.errors import VideoError

COVER = Disposition.attached_pic
DEFAULT = Disposition.default
STILL = np.zeros((16, 64, 64, 3), np.uint8)


def moving(frames: int = 16, size: int = 64) -> np.ndarray:
    """Frame ``i`` is as bright as ``10 i + 40``, all over."""
    return np.stack([np.full((size, size, 3), 40 + 10 * i, np.uint8) for i in range(frames)])


def levels(clip: np.ndarray) -> list[int]:
    return [round((float(frame.mean()) - 40) / 10) for frame in clip]


@pytest.mark.parametrize("orientation", clips.MATRIX)
def test_a_display_matrix_turns_and_mirrors(tmp_path: Path, orientation: int) -> None:
    lying = clips.corners()
    path = clips.write(tmp_path / "a.mp4", lying, options={"crf": "1"})
    clips.turn(path, clips.MATRIX[orientation])
    facts = FileFacts()
    seen = read_clip(path, facts).astype(int)
    expected = clips.oriented(lying, orientation)
    assert seen.shape == expected.shape
    middle = (slice(None), slice(8, None, 16), slice(8, None, 16))
    assert np.abs(seen[middle] - expected[middle]).max() < 30
    mirrored = " and mirrored" if orientation in (2, 4, 5, 7) else ""
    assert facts.notes == ([f"turned{mirrored} as its header says"] if orientation > 1 else [])


def test_a_matrix_askew_is_refused(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", clips.corners())
    clips.turn(path, (0.8, 0.6, -0.6, 0.8))
    with pytest.raises(VideoError, match="rotated by an angle other than"):
        read_clip(path)


@pytest.mark.parametrize(
    ("aspect", "size"), [("3/2", (64, 144)), ("2/3", (96, 96)), ("10001/10000", (64, 96))]
)
def test_pixels_become_square(tmp_path: Path, aspect: str, size: tuple[int, int]) -> None:
    path = clips.write(tmp_path / "a.mkv", clips.corners(), aspect=Fraction(aspect))
    facts = FileFacts()
    assert read_clip(path, facts).shape[1:3] == size
    assert any("not square" in note for note in facts.notes) == (size != (64, 96))


def test_pixels_that_cannot_be_are_refused(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", clips.corners(), aspect=Fraction(60))
    with pytest.raises(VideoError, match="60 times as wide as high"):
        read_clip(path)


@pytest.mark.parametrize(
    ("suffix", "first", "codec", "dispositions"),
    [
        (".mp4", STILL[:, :32, :32], "libx264", (0, DEFAULT)),  # a preview before the video
        (".mkv", STILL[:, :32, :32], "libx264", (DEFAULT, DEFAULT)),
        (".mkv", STILL[:, :32, :32], "libx264", (0, 0)),
        (".mp4", STILL[:1].repeat(2, 1).repeat(2, 2), "mjpeg", (COVER, DEFAULT)),
        (
            ".mkv",
            STILL[:1].repeat(2, 1).repeat(2, 2),
            "mjpeg",
            (DEFAULT, DEFAULT),
        ),  # a cover that says nothing
    ],
)
def test_the_stream_is_read_that_a_player_shows(
    tmp_path: Path, suffix: str, first: np.ndarray, codec: str, dispositions: tuple[int, int]
) -> None:
    path = clips.write(
        tmp_path / f"a{suffix}", first, moving(), codec=(codec, "libx264"), dispositions=dispositions
    )
    facts = FileFacts()
    assert levels(read_clip(path, facts)) == list(range(16))
    assert facts.notes[0].startswith("of 2 video streams, number")
    assert examine(path).count == 16


def test_a_cover_alone_is_no_video(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", STILL[:1], STILL[:1], codec="mjpeg", dispositions=(COVER, COVER))
    with pytest.raises(VideoError, match="no video stream, only covers"):
        read_clip(path)


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [
        ("a.mkv", "ffv1", "bgra"),
        ("a.mov", "qtrle", "argb"),
        ("a.mov", "png", "rgba"),
        ("a.webm", "libvpx-vp9", "yuva420p"),
    ],
)
def test_transparent_parts_are_white(tmp_path: Path, name: str, codec: str, form: str) -> None:
    layer = np.zeros((3, 64, 64, 4), np.uint8)
    layer[..., 0], layer[..., 3] = 200, 255
    path = clips.write(tmp_path / name, layer, codec=codec, form=form)
    facts = FileFacts()
    assert read_clip(path, facts)[..., 1].max() < 20
    assert facts.notes == []
    layer[:, :, :32, 3] = 0
    clips.write(path, layer, codec=codec, form=form)
    clip = read_clip(path, facts)
    assert clip[:, :, :24].min() > 240
    assert clip[:, :, 40:, 1].max() < 20
    assert facts.notes == ["transparent parts are shown on white"]


def test_ten_bits_become_eight_and_that_is_told(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mkv", moving(4), codec="ffv1", form="gbrp10le")
    facts = FileFacts()
    assert levels(read_clip(path, facts)) == [0, 1, 2, 3]
    assert facts.notes == ["10 bits a channel became 8"]


def test_an_edit_list_is_obeyed(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", moving(), options={"bf": "0", "g": "16"})
    clips.edit(path, 320, 4 * 512)
    facts = FileFacts()
    assert levels(read_clip(path, facts)) == list(range(4, 12))
    assert facts.notes == ["8 frames are left out by its edit list"]
    assert facts.claimed == 8


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_times_of_frames_are_known(tmp_path: Path, suffix: str) -> None:
    times = [8 * i if i < 8 else 64 + 2 * (i - 8) for i in range(16)]
    facts = examine(clips.write(tmp_path / f"a{suffix}", moving(), times=times))
    assert facts.uneven
    assert np.allclose(np.array(facts.times) - facts.times[0], np.array(times) / 100)
    assert not examine(clips.write(tmp_path / f"b{suffix}", moving())).uneven


def test_rounding_to_milliseconds_is_an_even_rate() -> None:
    assert not is_rate_uneven([round(i / 29.97, 3) for i in range(300)])
    assert not is_rate_uneven([0, 5])
    assert is_rate_uneven([0, 1, 2, 3, 6, 7, 8, 9])


def test_what_is_told_of_clips_is_counted() -> None:
    own, other, lossy = FileFacts(), FileFacts(), FileFacts(["turned as its EXIF data say"])
    own.add_file("ffv1 bgr0", False, CHECKSUMS)
    own.checks.add(DIGEST)
    other.add_file("png", False, CHECKSUMS)
    lossy.add_file("jpeg", True, "")
    lossy.add_file("png", False, CHECKSUMS)
    assert notes_on_files([own, other, lossy]) == [
        "1 of 3 clips: turned as its EXIF data say",
        "1 of 3 clips: the format loses detail (jpeg, png), and what is lost counts",
        "checked for damage: 1 of 3 clips by fevbench's digest of their pixels, 1 of 3 clips by the "
        "checksums of their format, 1 of 3 clips cannot be (jpeg, png)",
    ]
    assert notes_on_files([]) == []


def test_a_written_clip_is_lossless_and_checked(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", moving(), 25)
    facts = FileFacts()
    assert np.array_equal(read_clip(tmp_path / "a.mkv", facts), moving())
    assert (facts.form, facts.lossy, facts.checked, facts.notes) == ("ffv1 bgr0", False, DIGEST, [])
