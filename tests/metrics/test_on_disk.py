"""Features on disk while they are scored: the numbers are those of features in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_clips import world

from fevbench.engine import rows
from fevbench.engine.rows import RowsOnDisk
from fevbench.engine.score import ClipSet, score
from fevbench.metrics.catalog import metrics


@pytest.mark.parametrize("name", ["fid", "kid", "fvd-class", "recall"])
def test_numbers_are_the_same_from_disk(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "CHUNK", 64)
    taken: list[int] = []
    grow = RowsOnDisk._grow

    def counted(self: RowsOnDisk, size: int) -> None:
        taken.append(size)
        grow(self, size)

    monkeypatch.setattr(RowsOnDisk, "_grow", counted)
    metric = metrics.get(name)
    clips = world(metric, damage=0.4)
    made, true = (clips._side(side) for side in (clips.made, clips.true))
    in_memory = score(metric, clips.clips, made, true)
    assert not taken
    on_disk = score(
        metric,
        clips.clips,
        *(ClipSet(side.labels, side.frames, side.features, tmp_path) for side in (made, true)),
    )
    assert taken
    assert in_memory.value is not None
    assert on_disk == in_memory
