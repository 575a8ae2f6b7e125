"""Diversity: what a model makes of the same face and label with other noise."""

from fevbench.metrics.metric import INF, Metric

METRICS = (
    Metric(
        "diversity",
        "diversity-lpips-alex-v01-4draws-noinput@1",
        "other noise, another clip: LPIPS between clips of one face and label, good or bad",
        "diversity",
        True,
        (0, INF),
        "clip",
        "Zhu et al., BicycleGAN, NeurIPS 2017, frame by frame; LPIPS of Zhang et al., CVPR 2018",
        "fevbench.metrics.perception:diversity",
        first=1,
        extractors=("lpips-alex-draws",),
        draws=4,
        ranked=False,  # noise is most diverse
        optional=True,
        decimals=4,
    ),
)
