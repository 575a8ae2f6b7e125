"""Making metrics, extractors, data sets and protocols known by name: for plug-in files and notebooks.

Installed packages announce theirs by the entry-point groups ``fevbench.metrics``,
``fevbench.extractors``, ``fevbench.datasets`` and ``fevbench.protocols`` instead. A name
that is taken is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fevbench.data.clip import Dataset
from fevbench.data.datasets import datasets
from fevbench.data.protocol import Protocol, protocols
from fevbench.extractors.base import Extractor
from fevbench.metrics.metric import Metric

D = TypeVar("D", bound="Callable[..., Dataset]")


def register_metric(metric: Metric) -> Metric:
    """Make a metric known: ``fevbench run … --metrics NAME``; returns it.

    Raises:
        FevbenchError: Another metric has its name.
    """
    from fevbench.metrics.catalog import metrics

    metrics.add(metric.name, metric)
    return metric


def register_extractor(extractor: Extractor) -> Extractor:
    """Make an extractor known to the metrics that name it; returns it.

    Raises:
        FevbenchError: Another extractor has its name.
    """
    from fevbench.extractors.base import extractors

    extractors.add(extractor.name, extractor)
    return extractor


def register_dataset(name: str) -> Callable[[D], D]:
    """Class decorator: makes a `fevbench.data.clip.Dataset` known as ``NAME``.

    Called with a folder, it is ``NAME:DIR``.

    Raises:
        FevbenchError: Another data set has this name.
    """

    def decorate(dataset: D) -> D:
        datasets.add(name, dataset)
        return dataset

    return decorate


def register_protocol(protocol: Protocol) -> Protocol:
    """Make a protocol known by its name and its id; returns it.

    Raises:
        FevbenchError: Another protocol has its name, or the name describes a protocol, as ``256x64`` does.
    """
    protocols.add(protocol.name, protocol)
    return protocol
