"""What every metric is: definition id, direction, range, smallest sample, source.

Declarations only, so that listing metrics imports no network and no numerics. A metric's ``id``
names its exact definition (``docs/metrics.md``): whatever would change a number gets a new id.
"""

from __future__ import annotations

from fevbench.metrics.declared import distribution, faces, pixels
from fevbench.metrics.metric import FAMILIES, Metric
from fevbench.registry import Registry

__all__ = ["FAMILIES", "Metric", "metrics"]

_ALL = (
    *faces.IDENTITY,
    *faces.EXPRESSION,
    *distribution.DISTRIBUTION,
    *pixels.DIVERSITY,
    *pixels.FIDELITY,
    *pixels.MOTION,
    *faces.FACIAL_MOTION,
)

metrics: Registry[Metric] = Registry(
    "metric", {metric.name: metric for metric in _ALL}, "fevbench.metrics", Metric
)
"""All of them; tables show them in this order."""
