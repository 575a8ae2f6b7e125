"""What the terminal shows of a training: a bar with losses, clips a second and time left."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from fevbench.cli.console import RunDisplay
from fevbench.cli.log_lines import EVERY, clock

KEEP = 0.95
"""Of the running mean of each loss, at every step."""


class TrainDisplay(RunDisplay):
    """As `RunDisplay`, with losses under the bar; without a terminal, a line now and then.

    Args:
        console: Where to show it.
        steps: Steps there will be.
        minutes: When the session ends at the latest, if it does.
    """

    def __init__(self, console: Console, steps: int, minutes: float | None) -> None:
        super().__init__(console)
        self._steps, self._minutes = steps, minutes
        self._means: dict[str, float] = {}
        self._began: float | None = None
        self._first = 0
        self._said = 0.0
        self._bar = Progress(
            TextColumn("train"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            disable=not self._live,
        )
        self._task = self._bar.add_task("", total=steps)

    def losses(self, step: int, losses: Mapping[str, float], clips_per_second: float) -> None:
        """Show a step's losses, smoothed."""
        now = time.monotonic()
        if self._began is None:
            self._began, self._first = now, step
            self._bars.stop()
            self._lines.drop()
            self._bar.start()
        for name, value in losses.items():
            self._means[name] = KEEP * self._means.get(name, value) + (1 - KEEP) * value
        left = clock(self._left(now, step))
        shown = "  ".join(f"{name} {value:.3g}" for name, value in self._means.items())
        self._bar.update(
            self._task, completed=step, description=f"{left} left  {clips_per_second:.1f} clips/s\n{shown}"
        )
        if not self._live and now - self._said > EVERY:
            self._said = now
            self.note(f"step {step} of {self._steps}, {left} left, {clips_per_second:.1f} clips/s: {shown}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
        super().__exit__(kind, error, trace)

    def _left(self, now: float, step: int) -> float:
        """Seconds until the steps are done or the minutes over."""
        spent = now - (self._began or now)
        by_steps = (self._steps - step) * spent / (step - self._first) if step > self._first else math.inf
        return by_steps if self._minutes is None else min(by_steps, max(0.0, 60 * self._minutes - spent))
