"""Which pictures of a folder are one clip's frames: all of them, in order, or an error that names two."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fevbench.data.members import FolderFrames, frames_of, natural_key, without_companions
from fevbench.errors import VideoError

FOLDER = Path("take")


def members(*names: str) -> FolderFrames:
    return frames_of(FOLDER, [FOLDER / name for name in names])


def order(*names: str) -> list[str]:
    return [path.name for path in members(*names).frames]


@given(st.integers(2, 40), st.integers(1, 400))
def test_times_as_programs_print_them_are_in_order(count: int, step: int) -> None:
    names = [f"{round(i * step / 1000, 3):g}.png" for i in range(count)]
    mixed = sorted(names, key=hash)
    assert order(*mixed) == names


@pytest.mark.parametrize(
    "names",
    [
        ["0.png", "0.04.png", "0.08.png", "0.16.png", "0.2.png", "0.24.png"],
        ["t0.5.png", "t0.75.png", "t1.png", "t1.25.png", "t10.png"],
        ["0,16.png", "0,2.png"],
        ["1.8.png", "1.9.png", "1.10.png", "1.11.png"],  # counters: no program prints 1.10
        ["1.1.png", "1.3.png", "1.5.png", "1.7.png", "1.9.png", "1.11.png", "1.13.png"],
        ["0.033.png", "0.067.png", "0.1.png", "0.133.png"],
        ["2.png", "10.png", "100.png"],
        ["frame 9.JPG", "frame 10.JPG"],
        ["cam1_0001.png", "cam1_0002.png"],
        ["0001_t0.04.png", "0002_t0.08.png"],
    ],
)
def test_frames_are_in_the_order_people_mean(names: list[str]) -> None:
    assert order(*reversed(names)) == names


def test_an_order_that_cannot_be_told_is_refused() -> None:
    with pytest.raises(VideoError, match="whose order is not certain"):
        members("1.05.png", "1.10.png", "1.2.png")


@pytest.mark.parametrize(
    "others",
    [
        ["0_mask.png", "1_mask.png"],
        ["mask-0.png", "mask-1.png"],
        ["0.seg.png", "1.seg.png"],
        ["cover.jpg"],
        ["Preview.webp", "thumb_0.jpg"],
        ["0 copy.png"],
    ],
)
def test_what_its_name_says_is_no_frame_is_left_out(others: list[str]) -> None:
    found = members("0.png", "1.png", *others, "notes.txt", ".0.png")
    assert [path.name for path in found.frames] == ["0.png", "1.png"]
    assert sorted(path.name for path in found.beside) == sorted(others)


def test_masks_alone_are_frames() -> None:
    assert order("mask_1.png", "mask_0.png") == ["mask_0.png", "mask_1.png"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["0.png", "0.jpg", "1.png"], r"the same frame twice: 0\.jpg and 0\.png"),
        (["1.png", "01.png"], "the same frame twice"),
        (["0.png", "0.PNG"], "the same frame twice"),
        (["0_left.png", "0_right.png"], r"several kinds \(0_left\.png, 0_right\.png\)"),
        (["0.png", "0 (1).png"], "several kinds"),
        (["frame0.png", "face0.png"], "several kinds"),
        (["cam1_0.png", "cam1_1.png", "cam2_0.png", "cam2_1.png"], r"several clips \(cam1_0.* cam2_1"),
        (["0_1.png", "0_2.png", "1_1.png", "1_2.png"], "several clips"),
        (["happy_1.png", "happy_2.png", "sad_1.png"], "several kinds"),
        (["neutral.png", "apex.png"], "without numbers in their names"),
        (["mask.png", "depth.png"], "without numbers in their names"),
    ],
)
def test_pictures_that_are_no_one_clip_are_refused(names: list[str], words: str) -> None:
    with pytest.raises(VideoError, match=words) as error:
        members(*names)
    assert str(FOLDER) in str(error.value)


def test_a_gap_in_the_numbers_is_told() -> None:
    assert members("1.png", "2.png", "3.png").gap == ""
    assert members("2.png", "4.png", "6.png").gap == ""
    assert members("1.png", "2.png", "5.png", "6.png").gap == "2.png to 5.png"
    assert members("0.04.png", "0.08.png", "0.2.png", "0.24.png").gap == "0.08.png to 0.2.png"
    assert members("1.png").gap == ""


def test_companions_are_known_by_whole_words() -> None:
    assert without_companions("1_mask") == "1"
    assert without_companions("Mask-1") == "1"
    assert without_companions("masks") == ""
    assert without_companions("masking_1") is None
    assert without_companions("unmasked") is None


def test_odd_digits_and_equal_numbers_have_one_order() -> None:
    names = [Path(name) for name in ("²2.png", "1.png", "01.png", "A1.png", "a1.png")]
    other_way = names[::-1]
    assert sorted(names, key=natural_key) == sorted(other_way, key=natural_key)
    assert order("²2.png", "²10.png") == ["²2.png", "²10.png"]
