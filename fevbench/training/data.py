"""Training data: a split decoded once through a data set's adapter, then memory-mapped.

FEVBENCH_HOME/training/<digest>/
frames.npy     uint8[N, T, S, S, 3], clips as the protocol samples them
clips.json     id, subject and label of each; written last
NAME.npy       what a method computed once for each clip, such as points of the face
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench import paths
from fevbench.atomic import replacing, write_text
from fevbench.data.clip import Clip, Dataset, Frames, Split
from fevbench.data.protocol import Protocol
from fevbench.errors import DatasetError
from fevbench.progress import Progress

FORMAT = 1
"""Increased whenever the content of the files changes."""
FRAMES_FILE, CLIPS_FILE = "frames.npy", "clips.json"


class TrainingSet:
    """The clips of a split, as arrays.

    Attributes:
        digest: The digest of the data set's name and version, the protocol, the split and its clips.
        frames: ``uint8[N, T, S, S, 3]``, memory-mapped, read-only.
        labels: ``int64[N]``, indices into ``label_names``.
        label_names: The data set's labels.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.digest = folder.name
        content: dict[str, Any] = json.loads((folder / CLIPS_FILE).read_text(encoding="utf-8"))
        self.frames: Frames = np.load(folder / FRAMES_FILE, mmap_mode="r")
        self.label_names: tuple[str, ...] = tuple(content["labels"])
        self.ids: list[str] = [row[0] for row in content["clips"]]
        self.subjects: list[str] = [row[1] for row in content["clips"]]
        self.labels = np.array([self.label_names.index(row[2]) for row in content["clips"]], np.int64)

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str, compute: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """Values of each clip that a method needs: computed once, then read from the disk.

        ``name`` is a file name that says what the values are and how they were computed; ``compute`` returns
        N rows.
        """
        path = self._folder / f"{name}.npy"
        if not path.exists():
            rows = compute()
            if len(rows) != len(self):
                raise ValueError(f"column {name} has {len(rows)} rows for {len(self)} clips")
            with replacing(path) as part:
                np.save(part, rows)
        array: NDArray[Any] = np.load(path)
        return array


def open_training_set(dataset: Dataset, protocol: Protocol, split: Split, progress: Progress) -> TrainingSet:
    """The clips of a split as a protocol samples them, decoded if that has not been done.

    Raises:
        DatasetError: The split has no clip.
        VideoError: A clip cannot be decoded, or is too short for the protocol.
    """
    clips = dataset.clips(split)
    if not clips:
        raise DatasetError(f"{dataset.name} has no {split} clips", "choose another data set")
    rows = [(clip.id, clip.subject, clip.label) for clip in clips]
    what = (FORMAT, dataset.name, dataset.version, protocol.sampling_id, split, dataset.labels, rows)
    folder = paths.home() / "training" / hashlib.sha256(repr(what).encode()).hexdigest()[:32]
    if not (folder / CLIPS_FILE).exists():
        progress.start(f"decode {split}", len(clips))
        _decode(dataset, protocol, clips, folder, progress)
    return TrainingSet(folder)


def _decode(
    dataset: Dataset, protocol: Protocol, clips: Sequence[Clip], folder: Path, progress: Progress
) -> None:
    """Write a folder atomically."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".decode-", dir=folder.parent) as name:
        part = Path(name) / folder.name
        part.mkdir()
        shape = (len(clips), protocol.frames, protocol.size, protocol.size, 3)
        frames = np.lib.format.open_memmap(part / FRAMES_FILE, "w+", np.uint8, shape)
        for i, clip in enumerate(clips):
            frames[i] = protocol.sample(dataset.frames(clip), f"{dataset.name} clip {clip.id}", dataset.fps)
            progress.advance(1)
        frames.flush()
        rows = [(clip.id, clip.subject, clip.label) for clip in clips]
        write_text(part / CLIPS_FILE, json.dumps({"labels": dataset.labels, "clips": rows}))
        # Folders without clips.json were left by a kill; another process may have been faster.
        if folder.exists() and not (folder / CLIPS_FILE).exists():
            shutil.rmtree(folder)
        if not folder.exists():
            part.rename(folder)
