"""One run of the measures on one set: the measures, the networks, and the file of outcomes."""

from __future__ import annotations

import datetime
import importlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fevbench import paths, weights
from fevbench.atomic import write_text
from fevbench.data.clip import Frames
from fevbench.engine.extract import Extraction
from fevbench.engine.samples import HashedClip
from fevbench.engine.work import at_once
from fevbench.errors import DatasetError, UnknownName
from fevbench.extractors.base import extractors
from fevbench.fevsynth.measure.folder import RenderedSet
from fevbench.fevsynth.measure.record import Entry, Measured, NotMeasurable, read_measured
from fevbench.hashing import sha256_of
from fevbench.metrics.tracked import no_face
from fevbench.progress import Progress
from fevbench.records import Record
from fevbench.results.provenance import environment
from fevbench.results.schema import WeightRecord


def has_face(features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of ``float32[N, D]`` are of a frame with a face: extractors of faces answer NaN without."""
    return ~no_face(features)


class Networks:
    """Extractors of frames with their weights, which must all be present before the first is used.

    Raises:
        FevbenchError: A weight or a package is missing; the message says how to get it.
    """

    def __init__(
        self,
        names: Iterable[str],
        device: str,
        progress: Progress,
        offline: bool = False,
        pull: weights.Progress | None = None,
    ) -> None:
        self._device = device
        self._progress = progress
        wanted = [extractors.get(name) for name in names]
        for extractor in wanted:
            extractor.versions()
        files = dict.fromkeys(name for extractor in wanted for name in extractor.weights)
        self._local = weights.require_all(files, offline=offline, progress=pull)

    def weights(self, names: Iterable[str]) -> list[WeightRecord]:
        """The files that some of the extractors run with."""
        registry = weights.load_registry()
        files = dict.fromkeys(file for name in names for file in extractors.get(name).weights)
        return [
            WeightRecord(name=name, sha256=self._local[name].sha256, licence=registry[name].licence)
            for name in files
        ]

    def features(
        self, name: str, stage: str, sources: Sequence[Callable[[], Frames]], frames: int
    ) -> NDArray[np.float32]:
        """Features of frames: ``float32[len(sources), frames, D]``."""
        extractor = extractors.get(name)
        if not sources:
            return np.zeros((0, frames, extractor.dim), np.float32)
        self._progress.start(stage, len(sources) * frames)
        cache = paths.home() / "features"
        rows: list[NDArray[np.float32]] = []
        with Extraction(extractor, self._local, self._device, None, cache, self._progress.note) as extraction:
            for some in at_once(sources, frames):
                clips = [HashedClip(source()) for source in some]
                rows += extraction.of_pairs([(clip, clip) for clip in clips])
                self._progress.advance(len(clips) * frames)
        return np.stack(rows)


MEASURES: Mapping[str, tuple[str, ...]] = {
    "composition": (),
    "detection": ("face-points",),
    "identity": ("arcface",),
    "blendshapes": ("face-mesh",),
    "expressions": ("fer-xception", "face-api"),
    "border": (),
    "reader": (),
}
"""Every measure with the extractors it needs, in the order they are carried out.

Each is a module of this package whose ``measure`` takes a `Study` and returns a record.
"""


@dataclass(frozen=True)
class Study:
    """The inputs of a measure; `blendshapes` uses every ``stride``-th frame of a clip."""

    rendered: RenderedSet
    networks: Networks
    progress: Progress
    device: str
    stride: int


def choose_measures(names: Sequence[str]) -> tuple[str, ...]:
    """The named measures, in the order of `MEASURES`; all if none is named.

    Raises:
        UnknownName: No measure has one of the names.
    """
    for name in names:
        if name not in MEASURES:
            raise UnknownName("measure", name, MEASURES)
    return tuple(name for name in MEASURES if not names or name in names)


def carry_out(study: Study, names: Sequence[str], out: Path) -> Measured:
    """Carry out measures; the file is written after each, and keeps what it held of the same set.

    A measure that the file holds already, made by the same code with the same weights in the same
    environment, is not carried out again.

    Raises:
        DatasetError: The file is there and holds another set, or something else.
        FevbenchError: A measure cannot continue; finished measures are kept.
    """
    measured = _begin(study.rendered, out)
    for name in names:
        blank = _blank(study, name)
        if _is_current(measured.measures.get(name), blank):
            study.progress.note(f"{name}: kept as measured before; delete {out} to measure it again")
            continue
        try:
            measured = _with(measured, name, _filled(study, name, blank))
        except NotMeasurable as error:
            measured = _with(measured, name, str(error))
        write_text(out, measured.model_dump_json(indent=1) + "\n")
    return measured


def _begin(rendered: RenderedSet, out: Path) -> Measured:
    """The earlier content of the file for this set, or an empty record."""
    manifest, truth = sha256_of(rendered.manifest_file), sha256_of(rendered.truth_file)
    fresh = Measured(
        dataset=rendered.data.name,
        version=rendered.data.version,
        manifest_sha256=manifest,
        truth_sha256=truth,
        measures={},
        not_measured={},
    )
    if not out.exists():
        return fresh
    earlier = read_measured(out)
    if earlier.manifest_sha256 != manifest:
        what = f"{out} holds what was measured of {earlier.dataset} {earlier.version}"
        raise DatasetError(what, "choose another --out, or delete it")
    return earlier


def _blank(study: Study, name: str) -> Entry:
    """The entry of a measure that is yet to be carried out."""
    return Entry(
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        seconds=0,
        parameters={"stride": study.stride} if name == "blendshapes" else {},
        weights=study.networks.weights(MEASURES[name]),
        environment=environment(study.device),
        result={},
    )


def _is_current(earlier: Entry | None, blank: Entry) -> bool:
    """Whether carrying out a measure would give what is there. Changed files can be any code."""
    if earlier is None or (earlier.environment.commit or "").endswith("+dirty"):
        return False
    what = {"parameters", "weights", "environment"}
    return earlier.model_dump(include=what) == blank.model_dump(include=what)


def _filled(study: Study, name: str, blank: Entry) -> Entry:
    module = importlib.import_module(f"fevbench.fevsynth.measure.{name}")
    start = time.perf_counter()
    result = cast(Record, module.measure(study))
    seconds = round(time.perf_counter() - start, 1)
    return blank.model_copy(update={"seconds": seconds, "result": result.model_dump(mode="json")})


def _with(measured: Measured, name: str, outcome: Entry | str) -> Measured:
    """The record with one more outcome: an entry, or the reason for none."""
    entries: dict[str, Any] = {key: entry for key, entry in measured.measures.items() if key != name}
    reasons = {key: reason for key, reason in measured.not_measured.items() if key != name}
    if isinstance(outcome, Entry):
        entries[name] = outcome
    else:
        reasons[name] = outcome
    order = list(MEASURES).index
    return measured.model_copy(
        update={
            "measures": dict(sorted(entries.items(), key=lambda item: order(item[0]))),
            "not_measured": dict(sorted(reasons.items(), key=lambda item: order(item[0]))),
        }
    )
