"""Reading clips with PyAV and writing them without loss.

Frame truth is what decodes: the frame count of a container's header is never believed. Clips written
here carry the digest of their pixels, so that any damage to them is found.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from PIL import Image

from fevbench.atomic import replacing
from fevbench.data.container import is_cut_short
from fevbench.errors import VideoError

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

VIDEO_SUFFIXES = (".mkv", ".mp4", ".avi", ".mov", ".webm", ".flv")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
LOSSLESS_SUFFIX = ".mkv"
DIGEST_TAG = "FRAMES_SHA256"
"""The metadata entry that holds the content digest of a clip written by :func:`write_clip`."""
EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "La", "RGBa")
AGAIN = "export or copy it again"
Shape = tuple[int, int, int]
"""Frames, height and width of a clip."""


def read_clip(path: Path, most: int | None = None) -> Frames:
    """Decode a video file, or a folder of frames in natural order.

    Args:
        path: A file with one of ``VIDEO_SUFFIXES``, or a folder of images. Grey images become RGB;
            transparency is dropped.
        most: Frames after which nothing more is decoded, however long the clip is.

    Returns:
        ``uint8[T, H, W, 3]``, RGB.

    Raises:
        VideoError: Nothing is there, it cannot be decoded to the end, it holds no frame, or its
            frames differ in size.
    """
    if not path.exists():
        raise VideoError(f"{path} does not exist", "check the path")
    if path.is_dir():
        return _stack(path, list(islice(_folder_frames(path), most)))
    return _stack(path, list(islice(stream_video(path), most)))


def read_written(path: Path, shape: Shape | None = None) -> Frames:
    """Decode a clip that :func:`write_clip` wrote, and check every pixel.

    Args:
        path: The file.
        shape: How many frames it must have, of which height and width. Nothing beyond is decoded, so that a
            stranger's file cannot fill the memory.

    Raises:
        VideoError: The file is not a clip written by :func:`write_clip`, or not all of it.
    """
    frames, written = _decode(path, shape)
    clip = _stack(path, frames)
    if content_digest(clip) != written:
        raise VideoError(f"{path} is damaged: it does not hold the pixels that were written", AGAIN)
    return clip


def _stack(path: Path, frames: list[Frames]) -> Frames:
    if not frames:
        wanted = "a folder of " + ", ".join(IMAGE_SUFFIXES) if path.is_dir() else "a video"
        raise VideoError(f"{path} holds no frame", f"give {wanted} with at least one frame")
    sizes = sorted({frame.shape[:2] for frame in frames})
    if len(sizes) > 1:
        named = ", ".join(f"{width}x{height}" for height, width in sizes)
        raise VideoError(f"{path} mixes frame sizes ({named})", "make all frames of a clip one size")
    return np.stack(frames)


def _decode(path: Path, shape: Shape | None = None) -> tuple[list[Frames], str]:
    """A file's frames, and the digest it carries or an empty text; ``shape`` as in `read_written`."""
    tags: dict[str, str] = {}
    frames = list(stream_video(path, tags, shape))
    if shape and len(frames) < shape[0]:
        raise VideoError(f"{path} has {len(frames)} frames and not {shape[0]}", AGAIN)
    return frames, tags.get(DIGEST_TAG, "")


def stream_video(
    path: Path, tags: dict[str, str] | None = None, shape: Shape | None = None
) -> Iterator[Frames]:
    """Decode a video file frame by frame, so that it need not fit into memory.

    Args:
        path: The file.
        tags: Is given the container's metadata.
        shape: As in `read_written`.

    Yields:
        ``uint8[H, W, 3]``, RGB.

    Raises:
        VideoError: As `read_clip`; perhaps after frames that were fine.
    """
    to_rgb = VideoReformatter()  # one for all frames: setting it up costs more than a frame
    with _opened(path) as container:
        if tags is not None:
            tags.update(container.metadata)
        _check_shape(path, shape, 0, container.streams.video[0])
        for count, picture in enumerate(_pictures(container, path), start=1):
            _check_shape(path, shape, count, picture)
            pixels = to_rgb.reformat(picture, format="rgb24").to_ndarray().astype(np.uint8, copy=False)
            # A telephone held upright films lying, and notes by how many degrees to turn what it filmed.
            turns = round(getattr(picture, "rotation", 0) / 90)
            yield np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def count_frames(path: Path) -> tuple[int, int, float | None]:
    """How many frames a video file holds, and what its header claims.

    Returns:
        The frames that decode; the header's count, 0 if it has none; frames a second, None if unknown.

    Raises:
        VideoError: As `read_clip`.
    """
    with _opened(path) as container:
        stream = container.streams.video[0]
        claimed, rate = stream.frames, stream.average_rate
        return sum(1 for _ in _pictures(container, path)), claimed, float(rate) if rate else None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if not path.is_file():
        raise VideoError(f"{path} is not a file", "give a video or a folder of frames")
    try:
        # "file:" keeps a name with a colon from being read as an address, and a playlist that poses as
        # a video from fetching anything. "explode" refuses broken data instead of inventing pixels.
        options = {"err_detect": "explode", "protocol_whitelist": "file"}
        with av.open(f"file:{path}", options=options) as container:
            if not container.streams.video:
                raise VideoError(f"{path} has no video stream", "give a video file")
            yield container
    except (av.FFmpegError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(f"{path} cannot be decoded ({reason})", AGAIN) from error
    if is_cut_short(path):
        raise VideoError(f"{path} is cut short", AGAIN)


def _pictures(container: Any, path: Path) -> Iterator[Any]:
    for picture in container.decode(video=0):
        if picture.is_corrupt:
            raise VideoError(f"{path} is damaged", AGAIN)
        yield picture


def _check_shape(path: Path, shape: Shape | None, frames: int, picture: Any) -> None:
    """See that neither the frames so far nor the size of a stream or frame go beyond a shape."""
    if shape and (frames > shape[0] or (picture.height, picture.width) != shape[1:]):
        most, height, width = shape
        found = f"{picture.width}x{picture.height}" if frames <= most else f"longer than {most} frames"
        raise VideoError(f"{path} is {found} and not {most} frames of {width}x{height}", AGAIN)


def _folder_frames(path: Path) -> Iterator[Frames]:
    names = [p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".")]
    for name in sorted(names, key=natural_key):
        yield read_image(name)


def read_image(path: Path) -> Frames:
    """Decode an image of 8 bits a channel: ``uint8[H, W, 3]``; grey becomes RGB.

    Raises:
        VideoError: It cannot be decoded to the end, or has more bits.
    """
    try:
        with Image.open(path) as image:
            if image.mode not in EIGHT_BIT_MODES:
                raise VideoError(f"{path} has more than 8 bits a channel", "export 8-bit images")
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise VideoError(f"{path} cannot be decoded ({error})", AGAIN) from error


def natural_key(path: Path) -> tuple[list[tuple[int, str]], str]:
    """A sort key that puts ``2.png`` before ``10.png``; names that count the same keep one order."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def write_clip(path: Path, frames: Frames, fps: float) -> None:
    """Write a clip as FFV1 in Matroska, RGB, bit for bit; the same clip gives the same file.

    Args:
        path: The file to write, with suffix ``.mkv``; it appears whole or not at all.
        frames: ``uint8[T, H, W, 3]``, RGB.
        fps: Frames per second, written to the container.

    Raises:
        OSError: The disk is full or the folder cannot be written.
    """
    height, width = frames.shape[1:3]
    # FFmpeg drops a write error that comes with the last bytes, so it writes to memory.
    buffer = BytesIO()
    with av.open(buffer, "w", format="matroska", options={"fflags": "bitexact"}) as container:
        container.metadata[DIGEST_TAG] = content_digest(frames)
        stream = container.add_stream("ffv1", rate=Fraction(fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    with replacing(path) as part:
        part.write_bytes(buffer.getbuffer())


def content_digest(frames: Frames) -> str:
    """The sha256 of a clip's or a frame's shape and pixels: the same picture, the same digest."""
    digest = hashlib.sha256(repr(frames.shape).encode())
    digest.update(np.ascontiguousarray(frames).data)
    return digest.hexdigest()
