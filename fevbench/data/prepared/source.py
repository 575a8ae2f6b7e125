"""The frames of a take as downloaded: images or one video, read a few or all at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench.data.layouts.tree import is_video
from fevbench.data.video import count_frames, read_image, stream_video
from fevbench.errors import VideoError

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

CHUNK = 1 << 20
RATES = (1, 500)
"""Frames a second that a camera may have taken; some recorders write the clock's ticks instead."""


class Source:
    """The frames of one take.

    Args:
        files: One video, or images in order.

    Attributes:
        count: Frames that there are: what decodes of a video, all files of a folder.
        fps: Frames a second if a video says so, and they are in `RATES`.
        notes: What a reader should know.
        damaged: Images that could not be decoded, by number, and why; filled while reading.

    Raises:
        VideoError: The video cannot be decoded to its end.
    """

    def __init__(self, files: tuple[Path, ...]) -> None:
        self._files = files
        self._video = len(files) == 1 and is_video(files[0])
        self.fps: float | None = None
        self.notes: list[str] = []
        self.damaged: dict[int, str] = {}
        self.count = len(files)
        if self._video:
            self.count, claimed, self.fps = count_frames(files[0])
            if self.fps and not RATES[0] <= self.fps <= RATES[1]:
                self.notes.append(f"its header says {self.fps:g} frames a second, which cannot be")
                self.fps = None
            if claimed and claimed != self.count:
                self.notes.append(f"its header says {claimed} frames, {self.count} decode")

    def frames(self, wanted: Callable[[int], bool] = lambda i: True) -> Iterator[tuple[int, Frames]]:
        """Yield the number and pixels ``uint8[H, W, 3]`` of the wanted frames that can be decoded."""
        if self._video:
            for i, frame in enumerate(stream_video(self._files[0])):
                if wanted(i):
                    yield i, frame
            return
        for i, path in enumerate(self._files):
            if wanted(i) and i not in self.damaged:
                try:
                    frame = read_image(path)
                except VideoError as error:
                    self.damaged[i] = error.what
                    continue
                yield i, frame


def sha256_of_all(files: Sequence[Path]) -> str:
    """The sha256 of the bytes of all files, in order."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(str(path.stat().st_size).encode() + b"\0")
        with path.open("rb") as file:
            while block := file.read(CHUNK):
                digest.update(block)
    return digest.hexdigest()
