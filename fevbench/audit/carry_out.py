"""An audit from its plan to its record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench import weights
from fevbench.atomic import check_writable, write_text
from fevbench.audit.ladder import Ladder
from fevbench.audit.record import AUDIT_FILE, Audit, DamageRecord, Sample, read_audit
from fevbench.audit.verdict import Ladders, judge
from fevbench.data.corpus import Corpus
from fevbench.engine.describe import protocol_record, weight_records
from fevbench.engine.plan import Evaluation
from fevbench.errors import FevbenchError
from fevbench.judge.files import find_judge
from fevbench.metrics.catalog import metrics as catalog
from fevbench.results.provenance import environment

if TYPE_CHECKING:
    from fevbench.audit.scene import Damage
    from fevbench.data.clip import Dataset
    from fevbench.data.protocol import Protocol
    from fevbench.metrics.catalog import Metric
    from fevbench.progress import Progress


def audit(
    dataset: Dataset,
    protocol: Protocol,
    metrics: Sequence[Metric],
    damages: Sequence[Damage],
    limit: int,
    device: str,
    batch_size: int | None,
    out: Path,
    progress: Progress,
    offline: bool = False,
    pull: weights.Progress | None = None,
) -> Audit:
    """Audit metrics on the test clips of a data set, and write ``audit.json``.

    Metrics that were audited in the folder before stay in it.

    Args:
        dataset: Whose clips are damaged.
        protocol: How they are sampled.
        metrics: What is audited.
        damages: What is done.
        limit: How many clips at most.
        device: The torch device.
        batch_size: Samples a network sees at once; None for each extractor's default.
        out: The folder.
        progress: Hears how it proceeds.
        offline: Never touch the network.
        pull: Hears how downloads proceed.

    Raises:
        FevbenchError: Something the user can fix.
    """
    check_writable(out / AUDIT_FILE)
    before = _earlier(out / AUDIT_FILE, dataset, protocol, damages)
    corpus = Corpus(dataset, protocol, "test", limit)
    if len({clip.subject for clip in corpus.pool}) < 2 or len({clip.label for clip in corpus.pool}) < 2:
        raise FevbenchError(
            f"{dataset.name} has too few people or labels to swap them", "audit on another data set"
        )
    evaluation = Evaluation(
        tuple(metrics), dataset, protocol, find_judge(dataset, protocol), clips=corpus.clips
    )
    for extractor in evaluation.extractors:
        extractor.versions()
    local = evaluation.require(offline, pull)
    able = tuple(metric for metric in evaluation.metrics if not evaluation.unavailable(metric))
    ladder = Ladder(corpus, able, evaluation.extractors, local, device, batch_size)
    steps, absent = ladder.climb(damages, progress)
    able = tuple(metric for metric in able if metric.name not in absent)
    subjects = len({clip.subject for clip in corpus.clips})
    sample = Sample(clips=len(corpus.clips), subjects=subjects, digest=corpus.digest())
    found = Audit(
        dataset=dataset.name,
        version=dataset.version,
        protocol=protocol_record(protocol),
        ids={metric.name: metric.id for metric in able},
        samples={metric.name: sample for metric in able},
        unscored={
            m.name: why
            for m in evaluation.metrics
            if (why := absent.get(m.name) or evaluation.unavailable(m))
        },
        damages={
            damage.name: DamageRecord(kind=damage.kind, title=damage.title, steps=list(damage.steps))
            for damage in damages
        },
        steps=steps,
        verdicts=judge(Ladders(steps), {metric.name: metric for metric in able}),
        weights=weight_records(local.values()),
        environment=environment(device),
    )
    found = _joined(before, found)
    if not found.ids:
        raise FevbenchError(
            "no metric can be audited here: "
            + "; ".join(f"{name}: {why}" for name, why in found.unscored.items()),
            "choose other --metrics, or more clips with --limit",
        )
    write_text(out / AUDIT_FILE, found.model_dump_json() + "\n")
    return found


def _earlier(file: Path, dataset: Dataset, protocol: Protocol, damages: Sequence[Damage]) -> Audit | None:
    """The audit that is in the folder already, if there is one that another can be added to."""
    if not file.exists():
        return None
    before = read_audit(file)
    same = (before.dataset, before.version, before.protocol.id, tuple(before.damages))
    if same != (dataset.name, dataset.version, protocol.id, tuple(damage.name for damage in damages)):
        few = len(before.damages) < 6
        by = ", ".join(before.damages) if few else f"{len(before.damages)} damages"
        raise FevbenchError(
            f"{file} is an audit of {before.dataset} {before.version} under {before.protocol.id} by {by}, "
            "and this one is not",
            "choose another --out, or the same --damages",
        )
    return before


def _joined(before: Audit | None, after: Audit) -> Audit:
    """Both audits as one, metrics in the catalogue's order; the later one replaces what it holds."""
    earlier = [] if before is None else [before]
    ids = {name: id_ for audit in earlier for name, id_ in audit.ids.items() if name not in after.ids}
    samples = {name: audit.samples[name] for audit in earlier for name in audit.ids}
    unscored = {name: why for audit in (*earlier, after) for name, why in audit.unscored.items()}
    place = {name: i for i, name in enumerate(catalog)}
    steps = [step for audit in earlier for step in audit.steps if step.metric in ids] + after.steps
    verdicts = [v for audit in earlier for v in audit.verdicts if v.metric in ids] + after.verdicts
    names = sorted({**ids, **after.ids}, key=place.__getitem__)
    weights = {record.name: record for audit in (*earlier, after) for record in audit.weights}
    return after.model_copy(
        update={
            "ids": {name: (ids | after.ids)[name] for name in names},
            "samples": {name: (samples | after.samples)[name] for name in names},
            "unscored": {name: why for name, why in unscored.items() if name not in names},
            "steps": sorted(steps, key=lambda step: place[step.metric]),
            "verdicts": sorted(verdicts, key=lambda verdict: place[verdict.metric]),
            "weights": list(weights.values()),
        }
    )
