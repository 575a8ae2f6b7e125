"""Badges: a model's place and one value, as a small picture with which to link to the board."""

from __future__ import annotations

import math

from markupsafe import Markup, escape

from leaderboard.site.tables import Run, Table

LETTER = 6.6
HEIGHT = 20
BADGES_FOLDER = "badges"


def badge(table: Table, run: Run) -> Markup:
    """A model's badge: an SVG without scripts, fonts or links."""
    left = "fevbench"
    right = f"{run.row.name[:40]}: {run.place} of {len(table.models)}"
    right += f", mean rank {run.mean_rank:.2f}" if math.isfinite(run.mean_rank) else ""
    widths = [round(LETTER * len(text)) + 12 for text in (left, right)]
    whole = sum(widths)
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(left)}: {escape(right)}">'
        f'<rect width="{whole}" height="{HEIGHT}" rx="3" fill="#1f4e79"/>'
        f'<rect width="{widths[0]}" height="{HEIGHT}" rx="3" fill="#33322f"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="6" y="14" textLength="{widths[0] - 12}">{escape(left)}</text>'
        f'<text x="{widths[0] + 6}" y="14" textLength="{widths[1] - 12}">{escape(right)}</text></g></svg>\n'
    )
