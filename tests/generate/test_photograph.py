"""Any photograph is read as people see it, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fevbench.data import show
from fevbench.data.framing import cut_out, upright
from fevbench.data.video import read_clip
from fevbench.generate import photograph as framing
from fevbench.generate.photograph import (
    FRAMING,
    LARGEST,
    FoundFace,
    PhotographError,
    choose_face,
    read_photograph,
)

RAMP = np.linspace(0, 255, 64).astype(np.uint8)[None, :].repeat(48, 0)
"""``uint8[48, 64]``: dark on the left, light on the right."""


def save(path: Path, picture: Image.Image, **options: object) -> Path:
    picture.save(path, **options)  # type: ignore[arg-type]
    return path


def test_grey_palettes_and_sixteen_bits_become_rgb(tmp_path: Path) -> None:
    grey = Image.fromarray(RAMP)
    deep = Image.fromarray(RAMP.astype(np.uint16) * 257)
    for i, picture in enumerate((grey, deep, grey.convert("RGB"), grey.convert("P"), grey.convert("CMYK"))):
        suffix = "tiff" if picture.mode == "CMYK" else "png"
        pixels = read_photograph(save(tmp_path / f"{i}.{suffix}", picture))
        assert pixels.shape == (48, 64, 3)
        assert np.abs(pixels[..., 1].astype(int) - RAMP).max() <= 2, picture.mode


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    layer = np.zeros((32, 32, 4), np.uint8)
    layer[:, 16:] = (200, 10, 10, 255)
    pixels = read_photograph(save(tmp_path / "a.png", Image.fromarray(layer)))
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[0, 31].tolist() == [200, 10, 10]
    both = Image.fromarray(np.dstack([RAMP, np.full_like(RAMP, 255)]))
    assert np.array_equal(read_photograph(save(tmp_path / "b.png", both))[..., 0], RAMP)


def test_it_is_turned_as_the_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it turned by 90 degrees to the right
    pixels = read_photograph(save(tmp_path / "a.png", Image.fromarray(RAMP), exif=exif))
    assert pixels.shape == (64, 48, 3)
    assert pixels[0].max() < pixels[-1].min(), "dark on the left is dark on the top"


def test_a_huge_picture_is_shrunk(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.new("L", (9000, 300), 77))
    pixels = read_photograph(path)
    assert pixels.shape[1] == LARGEST
    assert (pixels == 77).all()


def test_what_cannot_be_used_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PhotographError, match=r"gone.png does not exist: check --image"):
        read_photograph(tmp_path / "gone.png")
    text = tmp_path / "a.png"
    text.write_text("no picture")
    with pytest.raises(PhotographError, match=r"a.png cannot be decoded"):
        read_photograph(text)
    whole = save(
        tmp_path / "b.png", Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    )
    whole.write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(PhotographError, match=r"b.png cannot be decoded"):
        read_photograph(whole)
    with pytest.raises(PhotographError, match="is 8x40, too small to show a face: use 24 px or more"):
        read_photograph(save(tmp_path / "c.png", Image.new("RGB", (8, 40))))
    with pytest.raises(PhotographError, match="floating-point pixels"):
        read_photograph(save(tmp_path / "d.tiff", Image.fromarray(RAMP.astype(np.float32))))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(PhotographError, match=r"is too large to open .*: shrink it first"):
        read_photograph(save(tmp_path / "e.png", Image.new("RGB", (60, 60))))


def face_at(points: np.ndarray, side: float = 60) -> FoundFace:
    x, y = points.mean(0)
    return FoundFace((x - side / 2, y - side / 2, x + side / 2, y + side / 2), points.astype(np.float32))


def test_a_face_is_put_where_the_data_set_has_it() -> None:
    """Five marks on a turned and scaled face end where FEVSynth's faces have their five points."""
    angle, scale, shift = 0.4, 180.0, np.array([150.0, 60.0])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = FRAMING @ turn.T + shift
    photograph = np.zeros((300, 400, 3), np.uint8)
    for x, y in points:
        photograph[round(y) - 4 : round(y) + 5, round(x) - 4 : round(x) + 5] = 255
    framed = cut_out(photograph, upright(face_at(points).points), 64)
    assert framed.shape == (64, 64, 3)
    for x, y in FRAMING:
        window = framed[round(64 * y) - 4 : round(64 * y) + 4, round(64 * x) - 4 : round(64 * x) + 4, 0]
        rows, columns = np.indices(window.shape)
        weight = window.astype(float)
        at = np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum() + 0.5
        wanted = 64 * np.array([x, y]) - [round(64 * x) - 4, round(64 * y) - 4]
        assert np.abs(at - wanted).max() < 0.5


def test_beyond_the_photograph_its_border_goes_on() -> None:
    photograph = np.full((40, 40, 3), 9, np.uint8)
    framed = cut_out(photograph, upright(face_at(FRAMING * 60 - 15).points), 64)
    assert (framed == 9).all()


SHAPE = (300, 400, 3)


def test_which_face_is_meant() -> None:
    left, right = face_at(FRAMING * 100), face_at(FRAMING * 100 + 100)
    assert choose_face([left], None, "a.jpg", SHAPE) == (left, [])
    assert choose_face([left, right], 2, "a.jpg", SHAPE) == (right, [])
    with pytest.raises(PhotographError, match=r"no face was found in a.jpg"):
        choose_face([], None, "a.jpg", SHAPE)
    with pytest.raises(PhotographError, match=r"a.jpg shows 1 face, not 3"):
        choose_face([left], 3, "a.jpg", SHAPE)
    with pytest.raises(PhotographError, match=r"the face in a.jpg is 12 px wide"):
        choose_face([face_at(FRAMING * 20, 12)], None, "a.jpg", SHAPE)


def test_of_several_faces_the_large_one_near_the_middle_is_taken_and_said() -> None:
    corner, middle = face_at(FRAMING * 100 - 20), face_at(FRAMING * 100 + [150, 100])
    said = ["a.jpg shows 2 faces: taken is 2, counted from the left, large and near the middle; "
            "choose with --face 1 to 2"]  # fmt: skip
    assert choose_face([corner, middle], None, "a.jpg", SHAPE) == (middle, said)
    large = face_at(FRAMING * 100 - 20, 120)
    assert choose_face([large, middle], None, "a.jpg", SHAPE)[0] is large


def test_files_hold_what_is_shown(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clip = np.repeat(rng.integers(0, 256, (6, 2, 2, 3), np.uint8), 16, 1).repeat(16, 2)
    show.write_mp4(tmp_path / "a.mp4", clip, 12.5)
    assert np.abs(read_clip(tmp_path / "a.mp4").astype(int) - clip)[..., 1].mean() < 12
    show.write_gif(tmp_path / "a.gif", clip, 12.5, scale=2)
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.size == (64, 64)
        assert getattr(gif, "n_frames", 1) >= 6
    show.write_png(tmp_path / "a.png", [clip, clip])
    with Image.open(tmp_path / "a.png") as png:
        assert png.size == (6 * 34, 2 * 34)
        assert np.array_equal(np.asarray(png)[:32, :32], clip[0])


@pytest.mark.weights
def test_faces_of_photographs_are_found(photograph: np.ndarray) -> None:
    from fevbench import weights

    detector = weights.require(framing.DETECTOR).path
    (face,) = framing.find_faces(photograph, detector)
    assert np.hypot(*(face.points[0] - face.points[1])) > 20
    small = np.asarray(Image.fromarray(photograph).resize((64, 64)))
    wide = np.zeros((400, 900, 3), np.uint8)
    wide[100:356, 50:306] = wide[100:356, 560:816] = photograph
    assert len(framing.find_faces(small, detector)) == 1
    left, right = framing.find_faces(wide, detector)
    assert left.box[2] < right.box[0]
    assert framing.find_faces(np.full((200, 300, 3), 128, np.uint8), detector) == []
    framed = cut_out(photograph, upright(face.points), 64)
    (again,) = framing.find_faces(framed, detector)
    assert np.abs(again.points / 64 - FRAMING).max() < 0.06
