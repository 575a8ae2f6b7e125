"""A run's result as a notebook shows it: a pandas table, pictures, the terminal's table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import PrivateAttr

from fevbench.api.shown import html_of, print_shown, to_pandas
from fevbench.data.clip import LOSSLESS_SUFFIX
from fevbench.results import schema
from fevbench.results.files import CLIPS_FOLDER, read_result

if TYPE_CHECKING:
    import pandas as pd

    from fevbench.data.clip import Frames
    from fevbench.results.schema import MetricResult

SHOWN_CLIPS = 3
SHOWN_FRAMES = 8


class Result(schema.Result):
    """The result of a run; see `fevbench.results.schema.Result` for its fields."""

    _folder: Path | None = PrivateAttr(None)

    @classmethod
    def of(cls, result: schema.Result, folder: Path | None = None) -> Result:
        """The same result, which lies in a run folder."""
        if isinstance(result, cls) and folder is None:
            return result
        same = cls.model_construct(**{name: getattr(result, name) for name in schema.Result.model_fields})
        same._folder = folder
        return same

    @property
    def folder(self) -> Path | None:
        """The run folder; None for a single file without clips."""
        return self._folder

    def to_frame(self, per_clip: bool = False) -> pd.DataFrame:
        """The numbers as a ``pandas.DataFrame``.

        Args:
            per_clip: One row per clip: its subject, its label, and its value of each metric that has values
                per clip. Otherwise one row per metric: value, interval, N, or the reason for no value.

        Raises:
            MissingPackage: pandas is not installed.
        """
        if not per_clip:
            return to_pandas([row_of(name, metric) for name, metric in self.metrics.items()], "metric")
        of_clips = {name: metric.per_clip for name, metric in self.metrics.items() if metric.per_clip}
        known = self.dataset
        rows = [
            {
                "clip": clip,
                "subject": known.subjects_of.get(clip),
                "label": known.labels_of.get(clip),
                **{name: values.get(clip) for name, values in of_clips.items()},
            }
            for clip in known.subjects_of
        ]
        return to_pandas(rows, "clip")

    def show(self) -> None:
        """Print the table that ``fevbench run`` ends with."""
        from fevbench.report.terminal import result_table

        print_shown(result_table(self))

    def _repr_html_(self) -> str:
        from fevbench.report.terminal import result_table

        return html_of(result_table(self), {clip: self._strip(clip) for clip in self._first_clips()})

    def _first_clips(self) -> list[str]:
        """The clips to show, of different labels if possible."""
        if self._folder is None:
            return []
        of_label: dict[str, str] = {}
        for clip, label in self.dataset.labels_of.items():
            of_label.setdefault(label, clip)
        # A result from elsewhere may name any path: nothing outside the folder is read.
        plain = [clip for clip in of_label.values() if "\0" not in clip and Path(clip).name == clip]
        there = [clip for clip in plain if self._file(clip).is_file()]
        return there[:SHOWN_CLIPS]

    def _file(self, clip: str) -> Path:
        assert self._folder is not None
        return self._folder / CLIPS_FOLDER / f"{clip}{LOSSLESS_SUFFIX}"

    def _strip(self, clip: str) -> Frames:
        """Frames of a clip beside each other, ``uint8[H, W, 3]``."""
        import numpy as np

        from fevbench.data.video import read_written

        frames = read_written(self._file(clip))
        which = np.linspace(0, len(frames) - 1, min(SHOWN_FRAMES, len(frames))).round().astype(int)
        return np.concatenate(list(frames[which]), axis=1)


def row_of(name: str, metric: MetricResult) -> Mapping[str, Any]:
    """A metric's numbers, by column."""
    interval = metric.interval
    return {
        "metric": name,
        "value": metric.value,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "true_clips": metric.ceiling,
        "n": metric.n,
        "sample": metric.sample,
        "subjects": metric.subjects,
        "missing": metric.missing,
        "excused": metric.excused,
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "id": metric.id,
        "reason": metric.reason,
    }


def load_result(path: str | Path) -> Result:
    """Read the result of a run from its folder or from a ``result.json``.

    Raises:
        RunError: There is none, or the clips beside it are not those it is about.
    """
    path = Path(path)
    return Result.of(read_result(path), path if path.is_dir() else path.parent)
