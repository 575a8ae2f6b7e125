"""Scatter plots as inline SVG, with labels that do not overlap."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup, escape

from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.headline import headline
from fevbench.report.rows import number
from leaderboard.site.board import value_text
from leaderboard.site.costs import COLUMNS, cost_cells
from leaderboard.site.tables import Run, Table

WIDTH, HEIGHT = 460, 330
LEFT, RIGHT, TOP, BOTTOM = 46, 16, 16, 40
LETTER, LINE = 7.0, 13.0
"""The size of a letter of a label, a little more than fonts need."""
LONGEST = 24
MOST_LABELS = 20
GAP = 7.0


@dataclass(frozen=True)
class Point:
    """A point of a plot.

    Attributes:
        text: ``x`` and ``y`` in words, as a tooltip.
        mark: ``model``, ``control`` or ``true``.
    """

    name: str
    x: float
    y: float
    text: str
    mark: str = "model"


@dataclass(frozen=True)
class Scale:
    """An axis.

    Attributes:
        log: Whether its steps are factors.
        ticks: The numbers that are written.
    """

    title: str
    low: float
    high: float
    log: bool = False
    ticks: tuple[float, ...] = field(default=())

    def part(self, value: float) -> float:
        """The position of a number, in [0, 1]."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return (value - low) / (high - low) if high != low else 0.5


@dataclass(frozen=True)
class Label:
    """A name beside a point: its left upper corner, its size, and its anchor."""

    text: str
    x: float
    y: float
    width: float
    anchor: Literal["start", "middle", "end"] = "start"

    @property
    def held(self) -> float:
        """The anchor of the text: its end beside the point must not move with the width of fonts."""
        return self.x + {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor] * self.width

    def overlaps(self, other: Label) -> bool:
        """Whether two labels overlap."""
        across = self.x < other.x + other.width and other.x < self.x + self.width
        return across and abs(self.y - other.y) < LINE

    def covers(self, x: float, y: float) -> bool:
        """Whether the label covers a point."""
        return self.x - 4 < x < self.x + self.width + 4 and self.y - 4 < y < self.y + LINE + 4


def over(title: str, values: Iterable[float], log: bool = False, turned: bool = False) -> Scale:
    """An axis for some numbers (above 0 if ``log``) with a small margin; large numbers first if turned."""
    found = list(values)
    low, high = min(found), max(found)
    if log:
        low, high = low / 1.4, high * 1.4
        ticks = tuple(
            step * 10.0**power
            for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            for step in (1, 3)
            if low <= step * 10.0**power <= high
        )
        return Scale(title, low, high, True, ticks)
    room = 0.06 * (high - low) or 0.5
    low, high = low - room, high + room
    step = 10.0 ** math.floor(math.log10((high - low) / 3))
    step = next(step * by for by in (1, 2, 5, 10) if (high - low) / (step * by) <= 5)
    first = math.ceil(low / step)
    ticks = tuple(round(i * step, 9) for i in range(first, math.floor(high / step) + 1))
    return Scale(title, high, low, False, ticks) if turned else Scale(title, low, high, False, ticks)


def place_labels(points: Sequence[tuple[str, float, float]]) -> list[Label]:
    """Labels of points (name and place), the most important first; a name without room is left out."""
    placed: list[Label] = []
    for name, x, y in points:
        text = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        width = LETTER * len(text)
        corners: tuple[tuple[float, float, Literal["start", "middle", "end"]], ...] = (
            (x + GAP, y - LINE / 2, "start"),
            (x - GAP - width, y - LINE / 2, "end"),
            (x - width / 2, y - GAP - LINE, "middle"),
            (x - width / 2, y + GAP, "middle"),
            (x + GAP, y - GAP - LINE, "start"),
            (x + GAP, y + GAP, "start"),
            (x - GAP - width, y - GAP - LINE, "end"),
            (x - GAP - width, y + GAP, "end"),
        )
        for left, top, anchor in corners:
            label = Label(text, left, top, width, anchor)
            inside = left >= LEFT and left + width <= WIDTH - 2 and top >= 2 and top + LINE <= HEIGHT - BOTTOM
            free = not any(label.overlaps(other) for other in placed)
            clear = not any(label.covers(a, b) for other, a, b in points if other != name)
            if inside and free and clear:
                placed.append(label)
                break
    return placed


def scatter(points: Sequence[Point], x: Scale, y: Scale, label: str) -> Markup:
    """A scatter plot, of the most important point first; the true clips are a cross.

    ``label`` is the text for screen readers.
    """

    def at(point: Point) -> tuple[float, float]:
        across = LEFT + x.part(point.x) * (WIDTH - LEFT - RIGHT)
        return round(across, 1), round(HEIGHT - BOTTOM - y.part(point.y) * (HEIGHT - TOP - BOTTOM), 1)

    parts = axes(x, y, WIDTH, HEIGHT)
    for point in points:
        left, top = at(point)
        title = f"<title>{escape(point.name)}: {escape(point.text)}</title>"
        if point.mark == "true":
            shape = f'<path class="true" d="M{left - 7} {top}h14M{left} {top - 7}v14">{title}</path>'
        else:
            shape = f'<circle class="{point.mark}" cx="{left}" cy="{top}" r="5">{title}</circle>'
        parts.append(shape)
    for name in place_labels([(point.name, *at(point)) for point in points[:MOST_LABELS]]):
        place = f'x="{name.held:.1f}" y="{name.y + 10:.1f}" text-anchor="{name.anchor}"'
        parts.append(f"<text {place}>{escape(name.text)}</text>")
    return Markup(
        f'<svg class="scatter" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def axes(x: Scale, y: Scale, width: int, height: int) -> list[str]:
    """The frame of a plot, its ticks and titles."""
    bottom = height - BOTTOM
    parts = [f'<path class="frame" d="M{LEFT} {TOP}V{bottom}H{width - RIGHT}"/>']
    for tick in x.ticks:
        left = round(LEFT + x.part(tick) * (width - LEFT - RIGHT), 1)
        parts.append(f'<text class="tick" x="{left}" y="{bottom + 15}" text-anchor="middle">{tick:g}</text>')
    for tick in y.ticks:
        up = round(bottom - y.part(tick) * (height - TOP - BOTTOM), 1)
        parts.append(f'<path class="grid" d="M{LEFT} {up}H{width - RIGHT}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{up + 4}" text-anchor="end">{tick:g}</text>')
    parts.append(
        f'<text class="title" x="{width - RIGHT}" y="{height - 6}" text-anchor="end">{escape(x.title)}</text>'
    )
    parts.append(f'<text class="title" x="{LEFT}" y="{TOP - 5}">{escape(y.title)}</text>')
    return parts


def identity_against_motion(table: Table) -> Markup:
    """Preserved identity against motion; empty unless both were scored."""
    found = headline(table.comparison.columns)
    if "identity" not in found or "motion" not in found:
        return Markup("")
    x, y = found["motion"], found["identity"]
    points = []
    true = table.true_value(x), table.true_value(y)
    if true[0] is not None and true[1] is not None:
        text = f"{x} {number(x, true[0])}, {y} {number(y, true[1])}"
        points.append(Point("true clips", true[0], true[1], text, "true"))
    for run in table.runs:
        values = [m.value if (m := run.result.metrics.get(name)) else None for name in (x, y)]
        if values[0] is not None and values[1] is not None:
            text = f"{x} {value_text(x, values[0])}, {y} {value_text(y, values[1])}"
            mark = "control" if run.result.model.control else "model"
            points.append(Point(run.row.name, values[0], values[1], text, mark))
    if len(points) < 2:
        return Markup("")
    across = over(f"motion shown ({x} {catalog.get(x).arrow})", [point.x for point in points])
    up = over(f"identity kept ({y} {catalog.get(y).arrow})", [point.y for point in points])
    label = f"Scatter plot of {y} against {x}, {len(points)} points; the numbers are in the table."
    return scatter(points, across, up, label)


def rank_against_cost(table: Table, column: int) -> Markup:
    """The mean rank against one of the costs, on a logarithmic axis; empty with fewer than two models."""
    if table.costs is None:
        return Markup("")
    named = COLUMNS[column]
    points = []
    for run in table.models:
        value, text = cost_cells(table.costs.of(run.result.model))[column]
        if value and math.isfinite(run.mean_rank):  # 0 has no place on a logarithmic axis
            words = f"mean rank {run.mean_rank:.2f}, {named.name} {text}"
            points.append(Point(run.row.name, value, run.mean_rank, words))
    if len(points) < 2:
        return Markup("")
    x = over(f"{named.name}: {named.title.partition(',')[0]}", [point.x for point in points], log=True)
    y = over("mean rank (the best at the top)", [point.y for point in points], turned=True)
    return scatter(
        points, x, y, f"Scatter plot of the mean rank against {named.name}; the numbers are in the table."
    )


def cost_runs(table: Table) -> tuple[Run, ...]:
    """The models whose cost was measured."""
    costs = table.costs
    return tuple(run for run in table.models if costs and costs.of(run.result.model) is not None)
