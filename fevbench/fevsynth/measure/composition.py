"""What is in a set, counted, and how faces and heads move in it by the ground truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fevbench.data.datasets import SPLITS
from fevbench.fevsynth.measure.record import Estimate, mean
from fevbench.records import Finite, Record

if TYPE_CHECKING:
    from fevbench.fevsynth.measure.folder import RenderedSet
    from fevbench.fevsynth.measure.study import Study
    from fevbench.fevsynth.truth import Truth


AXES = ("yaw", "pitch", "roll")
LIDS = ("eyeBlinkLeft", "eyeBlinkRight")
BLINK = 0.5
"""How far both lids must close, and open again, to count as a blink; low lids of sadness do not reach it."""


class Turn(Record):
    """One axis of the head, degrees."""

    axis: str
    """One of `AXES`."""
    drift: Estimate
    """Mean over clips of the greatest minus the least angle within a clip."""
    drift_p95: Finite
    """95th percentile of the same."""
    spread: Finite
    """Standard deviation over clips of the angle in frame 0."""


class Motion(Record):
    """What moves beside the expression."""

    turns: list[Turn]
    """Each axis."""
    blinking: Estimate
    """The share of clips with a blink."""


def motion(truth: Truth, rows: Sequence[int], subjects: Sequence[str]) -> Motion:
    """Measure head movement and blinks of some clips."""
    pose = truth.pose[list(rows)].astype(np.float64)
    drift = np.ptp(pose, axis=1)
    units = [str(unit) for unit in truth.units]
    closure = truth.weights[list(rows)][:, :, [units.index(lid) for lid in LIDS]].astype(np.float64)
    turns = [
        Turn(
            axis=axis,
            drift=mean(drift[:, i], subjects, "clips"),
            drift_p95=float(np.quantile(drift[:, i], 0.95)),
            spread=float(pose[:, 0, i].std()),
        )
        for i, axis in enumerate(AXES)
    ]
    return Motion(turns=turns, blinking=mean(blinks(closure.min(axis=2)), subjects, "clips"))


def blinks(closure: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whether lids close and open again, 0 or 1 for each row of weights of the less closed lid."""
    before = np.minimum.accumulate(closure, axis=1)
    after = np.minimum.accumulate(closure[:, ::-1], axis=1)[:, ::-1]
    # A peak stands out from the lowest point before it and from the lowest one after it.
    prominence: NDArray[np.float64] = (closure - np.maximum(before, after)).max(axis=1)
    return (prominence >= BLINK).astype(np.float64)


BALANCED = ("sex", "ancestry", "age")
"""The attributes of subjects that are counted."""


class Group(Record):
    """Subjects who share split and attributes."""

    split: str
    """Their split."""
    values: dict[str, str]
    """Their attributes, each of `BALANCED`."""
    people: int
    """Number of subjects."""


class Spread(Record):
    """A number that differs from clip to clip."""

    low: Finite
    """The least."""
    mean: Finite
    """The mean."""
    high: Finite
    """The greatest."""


class Composition(Record):
    """The composition of a set."""

    clips: dict[str, int]
    """Clips of each split."""
    people: dict[str, int]
    """Subjects of each split."""
    takes: int
    """Takes of each label by each subject."""
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
    """Numbers of subjects by split and attributes."""
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
    subjects = list(rendered.subjects.values())
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
        people=dict(Counter(person.split for person in subjects)),
        takes=len(rendered.repetitions),
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
    """Count subjects by split and attributes."""
    counts: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()
    for person in rendered.subjects.values():
        counts[person.split, tuple((name, str(person.attributes[name])) for name in BALANCED)] += 1
    return [
        Group(split=split, values=dict(values), people=n) for (split, values), n in sorted(counts.items())
    ]


def _spread(values: Iterable[float]) -> Spread:
    found = np.array(list(values), dtype=np.float64)
    return Spread(low=float(found.min()), mean=float(found.mean()), high=float(found.max()))
