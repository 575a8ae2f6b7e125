"""The committed results: they load, are of what is here, and are what README and docs show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fevbench.audit.record import AUDIT_FILE
from fevbench.cost.measure import CostTable
from fevbench.cost.text import cost_markdown
from fevbench.data.protocol import DEFAULT_PROTOCOL, protocols
from fevbench.metrics.catalog import metrics
from fevbench.results.files import read_result
from leaderboard.entries import load_entries
from leaderboard.history import changes, read_history
from leaderboard.pages import (
    DEMO,
    HEADLINE,
    HEADLINES,
    PAGES,
    SCATTER,
    demo_rows,
    first_table,
    refreshed,
    scatter_picture,
)

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "leaderboard" / "results"
FILES = sorted(RESULTS.rglob("*.json"))
RUNS = [file for file in FILES if file.name not in ("cost.json", AUDIT_FILE)]


def test_the_quoted_table_is_the_sites_first_and_has_all_controls() -> None:
    first = first_table(ROOT)
    assert {run.entry.file.parent for run in first.runs} == {RESULTS / HEADLINE}
    names = {run.result.model.name for run in first.runs}
    assert names >= {"real", "copy", "shuffled", "other-person", "other-expression", "mean-motion", "nearest"}
    assert len(first.models) >= 8
    texts = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
    quoting = {page for page, text in texts.items() if "<!-- fevbench compare " in text}
    assert quoting >= {"README.md", "docs/baselines.md"}
    for page in quoting:
        assert HEADLINES.search(texts[page]), page


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
    with pytest.raises(ValueError, match=r"no result is called gone\.json"):
        refreshed("<!-- fevbench compare gone.json --format md -->\n\n<!-- end -->", ROOT)


def test_pages_follow_the_table_that_is_quoted() -> None:
    """Whichever limit a page names: the switch to another is one edit, and `make pages`."""
    command = "fevbench compare leaderboard/results/{}/mean-motion.json --metrics csim --format md"
    page = "    {0}\n\n<!-- {0} -->\n\n<!-- end -->"
    older = page.format(command.format("fevsynth-1.0/64x16-test-7"))
    made = refreshed(older, ROOT)
    assert made.count(command.format(HEADLINE)) == 2
    assert "| mean-motion |" in made


def test_the_demo_is_of_this_protocol_and_of_no_other_run() -> None:
    """What the README says `make demo` prints is in a committed file."""
    result = read_result(ROOT / DEMO)
    words = ["fev-gan-warp", "fevsynth", "--limit", "48"]
    assert result.protocol.id == protocols.get(DEFAULT_PROTOCOL).id
    assert demo_rows(words, result) in (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^RUN +\?= {words[0]}$", makefile, re.MULTILINE)
    assert re.search(rf"^LIMIT +\?= {words[3]}$", makefile, re.MULTILINE)
    with pytest.raises(ValueError, match="is of fev-gan-warp fevsynth --limit 48, not of vgan"):
        demo_rows(["vgan"], result)


def test_the_history_ends_with_what_is_there() -> None:
    """`fevbench leaderboard add` writes it; after changes by hand, `fevbench leaderboard record`."""
    assert read_history(RESULTS)
    assert changes(RESULTS, load_entries([RESULTS]).entries) == []


@pytest.fixture
def costs() -> CostTable:
    file = RESULTS / "fevsynth-1.0" / "cost.json"
    return CostTable.model_validate_json(file.read_text(encoding="utf-8"))


def test_costs_are_of_the_code_and_weights_that_were_scored(costs: CostTable) -> None:
    results = [run.result for run in first_table(ROOT).models]
    scored = {result.model.name: result.model.fingerprint for result in results}
    measured = {cost.model: cost.fingerprint for cost in costs.costs if cost.model in scored}
    assert {name: scored[name] for name in measured} == measured
    assert len(measured) >= 5
    assert costs.protocol == results[0].protocol.id, "the site shows them beside the table"


def test_costs_are_those_of_the_committed_table(costs: CostTable) -> None:
    assert cost_markdown(costs).strip() in (ROOT / "docs" / "baselines.md").read_text(encoding="utf-8")
