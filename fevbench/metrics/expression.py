"""Metrics of expression: does a clip show the requested one?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fevbench.metrics.measurement import ClipView, Measurement


def accuracy(view: ClipView, columns: Sequence[str] = (), choices: Sequence[str] = ()) -> Measurement:
    """1 if the classifier reads the requested label, else 0.

    It reads the choice with the largest sum over the second half of the rows, as the apex of a clip is not
    known: which of the choices is shown, not whether one is. A classifier of clips has one row.

    Args:
        view: The clip; its features are the classifier's outputs, ``float32[T, L]``, NaN in frames without a
            face.
        columns: What their columns stand for; by default the data set's labels.
        choices: The columns that can be read; by default all.
    """
    columns = columns or view.labels
    choices = choices or columns
    half = view.generated[len(view.generated) // 2 :, [columns.index(name) for name in choices]]
    if np.isnan(half).all():
        return Measurement(None, "no face in the second half")
    reading = choices[int(np.nansum(half, axis=0).argmax())]
    return Measurement(float(reading == view.label), reading=reading)


def confusion(readings: NDArray[np.int64], labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """How often each of ``count`` labels was requested (rows) and read (columns): ``int64[count, count]``."""
    return np.bincount(count * labels + readings, minlength=count * count).reshape(count, count)


def macro_f1(confusions: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over labels of F1, the harmonic mean of a label's precision and recall.

    A label that is neither requested nor read is left out; F1 is 0 for a label that is requested and never
    read right. It is the mean of F1 and not the F1 of means (Opitz and Burst, 2019).

    Args:
        confusions: ``float64[..., L, L]``, requested by read label.

    Returns:
        ``float64[...]`` in [0, 1]; NaN where nothing was requested.
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
    """Macro-F1 of the expression classifier's logits ``float32[N, L]`` of made clips; see `macro_f1`.

    ``labels``, ``int64[N]``, are the requested ones; the true clips' logits are not used.
    """
    count = logits.shape[1]
    counts = confusion(logits.argmax(axis=1).astype(np.int64), labels, count)
    return float(macro_f1(counts.astype(np.float64)))
