"""The pages, from templates. Content of results is escaped; pages allow only the site's own scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.headline import GROUPS
from leaderboard.site.charts import cost_runs, rank_against_cost
from leaderboard.site.compare_page import ComparePage
from leaderboard.site.costs import COLUMNS, cost_cells
from leaderboard.site.data_sets import data_set_pages, tables_of
from leaderboard.site.front import Front, kinds_of, trained_on
from leaderboard.site.history_page import Change
from leaderboard.site.literature import Reported, published_cells
from leaderboard.site.metric_page import MetricPage
from leaderboard.site.model_page import ModelPage
from leaderboard.site.project import addresses
from leaderboard.site.tables import Table
from leaderboard.site.titles import EMBEDDED
from leaderboard.site.verdict import Wins, win_matrix
from leaderboard.site.words import aspects, parts_of, read_questions, site_words

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
GENERATOR = '<meta name="generator" content="fevbench leaderboard">'
"""The generator that pages name."""
DOWNLOADS = {
    "csv": ("CSV", "csv"),
    "json": ("JSON", "json"),
    "md": ("Markdown", "md"),
    "latex": ("LaTeX", "tex"),
}
"""The formats of a table: their names, and their file suffixes."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)
"""The content security policy: only files of the site (blob: is a clip that is already loaded)."""


MOST_WITH_JSON = 40
"""Most models of a table with JSON, which holds the tests of all pairs and grows quadratically."""


class Pages:
    """Writes pages into a site's folder.

    ``models`` and ``metrics`` are name to the slug of its page, ``states`` table to the hash of its content,
    ``changes`` table to its earlier states, the newest first.
    """

    def __init__(
        self,
        site: Path,
        models: Mapping[str, str],
        metrics: Mapping[str, str],
        tables: Sequence[Table],
        states: Mapping[str, str],
        changes: Sequence[Change],
    ) -> None:
        self._site = site
        self._models = models
        self._metrics = metrics
        self._tables = tables
        self._changes = changes
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.policies["json.dumps_kwargs"] = {"ensure_ascii": True, "separators": (",", ":")}
        self._questions = read_questions()
        self._environment.globals.update(
            policy=POLICY,
            generator=GENERATOR,
            tables=tables,
            states=states,
            changes=changes,
            models=models,
            metrics=metrics,
            group_titles=GROUPS,
            aspect_titles={aspect.key: aspect.title for aspect in aspects()},
            catalog={name: catalog.get(name) for name in catalog},
            words=site_words(),
            addresses=addresses(),
            questions=self._questions,
            downloads_of=downloads_of,
        )

    def table(self, front: Front, reported: Sequence[Reported], wins: Wins) -> None:
        """The pages of one table: its first screen, all columns, quality against cost, the matrix of wins."""
        table, board = front.table, front.board
        published = published_cells(reported, table, board.columns)
        lines = [*board.models, *board.controls]
        shared = {
            "table": table,
            "board": board,
            "kinds": kinds_of(lines),
            "data": trained_on(lines),
            "published": published,
        }
        self._render("front.html", table.home, front=front, **shared)
        self._render("all.html", f"{table.slug}/all.html", **shared)
        if table.costs:
            runs = [(run, cost_cells(table.costs.of(run.result.model))) for run in cost_runs(table)]
            plots = [plot for i in (2, 0) if (plot := rank_against_cost(table, i))]
            self._render(
                "cost.html", f"{table.slug}/cost.html", runs=runs, plots=plots, costs=COLUMNS, **shared
            )
        matrix = win_matrix(table.models, wins, table.ranked) if len(table.models) > 1 else ()
        self._render("wins.html", f"{table.slug}/wins.html", matrix=matrix, **shared)

    def site(self, reported: Sequence[Reported]) -> None:
        """The pages without a table: published numbers, metrics, data sets, how to submit, history."""
        first = {"table": self._tables[0]}
        self._render("published.html", "published.html", reported=reported, **first)
        self._render("metrics.html", "metrics/index.html", **first)
        self._render("add.html", "add.html", **first)
        sets, ours = data_set_pages(self._tables), tables_of(self._tables, EMBEDDED)
        self._render("sets.html", "sets/index.html", sets=sets, embedded=(EMBEDDED, ours), **first)
        for page in sets:
            self._render("set.html", f"sets/{page.slug}.html", page=page, **first)
        if self._changes:
            self._render("history.html", "history.html", **first)
        if self._questions:
            to = {name: f"metrics/{slug}.html" for name, slug in self._metrics.items()}
            rows = [(one.question, parts_of(one.ask, to), parts_of(one.avoid, to)) for one in self._questions]
            self._render("believe.html", "believe.html", rows=rows, **first)

    def model(self, page: ModelPage) -> None:
        """A model's page."""
        self._render("model.html", f"models/{self._models[page.name]}.html", page=page)

    def metric(self, page: MetricPage) -> None:
        """A metric's page."""
        self._render("metric.html", f"metrics/{self._metrics[page.metric.name]}.html", page=page)

    def compare(self, page: ComparePage) -> None:
        """A table's compare view."""
        self._render("compare.html", f"{page.table.slug}/compare.html", page=page, table=page.table)

    def _render(self, template: str, path: str, **values: Any) -> None:
        target = self._site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        root = "../" * path.count("/")
        text = self._environment.get_template(template).render(root=root, path=path, **values)
        target.write_text(text, encoding="utf-8", newline="\n")


def downloads_of(table: Table) -> dict[str, tuple[str, str]]:
    """The formats of a table."""
    large = len(table.models) > MOST_WITH_JSON
    return {name: format for name, format in DOWNLOADS.items() if name != "json" or not large}
