"""Fifteen runs of a whole test split of FEVSynth side by side: ranks and paired tests in metrics of clips."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from clock import finish, of_this_thread, tell

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from made_up_results import scored

from fevbench.metrics.catalog import metrics
from fevbench.report.rows import compare
from fevbench.results.schema import Result

LIMIT_S = 2.0
RUNS, PEOPLE, CLIPS = 15, 24, 12


def runs() -> list[Result]:
    """Made-up runs of the same clips."""
    ids = [f"p{i:02}-{k}" for i in range(PEOPLE) for k in range(CLIPS)]
    rng = np.random.default_rng(0)
    known = [metrics.get(name) for name in metrics]
    names = [metric.name for metric in known if metric.kind == "clip" and metric.selected_by == "default"]
    return [
        scored(
            f"m{k}",
            {name: dict(zip(ids, rng.normal(size=len(ids)).tolist(), strict=True)) for name in names},
        )
        for k in range(RUNS)
    ]


if __name__ == "__main__":
    made = runs()
    what = f"comparing {RUNS} runs of {PEOPLE * CLIPS} clips in {len(made[0].metrics)} metrics"
    finish([tell(what, LIMIT_S, lambda: of_this_thread(lambda: compare(made)))])
