"""Whether the surroundings of the face reveal the subject: they must not.

A linear classifier learns to name the subject from a part of frame 0 of one take and is tried on the other.
On the background it should do no better than chance. The face itself is tried as well, to show that the
classifier can name subjects where something distinguishes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fevbench.data.clip import Frames
from fevbench.fevsynth.measure.record import Estimate, NotMeasurable, mean
from fevbench.records import Finite, Record

if TYPE_CHECKING:
    from fevbench.fevsynth.measure.study import Study


CELLS = 16
"""Squares along each edge of a frame; the mean colour of each is what the classifier sees."""
Region = tuple[slice, slice]
PARTS: Mapping[str, tuple[Region, ...]] = {
    "background": ((slice(0, 8), slice(0, 1)), (slice(0, 8), slice(-1, None))),
    "clothes": ((slice(-1, None), slice(None)),),
    "face": ((slice(4, 12), slice(4, 12)),),
}
"""Rows and columns of squares: the upper halves of the left and right edge, the lower edge, the middle."""


class Leak(Record):
    """How well one part of the picture reveals the subject."""

    part: str
    """One of `PARTS`."""
    accuracy: Estimate
    """The share of the other take's clips whose subject was named."""
    chance: Finite
    """Accuracy of guessing: one divided by the number of subjects."""
    p_value: Finite
    """Probability of at least as many right answers by guessing (binomial test)."""


class Border(Record):
    """Whether parts of the picture reveal the subject."""

    trained_on: int
    """The take the classifier learned from."""
    tested_on: int
    """The take it was tried on."""
    leaks: list[Leak]
    """Each part."""


def measure(study: Study) -> Border:
    """Try to name subjects by parts of frame 0.

    Raises:
        NotMeasurable: The set has one take or one subject.
    """
    rendered = study.rendered
    if len(rendered.repetitions) < 2:
        raise NotMeasurable("one take: no other to try on", "render the set with --repetitions 2")
    if len(rendered.subjects) < 2:
        raise NotMeasurable("one subject: nobody to take them for", "render more subjects")
    first, second = rendered.repetitions[:2]
    shots = [shot for shot in rendered.shots if shot.repetition in (first, second)]
    study.progress.start("border", len(shots))
    pictures = []
    for shot in shots:
        pictures.append(rendered.frames(shot)[0])
        study.progress.advance(1)
    subjects = np.array([shot.clip.subject for shot in shots])
    train = np.array([shot.repetition == first for shot in shots])
    frames = np.stack(pictures)
    leaks = [leak(part, colours(frames, regions), subjects, train) for part, regions in PARTS.items()]
    return Border(trained_on=first, tested_on=second, leaks=leaks)


def colours(frames: Frames, regions: Sequence[Region]) -> NDArray[np.float64]:
    """Mean colours of the squares of some regions: ``float64[N, D]`` of ``uint8[N, H, W, 3]``."""
    from PIL import Image

    box = Image.Resampling.BOX
    cells = np.stack([np.asarray(Image.fromarray(frame).resize((CELLS, CELLS), box)) for frame in frames])
    parts = [cells[:, rows, columns].reshape(len(cells), -1) for rows, columns in regions]
    return np.concatenate(parts, axis=1).astype(np.float64)


def leak(
    part: str, features: NDArray[np.float64], subjects: NDArray[np.str_], train: NDArray[np.bool_]
) -> Leak:
    """Train a classifier of subjects on one take (``train``), and test it on the other."""
    from scipy.stats import binomtest
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    # Shrunk (Ledoit & Wolf, 2004): a subject has fewer clips than there are features.
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    model.fit(features[train], subjects[train])
    right = model.predict(features[~train]) == subjects[~train]
    chance = 1 / len(np.unique(subjects[train]))
    test = binomtest(int(right.sum()), len(right), chance, alternative="greater")
    return Leak(
        part=part,
        accuracy=mean(right.astype(np.float64), subjects[~train].tolist(), "clips"),
        chance=chance,
        p_value=float(test.pvalue),
    )
