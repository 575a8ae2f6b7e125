"""Whether results are what they claim to be, as far as they and the data sets here can tell."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fevbench import weights
from fevbench.counts import some
from fevbench.errors import FevbenchError
from fevbench.extractors.base import extractors
from fevbench.judge.files import MODEL as JUDGE
from fevbench.judge.files import find_judge
from fevbench.metrics.catalog import Metric
from fevbench.metrics.catalog import metrics as catalog
from fevbench.results.schema import Result
from leaderboard.entries import Entry
from leaderboard.figures import wrong_figures
from leaderboard.layout import place, scored_clips, small_clips
from leaderboard.small_clips import ARCHIVE_SUFFIX, CLIPS_SUFFIX, TRUE_CLIPS, find_small_clips
from leaderboard.truth import Truths

ALIKE = 1e-3
"""How far two machines' numbers may part, relative to their size: a margin, not a measurement."""
ALIKE_NEAR_ZERO = 1e-5
"""The same where numbers are next to nothing."""
DIRTY = "+dirty"
LONGEST_NAME = 100
"""Characters of a model's name that a table can bear."""


@dataclass(frozen=True)
class Finding:
    """Something that was found.

    Attributes:
        what: What, in one line.
        fault: Whether the result must not count; otherwise it is good to know.
    """

    what: str
    fault: bool = True


def alike(one: float | None, other: float | None) -> bool:
    """Whether two values are the same number, made on two machines."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=ALIKE, abs_tol=ALIKE_NEAR_ZERO)


def check_result(result: Result, truths: Truths) -> Iterator[Finding]:
    """Yield what is wrong with a result by itself.

    Args:
        result: The result.
        truths: The true clips.
    """
    for what in truths.faults(result):
        yield Finding(what)
    name = result.model.name
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        yield Finding(f"its model's name is no line of 1 to {LONGEST_NAME} characters that print")
    try:
        datetime.datetime.fromisoformat(result.created)
    except ValueError:
        yield Finding(f"created {result.created!r} is no time")
    if not result.metrics:
        yield Finding("it holds no metric")
    yield from _weights(result, truths)
    if (result.environment.commit or "").endswith(DIRTY):
        yield Finding("made by changed code, which nobody else has", fault=False)
    current = current_metrics(result)
    for name, found in result.metrics.items():
        if name not in catalog:
            yield Finding(f"no metric is called {name!r} here")
        elif name not in current:
            here = catalog.get(name).under(result.protocol).id
            yield Finding(f"{name}: it is {found.id}, and {here} here: not checked", fault=False)
        else:
            for what in wrong_figures(result, current[name]):
                yield Finding(f"{name}: {what}")


def current_metrics(result: Result) -> dict[str, Metric]:
    """The metrics of a result that were scored by this version's definitions, as it declares them."""
    judge = next((record.sha256 for record in result.weights if record.name == JUDGE), None)
    known = [
        catalog.get(name).by_judge(judge).under(result.protocol) for name in catalog if name in result.metrics
    ]
    return {metric.name: metric for metric in known if result.metrics[metric.name].id == metric.id}


def left_out(result: Result) -> list[str]:
    """The metrics that every run has unless its user chose, and that a result lacks: perhaps its bad ones."""
    return [name for name in catalog if not catalog.get(name).optional and name not in result.metrics]


def _weights(result: Result, truths: Truths) -> Iterator[Finding]:
    registry = weights.load_registry()
    used = {record.name: record.sha256 for record in result.weights}
    for name, sha256 in used.items():
        if name == JUDGE:
            yield from _judge(result, sha256, truths)
        elif name not in registry:
            yield Finding(f"no weight is called {name!r} here")
        elif sha256 not in {file.sha256 for file in registry[name].files}:
            yield Finding(f"{name} was {sha256[:12]}, which is none of the registered files")
    for metric in current_metrics(result).values():
        needed = {weight for name in metric.extractors for weight in extractors.get(name).weights}
        if result.metrics[metric.name].value is not None and (lacking := needed - used.keys()):
            yield Finding(f"{metric.name}: it does not say which {', '.join(sorted(lacking))} it used")


def _judge(result: Result, sha256: str, truths: Truths) -> Iterator[Finding]:
    try:
        truth = truths.of(result)
    except FevbenchError:  # said already
        return
    here = find_judge(truth.corpus.dataset, truth.protocol)
    if here is None or here.sha256 != sha256:
        yield Finding(f"its judge, {sha256[:12]}, is not the one here: nobody else can ask it", fault=False)


def check_entry(entry: Entry, truths: Truths) -> Iterator[Finding]:
    """Yield what is wrong with a filed result, with its place, or with its small clips."""
    yield from check_result(entry.result, truths)
    try:
        wanted = place(entry.result)
    except FevbenchError as error:
        yield Finding(str(error))
    else:
        if entry.file.resolve().parts[-len(wanted.parts) :] != wanted.parts:
            yield Finding(f"it belongs at {wanted}")
    scored = scored_clips(entry.result)
    for name in (entry.file.stem, TRUE_CLIPS):
        clips = find_small_clips(entry.file.parent, name)
        if clips is None:
            yield Finding(f"no small clips in {name}{ARCHIVE_SUFFIX}: add its run again with --replace")
            return
        try:
            there = clips.files()
        except OSError as error:
            yield Finding(f"{clips.name} cannot be read ({error.strerror}): add its run again with --replace")
            return
        wanted_names = {f"{clip}{CLIPS_SUFFIX}" for clip in scored}
        if lacking := sorted(wanted_names - there):
            yield Finding(f"{clips.name} lacks {some(lacking)}")
        if name != TRUE_CLIPS and (more := sorted(there - wanted_names)):
            yield Finding(f"{clips.name} holds what is no clip of it: {some(more)}")
    for clip, content in small_clips(entry):
        if content[4:8] != b"ftyp":
            yield Finding(f"{clip}{CLIPS_SUFFIX} is no MP4")


def check_together(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Finding]]:
    """Yield in which results the true clips have other numbers than in the first one of the same clips."""
    first: dict[tuple[str, str, str], tuple[Entry, float]] = {}
    for entry in entries:
        for name, metric in entry.result.metrics.items():
            if metric.ceiling is None:
                continue
            key = (entry.result.dataset.digest, entry.result.protocol.id, metric.id)
            other, ceiling = first.setdefault(key, (entry, metric.ceiling))
            if not alike(ceiling, metric.ceiling):
                what = f"{name}: the true clips have {metric.ceiling:g}, and {ceiling:g} in {other.file.name}"
                yield entry, Finding(what)
