"""The result of a carried-out plan: its values, and everything needed to repeat them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence

from fevbench import weights
from fevbench.data.clip import Clip
from fevbench.data.protocol import Protocol
from fevbench.engine.plan import Plan
from fevbench.judge.files import licence_of
from fevbench.models.apart import threads_of_a_run
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


def describe(
    plan: Plan,
    digest: str,
    clips: Sequence[Clip],
    notes: Sequence[str],
    values: Mapping[str, MetricResult],
    used: Iterable[weights.LocalWeight],
    stages: Mapping[str, Stage],
) -> Result:
    """The result of a plan; ``digest`` is of the scored clips, ``used`` the weights extractors ran with."""
    dataset, settings = plan.evaluation.dataset, plan.settings
    return Result(
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        seed=settings.seed,
        model=ModelRecord(
            name=plan.model.name,
            origin=plan.model.origin,
            fingerprint=plan.model.fingerprint,
            control=plan.model.control,
            adapted=plan.model.adapted,
            notes=list(notes),
        ),
        dataset=DatasetRecord(
            name=dataset.name,
            version=dataset.version,
            split=settings.split,
            limit=settings.limit,
            clips=len(clips),
            subjects=len({clip.subject for clip in clips}),
            digest=digest,
            subjects_of={clip.id: clip.subject for clip in clips},
            labels=list(dataset.labels),
            labels_of={clip.id: clip.label for clip in clips},
        ),
        protocol=protocol_record(plan.evaluation.protocol),
        metrics=dict(values),
        weights=weight_records(used),
        environment=environment(plan.device, plan.evaluation.ran_on(plan.device), threads=threads_of_a_run()),
        stages=dict(stages),
    )


def protocol_record(protocol: Protocol) -> ProtocolRecord:
    """How clips were sampled."""
    return ProtocolRecord(
        id=protocol.id,
        size=protocol.size,
        frames=protocol.frames,
        stride=protocol.stride,
        scores_input=protocol.scores_input,
        fps=protocol.fps,
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
