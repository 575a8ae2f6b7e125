"""A picture is read as people see it, whoever reads it, and what was done is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import clips
import cv2
import numpy as np
import pytest
from PIL import Image

from fevbench.data.facts import FileFacts
from fevbench.data.pictures import is_animation, read_animation, read_picture
from fevbench.data.video import examine, read_clip
from fevbench.errors import VideoError
from fevbench.generate.photograph import read_photograph

EXACT: dict[str, dict[str, Any]] = {"jpg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True}}
STEPS = [np.full((32, 32, 3), 20 * i, np.uint8) for i in range(1, 6)]


def both(path: Path, facts: FileFacts) -> np.ndarray:
    """The one picture of a folder, read as a frame; as a photograph it is the same."""
    pixels = read_picture(path, facts)
    assert np.array_equal(read_photograph(path), pixels)
    return pixels


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_exif_data_say(tmp_path: Path, suffix: str, orientation: int) -> None:
    lying = clips.corners(1)[0]
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(lying).save(path, exif=exif, **EXACT.get(suffix, {}))
    facts = FileFacts()
    expected = clips.oriented(lying[None], orientation)[0]
    seen = both(path, facts)
    assert seen.shape == expected.shape
    assert np.abs(seen.astype(int) - expected)[4::8, 4::8].max() < 8
    assert facts.notes == (["turned as its EXIF data say"] if orientation > 1 else [])


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PNG tRNS"])
def test_transparent_parts_are_white(tmp_path: Path, mode: str) -> None:
    layer = np.full((32, 32, 4), 60, np.uint8)
    layer[:, :16, 3], layer[:, 16:, 3] = 0, 255
    picture = Image.fromarray(layer)
    options: dict[str, Any] = {}
    if mode == "PNG tRNS":
        flat = np.full((32, 32, 3), 60, np.uint8)
        flat[:, :16] = (255, 0, 255)
        picture, options = Image.fromarray(flat), {"transparency": (255, 0, 255)}
    elif mode != "RGBA":
        picture = picture.quantize() if mode == "P" else picture.convert(mode)
    picture.save(tmp_path / "a.png", **options)
    facts = FileFacts()
    pixels = both(tmp_path / "a.png", facts)
    assert (pixels[:, :16] == 255).all()
    assert (pixels[:, 16:] == 60).all()
    assert facts.notes == ["transparent parts are shown on white"]


def test_an_opaque_alpha_channel_changes_nothing(tmp_path: Path) -> None:
    picture = Image.fromarray(clips.corners(1)[0])
    picture.convert("RGBA").save(tmp_path / "a.png")
    facts = FileFacts()
    assert np.array_equal(both(tmp_path / "a.png", facts), clips.corners(1)[0])
    assert facts.notes == []


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_become_eight_rounded(tmp_path: Path, suffix: str, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 1 << 16, (32, 40, channels), dtype=np.uint16)
    values[0, 0], values[0, 1] = 0, 0xFFFF
    if channels == 4:
        values[..., 3] = 0xFFFF
    path = tmp_path / f"a.{suffix}"
    assert cv2.imwrite(str(path), values)
    facts = FileFacts()
    expected = (values / 257).round().astype(np.uint8)[..., :3]
    seen = both(path, facts)
    # OpenCV writes blue first.
    assert np.array_equal(seen, expected[..., ::-1] if channels > 1 else expected.repeat(3, 2))
    assert facts.notes == ["16 bits a channel became 8"]


def test_colours_that_are_not_applied_are_told(tmp_path: Path) -> None:
    from PIL import ImageCms

    other = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile, told in ((other, True), (same, False), (b"no profile", True)):
        Image.fromarray(STEPS[0]).save(tmp_path / "a.png", icc_profile=profile)
        facts = FileFacts()
        assert (read_picture(tmp_path / "a.png", facts) == 20).all()
        assert any("is not applied" in note for note in facts.notes) == told
    Image.new("CMYK", (32, 32)).save(tmp_path / "a.jpg")
    read_picture(tmp_path / "a.jpg", facts)
    assert "CMYK became RGB without a colour profile" in facts.notes


ANIMATIONS: dict[str, dict[str, Any]] = {
    "a.gif": {}, "a.webp": {"lossless": True}, "a.apng": {"format": "PNG"}, "a.tif": {},
}  # fmt: skip


@pytest.mark.parametrize("name", ANIMATIONS)
def test_an_animation_is_a_clip(tmp_path: Path, name: str) -> None:
    first, *rest = map(Image.fromarray, STEPS)
    first.save(tmp_path / name, save_all=True, append_images=rest, duration=80, **ANIMATIONS[name])
    assert is_animation(tmp_path / name)
    clip = read_clip(tmp_path / name)
    assert np.array_equal(clip, np.stack(STEPS))
    facts = examine(tmp_path / name)
    assert facts.count == 5
    if name != "a.tif":  # which has no times
        assert np.allclose(facts.times, [0, 0.08, 0.16, 0.24, 0.32])
        assert facts.fps == pytest.approx(12.5)
    assert facts.lossy == (name == "a.gif")


def test_pictures_of_an_animation_may_last_differently(tmp_path: Path) -> None:
    first, *rest = map(Image.fromarray, STEPS)
    first.save(tmp_path / "a.gif", save_all=True, append_images=rest, duration=[200, 200, 40, 40, 40])
    assert examine(tmp_path / "a.gif").uneven


def test_an_animation_is_no_frame_and_a_still_no_clip(tmp_path: Path) -> None:
    for name in ("1.png", "2.png"):
        Image.fromarray(STEPS[0]).save(tmp_path / name)
    first, *rest = map(Image.fromarray, STEPS)
    first.save(tmp_path / "2.png", save_all=True, append_images=rest)
    with pytest.raises(VideoError, match=r"2\.png holds 5 pictures, expected one"):
        read_clip(tmp_path)
    assert (read_photograph(tmp_path / "2.png") == 20).all()
    first.save(tmp_path / "still.webp")
    assert not is_animation(tmp_path / "still.webp")
    assert len(read_animation(tmp_path / "still.webp")) == 1


def test_a_camera_that_adds_a_second_picture_is_read(tmp_path: Path) -> None:
    first, *rest = map(Image.fromarray, STEPS)
    first.save(tmp_path / "1.jpg", "MPO", save_all=True, append_images=rest[:1])
    assert read_clip(tmp_path).shape == (1, 32, 32, 3)


def test_a_pipe_is_no_picture(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "1.png")
    with pytest.raises(VideoError, match="is not a file"):
        read_clip(tmp_path)
