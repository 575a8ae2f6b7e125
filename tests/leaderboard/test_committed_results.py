"""The committed results: they load, are of what is here, and are what README and docs show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fevbench.cli.main import COMMANDS
from fevbench.metrics.catalog import metrics
from fevbench.report.cost import cost_markdown
from fevbench.report.rows import compare
from fevbench.report.text import markdown
from fevbench.results.files import read_result
from fevbench.run.cost import CostTable

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "leaderboard" / "results"
FILES = sorted(RESULTS.rglob("*.json"))
RUNS = [file for file in FILES if file.name != "cost.json"]
SHOWN = re.compile(
    r"<!-- fevbench (?P<words>compare [^>]*?) -->\n\n(?P<table>(?:[^\n]*\n)*?)<!-- end -->",
)
PAGES = ("README.md", "leaderboard/results/README.md")


def test_there_are_results() -> None:
    assert len(RUNS) >= 15


@pytest.mark.parametrize("file", RUNS, ids=lambda file: file.stem)
def test_a_result_is_of_this_version(file: Path) -> None:
    result = read_result(file)
    assert file.stem == result.model.name.replace(":", "--")
    for name, metric in result.metrics.items():
        declared = metrics.get(name)
        assert metric.id.partition("@")[0].startswith(declared.id.partition("@")[0]), name
        assert metric.value is not None, (name, metric.reason)
        assert metric.interval is not None, name
    assert result.dataset.subjects_of


@pytest.mark.parametrize("page", PAGES)
def test_tables_are_those_of_the_results(page: str) -> None:
    """Every table whose command stands above it is what the command prints."""
    text = (ROOT / page).read_text(encoding="utf-8")
    tables = list(SHOWN.finditer(text))
    assert tables, "no table with its command"
    for found in tables:
        command, *words = found["words"].split()
        assert command in COMMANDS
        only, transposed = None, False
        files: list[Path] = []
        while words:
            word = words.pop(0)
            if word == "--metrics":
                only = words.pop(0).split(",")
            elif word == "--transpose":
                transposed = True
            elif word == "--format":
                assert words.pop(0) == "md"
            else:
                files += sorted(ROOT.glob(word))
        wanted = markdown(compare([read_result(file) for file in files], only), transposed)
        assert found["table"].strip() == wanted.strip()


def test_costs_are_those_of_the_committed_table() -> None:
    table = CostTable.model_validate_json(
        (RESULTS / "fevsynth-1.0" / "cost.json").read_text(encoding="utf-8")
    )
    assert cost_markdown(table).strip() in (ROOT / "docs" / "baselines.md").read_text(encoding="utf-8")
