"""Results without a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fevbench.metrics.catalog import metrics as catalog
from fevbench.results.schema import (
    DatasetRecord,
    Environment,
    Interval,
    MetricResult,
    ModelRecord,
    ProtocolRecord,
    Result,
)


def made_up(name: str, values: dict[str, float | None], **changes: Any) -> Result:
    """A result with these values; ``changes`` are fields, or ``record__field``."""
    result = Result(
        created="2026-01-01T00:00:00+00:00",
        seed=0,
        model=ModelRecord(name=name, origin="here", fingerprint="f" * 64, control=False),
        dataset=DatasetRecord(
            name="tiny", version="1", split="test", limit=None, clips=9, subjects=6, digest="d" * 64
        ),
        protocol=ProtocolRecord(id="64x16@2", size=64, frames=16, stride=2, scores_input=False),
        metrics={metric: _metric(metric, value) for metric, value in values.items()},
        weights=[],
        environment=Environment(
            fevbench="0", commit=None, python="3", platform="x", device="cpu (x)", threads=1, packages={}
        ),
        stages={},
    )
    for key, value in changes.items():
        record, _, field = key.partition("__")
        new = getattr(result, record).model_copy(update={field: value}) if field else value
        result = result.model_copy(update={record: new})
    return result


def scored(
    name: str,
    clips: Mapping[str, Mapping[str, float | None]],
    sets: Mapping[str, tuple[float, Sequence[float]]] | None = None,
    excused: Sequence[str] = (),
    **changes: Any,
) -> Result:
    """A result with values of clips called ``person-number``, and of sets with their replicates.

    Args:
        name: The model's.
        clips: Clip metric to clip to value.
        sets: Set metric to its number and the number without each group of people.
        excused: Clips that do not count.
        changes: As in `made_up`; what it says of people goes before.
    """
    metrics = {}
    ids = sorted({clip for values in clips.values() for clip in values})
    subjects = {clip: clip.partition("-")[0] for clip in ids}
    for metric, values in clips.items():
        declared = catalog.get(metric)
        counted = {clip: value for clip, value in values.items() if clip not in excused}
        missing = sum(value is None for value in counted.values())
        observed = [value for value in counted.values() if value is not None]
        # Written out on purpose, so that nothing is tested against itself.
        worst = min if declared.higher_is_better else max
        lost = declared.sampling.missing_value
        stand_in = worst(observed if lost is None else [*observed, lost])
        total = math.fsum(stand_in if value is None else value for value in counted.values())
        metrics[metric] = _metric(metric, total / len(counted)).model_copy(
            update={
                "n": len(counted),
                "subjects": len({subjects[clip] for clip in counted}),
                "missing": missing,
                "excused": len(values) - len(counted),
                "excused_clips": list(excused),
                "per_clip": dict(values),
            }
        )
    for metric, (value, replicates) in (sets or {}).items():
        metrics[metric] = _metric(metric, value).model_copy(update={"replicates": list(replicates)})
    people = {
        "dataset__clips": len(ids),
        "dataset__subjects": len(set(subjects.values())),
        "dataset__subjects_of": subjects,
    }
    return made_up(name, {}, **{"metrics": metrics, **people, **changes})


def _metric(name: str, value: float | None) -> MetricResult:
    declared = catalog.get(name)
    mean = declared.kind == "clip" and value is not None
    return MetricResult(
        id=declared.id,
        value=value,
        reason="" if value is not None else "no face in any frame",
        higher_is_better=declared.higher_is_better,
        unit=declared.definition.unit,
        n=9,
        sample=declared.sampling.counts,
        subjects=6,
        interval=Interval(low=value - 0.05, high=value + 0.05, level=0.95, method="m") if mean else None,  # type: ignore[operator]
        ceiling=1.0,
    )
