"""The Fréchet distance within each label: what a label's clips look like, not only what all clips do.

Wrong labels in the right proportions change no distance of whole sets. The mean of distances within labels is
how class-conditional models are scored (intra-FID of Miyato and Koyama, cGANs with Projection Discriminator,
ICLR 2018), here on features of clips.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fevbench.metrics.frechet import frechet_distance

if TYPE_CHECKING:
    from numpy.typing import NDArray


def frechet_of_labels(generated: NDArray[Any], real: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """The mean over labels of the Fréchet distance within each.

    Args:
        generated: ``float[N, D]``, one row a sample.
        real: ``float[N, D]``, of samples of the same labels, row by row.
        labels: ``int64[N]``, what was asked for.

    Returns:
        At least 0; NaN if a label has one sample only.
    """
    return float(np.mean(list(per_label(generated, real, labels).values())))


def per_label(generated: NDArray[Any], real: NDArray[Any], labels: NDArray[np.int64]) -> dict[int, float]:
    """Each label's Fréchet distance; NaN of a label of one sample.

    Args:
        generated: ``float[N, D]``, one row a sample.
        real: ``float[N, D]``, of samples of the same labels, row by row.
        labels: ``int64[N]``, what was asked for.

    Returns:
        Label to distance, for the labels there are, in their order.
    """
    found: dict[int, float] = {}
    for label in sorted(set(labels.tolist())):
        some = labels == label
        found[label] = frechet_distance(generated[some], real[some]) if some.sum() > 1 else float("nan")
    return found
