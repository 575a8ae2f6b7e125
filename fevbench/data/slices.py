"""The checksums that FFV1 keeps of its slices (RFC 9043, section 4.9).

FFmpeg only logs a slice whose checksum is wrong, and shows that of the frame before in its place.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

FOOTER = 8
"""Bytes at the end of a slice: three of its size, one of its state, four of its checksum."""
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class SliceChecksums:
    """Checks all slices of one file.

    Whether slices have checksums is said in a header that only the codec reads. One slice of the file whose
    checksum is right says it as well: by chance that happens once in four thousand million.

    Attributes:
        right: How many checksums fit.
        wrong: How many do not, or are not there.
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
        """Whether the file has checksums and they do not all fit."""
        return self.there and self.wrong > 0


def _slices(packet: bytes) -> Iterator[bool]:
    """Whether the checksum of each slice fits, last slice first: only its end says where a slice begins."""
    end = len(packet)
    while end > 0:
        size = int.from_bytes(packet[end - FOOTER : end - FOOTER + 3], "big") + FOOTER
        if end < FOOTER or not FOOTER < size <= end:
            yield False
            return
        # The checksum is of the bytes' highest bits first and starts at zero; zlib's is neither.
        mirrored = packet[end - size : end].translate(_MIRRORED)
        yield zlib.crc32(mirrored, 0xFFFFFFFF) == 0xFFFFFFFF
        end -= size
