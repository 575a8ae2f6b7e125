"""The result of a carried-out plan: its values, and everything needed to repeat them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from fevbench import weights
from fevbench.judge.files import licence_of
from fevbench.results.provenance import environment
from fevbench.results.schema import (
    DatasetRecord,
    MetricResult,
    ModelRecord,
    ProtocolRecord,
    Result,
    Stage,
    WeightRecord,
)

if TYPE_CHECKING:
    from fevbench.run.generate import GeneratedClips
    from fevbench.run.plan import Plan


def describe(
    plan: Plan,
    digest: str,
    generated: GeneratedClips,
    values: Mapping[str, MetricResult],
    used: Iterable[weights.LocalWeight],
    stages: Mapping[str, Stage],
) -> Result:
    """Put a result together.

    Args:
        plan: What was done.
        digest: The digest of the scored clips.
        generated: The clips that were scored.
        values: Metric name to what was measured.
        used: The weights the extractors ran with.
        stages: Stage name to its time and counts.
    """
    return Result(
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        seed=plan.settings.seed,
        model=ModelRecord(
            name=plan.model.name,
            origin=plan.model.origin,
            fingerprint=plan.model.fingerprint,
            control=plan.model.control,
            adapted=plan.model.adapted,
            notes=generated.notes,
        ),
        dataset=DatasetRecord(
            name=plan.needs.dataset.name,
            version=plan.needs.dataset.version,
            split=plan.settings.split,
            limit=plan.settings.limit,
            clips=len(generated.clips),
            subjects=len({clip.subject for clip in generated.clips}),
            digest=digest,
            subjects_of={clip.id: clip.subject for clip in generated.clips},
        ),
        protocol=ProtocolRecord(
            id=plan.needs.protocol.id,
            size=plan.needs.protocol.size,
            frames=plan.needs.protocol.frames,
            stride=plan.needs.protocol.stride,
        ),
        metrics=dict(values),
        weights=weight_records(used),
        environment=environment(plan.device),
        stages=dict(stages),
    )


def weight_records(used: Iterable[weights.LocalWeight]) -> list[WeightRecord]:
    """The pretrained files that were used, with their licences."""
    registry = weights.load_registry()
    return [
        WeightRecord(
            name=w.name,
            sha256=w.sha256,
            licence=registry[w.name].licence if w.name in registry else licence_of(w),
        )
        for w in used
    ]
