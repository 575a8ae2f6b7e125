"""The committed results: they load, are of what is here, and are what README and docs show."""

from __future__ import annotations

from pathlib import Path

import pytest

from fevbench.audit.record import AUDIT_FILE
from fevbench.cost.measure import CostTable
from fevbench.cost.text import cost_markdown
from fevbench.metrics.catalog import metrics
from fevbench.results.files import read_result
from leaderboard.pages import PAGES, SCATTER, refreshed, scatter_picture

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "leaderboard" / "results"
FILES = sorted(RESULTS.rglob("*.json"))
RUNS = [file for file in FILES if file.name not in ("cost.json", AUDIT_FILE)]


def test_there_are_results() -> None:
    assert len(RUNS) >= 15


@pytest.mark.parametrize("file", RUNS, ids=lambda file: file.stem)
def test_a_result_is_of_this_version(file: Path) -> None:
    result = read_result(file)
    assert file.stem == result.model.name.replace(":", "--")
    for name, metric in result.metrics.items():
        declared = metrics.get(name).for_protocol(result.protocol)
        assert metric.id.partition("@")[0].startswith(declared.id.partition("@")[0]), name
        assert metric.value is not None, (name, metric.reason)
        assert metric.interval is not None, name
    assert result.dataset.subjects_of


@pytest.mark.parametrize("page", PAGES)
def test_tables_are_those_of_the_results(page: str) -> None:
    """Every table is what the command above it prints; `make pages` makes them anew."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert refreshed(text, ROOT) == text


def test_the_scatter_plot_is_of_the_results() -> None:
    assert (ROOT / SCATTER).read_text(encoding="utf-8") == scatter_picture(ROOT)


def test_a_page_without_tables_or_with_unknown_ones_is_an_error() -> None:
    with pytest.raises(ValueError, match="no table with its command"):
        refreshed("nothing", ROOT)
    with pytest.raises(ValueError, match="no table is made by diff a b --format md"):
        refreshed("<!-- fevbench diff a b --format md -->\n\n<!-- end -->", ROOT)


@pytest.fixture
def costs() -> CostTable:
    file = RESULTS / "fevsynth-1.0" / "cost.json"
    return CostTable.model_validate_json(file.read_text(encoding="utf-8"))


def test_costs_are_of_the_code_and_weights_that_were_scored(costs: CostTable) -> None:
    scored = {(model.name, model.fingerprint) for model in (read_result(file).model for file in RUNS)}
    assert {(cost.model, cost.fingerprint) for cost in costs.costs} <= scored


def test_costs_are_those_of_the_committed_table(costs: CostTable) -> None:
    assert cost_markdown(costs).strip() in (ROOT / "docs" / "baselines.md").read_text(encoding="utf-8")
