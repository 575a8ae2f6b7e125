"""What a terminal of 80 columns shows: no summary is cut, no id is broken, and who leads comes first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tiny import Cli

from fevbench.cli.main import COMMANDS, HEADINGS
from fevbench.metrics.catalog import metrics
from fevbench.report.headline import mean_rank
from fevbench.report.rows import compare
from fevbench.results.files import read_result
from leaderboard.pages import HEADLINE, RESULTS

WIDTH = 80
FILED = sorted((Path(__file__).parents[2] / RESULTS / HEADLINE).glob("*.json"))


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))


def test_every_command_is_under_one_heading() -> None:
    assert [name for names in HEADINGS.values() for name in names] == list(COMMANDS)


@pytest.mark.parametrize("group", ["", "data", "leaderboard", "weights", "cache", "study"])
def test_help_cuts_no_summary(cli: Cli, group: str) -> None:
    shown = cli(*group.split(), "--help").out
    assert "..." not in shown.partition("\n")[2], "a summary is cut"
    assert max(map(len, shown.splitlines())) <= WIDTH
    for heading in HEADINGS if not group else ["Commands"]:
        assert f"\n{heading}:\n" in shown


def test_no_id_of_a_metric_is_broken(cli: Cli) -> None:
    lines = cli("list", "metrics").out.splitlines()
    assert max(map(len, lines)) <= WIDTH
    for name in metrics:
        assert any(f" {metrics.get(name).id} " in line for line in lines)


def test_a_comparison_shows_a_headline_in_rank_order(cli: Cli) -> None:
    lines = cli("compare", *FILED).out.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) < 60, "it was 885"
    names = [found[1] for line in lines if (found := re.match(r"│ (\S.*?) +│", line))]
    comparison = compare([read_result(file) for file in FILED])
    runs = [(row.name, mean_rank(comparison, i)) for i, row in enumerate(comparison.rows[:-1])]
    controls = {row.name for row in comparison.rows if row.result and row.result.model.control}
    ranked = sorted((rank, name) for name, rank in runs if name not in controls)
    assert len(ranked) > 3
    assert names[0].startswith("true clips")
    assert names[1:] == [name for _, name in ranked] + sorted(controls)
    head = next(line for line in lines if "model" in line)
    assert all(metric in head for metric in ("csim", "accuracy", "motion", "fvd"))
    assert "[" not in "".join(line for line in lines if line.startswith("│"))


def test_all_metrics_are_shown_if_asked_for(cli: Cli) -> None:
    shown = cli("compare", *FILED[:3], "--all").out
    assert all(f" {name} " in shown for name in ("csim-min", "kvd", "lpips"))
    assert "[" in shown


def test_named_metrics_are_all_shown(cli: Cli) -> None:
    shown = cli("compare", *FILED[:3], "--metrics", "kvd,lpips").out
    assert "kvd" in shown
    assert "csim" not in shown
