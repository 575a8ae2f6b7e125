"""Who and what is in the set: balance, sizes, quality of the files, and how the faces move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.datasets import SPLITS
from fevbench.fevsynth.measure.record import Estimate, mean
from fevbench.fevsynth.measure.trajectory import Motion, motion
from fevbench.records import Finite, Record

if TYPE_CHECKING:
    from fevbench.fevsynth.measure.folder import RenderedSet
    from fevbench.fevsynth.measure.study import Study

BALANCED = ("sex", "ancestry", "age")
"""The attributes of people that are counted."""


class Group(Record):
    """People who share split and attributes."""

    split: str
    """Their split."""
    values: dict[str, str]
    """Their attributes, each of `BALANCED`."""
    people: int
    """How many they are."""


class Spread(Record):
    """A number that differs from clip to clip."""

    low: Finite
    """The least."""
    mean: Finite
    """The mean."""
    high: Finite
    """The greatest."""


class Composition(Record):
    """What the set is made of."""

    clips: dict[str, int]
    """Clips of each split."""
    people: dict[str, int]
    """People of each split."""
    takes: int
    """Takes of each label by each person."""
    neutral_images: int
    """Neutral images."""
    size: int
    """Height and width of a frame, pixels."""
    frames: int
    """Frames of a clip."""
    fps: float
    """Frames a second."""
    clip_bytes: int
    """Bytes of all clips."""
    neutral_bytes: int
    """Bytes of all neutral images."""
    truth_bytes: int
    """Bytes of the ground truth."""
    psnr: Spread
    """Of the stored clips against the rendered ones, dB."""
    balance: list[Group]
    """Everybody, counted."""
    variants: dict[str, dict[str, int]]
    """Clips of each variant of each label."""
    onset: Spread
    """Last neutral frame."""
    apex: Spread
    """First frame at full strength."""
    hold: Spread
    """Frames at full strength."""
    returning: Estimate
    """The share of clips whose face begins its way back."""
    motion: Motion
    """Blinks and head movement, from the ground truth."""


def measure(study: Study) -> Composition:
    """Count, and read manifest and ground truth; no network looks at anything."""
    rendered = study.rendered
    shots = rendered.shots
    people = list(rendered.people.values())
    done = [shot.performance for shot in shots]
    returning = [float(p.offset is not None) for p in done]
    ends = [rendered.length if p.offset is None else p.offset for p in done]
    variants: dict[str, Counter[str]] = {label: Counter() for label in rendered.labels}
    for shot in shots:
        variants[shot.clip.label][shot.performance.variant] += 1
    rows = [shot.row for shot in shots]
    images = [name for split in SPLITS for name in rendered.data.neutral_ids(split)]

    def stored_bytes(names: Iterable[str]) -> int:
        return sum(len(rendered.data.stored(name)[1]) for name in names)

    return Composition(
        clips=dict(Counter(shot.clip.split for shot in shots)),
        people=dict(Counter(person.split for person in people)),
        takes=len(rendered.takes),
        neutral_images=len(images),
        size=rendered.size,
        frames=rendered.length,
        fps=rendered.data.fps,
        clip_bytes=stored_bytes(shot.clip.id for shot in shots),
        neutral_bytes=stored_bytes(images),
        truth_bytes=rendered.truth_file.stat().st_size,
        psnr=_spread(shot.psnr for shot in shots),
        balance=balance(rendered),
        variants={label: dict(sorted(counts.items())) for label, counts in variants.items()},
        onset=_spread(p.onset for p in done),
        apex=_spread(p.apex for p in done),
        hold=_spread(end - p.apex for p, end in zip(done, ends, strict=True)),
        returning=mean(returning, [shot.clip.subject for shot in shots], "clips"),
        motion=motion(rendered.truth, rows, [shot.clip.subject for shot in shots]),
    )


def balance(rendered: RenderedSet) -> list[Group]:
    """Count people by split and attributes."""
    counts: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()
    for person in rendered.people.values():
        counts[person.split, tuple((name, str(person.attributes[name])) for name in BALANCED)] += 1
    return [
        Group(split=split, values=dict(values), people=n) for (split, values), n in sorted(counts.items())
    ]


def _spread(values: Iterable[float]) -> Spread:
    found = np.array(list(values), dtype=np.float64)
    return Spread(low=float(found.min()), mean=float(found.mean()), high=float(found.max()))
