"""Every declared metric is complete and points at a function that exists."""

import re

import pytest

from fevbench.engine.plan import choose_metrics
from fevbench.extractors.base import extractors
from fevbench.metrics.catalog import FAMILIES, metrics
from fevbench.weights import load_registry


@pytest.mark.parametrize("name", list(metrics))
def test_declaration(name: str) -> None:
    metric = metrics.get(name)
    assert metric.name == name
    assert re.fullmatch(r"[\w-]+@\d+", metric.id)
    assert metric.definition.title
    assert metric.definition.citation
    assert callable(metric.compute)
    assert not metric.computation.reduction or callable(metric.reduce)
    assert all(extractor in extractors for extractor in metric.extractors)
    # A set metric is computed from the features of a network.
    assert metric.kind == "clip" or len(metric.extractors) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_asked_for_by_name(family: str) -> None:
    """A name that is a metric's and a family's must mean the same either way."""
    meant = [metric.name for metric in choose_metrics([family])]
    of_family = [metric for name in metrics if (metric := metrics.get(name)).definition.family == family]
    assert meant == [metric.name for metric in of_family if metric.selected_by != "name"]
    assert family not in metrics or meant == [family]


@pytest.mark.parametrize("name", list(metrics))
def test_who_must_get_weights_first_asks_for_them_by_name(name: str) -> None:
    """Asking for a family, or for all, must not fail for want of gigabytes that nothing fetches by itself."""
    metric, registry = metrics.get(name), load_registry()
    needed = [weight for extractor in metric.extractors for weight in extractors.get(extractor).weights]
    optional = any(registry[weight].optional for weight in needed if weight in registry)
    assert (metric.selected_by == "name") == (optional or metric.name == "fid-inf")
    asked = [choose_metrics([]), choose_metrics(["all"]), choose_metrics([metric.definition.family])]
    assert not (optional and any(metric in chosen for chosen in asked))
    assert choose_metrics([name]) == (metric,)


def test_ids_are_unique() -> None:
    ids = [metrics.get(name).id for name in metrics]
    assert len(set(ids)) == len(ids)


def test_the_docs_define_every_metric(request: pytest.FixtureRequest) -> None:
    text = (request.config.rootpath / "docs" / "metrics.md").read_text(encoding="utf-8")
    missing = [metric.id for name in metrics if (metric := metrics.get(name)).id not in text]
    assert not missing
