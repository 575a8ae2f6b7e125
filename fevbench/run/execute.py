"""Carrying out a plan. The run folder is the unit of resume: the same plan continues where it was."""

from __future__ import annotations

import datetime
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench import paths, weights
from fevbench.data.corpus import Corpus
from fevbench.errors import RunError
from fevbench.extractors.base import extractors
from fevbench.metrics.catalog import metrics as catalog
from fevbench.results.provenance import environment
from fevbench.results.schema import (
    RESULT_FILE,
    DatasetRecord,
    MetricResult,
    ModelRecord,
    ProtocolRecord,
    Result,
    Stage,
    WeightRecord,
    read_result,
    write_result,
)
from fevbench.run.extract import Extraction
from fevbench.run.generate import GeneratedClips
from fevbench.run.plan import SETTINGS_FILE, Plan, claim_folder
from fevbench.run.progress import Progress
from fevbench.run.score import Side, score

if TYPE_CHECKING:
    from fevbench.run.score import Features

CLIPS_FOLDER = "clips"


def execute(
    plan: Plan, progress: Progress, offline: bool = False, pull: weights.Progress | None = None
) -> Result:
    """Carry out a plan and write ``result.json`` into its folder.

    Args:
        plan: What to do.
        progress: Hears what happens.
        offline: Never touch the network.
        pull: Hears how downloads proceed.

    Returns:
        The result; the earlier one, untouched, if everything asked for is in it already.

    Raises:
        FevbenchError: Something the user can fix; what was finished is kept.
    """
    begun = claim_folder(plan.out, plan.settings)
    before = _earlier_result(plan) if begun else None
    plan = _with_earlier_metrics(plan, before)
    local = {name: weights.require(name, offline=offline, progress=pull) for name in plan.weights}
    if before is not None and _is_complete(plan, before, local):
        progress.note(f"nothing to do: {plan.out} is complete")
        return before
    return _Session(plan, progress, local).run()


def discard(out: Path) -> None:
    """Delete a run's own files from its folder, and nothing else.

    Raises:
        RunError: The folder holds no run.
    """
    if not out.exists():
        return
    if not (out / SETTINGS_FILE).exists():
        raise RunError(f"{out} holds no run to overwrite", "choose another --out")
    for name in (RESULT_FILE, SETTINGS_FILE):
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / CLIPS_FOLDER, ignore_errors=True)


def _earlier_result(plan: Plan) -> Result | None:
    return read_result(plan.out) if (plan.out / RESULT_FILE).exists() else None


def _with_earlier_metrics(plan: Plan, before: Result | None) -> Plan:
    """Ask for what an earlier result holds as well, so that asking for less never loses a number."""
    names = {metric.name for metric in plan.metrics} | set(before.metrics if before else ())
    return replace(plan, metrics=tuple(catalog.get(name) for name in catalog if name in names))


def _is_complete(plan: Plan, result: Result, local: Mapping[str, weights.LocalWeight]) -> bool:
    """Whether a result answers the plan: same definitions, same weights, same code, clips in place."""
    import fevbench

    ids = {name: metric.id for name, metric in result.metrics.items()}
    hashes = {record.name: record.sha256 for record in result.weights}
    folder = plan.out / CLIPS_FOLDER
    return (
        all(ids.get(metric.name) == metric.id for metric in plan.metrics)
        and all(hashes.get(name) == weight.sha256 for name, weight in local.items())
        and result.environment.fevbench == fevbench.__version__
        and sum(1 for _ in folder.glob("*.mkv")) == result.dataset.clips
    )


class _Session:
    """One attempt at a plan."""

    def __init__(
        self,
        plan: Plan,
        progress: Progress,
        local: Mapping[str, weights.LocalWeight],
    ) -> None:
        self._plan = plan
        self._progress = progress
        self._local = local
        self._stages: dict[str, Stage] = {}

    def run(self) -> Result:
        plan = self._plan
        corpus = Corpus(plan.dataset, plan.protocol, plan.settings.split, plan.settings.limit)
        folder = plan.out / CLIPS_FOLDER
        with self._stage("decode") as count:
            digest = corpus.digest()
            count(len(corpus.clips), 0)
        with self._stage("generate") as count:
            generated = GeneratedClips(plan.model, corpus, folder, plan.settings.seed, plan.device)
            there = sum(generated.path(clip).exists() for clip in generated.clips)
            if there:
                self._progress.note(f"continuing: {there} of {len(generated.clips)} clips were made before")
            generated.make_all(self._progress)
            count(generated.made, len(generated.clips) - generated.made)
        features = {
            name: self._extract(name, corpus, generated) for name in (e.name for e in plan.extractors)
        }
        made = Side(generated.frames, {name: both[0] for name, both in features.items()})
        true = Side(corpus.frames, {name: both[1] for name, both in features.items()})
        values: dict[str, MetricResult] = {}
        with self._stage("score") as count:
            self._progress.start("score", len(plan.metrics))
            for metric in plan.metrics:
                values[metric.name] = score(metric, generated.clips, made, true)
                self._progress.advance(1)
            count(len(values), 0)
        result = self._result(digest, generated, values)
        write_result(plan.out, result)
        return result

    def _extract(self, name: str, corpus: Corpus, generated: GeneratedClips) -> tuple[Features, Features]:
        """Features of the generated clips and of the true ones, by one extractor."""
        extractor = extractors.get(name)
        clips = generated.clips
        samples = 2 * len(clips) * (corpus.protocol.frames if extractor.unit == "frame" else 1)
        self._progress.start(name, samples)
        with (
            self._stage(name) as count,
            Extraction(
                extractor,
                self._local,
                self._plan.device,
                self._plan.batch_size,
                paths.home() / "features",
                self._progress.advance,
            ) as extraction,
        ):
            sources = [partial(generated.frames, clip) for clip in clips]
            truths = [partial(corpus.frames, clip) for clip in clips]
            features = extraction.of_clips([*sources, *truths])
            count(extraction.computed, extraction.reused)
        return features[: len(clips)], features[len(clips) :]

    @contextmanager
    def _stage(self, name: str) -> Iterator[Callable[[int, int], None]]:
        """Time a stage; the block reports how many samples it computed and reused."""
        start = time.perf_counter()
        counts = (0, 0)

        def count(computed: int, reused: int) -> None:
            nonlocal counts
            counts = (computed, reused)

        yield count
        seconds = round(time.perf_counter() - start, 3)
        self._stages[name] = Stage(seconds=seconds, computed=counts[0], reused=counts[1])

    def _result(self, digest: str, generated: GeneratedClips, values: dict[str, MetricResult]) -> Result:
        plan = self._plan
        registry = weights.load_registry()
        return Result(
            created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            seed=plan.settings.seed,
            model=ModelRecord(
                name=plan.model.name,
                origin=plan.model.origin,
                fingerprint=plan.model.fingerprint,
                control=plan.model.control,
                notes=generated.notes,
            ),
            dataset=DatasetRecord(
                name=plan.dataset.name,
                version=plan.dataset.version,
                split=plan.settings.split,
                limit=plan.settings.limit,
                clips=len(generated.clips),
                subjects=len({clip.subject for clip in generated.clips}),
                digest=digest,
            ),
            protocol=ProtocolRecord(
                id=plan.protocol.id,
                size=plan.protocol.size,
                frames=plan.protocol.frames,
                stride=plan.protocol.stride,
            ),
            metrics=values,
            weights=[
                WeightRecord(name=w.name, sha256=w.sha256, licence=registry[w.name].licence)
                for w in self._local.values()
            ],
            environment=environment(plan.device),
            stages=self._stages,
        )
