"""The pages, from templates. What results say is escaped; pages allow no script but the site's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fevbench.metrics.catalog import metrics as catalog
from leaderboard.site.board import Board
from leaderboard.site.compare_page import ComparePage
from leaderboard.site.literature import Reported, published_cells
from leaderboard.site.metric_page import MetricPage
from leaderboard.site.model_page import ModelPage
from leaderboard.site.tables import GROUPS, Table

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
GENERATOR = '<meta name="generator" content="fevbench leaderboard">'
"""What made a page."""
DOWNLOADS = {
    "csv": ("CSV", "csv"),
    "json": ("JSON", "json"),
    "md": ("Markdown", "md"),
    "latex": ("LaTeX", "tex"),
}
"""The formats a table can be had in: what people call them, and how their files end."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)
"""What a page may load: files of the site, and nothing else (blob: is a clip that was loaded already)."""


class Pages:
    """Writes pages; ``models`` and ``metrics`` hold names and the slugs of their pages."""

    def __init__(
        self, site: Path, models: Mapping[str, str], metrics: Mapping[str, str], tables: Sequence[Table]
    ) -> None:
        self._site = site
        self._models = models
        self._metrics = metrics
        self._tables = tables
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.policies["json.dumps_kwargs"] = {"ensure_ascii": True, "separators": (",", ":")}
        self._environment.globals.update(
            policy=POLICY,
            generator=GENERATOR,
            downloads=DOWNLOADS,
            tables=tables,
            models=models,
            metrics=metrics,
            group_titles=GROUPS,
            catalog={name: catalog.get(name) for name in catalog},
        )

    def front(self, boards: Sequence[Board], states: Sequence[str], reported: Sequence[Reported]) -> None:
        """The page with the tables, and what was published elsewhere."""
        published = [
            published_cells(reported, table, board.columns)
            for table, board in zip(self._tables, boards, strict=True)
        ]
        self._render(
            "front.html", "index.html", boards=boards, states=states, reported=reported, published=published
        )

    def model(self, page: ModelPage) -> None:
        """A model's page."""
        self._render("model.html", f"models/{self._models[page.name]}.html", page=page)

    def metric(self, page: MetricPage) -> None:
        """A metric's page."""
        self._render("metric.html", f"metrics/{self._metrics[page.metric.name]}.html", page=page)

    def compare(self, page: ComparePage) -> None:
        """A table's compare view."""
        self._render("compare.html", f"{page.table.slug}/compare.html", page=page)

    def _render(self, template: str, path: str, **values: Any) -> None:
        target = self._site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        root = "../" * path.count("/")
        text = self._environment.get_template(template).render(root=root, **values)
        target.write_text(text, encoding="utf-8", newline="\n")
