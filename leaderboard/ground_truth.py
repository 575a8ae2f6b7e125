"""Checking what results say about true clips against the data sets on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fevbench.data.clip import Dataset
from fevbench.data.corpus import Corpus
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import Protocol, protocols
from fevbench.engine.describe import protocol_record
from fevbench.errors import DatasetError, FevbenchError
from fevbench.results.schema import Result
from fevbench.wording import first_few
from leaderboard.layout import scored_clips


@dataclass(frozen=True)
class TrueClips:
    """The true clips of a result."""

    corpus: Corpus
    protocol: Protocol

    @property
    def fps(self) -> float:
        """Frames per second of a scored clip."""
        return self.protocol.rate(self.corpus.dataset.fps)


class GroundTruth:
    """True clips, each decoded only once; ``dataset`` (``NAME:DIR``) is opened for results of that set.

    Raises:
        DatasetError: That set cannot be opened.
    """

    def __init__(self, dataset: str | None = None) -> None:
        self._own = open_dataset(dataset) if dataset else None
        self._truths: dict[tuple[object, ...], TrueClips] = {}
        self._digests: dict[tuple[object, ...], str] = {}

    def of(self, result: Result) -> TrueClips:
        """The true clips of a result.

        Raises:
            FevbenchError: The data set or the protocol is missing here, or has another version.
        """
        record, protocol = result.dataset, self._protocol(result)
        key = (record.name, record.version, protocol.id, record.split, record.limit)
        if key not in self._truths:
            dataset = self._dataset(result)
            self._truths[key] = TrueClips(Corpus(dataset, protocol, record.split, record.limit), protocol)
        return self._truths[key]

    def faults(self, result: Result) -> Iterator[str]:
        """Yield wrong statements of a result about its true clips, one line each."""
        try:
            truth = self.of(result)
            yield from self._faults(result, truth)
        except FevbenchError as error:
            yield str(error)

    def _faults(self, result: Result, truth: TrueClips) -> Iterator[str]:
        record = result.dataset
        known = {clip.id: clip for clip in truth.corpus.clips}
        scored = set(scored_clips(result))
        strange = sorted(scored - known.keys())
        if strange or not scored:
            yield (
                f"it scored clips that are not asked for: {first_few(strange)}"
                if strange
                else "no clip is named"
            )
            return
        clips = [clip for clip in truth.corpus.clips if clip.id in scored]
        facts = {
            "clips": (record.clips, len(clips)),
            "subjects": (record.subjects, len({clip.subject for clip in clips})),
            "subjects of clips": (record.subjects_of, {clip.id: clip.subject for clip in clips}),
            "labels": (record.labels, list(truth.corpus.dataset.labels)),
            "labels of clips": (record.labels_of, {clip.id: clip.label for clip in clips}),
        }
        for what, (said, true) in facts.items():
            if said not in (true, [], {}):
                yield f"{what}: {_short(said)}, in the data set {_short(true)}"
        if record.labels_of and not record.labels:
            yield "labels: none, although its clips have some"
        key = (record.name, record.version, result.protocol.id, *(clip.id for clip in clips))
        if key not in self._digests:
            self._digests[key] = truth.corpus.digest(clips)
        if record.digest != self._digests[key]:
            yield f"it was scored on other clips: digest {record.digest[:12]}, here {self._digests[key][:12]}"

    def _dataset(self, result: Result) -> Dataset:
        record = result.dataset
        if self._own is not None and self._own.name == record.name:
            dataset = self._own
        elif ":" in record.name:  # a result must not say which folder to open
            raise DatasetError(
                f"data set {record.name} is a folder of the submitter's", "give --dataset NAME:DIR"
            )
        else:
            dataset = open_dataset(record.name)
        if dataset.version != record.version:
            raise DatasetError(
                f"it was scored on {record.name} {record.version}, here is {dataset.version}",
                "score it on this version",
            )
        return dataset

    def _protocol(self, result: Result) -> Protocol:
        protocol = protocols.get(result.protocol.id)
        if protocol_record(protocol) != result.protocol:
            raise DatasetError(f"its protocol {protocol.id} differs from the one here", "score it again")
        return protocol


def _short(said: object) -> str:
    return str(said) if isinstance(said, int) else "others"
