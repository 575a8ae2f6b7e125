"""Decoding a video file with PyAV, so that whatever is damaged is an error."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import av

from fevbench.data.container import is_cut_short, is_off_by_little
from fevbench.data.facts import CHECKSUMS, Facts
from fevbench.data.slices import SliceChecksums
from fevbench.data.streams import STRICT, decoder, is_lossy, video_stream
from fevbench.errors import VideoError

AGAIN = "export or copy it again"


@contextlib.contextmanager
def opened(path: Path, facts: Facts, content: bytes | None = None) -> Iterator[tuple[Any, Any]]:
    """Open a video file: its container and the stream that is its pictures; see at the end that it was whole.

    Args:
        path: The file.
        facts: Told what was done.
        content: What the file holds, if it is not read from ``path``, which then only names it.

    Raises:
        VideoError: It is no video, or what was decoded meanwhile is not all of it.
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


def pictures(container: Any, stream: Any, path: Path, facts: Facts) -> Iterator[Any]:
    """All decoded frames of a stream; what is known of them at the end is put into ``facts``.

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
    facts.shown(times)
    facts.file(form, lossy, CHECKSUMS if checksums.there else "")
