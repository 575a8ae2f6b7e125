"""The frames of a take as downloaded: images or one video, read a few or all at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench.data.facts import Facts
from fevbench.data.members import frames_of
from fevbench.data.pictures import is_animation, read_picture
from fevbench.data.video import examine, is_clip, read_clip, stream_video
from fevbench.errors import VideoError

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

CHUNK = 1 << 20
RATES = (1, 500)
"""Frames a second that a camera may have taken; some recorders write the clock's ticks instead."""


class Source:
    """The frames of one take.

    Args:
        files: One video or animation, or pictures in order.

    Attributes:
        count: Frames that there are: what decodes of a video, all files of a folder.
        facts: What the files say of themselves and what was done about it; whole once all frames were read.
        fps: Frames a second if a video says so, and they are in `RATES`.
        times: Seconds of each frame, if they are not at a constant rate; None if they are, or nothing says.
        damaged: Images that could not be decoded, by number, and why; filled while reading.

    Raises:
        VideoError: The video cannot be decoded to its end, or the pictures are no one clip.
    """

    def __init__(self, files: tuple[Path, ...]) -> None:
        self._files = files
        self._video = len(files) == 1 and is_clip(files[0])
        self.fps: float | None = None
        self.times: list[float] | None = None
        self.facts = Facts()
        self.damaged: dict[int, str] = {}
        self.count = len(files)
        if not self._video:
            members = frames_of(files[0].parent, files)
            if members.gap:
                self.facts.note(f"numbers of frames jump ({members.gap})")
            return
        self.facts = facts = examine(files[0])
        self.count, self.fps = facts.count, facts.fps
        if facts.uneven:
            self.times = list(facts.times)
            self.fps = (self.count - 1) / (self.times[-1] - self.times[0])
            facts.note("the frame rate varies, so that frames were chosen by time")
        if self.fps and not RATES[0] <= self.fps <= RATES[1]:
            facts.note(f"its header says {self.fps:g} frames a second, which cannot be")
            self.fps = self.times = None

    @property
    def notes(self) -> list[str]:
        """What a reader should know."""
        return self.facts.notes

    def frames(self, wanted: Callable[[int], bool] = lambda i: True) -> Iterator[tuple[int, Frames]]:
        """Yield the number and pixels ``uint8[H, W, 3]`` of the wanted frames that can be decoded."""
        if self._video:
            path = self._files[0]
            shown = read_clip(path) if is_animation(path) else stream_video(path, self.facts)
            for i, frame in enumerate(shown):
                if wanted(i):
                    yield i, frame
            return
        for i, path in enumerate(self._files):
            if wanted(i) and i not in self.damaged:
                try:
                    frame = read_picture(path, self.facts)
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
