"""Our numbers beside other implementations', each within its bound; and the page that shows them."""

from __future__ import annotations

import importlib.metadata
import re

import pytest
from comparison import Comparison
from precision_page import COMPARISONS, HEAD, PAGE, bounds


def marked(comparison: Comparison) -> object:
    marks = [getattr(pytest.mark, name) for name in ("weights", "slow") if getattr(comparison, name)]
    return pytest.param(comparison, marks=marks, id=comparison.id)


@pytest.mark.parametrize("comparison", [marked(comparison) for comparison in COMPARISONS])
def test_difference(comparison: Comparison) -> None:
    if comparison.package:
        try:
            importlib.metadata.version(comparison.package)
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{comparison.package} is not here: docs/precision.md says how to get it")
    found = comparison.difference(comparison.ours(), comparison.theirs())
    assert comparison.least <= found <= comparison.bound


def cells() -> list[list[str]]:
    """The rows of the committed page."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return [row for row in rows if row[0] not in ("what", "---")]


def test_the_page_shows_every_comparison_and_no_other() -> None:
    """Digits may be another machine's; what is compared, how and within which bound may not."""
    text = PAGE.read_text(encoding="utf-8")
    assert text.startswith(HEAD), "make precision"
    there = {
        (what, of, re.sub(r" [\d.]+$", "", who), bound, why) for what, of, _, _, who, _, bound, why in cells()
    }
    wanted = {(c.what, c.inputs, c.package or "published", bounds(c), c.why) for c in COMPARISONS}
    assert there == wanted, "make precision"
    assert len(cells()) == len(COMPARISONS)


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda comparison: comparison.id)
def test_what_the_page_shows_is_within_its_bound(comparison: Comparison) -> None:
    shown = [row for row in cells() if row[:2] == [comparison.what, comparison.inputs]]
    (difference,) = [float(row[5]) for row in shown if row[4].startswith(comparison.package or "published")]
    assert comparison.least <= difference <= comparison.bound
