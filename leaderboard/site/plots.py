"""Dot plots as inline SVG: no script, no style attribute, colours by class so that they follow the theme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 340, 30
PAD = 9
MOST_NAMED = 20
"""Most others with a dot and name each."""


@dataclass(frozen=True)
class Dot:
    """One value on an axis.

    Attributes:
        low: Its interval's lower end; None without one.
        high: The upper end.
        text: The value in words, as a tooltip.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    text: str = ""


@dataclass(frozen=True)
class Axis:
    """An axis from left to right, with better values at the right.

    Attributes:
        higher_is_better: If False, the axis is reversed.
    """

    low: float
    high: float
    higher_is_better: bool

    @classmethod
    def over(cls, dots: Iterable[Dot], ceiling: float | None, higher_is_better: bool) -> Axis:
        """An axis for all of these values."""
        found = [v for dot in dots for v in (dot.value, dot.low, dot.high) if v is not None]
        if ceiling is not None:
            found.append(ceiling)
        return cls(min(found), max(found), higher_is_better)

    def x(self, value: float) -> str:
        """The position of a number, in the SVG's units."""
        part = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        part = part if self.higher_is_better else 1 - part
        return f"{PAD + part * (WIDTH - 2 * PAD):.1f}"


def strip(dot: Dot, others: Sequence[Dot], ceiling: float | None, axis: Axis, label: str) -> Markup:
    """One row of a dot plot: a dot with its interval, others faintly, the true clips' value as a line.

    ``label`` is the text for screen readers.
    """
    middle = HEIGHT / 2
    parts = [
        f'<line class="axis" x1="{PAD}" x2="{WIDTH - PAD}" y1="{middle:g}" y2="{middle:g}"/>',
    ]
    if ceiling is not None:
        x = axis.x(ceiling)
        parts.append(f'<line class="ceiling" x1="{x}" x2="{x}" y1="3" y2="{HEIGHT - 3}"/>')
    if len(others) <= MOST_NAMED:
        for other in others:
            title = f"<title>{escape(f'{other.name} {other.text}')}</title>"
            parts.append(
                f'<circle class="other" cx="{axis.x(other.value)}" cy="{middle:g}" r="3.5">{title}</circle>'
            )
    else:  # one shape for all, each position once: every model's page holds all the others
        places = sorted({round(float(axis.x(other.value))) for other in others})
        steps = "".join(f"M{place} {middle:g}h0" for place in places)
        parts.append(f'<path class="others" d="{steps}"/>')
    if dot.low is not None and dot.high is not None:
        ends = axis.x(dot.low), axis.x(dot.high)
        parts.append(
            f'<line class="interval" x1="{ends[0]}" x2="{ends[1]}" y1="{middle:g}" y2="{middle:g}"/>'
        )
        parts += [
            f'<line class="interval" x1="{x}" x2="{x}" y1="{middle - 4:g}" y2="{middle + 4:g}"/>'
            for x in ends
        ]
    title = f"<title>{escape(f'{dot.name} {dot.text}')}</title>"
    parts.append(f'<circle class="this" cx="{axis.x(dot.value)}" cy="{middle:g}" r="5">{title}</circle>')
    return Markup(
        f'<svg class="strip" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def small_strip(dot: Dot, true: float | None, axis: Axis) -> Markup:
    """A dot with its interval and the true clips' value as a line, for a cell of a table."""

    def x(value: float) -> str:
        return f"{100 * (float(axis.x(value)) / WIDTH):.0f}"

    parts = []
    if true is not None:
        parts.append(f'<path class="t" d="M{x(true)} 0V10"/>')
    if dot.low is not None and dot.high is not None:
        parts.append(f'<path d="M{x(dot.low)} 5H{x(dot.high)}"/>')
    parts.append(f'<circle cx="{x(dot.value)}" cy="5" r="3"/>')
    return Markup(f'<svg class="dot" viewBox="0 0 100 10" aria-hidden="true">{"".join(parts)}</svg>')
