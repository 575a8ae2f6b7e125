"""Reading clips and writing them losslessly; all of fevbench reads videos and folders of frames here.

The number of frames is the number that decodes; the count in a container's header is never used. Clips
written here carry the digest of their pixels, so that any damage is detected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np

from fevbench.atomic import replacing
from fevbench.data.clip import DIGEST_TAG, Frames
from fevbench.data.clip import LOSSLESS_SUFFIX as LOSSLESS_SUFFIX
from fevbench.data.decoding import AGAIN, FrameConverter, decoded_frames, open_video
from fevbench.data.facts import DIGEST, FileFacts
from fevbench.data.members import frames_of
from fevbench.data.pictures import (
    ANIMATION_SUFFIXES,
    PICTURE_SUFFIXES,
    is_animation,
    read_animation,
    read_picture,
)
from fevbench.errors import VideoError
from fevbench.wording import first_few

VIDEO_SUFFIXES = (".mkv", ".mp4", ".avi", ".mov", ".webm", ".flv")
WHAT_IS_READ = (
    f"read are videos ({' '.join(VIDEO_SUFFIXES)}), animations ({' '.join(ANIMATION_SUFFIXES)}) "
    f"and folders of frames ({' '.join(PICTURE_SUFFIXES)})"
)
"""The metadata entry that holds the content digest of a clip written by :func:`write_clip`."""
Shape = tuple[int, int, int]
"""Frames, height and width of a clip."""


def is_clip(path: Path) -> bool:
    """Whether a file is a clip: a video by its name, or an animation."""
    named = path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")
    return named or is_animation(path)


def read_clip(
    path: Path, facts: FileFacts | None = None, most: int | None = None, content: bytes | None = None
) -> Frames:
    """Decode a video, an animation, or a folder of frames in natural order, as viewers see it.

    Pictures are turned and mirrored as the file says, transparent parts are white, pixels are made square,
    grey becomes RGB, more than 8 bits per channel become 8. If the file holds fevbench's digest or its own
    checksums, they are checked.

    Args:
        path: A file with one of ``VIDEO_SUFFIXES`` or ``ANIMATION_SUFFIXES``, or a folder with one picture
            per frame; see `fevbench.data.members`.
        facts: Gets what was changed, and how damage is detected.
        most: Most frames to decode; a clip cut this way is not checked for damage.
        content: The bytes of a video inside another file; ``path`` then only names it in errors.

    Returns:
        ``uint8[T, H, W, 3]``, RGB.

    Raises:
        VideoError: It does not exist, cannot be decoded to the end, is damaged, or holds no frame; its frames
            differ in size; or it is unclear which pictures are its frames.
    """
    facts = FileFacts() if facts is None else facts
    if content is None:
        if not path.exists():
            raise VideoError(f"{path} does not exist", "check the path")
        if path.is_dir():
            return _stack(path, list(islice(_folder_frames(path, facts), most)))
        if is_animation(path):
            return _stack(path, read_animation(path, facts)[:most])
    tags: dict[str, str] = {}
    clip = _stack(path, list(islice(stream_video(path, facts, tags, content=content), most)))
    if len(clip) != most:
        _check_digest(path, clip, facts, tags)
    return clip


def _check_digest(path: Path, clip: Frames, facts: FileFacts, tags: dict[str, str]) -> None:
    """Check the digest of a clip that fevbench wrote; other programs may have kept the digest's tag."""
    if DIGEST_TAG not in tags:
        return
    if not facts.form.startswith("ffv1"):
        facts.note("another program re-encoded what fevbench wrote")
        return
    facts.digest = content_digest(clip)
    if facts.digest != tags[DIGEST_TAG]:
        raise VideoError(
            f"{path} is damaged: it does not hold the pixels that fevbench wrote",
            f"{AGAIN}; if you changed it on purpose, drop its tag {DIGEST_TAG}",
        )
    facts.checks.add(DIGEST)


def read_written(path: Path, shape: Shape | None = None) -> Frames:
    """Decode a clip that :func:`write_clip` wrote, and check every pixel.

    ``shape`` is its required frames, height and width; nothing beyond is decoded, so that a file cannot fill
    the memory.

    Raises:
        VideoError: The file is not a complete clip written by :func:`write_clip`.
    """
    tags: dict[str, str] = {}
    frames = list(stream_video(path, FileFacts(), tags, shape))
    if shape and len(frames) < shape[0]:
        raise VideoError(f"{path} has {len(frames)} frames, expected {shape[0]}", AGAIN)
    clip = _stack(path, frames)
    if content_digest(clip) != tags.get(DIGEST_TAG, ""):
        raise VideoError(f"{path} is damaged: it does not hold the pixels that were written", AGAIN)
    return clip


def _stack(path: Path, frames: list[Frames]) -> Frames:
    if not frames:
        raise VideoError(f"{path} holds no frame", WHAT_IS_READ)
    sizes = sorted({frame.shape[:2] for frame in frames})
    if len(sizes) > 1:
        named = ", ".join(f"{width}x{height}" for height, width in sizes)
        raise VideoError(f"{path} mixes frame sizes ({named})", "make all frames of a clip the same size")
    return np.stack(frames)


def stream_video(
    path: Path,
    facts: FileFacts | None = None,
    tags: dict[str, str] | None = None,
    shape: Shape | None = None,
    content: bytes | None = None,
) -> Iterator[Frames]:
    """Decode a video file frame by frame, so that it need not fit into memory: ``uint8[H, W, 3]``, RGB.

    ``tags`` gets the container's metadata; the other arguments are those of `read_clip` and `read_written`.

    Raises:
        VideoError: As `read_clip`, except for fevbench's digest; perhaps after some valid frames.
    """
    facts = FileFacts() if facts is None else facts
    with open_video(path, facts, content) as (container, stream):
        if tags is not None:
            tags.update(container.metadata)
        _check_shape(path, shape, 0, stream)
        convert = FrameConverter(stream, path, facts)
        for count, picture in enumerate(decoded_frames(container, stream, path, facts), start=1):
            _check_shape(path, shape, count, picture)
            yield convert(picture)


def examine(path: Path) -> FileFacts:
    """Decode a video or an animation to its end: the number and times of its frames.

    `stream_video` adds the facts that need pixels. Raises as `read_clip`.
    """
    facts = FileFacts()
    if not is_animation(path):
        with open_video(path, facts) as (container, stream):
            written = DIGEST_TAG in container.metadata
            for _ in decoded_frames(container, stream, path, facts):
                pass
        if not written:
            return facts
    read_clip(path, facts)
    return facts


def _check_shape(path: Path, shape: Shape | None, frames: int, picture: Any) -> None:
    """Check that neither the frames so far nor the size of a stream or frame exceed a shape."""
    if shape and (frames > shape[0] or (picture.height, picture.width) != shape[1:]):
        most, height, width = shape
        found = f"{picture.width}x{picture.height}" if frames <= most else f"longer than {most} frames"
        raise VideoError(f"{path} is {found}, expected {most} frames of {width}x{height}", AGAIN)


def _folder_frames(path: Path, facts: FileFacts) -> Iterator[Frames]:
    members = frames_of(path, path.iterdir())
    if members.beside:
        facts.note(f"left out beside the frames: {first_few([name.name for name in members.beside])}")
    if members.gap:
        facts.note(f"numbers of frames jump ({members.gap})")
    facts.count = len(members.frames)
    for name in members.frames:
        yield read_picture(name, facts)


def write_clip(path: Path, frames: Frames, fps: float) -> None:
    """Write a clip ``uint8[T, H, W, 3]``, RGB, losslessly as FFV1 in Matroska, suffix ``.mkv``.

    The file appears whole or not at all, and the same clip gives the same file.
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
    """The sha256 of a clip's or a frame's shape and pixels."""
    digest = hashlib.sha256(repr(frames.shape).encode())
    digest.update(np.ascontiguousarray(frames).data)
    return digest.hexdigest()
