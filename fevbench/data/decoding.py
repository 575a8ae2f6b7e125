"""Decoding a video file with PyAV as viewers see it; any damage is an error."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import VideoReformatter
from PIL import Image

from fevbench.data.clip import Frames
from fevbench.data.facts import CHECKSUMS, FileFacts
from fevbench.data.integrity import SliceChecksums, is_cut_short, is_off_by_little
from fevbench.data.pictures import on_background
from fevbench.errors import VideoError

BESIDE = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
"""Streams that a player does not play: covers and previews."""
STRETCH = 8
"""Largest ratio of a pixel's height to its width, or of width to height."""
STRICT = {"err_detect": "crccheck+explode"}
"""FFmpeg refuses broken data instead of inventing pixels, and checks existing checksums."""
HDR = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of ITU-T H.273 for high dynamic range."""


def video_stream(container: Any, path: Path, facts: FileFacts) -> Any:
    """The stream a player shows: no cover, more than one picture, marked as default, the largest, the first.

    Raises:
        VideoError: There is none, or it cannot be decoded.
    """
    there = list(container.streams.video)
    playing = [stream for stream in there if not stream.disposition & BESIDE]
    if not playing:
        cover = ", only covers" if there else ""
        raise VideoError(f"{path} has no video stream{cover}", "give a video file")
    best = playing[0]
    if len(playing) > 1:
        counts = Counter(packet.stream_index for packet in container.demux(playing) if packet.size)
        container.seek(0, backward=True)
        best = max(playing, key=lambda stream: _rank(stream, counts[stream.index]))
    if best.codec_context is None:
        raise VideoError(f"{path} has a video stream that cannot be decoded", "export it again")
    if len(there) > 1:
        facts.note(f"of {len(there)} video streams, number {there.index(best) + 1} is read")
    return best


def decoder(stream: Any, path: Path) -> Any:
    """The decoder of a stream: FFmpeg's choice, except for VP8 and VP9 with alpha, which need libvpx.

    Raises:
        VideoError: It needs libvpx, which is missing.
    """
    context = stream.codec_context
    if stream.metadata.get("alpha_mode") == "1" and context.name in ("vp8", "vp9"):
        name = {"vp8": "libvpx", "vp9": "libvpx-vp9"}[context.name]
        if name not in av.codec.codecs_available:
            raise VideoError(f"{path} has an alpha channel that cannot be decoded", "export it without one")
        context = av.CodecContext.create(name, "r")
    context.options = STRICT
    return context


def _rank(stream: Any, count: int) -> tuple[bool, bool, int, int]:
    context = stream.codec_context
    area = context.width * context.height if context else -1
    return count > 1, bool(stream.disposition & Disposition.default), area, -stream.index


class FrameConverter:
    """Converts decoded frames to pictures as viewers see them."""

    def __init__(self, stream: Any, path: Path, facts: FileFacts) -> None:
        self._path = path
        self._facts = facts
        self._aspect = _aspect(stream, path)
        self._to_rgb = VideoReformatter()  # one for all frames: setting it up costs more than a frame

    def __call__(self, picture: Any) -> Frames:
        """A decoded frame as ``uint8[H, W, 3]``, RGB: on `BACKGROUND`, with square pixels, upright."""
        facts, parts = self._facts, picture.format.components
        bits = max((part.bits for part in parts), default=8)
        if bits > 8:
            facts.note(f"{bits} bits a channel became 8")
        if getattr(picture, "color_trc", 0) in HDR:
            facts.note(
                f"its colours are of a high dynamic range ({HDR[picture.color_trc]}) and taken as they are"
            )
        if picture.interlaced_frame:
            facts.note("a frame holds two half pictures (interlaced)")
        if any(part.is_alpha for part in parts):
            layer = self._to_rgb.reformat(picture, format="rgba").to_ndarray()
            pixels = np.asarray(on_background(Image.fromarray(layer), facts))
        else:
            pixels = self._to_rgb.reformat(picture, format="rgb24").to_ndarray().astype(np.uint8, copy=False)
        return self._upright(self._square(pixels), picture)

    def _square(self, pixels: Frames) -> Frames:
        """The frame with square pixels; the shorter side is stretched, so that nothing is lost."""
        height, width = pixels.shape[:2]
        size = (
            (round(width * self._aspect), height)
            if self._aspect > 1
            else (width, round(height / self._aspect))
        )
        if size == (width, height):
            return pixels
        shape = f"{self._aspect.numerator}:{self._aspect.denominator}"
        self._facts.note(f"pixels are not square ({shape}); frames were stretched to {size[0]}x{size[1]}")
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))

    def _upright(self, pixels: Frames, picture: Any) -> Frames:
        """The frame turned and mirrored by its display matrix (ISO/IEC 14496-12, section 6.2.2)."""
        matrix = picture.side_data.get("DISPLAYMATRIX")
        if matrix is None:
            return pixels
        a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
        largest = max(map(abs, (a, b, c, d)))
        # One of each pair must be close to zero; else the rotation is no multiple of 90 degrees.
        straight = min(max(abs(b), abs(c)), max(abs(a), abs(d))) <= 0.02 * largest
        if not largest or not straight:
            raise VideoError(
                f"{self._path} is rotated by an angle other than 90, 180 or 270 degrees", "export it upright"
            )
        if abs(a) > abs(b):
            right, down, turned = a, d, pixels
        else:  # what went right goes down
            right, down, turned = c, b, pixels.transpose(1, 0, 2)
        turned = turned[:: -1 if down < 0 else 1, :: -1 if right < 0 else 1]
        if turned.shape == pixels.shape and turned.strides == pixels.strides:
            return pixels
        mirrored = a * d - b * c < 0
        self._facts.note(f"turned{' and mirrored' * mirrored} as its header says")
        return np.ascontiguousarray(turned)


def _aspect(stream: Any, path: Path) -> Fraction:
    """Width of a pixel divided by its height; 1 if the file does not give it."""
    said = stream.sample_aspect_ratio
    aspect = Fraction(said.numerator, said.denominator) if said else Fraction(1)
    if not Fraction(1, STRETCH) <= aspect <= STRETCH:
        raise VideoError(
            f"{path} says its pixels are {aspect} times as wide as high, which is impossible",
            "export it again",
        )
    return aspect


def is_lossy(picture: Any, codec: Any) -> bool:
    """Whether a stream loses detail; with any codec, pictures that are not RGB or grey do."""
    colours = picture.format.name.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0", "gray", "pal"))
    return codec.lossy or not codec.lossless or not colours


AGAIN = "export or copy it again"


@contextlib.contextmanager
def open_video(path: Path, facts: FileFacts, content: bytes | None = None) -> Iterator[tuple[Any, Any]]:
    """Open a video file: its container and its video stream; at the end, check that it was complete.

    ``facts`` gets notes on what was changed; with ``content``, the file's bytes, ``path`` only names it.

    Raises:
        VideoError: It is not a video, or it was not decoded completely.
    """
    if content is None and not path.is_file():
        raise VideoError(f"{path} is not a file", "give a video or a folder of frames")
    try:
        # "file:" keeps a name with a colon from being read as an address, and a playlist that poses as
        # a video from fetching anything.
        source = f"file:{path}" if content is None else BytesIO(content)
        with av.open(source, options={**STRICT, "protocol_whitelist": "file"}) as container:
            stream = video_stream(container, path, facts)
            facts.claimed, rate = stream.frames, stream.average_rate
            facts.fps = float(rate) if rate else None
            yield container, stream
    except (av.FFmpegError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(f"{path} cannot be decoded ({reason})", AGAIN) from error
    stored = path if content is None else content
    if is_cut_short(stored):
        if not (is_off_by_little(stored) and facts.count == facts.claimed > 0):
            raise VideoError(f"{path} is cut short", AGAIN)
        facts.note("its header is off by a few bytes; all the frames it names decode")


def decoded_frames(container: Any, stream: Any, path: Path, facts: FileFacts) -> Iterator[Any]:
    """All decoded frames of a stream; their facts are put into ``facts`` at the end.

    Raises:
        VideoError: One is damaged.
    """
    checksums, left_out = SliceChecksums(), 0
    times: list[float | None] = []
    lossy, form = False, ""
    context = decoder(stream, path)
    ffv1 = context.name == "ffv1"
    for packet in container.demux(stream):
        left_out += packet.is_discard
        if ffv1 and packet.size:
            checksums.add(bytes(packet))
        # The end of a stream is an empty packet, which only the stream's own decoder understands.
        for picture in context.decode(packet) if packet.size or context is stream.codec_context else ():
            if picture.is_corrupt:
                raise VideoError(f"{path} is damaged", AGAIN)
            if not form:
                form = f"{stream.codec_context.name} {picture.format.name}"
                lossy = is_lossy(picture, context.codec)
            times.append(picture.time)
            yield picture
    if checksums.damaged:
        raise VideoError(f"{path} is damaged: a checksum of its frames is wrong", AGAIN)
    if left_out:
        facts.claimed -= left_out
        facts.note(f"{left_out} frames are left out by its edit list")
    if facts.claimed and facts.claimed != len(times):
        facts.note(f"its header says {facts.claimed} frames, {len(times)} decode")
    facts.set_times(times)
    facts.add_file(form, lossy, CHECKSUMS if checksums.there else "")
