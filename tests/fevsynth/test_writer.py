"""Clips and images survive the disk: same bytes for the same pixels, quality above the floor, notes kept."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fevbench.data.video import read_clip
from fevbench.fevsynth.render import files
from fevbench.fevsynth.render.files import MIN_PSNR, NOTE, encode_clip, encode_image

Frames = NDArray[np.uint8]


@pytest.fixture
def frames() -> Frames:
    """A bright disc moving over a noisy ramp."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:48, 0:48]
    ramp = np.stack([x * 4, y * 4, 200 - x * 2], -1)[None] + rng.normal(0, 1, (10, 48, 48, 3))
    for index in range(10):
        ramp[index][(x - 10 - 2 * index) ** 2 + (y - 24) ** 2 < 60] = (230, 180, 160)
    return np.clip(ramp, 0, 255).astype(np.uint8)


def psnr(expected: Frames, found: Frames) -> float:
    return float(10 * np.log10(255**2 / np.mean((found.astype(float) - expected) ** 2)))


def test_a_clip_comes_back_whole_and_just_above_the_floor(tmp_path: Path, frames: Frames) -> None:
    encoded = encode_clip(frames, {})
    (tmp_path / "clip.mkv").write_bytes(encoded.data)
    found = read_clip(tmp_path / "clip.mkv")
    assert found.shape == frames.shape
    assert psnr(frames, found) == pytest.approx(encoded.psnr)
    assert MIN_PSNR <= encoded.psnr < MIN_PSNR + 0.5
    assert hashlib.sha256(found.tobytes()).hexdigest() == encoded.frames_sha256


def test_a_clip_is_stored_in_rgb(frames: Frames) -> None:
    """From YUV, decoders would make different bytes."""
    with av.open(files.BytesIO(encode_clip(frames, {}).data)) as container:
        assert next(container.decode(video=0)).format.name == "gbrp"


def test_the_same_frames_give_the_same_file(frames: Frames) -> None:
    """Whatever was encoded before: x264's macroblock trees read memory that was never written."""
    clips = [np.roll(frames, shift, axis=2) for shift in range(4)]
    files = [encode_clip(clip, {"seed": 3}).data for clip in clips]
    again = [encode_clip(clip, {"seed": 3}).data for clip in reversed(clips)]
    assert files == again[::-1]


@pytest.mark.parametrize("kind", ["flat", "noise"])
def test_the_floor_holds_for_what_no_face_looks_like(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype(np.uint8)
    assert encode_clip(noise if kind == "noise" else np.full_like(noise, 7), {}).psnr >= MIN_PSNR


def test_few_encodes_find_the_rate(frames: Frames, monkeypatch: pytest.MonkeyPatch) -> None:
    encode, rates = files._encode, []

    def counting(frames: Frames, crf: float, note: str) -> files.Encoded:
        rates.append(crf)
        return encode(frames, crf, note)

    monkeypatch.setattr(files, "_encode", counting)
    encode_clip(frames, {})
    assert len(rates) == len(set(rates)) <= 5


def test_a_file_says_what_it_is(frames: Frames) -> None:
    note = {"label": "fear", "onset": 3}
    with av.open(files.BytesIO(encode_clip(frames, note).data)) as container:
        assert json.loads(container.metadata[NOTE]) == note
    with Image.open(files.BytesIO(encode_image(frames[0], note))) as image:
        assert json.loads(image.info[NOTE]) == note


def test_an_image_comes_back_bit_for_bit(frames: Frames) -> None:
    data = encode_image(frames[0], {})
    with Image.open(files.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), frames[0])
    assert data == encode_image(frames[0], {})
