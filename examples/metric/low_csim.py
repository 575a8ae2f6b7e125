"""csim-p10: the cosine to the input face that nine tenths of a clip's frames reach."""

import numpy as np

from fevbench import register_metric
from fevbench.metrics.measurement import Measurement
from fevbench.metrics.metric import HIGHER, Audit, Computation, Definition, Metric, Sampling


def csim_p10(clip):
    cosines = clip.generated @ clip.input[0]  # float32[T]; NaN where no face is found
    if np.isnan(clip.input).any():
        return Measurement(None, "no face in the input image", excused=True)
    return Measurement(float(np.percentile(np.nan_to_num(cosines, nan=0.0), 10)))


CSIM_P10 = register_metric(Metric("csim-p10",
    Definition("csimp10-w600k_mbf-5pt-noinput@1", "identity nearly always kept: 10th percentile of csim",
               "identity", HIGHER, (-1, 1), "this file"),
    Sampling(first_frame=1, missing_value=0.0),
    Computation(f"{__name__}:csim_p10", "arcface"),
    Audit(notices=("identity-swap",), ignores=("shuffle",))))  # fmt: skip
