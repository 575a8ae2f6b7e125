"""Is it the expression that was asked for?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.clip import EXPRESSIONS
from fevbench.metrics.measurement import Measurement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.metrics.view import ClipView


def accuracy(view: ClipView) -> Measurement:
    """1 if the judge reads the label that was asked for, else 0."""
    (logits,) = view.generated["judge"]
    return _read(view.labels[int(np.argmax(logits))], view.label)


def accuracy_fer(view: ClipView) -> Measurement:
    """1 if mini-XCEPTION reads the label that was asked for, else 0; see `reads`."""
    return reads(view.generated["fer-xception"], view.label)


def accuracy_face_api(view: ClipView) -> Measurement:
    """1 if face-api's network reads the label that was asked for, else 0; see `reads`."""
    return reads(view.generated["face-api"], view.label)


def accuracy_hsemotion(view: ClipView) -> Measurement:
    """1 if HSEmotion reads the label that was asked for, else 0; see `reads`."""
    return reads(view.generated["hsemotion"], view.label)


def reads(probabilities: NDArray[np.float32], label: str) -> Measurement:
    """Whether a classifier of frames reads a label in a clip, whose apex is not known.

    What counts is the largest of the six sums of probabilities over the second half of the frames, neutral
    and what else the classifier knows left out: which of six expressions is shown, not whether one is.

    Args:
        probabilities: ``float32[T, 7]``, columns as `fevbench.extractors.expressions.CLASSES`; NaN where
            there is no face.
        label: One of the six.
    """
    from fevbench.extractors.expressions import CLASSES

    half = probabilities[len(probabilities) // 2 :, [CLASSES.index(name) for name in EXPRESSIONS]]
    if np.isnan(half).all():
        return Measurement(None, "no face in the second half")
    return _read(EXPRESSIONS[int(np.nansum(half, axis=0).argmax())], label)


def _read(reading: str, label: str) -> Measurement:
    return Measurement(float(reading == label), reading=reading)


def confusion(readings: NDArray[np.int64], labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """How often each label that was asked for (rows) was read as each (columns).

    Args:
        readings: ``int64[N]``, what the judge reads.
        labels: ``int64[N]``, what was asked for.
        count: How many labels there are.

    Returns:
        ``int64[count, count]``.
    """
    return np.bincount(count * labels + readings, minlength=count * count).reshape(count, count)


def macro_f1(confusions: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over labels of F1, the harmonic mean of a label's precision and recall.

    A label that is neither asked for nor read is left out; F1 is 0 of one that is asked for and never read
    right. It is the mean of F1 and not the F1 of means (Opitz and Burst, 2019).

    Args:
        confusions: ``float64[..., L, L]``, asked for by read.

    Returns:
        ``float64[...]`` in [0, 1]; NaN where nothing was asked for.
    """
    right = np.diagonal(confusions, axis1=-2, axis2=-1)
    total = confusions.sum(axis=-1) + confusions.sum(axis=-2)
    there = total > 0
    f1 = 2 * right / np.where(there, total, 1)
    with np.errstate(invalid="ignore"):
        found: NDArray[np.float64] = f1.sum(axis=-1) / there.sum(axis=-1)
    return found


def macro_f1_of_logits(
    logits: NDArray[np.float32], true: NDArray[np.float32], labels: NDArray[np.int64]
) -> float:
    """Macro-F1 of the judge's readings of made clips; see `macro_f1`.

    Args:
        logits: ``float32[N, L]``, the judge's, of made clips.
        true: The same of the true clips, which do not matter.
        labels: ``int64[N]``, what was asked for.
    """
    count = logits.shape[1]
    counts = confusion(logits.argmax(axis=1).astype(np.int64), labels, count)
    return float(macro_f1(counts.astype(np.float64)))
