"""An audit from its plan to its record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench import weights
from fevbench.atomic import check_writable, write_text
from fevbench.audit.ladder import Ladder
from fevbench.audit.record import AUDIT_FILE, Audit
from fevbench.audit.verdict import Ladders, judge
from fevbench.data.corpus import Corpus
from fevbench.errors import FevbenchError
from fevbench.judge.files import find_judge
from fevbench.results.provenance import environment
from fevbench.run.describe import dataset_record, protocol_record, weight_records
from fevbench.run.needs import Needs

if TYPE_CHECKING:
    from fevbench.audit.scene import Damage
    from fevbench.data.clip import Dataset
    from fevbench.data.protocol import Protocol
    from fevbench.metrics.catalog import Metric
    from fevbench.run.progress import Progress


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
    corpus = Corpus(dataset, protocol, "test", limit)
    if len({clip.subject for clip in corpus.pool}) < 2 or len({clip.label for clip in corpus.pool}) < 2:
        raise FevbenchError(
            f"{dataset.name} has too few people or labels to swap them", "audit on another data set"
        )
    needs = Needs(tuple(metrics), dataset, protocol, find_judge(dataset, protocol))
    for extractor in needs.extractors:
        extractor.versions()
    local = needs.require(offline, pull)
    able = tuple(metric for metric in needs.metrics if not needs.why_not(metric))
    steps = Ladder(corpus, able, needs.extractors, local, device, batch_size).climb(damages, progress)
    found = Audit(
        dataset=dataset_record(dataset, "test", limit, corpus.clips, corpus.digest()),
        protocol=protocol_record(protocol),
        ids={metric.name: metric.id for metric in able},
        unscored={m.name: why for m in needs.metrics if (why := needs.why_not(m))},
        damages={damage.name: list(damage.steps) for damage in damages},
        steps=steps,
        verdicts=judge(Ladders(steps), {metric.name: metric for metric in able}),
        weights=weight_records(local.values()),
        environment=environment(device),
    )
    write_text(out / AUDIT_FILE, found.model_dump_json(indent=1) + "\n")
    return found
