"""Clips of runs and the true clips, chosen by a rule and not by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fevbench.data import show
from fevbench.data.clip import Clip, Frames
from fevbench.data.corpus import Corpus, balanced_clips, sorted_by_hash
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import protocols
from fevbench.data.video import read_written
from fevbench.errors import FevbenchError, RunError, UnknownName
from fevbench.report.comparable import check_comparable, distinct_names
from fevbench.results.files import CLIPS_FOLDER, file_name, read_result

TRUE = "true clip"
SUFFIXES = (".png", ".mp4", ".gif")


@dataclass(frozen=True)
class Shown:
    """The true clip and each run's clip: name to ``uint8[T, S, S, 3]``, the true clip first."""

    caption: str
    rows: dict[str, Frames]


class Runs:
    """Finished runs over the same clips.

    Raises:
        RunError: One holds no result, or they are not of the same clips.
        DatasetError: The data set cannot be opened, or is not the one that was scored.
    """

    def __init__(self, folders: Sequence[Path], dataset: str | None = None) -> None:
        self._folders = folders
        self.results = [read_result(folder) for folder in folders]
        check_comparable(self.results)
        first = self.results[0]
        data = open_dataset(dataset or first.dataset.name)
        if data.version != first.dataset.version:
            raise RunError(
                f"{folders[0]} is of {first.dataset.name} {first.dataset.version}, not of {data.version}",
                "name the data set with --dataset",
            )
        protocol = protocols.get(first.protocol.id)
        self.fps = protocol.rate(data.fps)
        self.corpus = Corpus(data, protocol, first.dataset.split, first.dataset.limit)

    def balanced(self, count: int) -> list[Clip]:
        """Clips of all labels in turn, of different subjects if possible, by the hash of their id."""
        return balanced_clips(self.corpus.clips, self.corpus.dataset.labels, count)

    def worst(self, metric: str, count: int) -> list[Clip]:
        """The clips with the first run's worst values; equal ones are ordered by hash.

        Clips without a value come last: those in which the face was lost, which count at the metric's floor,
        those that are excused, and those that were not scored; see `without_value`.

        Raises:
            UnknownName: The run has no such metric.
            FevbenchError: The metric has no values per clip.
        """
        found = self.results[0].metrics
        if metric not in found:
            raise UnknownName("metric of this run", metric, found)
        values = found[metric].per_clip
        if not values:
            raise FevbenchError(f"{metric} has no values per clip", "choose another metric")
        sign = 1 if found[metric].higher_is_better else -1

        def rank(clip: Clip) -> float:
            value = values.get(clip.id)
            return np.inf if value is None else sign * value

        return sorted(sorted_by_hash(self.corpus.clips), key=rank)[:count]

    def without_value(self, metric: str) -> list[Clip]:
        """The clips without a value in a metric of the first run."""
        values = self.results[0].metrics[metric].per_clip
        return [clip for clip in self.corpus.clips if values.get(clip.id) is None]

    def named(self, ids: Sequence[str]) -> list[Clip]:
        """Clips by their ids.

        Raises:
            UnknownName: The runs did not score such a clip.
        """
        known = {clip.id: clip for clip in self.corpus.clips}
        for name in ids:
            if name not in known:
                raise UnknownName("clip of these runs", name, known)
        return [known[name] for name in ids]

    def show(self, clip: Clip, metric: str | None = None) -> Shown:
        """The true clip and those of all runs.

        Raises:
            RunError: A run's folder lacks it.
        """
        rows = {TRUE: self.corpus.frames(clip)}
        for i, name in enumerate(distinct_names(self.results)):
            rows[name] = self.made(i, clip)
        return Shown(f"{clip.id}: {clip.label}{self._value(clip, metric)}", rows)

    def made(self, run: int, clip: Clip) -> Frames:
        """A run's clip: ``uint8[T, S, S, 3]``.

        Raises:
            RunError: The run's folder lacks it.
        """
        folder = self._folders[run]
        path = (folder if folder.is_dir() else folder.parent) / CLIPS_FOLDER / file_name(clip)
        if not path.exists():
            raise RunError(f"{path} does not exist", "repeat the run's command, which makes it again")
        return read_written(path)

    def _value(self, clip: Clip, metric: str | None) -> str:
        if metric is None:
            return ""
        value = self.results[0].metrics[metric].per_clip.get(clip.id)
        return f", {metric} {'none' if value is None else f'{value:.3f}'}"


def write_sheet(path: Path, clips: Sequence[Shown], frames: int, scale: int) -> None:
    """Write clips as rows of frames, first to last, with their names at the left."""
    parts = []
    for shown in clips:
        length = len(shown.rows[TRUE])
        moments = np.linspace(0, length - 1, min(frames, length)).round().astype(int)
        rows = {name: show.enlarged(clip[moments], scale) for name, clip in shown.rows.items()}
        parts.append(show.labelled(rows, shown.caption))
    show.write_picture(path, np.concatenate(parts))


def write_playing(path: Path, clips: Sequence[Shown], fps: float, scale: int) -> None:
    """Write clips that play synchronously: one row per clip, the true clip at the left."""
    rows = []
    for i, shown in enumerate(clips):
        large = [show.enlarged(clip, scale) for clip in shown.rows.values()]
        if i == 0:
            large = [show.captioned(c, name) for c, name in zip(large, shown.rows, strict=True)]
        rows.append(show.beside(large))
    write = show.write_gif if path.suffix.lower() == ".gif" else show.write_mp4
    write(path, np.concatenate(rows, axis=1), fps)
