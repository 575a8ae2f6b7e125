"""The result of a carried-out plan: its values, and everything needed to repeat them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
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
    from fevbench.data.clip import Clip, Dataset, Split
    from fevbench.data.protocol import Protocol
    from fevbench.engine.plan import Plan


def describe(
    plan: Plan,
    digest: str,
    clips: Sequence[Clip],
    notes: Sequence[str],
    values: Mapping[str, MetricResult],
    used: Iterable[weights.LocalWeight],
    stages: Mapping[str, Stage],
) -> Result:
    """Put a result together.

    Args:
        plan: What was done.
        digest: The digest of the scored clips.
        clips: The clips that were scored.
        notes: What a reader must know of the model.
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
            notes=list(notes),
        ),
        dataset=dataset_record(plan.needs.dataset, plan.settings.split, plan.settings.limit, clips, digest),
        protocol=protocol_record(plan.needs.protocol),
        metrics=dict(values),
        weights=weight_records(used),
        environment=environment(plan.device),
        stages=dict(stages),
    )


def dataset_record(
    dataset: Dataset, split: Split, limit: int | None, clips: Sequence[Clip], digest: str
) -> DatasetRecord:
    """What was scored, of which data set.

    Args:
        dataset: The data set.
        split: Which people.
        limit: How many clips were asked for.
        clips: The scored clips.
        digest: Their digest.
    """
    return DatasetRecord(
        name=dataset.name,
        version=dataset.version,
        split=split,
        limit=limit,
        clips=len(clips),
        subjects=len({clip.subject for clip in clips}),
        digest=digest,
        subjects_of={clip.id: clip.subject for clip in clips},
        labels=list(dataset.labels),
        labels_of={clip.id: clip.label for clip in clips},
    )


def protocol_record(protocol: Protocol) -> ProtocolRecord:
    """How clips were sampled."""
    return ProtocolRecord(
        id=protocol.id,
        size=protocol.size,
        frames=protocol.frames,
        stride=protocol.stride,
        scores_input=protocol.scores_input,
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
