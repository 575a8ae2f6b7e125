"""Learning curves as inline SVG."""

from __future__ import annotations

from markupsafe import Markup, escape

from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.rows import number
from fevbench.wording import n_clips
from leaderboard.site.board import value_text
from leaderboard.site.charts import BOTTOM, LEFT, RIGHT, TOP, axes, over
from leaderboard.site.curves import Curve

WIDTH, HEIGHT = 250, 180


def learning_curve(metric: str, curve: Curve) -> Markup:
    """A metric against the clips that a training had seen, with intervals, at two or more points."""
    x = over("thousand clips seen", [step.clips / 1000 for step in curve])
    ends = [end for step in curve for end in (step.value, step.low, step.high) if end is not None]
    y = over(f"{metric} {catalog.get(metric).arrow}", ends)

    def place(clips: int, value: float) -> tuple[str, str]:
        across, up = x.part(clips / 1000) * (WIDTH - LEFT - RIGHT), y.part(value) * (HEIGHT - TOP - BOTTOM)
        return f"{LEFT + across:.1f}", f"{HEIGHT - BOTTOM - up:.1f}"

    parts, texts = axes(x, y, WIDTH, HEIGHT), []
    line = "L".join(" ".join(place(step.clips, step.value)) for step in curve)
    parts.append(f'<path class="curve" d="M{line}"/>')
    for step in curve:
        left, up = place(step.clips, step.value)
        bounds = ""
        if step.low is not None and step.high is not None:
            low, high = place(step.clips, step.low)[1], place(step.clips, step.high)[1]
            parts.append(f'<line class="interval" x1="{left}" x2="{left}" y1="{low}" y2="{high}"/>')
            bounds = f" [{number(metric, step.low)}, {number(metric, step.high)}]"
        text = f"{value_text(metric, step.value)}{bounds} after {step.clips} clips"
        texts.append(text)
        title = f"<title>{escape(f'{text}; {n_clips(step.n)} of val subjects')}</title>"
        parts.append(f'<circle class="model" cx="{left}" cy="{up}" r="4">{title}</circle>')
    label = f"{metric}: {'; '.join(texts)}"
    return Markup(
        f'<svg class="scatter small" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )
