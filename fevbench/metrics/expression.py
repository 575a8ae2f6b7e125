"""Is it the expression that was asked for?"""

from __future__ import annotations

import numpy as np

from fevbench.metrics.measurement import Measurement
from fevbench.metrics.view import ClipView


def accuracy(view: ClipView) -> Measurement:
    """1 if the judge reads the label that was asked for, else 0."""
    (logits,) = view.generated["judge"]
    return Measurement(float(int(np.argmax(logits)) == view.label))
