"""The site that the committed results make: built here, whole, light, and sound in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from site_pages import (
    LARGEST_FIRST_PAGE,
    Open,
    check_links,
    loaded_bytes,
    pages,
    serious_faults,
    serving,
    small_targets,
    visiting,
)
from tiny import tree

from leaderboard.site.build import Built, build

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "leaderboard" / "results"
LARGEST = 60_000_000
"""Bytes of the whole site, clips included."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build([RESULTS], tmp_path_factory.mktemp("committed") / "site")


def test_the_site_is_built_from_all_committed_results(built: Built) -> None:
    assert not built.problems
    assert not built.notes
    assert built.size < LARGEST
    check_links(built.out, outside=True)


def test_building_twice_gives_the_same_bytes(built: Built, tmp_path: Path) -> None:
    again, first = tree(build([RESULTS], tmp_path / "site").out), tree(built.out)
    assert [name for name in again.keys() | first.keys() if again.get(name) != first.get(name)] == []


def test_what_is_published_is_the_documentation_with_the_site_in_it() -> None:
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["build"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["make docs"]
    (folder,) = (step["with"]["path"] for step in steps if "upload-pages" in step.get("uses", ""))
    assert f"site_dir: {folder}\n" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^docs: .*\bleaderboard\b.*##", makefile, re.MULTILINE)
    assert re.search(r"^leaderboard: .*\n.* build --out build/leaderboard$", makefile, re.MULTILINE)


@pytest.fixture(scope="module")
def served(built: Built) -> Iterator[str]:
    with serving(built.out) as address:
        yield address


@pytest.fixture
def visit(chromium: Any, built: Built, served: str) -> Iterator[Open]:
    with visiting(chromium, built.out, served) as opened:
        yield opened


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "every"), [("light", 1), ("dark", 5)])
def test_pages_are_quiet_and_sound_in_a_browser(visit: Open, built: Built, scheme: str, every: int) -> None:
    """All in light colours, each fifth in dark ones; of metrics, whose pages are alike, each fifth."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    of_metrics = [file for file in pages(built.out) if file.parent.name == "metrics"]
    others = [file for file in pages(built.out) if file.parent.name != "metrics"]
    for file in (others + of_metrics[::5])[::every]:
        path = file.relative_to(built.out).as_posix()
        page = visit(path, color_scheme=scheme, bypass_csp=True)
        assert page.locator("h1").is_visible(), path
        assert serious_faults(axe, page) == [], path
        assert small_targets(page) == [], path
        page.context.close()


@pytest.mark.browser
def test_the_first_page_is_light(visit: Open) -> None:
    assert 0 < loaded_bytes(visit("index.html")) <= LARGEST_FIRST_PAGE
