"""Tables, numbers and the scatter plot in README and docs, made from results; each is below its command.

``python -m leaderboard.pages`` writes them all; a test holds the pages to what it would write.
"""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path

import click
from rich.console import Console

from fevbench.atomic import write_text
from fevbench.audit.record import read_audit
from fevbench.audit.report import audit_markdown
from fevbench.cost.measure import CostTable
from fevbench.cost.text import cost_markdown
from fevbench.report.rows import compare
from fevbench.report.terminal import result_table
from fevbench.report.text import markdown
from fevbench.results.files import read_result
from fevbench.results.schema import Result
from leaderboard.entries import load_entries
from leaderboard.published import load_published, published_markdown
from leaderboard.site.charts import WIDTH, identity_against_motion
from leaderboard.site.tables import Table, make_tables

PAGES = (
    "README.md", "leaderboard/results/README.md", "docs/audit.md", "docs/baselines.md", "docs/published.md",
    "baselines/g3an/card.md", "baselines/imaginator/card.md", "baselines/mocogan/card.md",
    "baselines/tgan/card.md", "baselines/vgan/card.md", "fevgan/card.md", "fevgan/warp-card.md",
)  # fmt: skip
"""Pages with tables, from the root of the repository."""
RESULTS = "leaderboard/results"
HEADLINE = "fevsynth-1.0/64x16-test"
"""The table that README and docs quote, below `RESULTS`: the first table of the site."""
HEADLINES = re.compile(rf"(?<={RESULTS}/){re.escape(re.sub(r'-[0-9]+$', '', HEADLINE))}(?:-[0-9]+)?(?=/)")
"""That table, with all clips or fewer: pages name the quoted one."""
DEMO = "docs/demo.json"
"""The result that ``make demo`` makes, in the metrics of `DEMO_ROWS`."""
DEMO_ROWS = {
    "csim": "identity kept",
    "accuracy": "the requested expression",
    "fid": "frames look real",
    "fvd": "videos look real",
    "ssim": "close to the true clip",
    "motion": "moves as much as the true clip",
}
SCATTER = "docs/images/identity-motion.svg"
STYLE = """
svg { background: #fff; font: 11px sans-serif; } text { fill: #222; } .tick, .title { fill: #666; }
.frame { fill: none; stroke: #888; } .grid { stroke: #ddd; stroke-width: .7; }
.model { fill: #2f6fb0; } .control { fill: none; stroke: #888; stroke-width: 1.5; }
.true { fill: none; stroke: #c03; stroke-width: 2.5; }
"""
TABLE = re.compile(r"<!-- fevbench (?P<words>[^>]+?) -->\n\n.*?<!-- end -->", re.DOTALL)


def refreshed(text: str, root: Path) -> str:
    """A page with all of its tables made again.

    Raises:
        ValueError: It has no table, or a table by an unknown command or of missing results.
        FevbenchError: A result or an audit cannot be read.
    """
    if not TABLE.search(text):
        raise ValueError("no table with its command")
    text = HEADLINES.sub(HEADLINE, text)

    def table(found: re.Match[str]) -> str:
        words = found["words"]
        return f"<!-- fevbench {words} -->\n\n{printed(shlex.split(words), root).strip()}\n<!-- end -->"

    return TABLE.sub(table, text)


def printed(words: list[str], root: Path) -> str:
    """What ``compare FILES… [--metrics NAMES] --format md`` or the demo's ``run`` prints.

    ``audit FILE`` and ``cost FILE`` stand for their tables, ``published`` for numbers from the literature.
    A comparison with more metrics than runs is transposed: one row per metric.
    """
    command, *rest = words
    if command == "run":
        return demo_rows(rest, read_result(root / DEMO))
    if command == "audit":
        return audit_markdown(read_audit(root / rest[0]))
    if command == "cost":
        return cost_markdown(CostTable.model_validate_json((root / rest[0]).read_text(encoding="utf-8")))
    if command == "published":
        return published_markdown(load_published())
    if command != "compare" or rest[rest.index("--format") + 1] != "md":
        raise ValueError(f"no table is made by {' '.join(words)}")
    only = rest[rest.index("--metrics") + 1].split(",") if "--metrics" in rest else None
    patterns = [word for word in rest if word.endswith(".json")]
    found = {pattern: sorted(root.glob(pattern)) for pattern in patterns}
    if missing := [pattern for pattern, files in found.items() if not files]:
        raise ValueError(f"no result is called {missing[0]}")
    files = [file for files in found.values() for file in files]
    comparison = compare([read_result(file) for file in files], only)
    return markdown(comparison, transposed=len(comparison.columns) > len(comparison.rows))


def demo_rows(words: list[str], result: Result) -> str:
    """Some of the lines that ``run MODEL DATASET --limit N`` prints, each with an explanation.

    Raises:
        ValueError: The result is of another run.
    """
    run = [result.model.name, result.dataset.name, "--limit", str(result.dataset.limit)]
    if words != run:
        raise ValueError(f"{DEMO} is of {' '.join(run)}, not of {' '.join(words)}")
    out = io.StringIO()
    shown = result.model_copy(update={"metrics": {name: result.metrics[name] for name in DEMO_ROWS}})
    Console(file=out, width=100).print(result_table(shown))
    title, *rest = out.getvalue().splitlines()
    rows = [line.replace("┃", "│") for line in rest if line[0] in "┃│"]
    told = ["", *(f"  {what}" for what in DEMO_ROWS.values())]
    return "\n".join(["```text", title, *map("".join, zip(rows, told, strict=True)), "```"])


def first_table(root: Path) -> Table:
    """The site's first table."""
    folder = root / RESULTS
    tables, _ = make_tables(load_entries([folder]).entries, [folder])
    return tables[0]


def scatter_picture(root: Path) -> str:
    """Preserved identity against motion in the first table of the results, as an SVG file."""
    drawn = str(identity_against_motion(first_table(root)))
    opened = f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}"'
    return drawn.replace("<svg", opened, 1).replace(">", f"><style>{STYLE}</style>", 1) + "\n"


def main() -> None:
    """Write all pages and the picture again."""
    root = Path(__file__).parents[1]
    write_text(root / SCATTER, scatter_picture(root))
    for name in PAGES:
        page = root / name
        write_text(page, refreshed(page.read_text(encoding="utf-8"), root))
        click.echo(name)


if __name__ == "__main__":
    main()
