"""The small clips on the site, and the best, median and worst clips of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fevbench.data.corpus import hash_of
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.ranking import sample_of
from fevbench.report.rows import number
from fevbench.wording import first_few
from leaderboard.entries import Problem
from leaderboard.layout import is_file_name, small_of
from leaderboard.site.slugs import Slugs
from leaderboard.site.tables import Run, Table
from leaderboard.small_clips import CLIPS_SUFFIX, TRUE_CLIPS, SmallClips, find_small_clips

CLIPS_FOLDER = "clips"


@dataclass(frozen=True)
class Example:
    """An example clip: its id, and its value in the metric."""

    clip: str
    text: str


class Clips:
    """The clips of a table's runs."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._slugs = Slugs()
        self.ids = sorted(
            {clip for run in table.runs for m in run.result.metrics.values() for clip in m.per_clip}
            | {clip for run in table.runs for clip in run.result.dataset.subjects_of}
        )
        self._places: dict[tuple[str, str], SmallClips] = {}
        self.problems: list[Problem] = []
        for run in table.runs:
            if run.entry.clips is not None:
                self._find(run.slug, run.entry.clips)
        for folder in dict.fromkeys(run.entry.file.parent for run in table.runs):
            true = find_small_clips(folder, TRUE_CLIPS)
            if true is not None:
                self._find(TRUE_CLIPS, true)

    def _find(self, slug: str, clips: SmallClips) -> None:
        try:
            there = clips.files()
        except OSError as error:
            self.problems.append(
                Problem(clips.path, f"cannot be read ({error.strerror}); shown without clips")
            )
            return
        missing, wanted = [], set(small_of(self.ids))
        for clip in self.ids:
            # An id is untrusted: it must name a file of this folder.
            if is_file_name(clip) and f"{clip}{CLIPS_SUFFIX}" in there:
                self._places.setdefault((slug, clip), clips)
            elif clip in wanted:
                missing.append(clip)
        if missing:
            self.problems.append(
                Problem(clips.path, f"lacks the clip {first_few(missing, 1)}; shown without clips")
            )

    def has(self, slug: str, clip: str) -> bool:
        """Whether a run has a clip."""
        return (slug, clip) in self._places

    def name(self, clip: str) -> str:
        """The file name of a clip on the site."""
        return f"{self._slugs.of(clip)}{CLIPS_SUFFIX}"

    def path(self, slug: str, clip: str) -> str:
        """A clip's path within the table's folder; empty if it does not exist."""
        return f"{CLIPS_FOLDER}/{slug}/{self.name(clip)}" if self.has(slug, clip) else ""

    def copy(self, folder: Path) -> Iterator[Path]:
        """Copy all clips into the table's folder of the site."""
        for (slug, clip), clips in sorted(self._places.items(), key=lambda item: item[0]):
            target = folder / self.path(slug, clip)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(clips.read(clip))
            yield target

    @property
    def any(self) -> bool:
        """Whether there is a clip at all."""
        return bool(self._places)


def examples(run: Run, metric: str, clips: Clips) -> list[Example]:
    """The clips with a run's best, median and worst value; of equal ones, the first by hash of its id.

    Only clips that can be shown, if any can. Clips that count at the floor because the face was lost are the
    worst. Empty for metrics without values per clip.
    """
    declared = catalog.get(metric)
    counted = sample_of(declared, run.row.name, run.result.metrics.get(metric)).clips
    sign = -1 if declared.higher_is_better else 1

    def place(clip: str) -> tuple[float, bytes]:
        return sign * counted[clip], hash_of(clip)

    order = sorted([clip for clip in counted if clips.has(run.slug, clip)] or counted, key=place)
    if not order:
        return []
    chosen = (order[0], order[len(order) // 2], order[-1])
    own = run.result.metrics[metric].per_clip
    return [
        Example(clip, number(metric, own.get(clip)) if own.get(clip) is not None else "face lost")
        for clip in chosen
    ]
