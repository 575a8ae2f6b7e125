"""Damage that leaves a file decodable is found wherever the file holds something to find it by."""

from __future__ import annotations

from pathlib import Path

import av
import clips
import numpy as np
import pytest
from PIL import Image

from fevbench.data.facts import CHECKSUMS, DIGEST, FileFacts
from fevbench.data.integrity import SliceChecksums
from fevbench.data.video import DIGEST_TAG, examine, read_clip, write_clip
from fevbench.errors import VideoError


def noise(frames: int = 6) -> np.ndarray:
    small = np.random.default_rng(0).integers(0, 256, (frames, 16, 16, 3), dtype=np.uint8)
    return small.repeat(4, 1).repeat(4, 2)


def flipped(path: Path, content: bytes, at: int, bit: int) -> Path:
    damaged = bytearray(content)
    damaged[at] ^= 1 << bit
    path.write_bytes(damaged)
    return path


def test_no_flipped_bit_of_a_clip_of_ours_gives_other_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    write_clip(path, noise(), 25)
    content = path.read_bytes()
    refused = 0
    for at in np.linspace(0, len(content) - 1, 60).astype(int).tolist():
        try:
            assert np.array_equal(read_clip(flipped(path, content, at, at % 8)), noise())
        except VideoError:
            refused += 1
    assert refused > 40


@pytest.mark.parametrize("name", ["a.mkv", "a.avi"])
def test_slices_of_ffv1_are_checked(tmp_path: Path, name: str) -> None:
    """FFmpeg shows the last frame's slice instead of a damaged one, and says nothing."""
    path = clips.write(
        tmp_path / name, noise(), codec="ffv1", form="bgr0", options={"level": "3", "slicecrc": "1"}
    )
    facts = FileFacts()
    whole = read_clip(path, facts)
    assert np.array_equal(whole, noise())
    assert facts.checked == CHECKSUMS
    content = path.read_bytes()
    with av.open(str(path)) as container:
        inside = [packet.pos + packet.size // 2 for packet in container.demux(video=0) if packet.size]
    for at in inside:
        flipped(path, content, at, 2)
        for read in (read_clip, examine):
            with pytest.raises(
                VideoError, match=r"is damaged: a checksum of its frames is wrong|cannot be dec"
            ):
                read(path)


@pytest.mark.parametrize("options", [{"level": "1"}, {"level": "3", "slicecrc": "0"}])
def test_ffv1_without_checksums_is_read_and_said_not_to_be_checked(
    tmp_path: Path, options: dict[str, str]
) -> None:
    facts = FileFacts()
    path = clips.write(tmp_path / "a.mkv", noise(), codec="ffv1", form="bgr0", options=options)
    assert np.array_equal(read_clip(path, facts), noise())
    assert facts.checked == ""


def test_a_slice_whose_size_is_wrong_is_damaged() -> None:
    sums = SliceChecksums()
    sums.add(bytes(12))
    assert (sums.there, sums.damaged) == (False, False)
    sums.right = 1
    assert sums.damaged


def test_a_digest_that_another_program_kept_is_told_apart(tmp_path: Path) -> None:
    """Encoded again with loss, a clip cannot be what was written; without, it must not pass for it."""
    for name, codec, form in (("a.mkv", "libx264", "yuv420p"), ("b.mkv", "ffv1", "bgr0")):
        with av.open(str(tmp_path / name), "w") as container:
            container.metadata[DIGEST_TAG] = "0" * 64
            stream = container.add_stream(codec, rate=25)
            stream.height = stream.width = 64
            stream.pix_fmt = form
            for pixels in noise():
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode(None))
    facts = FileFacts()
    assert len(read_clip(tmp_path / "a.mkv", facts)) == 6
    assert facts.notes == ["another program re-encoded what fevbench wrote"]
    assert facts.checked == ""
    for read in (read_clip, examine):
        with pytest.raises(VideoError, match=f"if you changed it on purpose, drop its tag {DIGEST_TAG}"):
            read(tmp_path / "b.mkv")


def test_examining_checks_the_digest_too(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", noise(), 25)
    facts = examine(tmp_path / "a.mkv")
    assert (facts.count, facts.checked) == (6, DIGEST)


def test_checksums_of_png_are_checked_and_jpeg_has_none(tmp_path: Path) -> None:
    for name in ("0.png", "1.png"):
        Image.fromarray(noise(1)[0]).save(tmp_path / name)
    facts = FileFacts()
    read_clip(tmp_path, facts)
    assert (facts.checked, facts.lossy) == (CHECKSUMS, False)
    content = (tmp_path / "1.png").read_bytes()
    for at in range(40, len(content) - 20, len(content) // 30):
        flipped(tmp_path / "1.png", content, at, 1)
        with pytest.raises(VideoError, match=r"1\.png cannot be decoded"):
            read_clip(tmp_path)
    (tmp_path / "1.png").unlink()
    Image.fromarray(noise(1)[0]).save(tmp_path / "1.jpg")
    facts = FileFacts()
    read_clip(tmp_path, facts)
    assert (facts.checked, facts.lossy, facts.form) == ("", True, "jpeg, png")


def avi(path: Path) -> bytearray:
    return bytearray(clips.write(path, noise(), codec="mjpeg").read_bytes())


@pytest.mark.parametrize("off", [1, 8, 20])
def test_an_avi_header_off_by_a_few_bytes_is_read_with_a_note(tmp_path: Path, off: int) -> None:
    path = tmp_path / "a.avi"
    content = avi(path)
    whole = read_clip(path)
    content[4:8] = (int.from_bytes(content[4:8], "little") + off).to_bytes(4, "little")
    path.write_bytes(content)
    facts = FileFacts()
    assert np.array_equal(read_clip(path, facts), whole)
    assert facts.notes == ["its header is off by a few bytes; all the frames it names decode"]


def test_an_avi_file_that_lacks_more_or_a_frame_is_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    content = avi(path)
    size = int.from_bytes(content[4:8], "little")
    far = bytearray(content)
    far[4:8] = (size + 400).to_bytes(4, "little")
    index = content.rindex(b"idx1")
    one_less = bytearray(content)  # the header names a frame that is not there
    for at in (content.index(b"avih") + 8 + 16, content.index(b"strh") + 8 + 32):
        one_less[at : at + 4] = (7).to_bytes(4, "little")
    one_less[4:8] = (size + 8).to_bytes(4, "little")
    for damaged in (far, content[: index - 3], one_less):
        path.write_bytes(damaged)
        with pytest.raises(VideoError, match=r"is cut short|cannot be decoded"):
            read_clip(path)
