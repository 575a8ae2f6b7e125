"""Facts about the files of a clip, and what reading them changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from fevbench import wording

DIGEST = "digest"
"""Damage is detected by the digest of all pixels that fevbench wrote into the file."""
CHECKSUMS = "checksums"
"""Damage is detected by checksums of the format: the slices of FFV1, the chunks of PNG."""
NAMES = {DIGEST: "fevbench's digest of their pixels", CHECKSUMS: "the checksums of their format"}
HALF = 0.5
"""Largest deviation of a frame's time from a constant rate, in frames."""


@dataclass
class FileFacts:
    """The facts of a clip's files, filled while it is read; reading it twice changes nothing.

    Attributes:
        notes: What changed pixels or order, and what a reader of a result must know; each once.
        count: Number of frames.
        times: Second at which each frame is shown; empty if the files do not tell.
        claimed: Number of frames by a video's header; 0 if it does not tell.
        fps: Frames per second; None if unknown.
        forms: Codec and pixel format of a video, or the formats of pictures.
        lossy: Whether one of the formats loses detail.
        digest: The digest of all pixels, if it was needed.
        checks: How each file's content was checked for damage: `DIGEST`, `CHECKSUMS`, or an empty text.
    """

    notes: list[str] = field(default_factory=list)
    count: int = 0
    times: list[float] = field(default_factory=list)
    claimed: int = 0
    fps: float | None = None
    forms: set[str] = field(default_factory=set)
    lossy: bool = False
    digest: str = ""
    checks: set[str] = field(default_factory=set)

    def note(self, text: str) -> None:
        """Add a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def add_file(self, form: str, lossy: bool, check: str) -> None:
        """Add the facts of one file."""
        self.forms.add(form)
        self.lossy = self.lossy or lossy
        self.checks.add(check)

    def set_times(self, times: Sequence[float | None]) -> None:
        """Set the times of all frames, if the file gives one for each, in increasing order."""
        self.count, self.times = len(times), []
        known = [float(time) for time in times if time is not None]
        if len(known) == len(times):
            if all(a < b for a, b in pairwise(known)):
                self.times = known
            else:
                self.note("times of its frames do not increase, so that frames count by number")

    @property
    def form(self) -> str:
        """All formats, as in ``h264 yuv420p``."""
        return ", ".join(sorted(self.forms))

    @property
    def checked(self) -> str:
        """How damage to the clip is detected; an empty text if some damage would not be detected."""
        return DIGEST if DIGEST in self.checks else "" if "" in self.checks else ", ".join(self.checks)

    @property
    def uneven(self) -> bool:
        """Whether frames are not shown at a constant rate."""
        return is_rate_uneven(self.times)


def notes_on_files(clips: Sequence[FileFacts]) -> list[str]:
    """Notes for the reader of a result on the files of all its clips, each once.

    The last line says in how many clips damage would have been detected, and how.
    """
    notes = dict.fromkeys(note for facts in clips for note in facts.notes)
    lines = [f"{_of([note in facts.notes for facts in clips])}: {note}" for note in notes]
    uneven = [facts.uneven for facts in clips]
    if any(uneven):
        lines.append(f"{_of(uneven)}: the frame rate varies, and frames count by number")
    lossy = [facts.lossy for facts in clips]
    if any(lossy):
        lines.append(
            f"{_of(lossy)}: the format loses detail ({_forms(clips, lossy)}), and what is lost counts"
        )
    ways = {
        way: [facts.checked == way for facts in clips]
        for way in (DIGEST, CHECKSUMS)
        if any(facts.checked == way for facts in clips)
    }
    checked = [f"{_of(which)} by {NAMES[way]}" for way, which in ways.items()]
    bare = [not facts.checked for facts in clips]
    if any(bare):
        checked.append(f"{_of(bare)} cannot be ({_forms(clips, bare)})")
    return [*lines, f"checked for damage: {', '.join(checked)}"] if clips else lines


def _of(which: Sequence[bool]) -> str:
    """``N of M clips``, where N counts the true values."""
    return f"{sum(which)} of {wording.n_clips(len(which))}"


def _forms(clips: Sequence[FileFacts], which: Sequence[bool]) -> str:
    """The formats of some clips."""
    return wording.first_few(
        sorted({facts.form for facts, chosen in zip(clips, which, strict=True) if chosen})
    )


def is_rate_uneven(times: Sequence[float]) -> bool:
    """Whether a frame's time (seconds) deviates by `HALF` a frame or more from a constant rate."""
    if len(times) < 3:
        return False
    at = np.asarray(times, np.float64)
    even = np.linspace(at[0], at[-1], len(at))
    step = (at[-1] - at[0]) / (len(at) - 1)
    return bool(np.abs(at - even).max() >= HALF * step)
