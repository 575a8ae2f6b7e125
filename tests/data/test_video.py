"""Clips come back bit for bit, and whatever is wrong with a file is an error, never a shorter clip."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fevbench.data.facts import FileFacts
from fevbench.data.integrity import FEW
from fevbench.data.video import content_digest, read_clip, read_written, write_clip
from fevbench.errors import VideoError

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

FORMATS: dict[str, tuple[str, str, dict[str, str]]] = {
    "ffv1.mkv": ("ffv1", "bgr0", {}),
    "h264.mkv": ("libx264", "yuv420p", {}),
    "h264.mp4": ("libx264", "yuv420p", {}),
    "faststart.mp4": ("libx264", "yuv420p", {"movflags": "faststart"}),
    "fragmented.mp4": ("libx264", "yuv420p", {"movflags": "frag_keyframe+empty_moov"}),
    "h264.mov": ("libx264", "yuv420p", {}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {"deadline": "realtime"}),
    "mjpeg.avi": ("mjpeg", "yuvj420p", {}),
}


def noise(frames: int = 24, height: int = 48, width: int = 48) -> Frames:
    return np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


def encode(path: Path, frames: Frames) -> Path:
    codec, pixels, options = FORMATS[path.name]
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@settings(max_examples=25)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(2, 40), st.integers(2, 40)),
    seed=st.integers(0, 2**32 - 1),
)
def test_writing_is_lossless(tmp_path_factory: pytest.TempPathFactory, shape: Any, seed: int) -> None:
    clip = np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("clip") / "a.mkv"
    write_clip(path, clip, 12.5)
    for read in (read_clip, read_written):
        back = read(path)
        assert back.dtype == np.uint8
        assert np.array_equal(back, clip)


def test_the_same_clip_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a.mkv", "b.mkv"):
        write_clip(tmp_path / name, noise(3), 25)
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


def test_half_rates_are_kept(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", noise(4), 12.5)
    with av.open(str(tmp_path / "a.mkv")) as container:
        assert container.streams.video[0].average_rate == Fraction(25, 2)


@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_video_has_every_frame(tmp_path: Path, name: str) -> None:
    facts = FileFacts()
    assert read_clip(encode(tmp_path / name, noise()), facts).shape == (24, 48, 48, 3)
    assert (facts.notes, facts.uneven, facts.lossy) == ([], False, name != "ffv1.mkv")


@pytest.mark.parametrize("name", FORMATS)
def test_a_cut_video_is_an_error(tmp_path: Path, name: str) -> None:
    parts = [0.01, 0.1, 0.3, 0.5, 0.7, 0.9]
    if name != "fragmented.mp4":  # whose end is an index nobody needs
        parts += [0.97, 0.999]
    whole = encode(tmp_path / name, noise()).read_bytes()
    for part in parts:
        # An AVI may lack FEW bytes. Its length depends on the number of cores, which are FFmpeg's threads.
        (tmp_path / name).write_bytes(whole[: min(int(part * len(whole)), len(whole) - FEW - 1)])
        with pytest.raises(VideoError, match=re.escape(str(tmp_path / name))):
            read_clip(tmp_path / name)


def test_a_cut_exactly_between_two_frames_is_an_error(tmp_path: Path) -> None:
    """There the decoder has nothing to complain about: only the container knows."""
    path = encode(tmp_path / "ffv1.mkv", noise())
    with av.open(str(path)) as container:
        starts = [packet.pos for packet in container.demux(video=0) if packet.pos]
    whole = path.read_bytes()
    for start in starts[1::6]:
        path.write_bytes(whole[:start])
        with pytest.raises(VideoError, match="cut short"):
            read_clip(path)


def test_a_video_of_unknown_length_is_read(tmp_path: Path) -> None:
    """A recorder that cannot go back to write its header leaves no size to check."""
    path = tmp_path / "live.mkv"
    with av.open(str(path), "w", format="matroska", options={"live": "1"}) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 48, "yuv420p"
        for frame in noise():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    assert len(read_clip(path)) == 24


@pytest.mark.parametrize("at", [0.2, 0.5, 0.8])
def test_one_wrong_bit_in_a_written_clip_is_an_error(tmp_path: Path, at: float) -> None:
    path = tmp_path / "a.mkv"
    write_clip(path, noise(), 25)
    damaged = bytearray(path.read_bytes())
    damaged[int(at * len(damaged))] ^= 4
    path.write_bytes(damaged)
    with pytest.raises(VideoError, match=r"damaged|decoded"):
        read_written(path)


def test_a_video_of_someone_else_is_no_written_clip(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="damaged"):
        read_written(encode(tmp_path / "ffv1.mkv", noise()))


def _png(path: Path, size: tuple[int, int] = (20, 10), colour: int = 7, mode: str = "RGB") -> Path:
    fill = colour if mode == "L" else tuple([colour] * len(mode))
    Image.new(mode, size, fill).save(path)  # type: ignore[arg-type]
    return path


def _cut(path: Path, part: float) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])


def _folder(make: Callable[[Path], None]) -> Callable[[Path], Path]:
    def build(root: Path) -> Path:
        folder = root / "frames"
        folder.mkdir()
        make(folder)
        return folder

    return build


def _written(name: str, content: bytes) -> Callable[[Path], Path]:
    def build(root: Path) -> Path:
        (root / name).write_bytes(content)
        return root / name

    return build


def _mixed(folder: Path) -> None:
    _png(folder / "1.png"), _png(folder / "2.png", (10, 20))


def _zero_bytes(folder: Path) -> None:
    _png(folder / "1.png"), (folder / "2.png").touch()


def _cut_jpeg(folder: Path) -> None:
    Image.fromarray(noise(1)[0]).save(folder / "1.jpg")
    _cut(folder / "1.jpg", 0.6)


def _cut_png(folder: Path) -> None:
    Image.fromarray(noise(1)[0]).save(folder / "1.png")
    _cut(folder / "1.png", 0.6)


def _sound(root: Path) -> Path:
    path = root / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing there": (lambda root: root / "gone.mkv", "does not exist"),
    "empty file": (_written("a.mkv", b""), "cannot be decoded"),
    "text": (_written("a.mkv", b"this is not a video\n" * 50), "cannot be decoded"),
    "playlist": (_written("a.mkv", b"#EXTM3U\n#EXTINF:1,\nhttp://192.0.2.1/a.ts\n"), "cannot be decoded"),
    "noise": (_written("a.mp4", noise(1).tobytes()), "cannot be decoded"),
    "sound only": (_sound, "no video stream"),
    "empty folder": (_folder(lambda folder: None), "holds no frame"),
    "folder without images": (_folder(lambda folder: (folder / "a.txt").touch()), r"read are .*\.webp"),
    "mixed sizes": (_folder(_mixed), r"mixes frame sizes \(20x10, 10x20\)|\(10x20, 20x10\)"),
    "zero bytes": (_folder(_zero_bytes), r"2\.png cannot be decoded"),
    "cut JPEG": (_folder(_cut_jpeg), r"1\.jpg cannot be decoded"),
    "cut PNG": (_folder(_cut_png), r"1\.png cannot be decoded"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_read_is_named(tmp_path: Path, what: str) -> None:
    build, reason = BROKEN[what]
    path = build(tmp_path)
    with pytest.raises(VideoError, match=reason) as error:
        read_clip(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_frames_of_a_folder_come_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 9, 1, 2, 100):
        _png(tmp_path / f"frame {number}.png", colour=number)
    (tmp_path / "._frame 1.png").write_bytes(b"what a file manager leaves")
    (tmp_path / "readme.txt").touch()
    assert read_clip(tmp_path)[:, 0, 0, 0].tolist() == [1, 2, 9, 10, 100]


def test_grey_images_become_rgb(tmp_path: Path) -> None:
    _png(tmp_path / "1.png", mode="L", colour=77)
    clip = read_clip(tmp_path)
    assert clip.shape == (1, 10, 20, 3)
    assert (clip == 77).all()


def test_a_colon_in_a_name_is_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(Path("concat:a.mkv"), noise(2), 25)
    assert np.array_equal(read_clip(Path("concat:a.mkv")), noise(2))


def test_the_digest_is_of_shape_and_pixels() -> None:
    clip = noise(2, 4, 6)
    assert content_digest(clip) == content_digest(np.asfortranarray(clip))
    assert content_digest(clip) != content_digest(clip.reshape(2, 6, 4, 3))
    other = clip.copy()
    other[1, 3, 5, 2] ^= 1
    assert content_digest(clip) != content_digest(other)


def test_nothing_is_decoded_past_what_is_wanted(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", noise(), 25)
    assert np.array_equal(read_clip(tmp_path / "a.mkv", most=3), noise()[:3])
    for number in range(5):
        _png(tmp_path / "frames" / f"{number}.png") if number else (tmp_path / "frames").mkdir()
    assert len(read_clip(tmp_path / "frames", most=2)) == 2
