"""Reading clips with PyAV and writing them without loss.

Frame truth is what decodes: the frame count of a container's header is never believed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from PIL import Image

from fevbench.atomic import replacing
from fevbench.errors import VideoError

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

VIDEO_SUFFIXES = (".mkv", ".mp4", ".avi", ".mov", ".webm")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
LOSSLESS_SUFFIX = ".mkv"


def read_clip(path: Path) -> Frames:
    """Decode a video file, or a folder of frames in natural order.

    Args:
        path: A file with one of ``VIDEO_SUFFIXES``, or a folder of images.

    Returns:
        ``uint8[T, H, W, 3]``, RGB.

    Raises:
        VideoError: Nothing is there, it cannot be decoded to the end, it holds no frame, or its
            frames differ in size.
    """
    if not path.exists():
        raise VideoError(f"{path} does not exist", "check the path")
    frames = list(_folder_frames(path) if path.is_dir() else _file_frames(path))
    if not frames:
        wanted = "a folder of " + ", ".join(IMAGE_SUFFIXES) if path.is_dir() else "a video"
        raise VideoError(f"{path} holds no frame", f"give {wanted} with at least one frame")
    sizes = sorted({frame.shape[:2] for frame in frames})
    if len(sizes) > 1:
        named = ", ".join(f"{width}x{height}" for height, width in sizes)
        raise VideoError(f"{path} mixes frame sizes ({named})", "make all frames of a clip one size")
    return np.stack(frames)


def _file_frames(path: Path) -> Iterator[Frames]:
    try:
        # Without "explode" FFmpeg conceals broken data: it would hand over invented pixels.
        with av.open(str(path), options={"err_detect": "explode"}) as container:
            if not container.streams.video:
                raise VideoError(f"{path} has no video stream", "give a video file")
            for frame in container.decode(video=0):
                if frame.is_corrupt:
                    raise VideoError(f"{path} is damaged or cut short", "export or copy it again")
                yield frame.to_ndarray(format="rgb24")
    except (av.FFmpegError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(f"{path} cannot be decoded ({reason})", "export or copy it again") from error


def _folder_frames(path: Path) -> Iterator[Frames]:
    names = [p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".")]
    for name in sorted(names, key=natural_key):
        try:
            with Image.open(name) as image:
                yield np.asarray(image.convert("RGB"))
        except (OSError, SyntaxError) as error:
            raise VideoError(f"{name} cannot be decoded ({error})", "export or copy it again") from error


def natural_key(path: Path) -> list[tuple[int, str]]:
    """A sort key that puts ``2.png`` before ``10.png``."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def write_clip(path: Path, frames: Frames, fps: float) -> None:
    """Write a clip as FFV1 in Matroska, RGB, bit for bit.

    Args:
        path: The file to write, with suffix ``.mkv``; it appears whole or not at all.
        frames: ``uint8[T, H, W, 3]``, RGB.
        fps: Frames per second, written to the container.

    Raises:
        OSError: The disk is full or the folder cannot be written.
    """
    height, width = frames.shape[1:3]
    with replacing(path) as part, av.open(str(part), "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=round(fps))
        stream.width, stream.height, stream.pix_fmt = width, height, "gbrp"
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def content_digest(frames: Frames) -> str:
    """The sha256 of a clip's or a frame's shape and pixels: the same picture, the same digest."""
    digest = hashlib.sha256(repr(frames.shape).encode())
    digest.update(np.ascontiguousarray(frames).data)
    return digest.hexdigest()
