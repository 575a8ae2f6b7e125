"""An audit as tables for a terminal, as Markdown, and as a heat map."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fevbench.atomic import replacing
from fevbench.audit.record import LITTLE, STRENGTHS, Responses
from fevbench.metrics.catalog import metrics as catalog
from fevbench.sanitise import escape_markdown, markdown_row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.console import RenderableType

    from fevbench.audit.record import Audit, Verdict

KINDS = {"pixels": "damage to pixels", "time": "damage to time", "content": "who and what is shown"}
MUCH = 0.5
"""Least part of its largest deterioration at which a metric is said to see a damage well."""
LEGEND = (
    "how much worse at full strength, in hundredths of the most by any damage that leaves faces to be found; "
    ">100: more than that, as faces are lost; – no value left; "
    "N clips; bold: must notice, italic: must ignore, !: does not"
)
_STYLES = {"notice": "bold", "ignore": "italic", "": ""}
_MARKS = {"notice": "**{}**", "ignore": "*{}*", "": "{}"}
PICTURE_FILE = "audit.png"
COLOURS = ("#2166ac", "#f7f7f7", "#b2182b")
"""Colours for better than true clips, equal, and worst; distinguishable by the colour blind."""


def title_of(audit: Audit) -> str:
    """The subject of an audit, in one line."""
    clips = _joined_with_or({sample.clips for sample in audit.samples.values()})
    subjects = _joined_with_or({sample.subjects for sample in audit.samples.values()})
    return f"{audit.dataset} {audit.version}, {audit.protocol.id}: {clips} true clips of {subjects} subjects"


def _joined_with_or(numbers: set[int]) -> str:
    *others, last = map(str, sorted(numbers))
    return f"{', '.join(others)} or {last}" if others else last


def audit_tables(audit: Audit) -> RenderableType:
    """A table per kind of damage, a row per metric; they fit 80 columns."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from fevbench.report.terminal import line

    shown = _Numbers(audit)
    parts: list[RenderableType] = [line(title_of(audit), "italic")]
    for kind, title in KINDS.items():
        names = shown.of_kind(kind)
        if not names:
            continue
        table = Table(title=title, title_justify="left", padding=0)
        table.add_column("metric", no_wrap=True)
        table.add_column("N", justify="right")
        for name in names:
            table.add_column(name.replace("-", "-\n"), justify="right", no_wrap=True)
        for metric in shown.responses.metrics:
            cells = [
                Text(shown.text(metric, name), style=_STYLES[shown.must(metric, name)]) for name in names
            ]
            heading = f"{metric} {catalog.get(metric).arrow}"
            table.add_row(heading, str(audit.samples[metric].clips), *cells)
        parts.append(table)
    parts.append(Text(LEGEND, style="dim"))
    parts += [line(f"not audited: {name}: {why}", "yellow") for name, why in audit.unscored.items()]
    return Group(*parts)


def audit_markdown(audit: Audit) -> str:
    """The same as one Markdown table, and for every damage which metrics see it well and which do not."""
    shown = _Numbers(audit)
    names = shown.responses.damages
    lines = [f"{escape_markdown(title_of(audit))}; {LEGEND}", ""]
    lines += [
        markdown_row(["metric", "N", *map(escape_markdown, names)]),
        markdown_row(["---", "--:", *["--:"] * len(names)]),
    ]
    for metric in shown.responses.metrics:
        cells = [_MARKS[shown.must(metric, name)].format(shown.text(metric, name)) for name in names]
        heading = f"{metric} {catalog.get(metric).arrow}"
        lines.append(markdown_row([heading, str(audit.samples[metric].clips), *cells]))
    lines += [
        "",
        markdown_row(["damage", "seen well by", "hardly or not at all by"]),
        markdown_row(["---"] * 3),
    ]
    for name in names:
        seen, blind = shown.digest(name)
        what = f"**{escape_markdown(name)}**: {escape_markdown(audit.damages[name].title)}"
        lines.append(markdown_row([what, ", ".join(seen) or "–", ", ".join(blind) or "–"]))
    seen_from, blind_to = round(100 * MUCH), round(100 * LITTLE)
    lines += ["", f"Seen well: {seen_from} or more, and for sure; hardly: {blind_to} or less."]
    lines += [
        f"* not audited: {escape_markdown(name)}: {escape_markdown(why)}"
        for name, why in audit.unscored.items()
    ]
    return "\n".join(lines) + "\n"


def relative_text(part: float) -> str:
    """A relative deterioration (see `Responses.relative`), in percent."""
    if math.isinf(part):
        return "–"
    text = ">100" if part > 1 else f"{100 * part:.0f}"
    return "0" if text == "-0" else text


class _Numbers:
    """The values of an audit as they are shown."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self.responses = Responses(audit.steps)
        self._verdicts: dict[tuple[str, str], Verdict] = {(v.metric, v.damage): v for v in audit.verdicts}

    def of_kind(self, kind: str) -> list[str]:
        return [name for name in self.responses.damages if self._audit.damages[name].kind == kind]

    def must(self, metric: str, damage: str) -> str:
        verdict = self._verdicts.get((metric, damage))
        return verdict.must if verdict else ""

    def text(self, metric: str, damage: str) -> str:
        verdict = self._verdicts.get((metric, damage))
        mark = "" if verdict is None or verdict.kept else "!"
        return mark + relative_text(self._part(metric, damage))

    def digest(self, damage: str) -> tuple[list[str], list[str]]:
        """The metrics that see a damage well, the best first, and those that hardly see it."""
        order = sorted(self.responses.metrics, key=lambda metric: -self._part(metric, damage))
        seen = [m for m in order if self._part(m, damage) >= MUCH and self._is_significant(m, damage)]
        blind = [m for m in self.responses.metrics if self._most(m, damage) <= LITTLE]
        return seen, blind

    def _part(self, metric: str, damage: str) -> float:
        return self.responses.relative(self.responses.steps(metric, damage)[-1])

    def _most(self, metric: str, damage: str) -> float:
        """The largest relative deterioration at any strength."""
        return max(abs(self.responses.relative(step)) for step in self.responses.steps(metric, damage))

    def _is_significant(self, metric: str, damage: str) -> bool:
        last = self.responses.steps(metric, damage)[-1]
        return last.worse is None or (last.low is not None and last.low > 0)


LEAST_WIDTH, LEAST_HEIGHT = 8.6, 2.7
"""Of the picture, inches: the title and the scale fit into it, however few metrics and damages there are."""


def draw_audit(path: Path, audit: Audit) -> None:
    """Draw a row per metric and a column per damage, five strengths from left to right in each field.

    Colour shows how much worse the metric got, see `Responses.relative_at`. A frame marks what the metric
    declares to notice (solid) or to ignore (dotted), with a cross if the declaration does not hold.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.figure import Figure

    responses = Responses(audit.steps)
    parts = np.stack([responses.relative_at(strength) for strength in range(1, STRENGTHS + 1)], axis=-1)
    rows, columns, _ = parts.shape
    size = max(2.6 + 0.86 * columns, LEAST_WIDTH), max(1.9 + 0.4 * rows, LEAST_HEIGHT)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colours = LinearSegmentedColormap.from_list("audit", COLOURS)
    scale = Normalize(-1, 1)
    axes.imshow(
        np.clip(parts.reshape(rows, -1), -1, 1), cmap=colours, norm=scale, aspect="auto",
        extent=(0, columns, rows, 0), interpolation="nearest",
    )  # fmt: skip
    axes.set_xticks(np.arange(columns) + 0.5, list(responses.damages), rotation=35, ha="right")
    headings = [f"{name} {catalog.get(name).arrow}" for name in responses.metrics]
    axes.set_yticks(np.arange(rows) + 0.5, headings)
    axes.tick_params(length=0)
    above = axes.secondary_xaxis("top")  # there are many rows
    above.set_xticks(np.arange(columns) + 0.5, list(responses.damages), rotation=35, ha="left")
    above.tick_params(length=0)
    above.spines["top"].set_visible(False)
    kinds = [audit.damages[name].kind for name in responses.damages]
    families = [catalog.get(name).definition.family for name in responses.metrics]
    for x in range(1, columns):
        axes.axvline(x, color="white", linewidth=3 if kinds[x] == kinds[x - 1] else 9)
    for y in range(1, rows):
        axes.axhline(y, color="white", linewidth=2 if families[y] == families[y - 1] else 7)
    for spine in axes.spines.values():
        spine.set_visible(False)
    _mark(axes, audit, responses)
    axes.set_title(
        f"{title_of(audit)}. In each field five strengths.\n"
        "Solid frame: must notice; dotted: must ignore; cross: does not. ",
        fontsize=9, loc="left",
    )  # fmt: skip
    bar = figure.colorbar(ScalarMappable(scale, colours), ax=axes, shrink=0.7, ticks=[-1, 0, 1], pad=0.01)
    bar.ax.set_yticklabels(["better", "as true clips", "as bad as it gets"], fontsize=8)
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=150)


def _mark(axes: Axes, audit: Audit, responses: Responses) -> None:
    """Draw frames for declarations, and crosses where they do not hold."""
    from matplotlib.patches import Rectangle

    for verdict in audit.verdicts:
        x, y = responses.damages.index(verdict.damage), responses.metrics.index(verdict.metric)
        style = "-" if verdict.must == "notice" else ":"
        frame = Rectangle(
            (x + 0.06, y + 0.1), 0.88, 0.8, fill=False, edgecolor="black", linestyle=style, zorder=4
        )
        axes.add_patch(frame)
        if not verdict.kept:
            axes.plot([x + 0.06, x + 0.94], [y + 0.1, y + 0.9], color="black")
            axes.plot([x + 0.06, x + 0.94], [y + 0.9, y + 0.1], color="black")
