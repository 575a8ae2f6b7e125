"""Tables and the scatter plot in README and docs, made from the results; a table stands below its command.

``python -m leaderboard.pages`` writes them all; a test holds the pages to what it would write.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

from fevbench.atomic import write_text
from fevbench.audit.record import read_audit
from fevbench.audit.report import audit_markdown
from fevbench.report.rows import compare
from fevbench.report.text import markdown
from fevbench.results.files import read_result
from leaderboard.entries import load_entries
from leaderboard.published import load_published, published_markdown
from leaderboard.site.charts import WIDTH, identity_against_motion
from leaderboard.site.tables import make_tables

PAGES = (
    "README.md", "leaderboard/results/README.md", "docs/audit.md", "docs/baselines.md", "docs/published.md",
)  # fmt: skip
"""Pages with tables, from the root of the repository."""
RESULTS = "leaderboard/results"
SCATTER = "docs/images/identity-motion.svg"
STYLE = """
svg { background: #fff; font: 11px sans-serif; } text { fill: #222; } .tick, .title { fill: #666; }
.frame { fill: none; stroke: #888; } .grid { stroke: #ddd; stroke-width: .7; }
.model { fill: #2f6fb0; } .control { fill: none; stroke: #888; stroke-width: 1.5; }
.true { fill: none; stroke: #c03; stroke-width: 2.5; }
"""
TABLE = re.compile(r"<!-- fevbench (?P<words>[^>]+?) -->\n\n.*?<!-- end -->", re.DOTALL)


def refreshed(text: str, root: Path) -> str:
    """A page with all of its tables made anew.

    Raises:
        ValueError: It has no table, or one by an unknown command.
        FevbenchError: A result or an audit cannot be read.
    """
    if not TABLE.search(text):
        raise ValueError("no table with its command")

    def table(found: re.Match[str]) -> str:
        words = found["words"]
        return f"<!-- fevbench {words} -->\n\n{printed(shlex.split(words), root).strip()}\n<!-- end -->"

    return TABLE.sub(table, text)


def printed(words: list[str], root: Path) -> str:
    """What ``compare FILES… [--metrics NAMES] --format md`` or ``audit FILE`` prints.

    ``published`` stands for the numbers from the literature.
    A comparison of more metrics than runs is turned for the page: a row a metric.
    """
    command, *rest = words
    if command == "audit":
        return audit_markdown(read_audit(root / rest[0]))
    if command == "published":
        return published_markdown(load_published())
    if command != "compare" or rest[rest.index("--format") + 1] != "md":
        raise ValueError(f"no table is made by {' '.join(words)}")
    only = rest[rest.index("--metrics") + 1].split(",") if "--metrics" in rest else None
    patterns = [word for word in rest if word.endswith(".json")]
    files = [file for pattern in patterns for file in sorted(root.glob(pattern))]
    comparison = compare([read_result(file) for file in files], only)
    return markdown(comparison, transposed=len(comparison.columns) > len(comparison.rows))


def scatter_picture(root: Path) -> str:
    """Identity kept against motion shown in the first table of the results, as an SVG file."""
    folder = root / RESULTS
    tables, _ = make_tables(load_entries([folder]).entries, [folder])
    drawn = str(identity_against_motion(tables[0]))
    opened = f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}"'
    return drawn.replace("<svg", opened, 1).replace(">", f"><style>{STYLE}</style>", 1) + "\n"


def main() -> None:
    """Write all pages and the picture anew."""
    root = Path(__file__).parents[1]
    write_text(root / SCATTER, scatter_picture(root))
    for name in PAGES:
        page = root / name
        write_text(page, refreshed(page.read_text(encoding="utf-8"), root))
        click.echo(name)


if __name__ == "__main__":
    main()
