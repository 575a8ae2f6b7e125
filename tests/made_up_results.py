"""Results without a run."""

from __future__ import annotations

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
            name="tiny", version="1", split="test", limit=None, clips=9, subjects=3, digest="d" * 64
        ),
        protocol=ProtocolRecord(id="64x16@1", size=64, frames=16, stride=2),
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


def _metric(name: str, value: float | None) -> MetricResult:
    declared = catalog.get(name)
    mean = declared.kind == "clip" and value is not None
    return MetricResult(
        id=declared.id,
        value=value,
        reason="" if value is not None else "no face in any frame",
        higher_is_better=declared.higher_is_better,
        unit=declared.unit,
        n=9,
        sample=declared.sample,
        subjects=3,
        interval=Interval(low=value - 0.05, high=value + 0.05, level=0.95, method="m") if mean else None,  # type: ignore[operator]
        ceiling=1.0,
    )
