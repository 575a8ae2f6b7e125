"""Every declared metric is complete and points at a function that exists."""

import re

import pytest

from fevbench.extractors.base import extractors
from fevbench.metrics.catalog import FAMILIES, metrics
from fevbench.run.plan import choose_metrics


@pytest.mark.parametrize("name", list(metrics))
def test_declaration(name: str) -> None:
    metric = metrics.get(name)
    assert metric.name == name
    assert re.fullmatch(r"[\w-]+@\d+", metric.id)
    assert metric.title
    assert metric.citation
    assert callable(metric.compute)
    assert not metric.reduction or callable(metric.reduce)
    assert all(extractor in extractors for extractor in metric.extractors)
    # A set metric is computed from the features of exactly one network.
    assert metric.kind == "clip" or len(metric.extractors) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_asked_for_by_name(family: str) -> None:
    """A name that is a metric's and a family's must mean the same either way."""
    meant = [metric.name for metric in choose_metrics([family])]
    assert meant == [name for name in metrics if metrics.get(name).family == family]
    assert family not in metrics or meant == [family]


def test_ids_are_unique() -> None:
    ids = [metrics.get(name).id for name in metrics]
    assert len(set(ids)) == len(ids)


def test_the_docs_define_every_metric(request: pytest.FixtureRequest) -> None:
    text = (request.config.rootpath / "docs" / "metrics.md").read_text(encoding="utf-8")
    missing = [metric.id for name in metrics if (metric := metrics.get(name)).id not in text]
    assert not missing
