"""Files of pictures and videos as other programs write them, small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

MATRIX = {  # of the track header: ISO/IEC 14496-12, 8.3.2; where x and y go
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}
"""The display matrix of each EXIF orientation."""


def corners(frames: int = 4, height: int = 64, width: int = 96) -> Frames:
    """``uint8[frames, height, width, 3]``: red, green, blue and white quarters."""
    clip = np.zeros((frames, height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    clip[:, :top, :left, 0] = clip[:, :top, left:, 1] = clip[:, top:, :left, 2] = 255
    clip[:, top:, left:] = 255
    return clip


def oriented(frames: Frames, orientation: int) -> Frames:
    """Frames as people see them who obey an EXIF orientation (CIPA DC-008, table 5)."""
    flat = frames.transpose(0, 2, 1, 3) if orientation > 4 else frames
    rows, columns = {
        1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1),
    }[orientation]  # fmt: skip
    return flat[:, ::rows, ::columns]


def write(
    path: Path,
    *streams: Frames,
    codec: str | Sequence[str] = "libx264",
    form: str = "yuv420p",
    times: Sequence[int] | None = None,
    aspect: Fraction | None = None,
    dispositions: Sequence[int] = (),
    options: Mapping[str, str] | None = None,
) -> Path:
    """A video of one or more streams.

    Args:
        path: The file.
        streams: ``uint8[T, H, W, 3]`` or with alpha ``uint8[T, H, W, 4]``.
        codec: Of each stream, or of all.
        form: The pixel format.
        times: Of the frames, in hundredths of a second; at 25 a second otherwise.
        aspect: Of a pixel, width by height.
        dispositions: Of the streams.
        options: Of the codec.
    """
    codecs = [codec] * len(streams) if isinstance(codec, str) else codec
    with av.open(str(path), "w") as container:
        added: list[Any] = []
        for i, frames in enumerate(streams):
            stream = container.add_stream(codecs[i], rate=25, options=dict(options or {}))
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = "yuvj420p" if codecs[i] == "mjpeg" else form
            if aspect:
                stream.codec_context.sample_aspect_ratio = aspect
            if times:
                stream.codec_context.time_base = Fraction(1, 100)
            if dispositions:
                stream.disposition = dispositions[i]
            added.append(stream)
        for stream, frames in zip(added, streams, strict=True):
            for i, pixels in enumerate(frames):
                kind = "rgba" if pixels.shape[2] == 4 else "rgb24"
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=kind)
                if times:
                    frame.pts, frame.time_base = times[i], Fraction(1, 100)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def turn(path: Path, matrix: Sequence[float]) -> None:
    """Put a, b, c and d of a display matrix into the header of an MP4 file's first track."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 4 + 20 + 8 + 8
    a, b, c, d = (round(value * 65536) for value in matrix)
    for i, value in enumerate((a, b, 0, c, d, 0, 0, 0, 1 << 30)):
        content[at + 4 * i : at + 4 * i + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(content)


def edit(path: Path, length: int, start: int) -> None:
    """Make the edit list of an MP4 file play ``length`` milliseconds from ``start`` ticks of its track on."""
    content = bytearray(path.read_bytes())
    at = content.index(b"elst") + 4 + 4 + 4
    content[at : at + 8] = length.to_bytes(4, "big") + start.to_bytes(4, "big")
    path.write_bytes(content)
