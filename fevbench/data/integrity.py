"""Damage of video files that FFmpeg ignores: a missing end, wrong checksums.

If a file is cut between two frames, FFmpeg takes the cut for the end of the clip. The sizes that Matroska,
MP4 and AVI store for their own parts reveal such a cut. They are used for nothing else: the number of frames
is the number that decodes. A container without a size (a live recording) reveals nothing.

FFmpeg only logs a slice of FFV1 with a wrong checksum, and shows that of the frame before instead.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

EBML_HEADER, SEGMENT = 0x1A45DFA3, 0x18538067
FEW = 32
"""Bytes by which some programs miscount the length of an AVI file."""
MEDIA_BOXES = (b"moov", b"moof", b"mdat")
"""The MP4 boxes that hold frames or their positions."""


def is_cut_short(source: Path | bytes) -> bool:
    """Whether a part of a Matroska, MP4 or AVI container claims bytes past the end of the file or content."""
    with _opened(source) as file:
        end = _length(file)
        head = file.read(12)
        file.seek(0)
        if head[:4] == EBML_HEADER.to_bytes(4, "big"):
            return _matroska_end(file) > end
        if head[:4] == b"RIFF":
            return _riff_end(file, end) > end
        if head[4:8] in (b"ftyp", *MEDIA_BOXES):
            return _mp4_end(file, end) > end
    return False


def is_off_by_little(source: Path | bytes) -> bool:
    """Whether an AVI file that seems cut short lacks only a few bytes, and none of a frame."""
    with _opened(source) as file:
        end = _length(file)
        if file.read(4) != b"RIFF":
            return False
        claimed = _riff_end(file, end)
        at, inside = 12, True
        while inside and at + 8 <= end:
            file.seek(at)
            head = file.read(12)
            if head[:4] == b"RIFF" or (head[:4] == b"LIST" and head[8:12] in (b"movi", b"rec ")):
                at += 12  # what follows are the chunks in it
                continue
            size = int.from_bytes(head[4:8], "little")
            at += 8 + size + size % 2
            inside = head[2:4] not in (b"dc", b"db") or at - size % 2 <= end
    return inside and claimed - end <= FEW


def _opened(source: Path | bytes) -> BinaryIO:
    return BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _length(file: BinaryIO) -> int:
    end = file.seek(0, 2)
    file.seek(0)
    return end


def _matroska_end(file: BinaryIO) -> int:
    """The last byte of the EBML header or of the segment after it (RFC 8794, section 4)."""
    for wanted in (EBML_HEADER, SEGMENT):
        name = int.from_bytes(file.read(4), "big")
        first = file.read(1)
        if name != wanted or not first or not first[0]:
            break
        length = 9 - first[0].bit_length()
        size = int.from_bytes(first + file.read(length - 1), "big") & ((1 << 7 * length) - 1)
        if size == (1 << 7 * length) - 1:  # all ones: unknown
            break
        file.seek(size, 1)
    return file.tell()


def _riff_end(file: BinaryIO, end: int) -> int:
    """The last byte of the last RIFF chunk; large files have several in a row."""
    reached = 0
    while reached < end:
        file.seek(reached)
        head = file.read(8)
        if head[:4] != b"RIFF" or len(head) < 8:
            break
        size = int.from_bytes(head[4:], "little")
        reached += 8 + size + size % 2
        if not size:
            break
    return reached


def _mp4_end(file: BinaryIO, end: int) -> int:
    """The last byte of the last box that matters (ISO/IEC 14496-12, section 4.2)."""
    at = reached = 0
    while at < end:
        file.seek(at)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 1:  # the size did not fit 32 bits
            size = int.from_bytes(head[8:16], "big")
        if size < 8:  # 0: up to the end of the file; 1 to 7 are no sizes
            break
        at += size
        if head[4:8] in MEDIA_BOXES:
            reached = at
    return reached


FOOTER = 8
"""Bytes at the end of a slice: three of its size, one of its state, four of its checksum."""
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class SliceChecksums:
    """Checks all slices of one file, and counts ``right`` and ``wrong`` (or missing) checksums.

    Only the codec can read in a header whether slices have checksums. But one slice with a right checksum
    shows it as well: by chance that happens once in four thousand million.
    """

    def __init__(self) -> None:
        self.right = self.wrong = 0

    def add(self, packet: bytes) -> None:
        """Check the slices of a frame."""
        for right in _slices(packet):
            self.right += right
            self.wrong += not right

    @property
    def there(self) -> bool:
        """Whether the file has checksums."""
        return self.right > 0

    @property
    def damaged(self) -> bool:
        """Whether the file has checksums and some are wrong."""
        return self.there and self.wrong > 0


def _slices(packet: bytes) -> Iterator[bool]:
    """Whether each slice's checksum is right, last slice first: only a slice's end tells where it begins."""
    end = len(packet)
    while end > 0:
        size = int.from_bytes(packet[end - FOOTER : end - FOOTER + 3], "big") + FOOTER
        if end < FOOTER or not FOOTER < size <= end:
            yield False
            return
        # The checksum starts at zero and takes the highest bit of a byte first, unlike zlib's.
        mirrored = packet[end - size : end].translate(_MIRRORED)
        yield zlib.crc32(mirrored, 0xFFFFFFFF) == 0xFFFFFFFF
        end -= size
