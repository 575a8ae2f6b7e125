"""The committed leaderboard is what the committed results make."""

from __future__ import annotations

from pathlib import Path

from tiny import tree

from leaderboard.site.build import build

ROOT = Path(__file__).parents[2]
SITE = ROOT / "leaderboard" / "public"
LARGEST = 30_000_000
"""Bytes of the whole site, clips included."""


def test_the_committed_site_is_built_from_the_committed_results(tmp_path: Path) -> None:
    built = build([ROOT / "leaderboard" / "results"], tmp_path / "site")
    assert not built.problems
    made, committed = tree(built.out), tree(SITE)
    differing = sorted(
        name for name in made.keys() | committed.keys() if made.get(name) != committed.get(name)
    )
    assert not differing, f"run `make leaderboard` and commit leaderboard/public: {differing[:5]}"


def test_the_committed_site_is_small() -> None:
    assert sum(len(content) for content in tree(SITE).values()) < LARGEST
