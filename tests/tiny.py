"""A data set of moving squares, a face network that needs no weights, and ways to call the command.

``python tiny.py run copy tiny …`` is ``fevbench`` with the data set registered, for tests that must kill it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fevbench.data.clip import Clip, Split, Subject
from fevbench.data.datasets import datasets
from fevbench.extractors.base import extractors
from fevbench.models.registry import _plugins, models

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

PEOPLE: dict[str, Split] = {"ann": "test", "bob": "test", "cem": "test", "dan": "train"}
LABELS = ("anger", "joy", "sorrow")
NATIVE_SIZE, NATIVE_FRAMES = 64, 33


class Tiny:
    """Squares: the person decides the colour, the label the direction."""

    name = "tiny"
    version = "1"
    title = "moving squares"
    licence = "CC0-1.0"
    citation = "none"
    fps = 25.0
    labels = LABELS

    def subjects(self) -> tuple[Subject, ...]:
        return tuple(Subject(name, split) for name, split in PEOPLE.items())

    def clips(self, split: Split) -> tuple[Clip, ...]:
        return tuple(
            Clip(f"{person}-{label}", person, label, split, Path(person, label))
            for person, home in PEOPLE.items()
            for label in LABELS
            if home == split
        )

    def frames(self, clip: Clip) -> Frames:
        return squares(list(PEOPLE).index(clip.subject), LABELS.index(clip.label))


def squares(person: int, label: int, frames: int = NATIVE_FRAMES, size: int = NATIVE_SIZE) -> Frames:
    """``uint8[frames, size, size, 3]``: frame 0 is the same for all labels of a person."""
    clip = np.full((frames, size, size, 3), 40 + 10 * person, np.uint8)
    clip += (np.arange(size, dtype=np.uint8) // 2)[:, None]
    for t in range(frames):
        y, x = 20 + t * (label - 1) // 2, 20 + t * label // 2
        clip[t, y : y + 24, x : x + 24] = (250 - 40 * person, 60 * person % 256, 128)
    return clip


class SquareFaces:
    """Sees a face in every frame that is not all black; colours make the embedding."""

    def __init__(self, device: str, weights: dict[str, Path]) -> None:
        pass

    def __call__(self, batch: Frames) -> np.ndarray[Any, np.dtype[np.float32]]:
        features = np.zeros((len(batch), 512), np.float32)
        features[:, :3] = batch.mean(axis=(1, 2)) - 60
        norms = np.linalg.norm(features, axis=1, keepdims=True)
        features /= norms
        features[batch.max(axis=(1, 2, 3)) == 0] = np.nan
        return features


class PairDistance:
    """The mean absolute difference of two frames, for LPIPS."""

    def __init__(self, device: str, weights: dict[str, Path]) -> None:
        pass

    def __call__(self, batch: Frames) -> np.ndarray[Any, np.dtype[np.float32]]:
        first, second = batch[:, 0].astype(np.float32), batch[:, 1].astype(np.float32)
        return np.abs(first - second).mean(axis=(1, 2, 3))[:, None]


def register() -> None:
    """Make the data set known; networks that need no weights are ``arcface`` and LPIPS between draws."""
    datasets._targets["tiny"] = Tiny
    arcface = replace(
        extractors.get("arcface"), weights=(), packages=(), load="tiny:SquareFaces", backends=()
    )
    extractors._targets["arcface"] = arcface
    between = replace(
        extractors.get("lpips-alex-draws"), weights=(), packages=(), load="tiny:PairDistance", backends=()
    )
    extractors._targets["lpips-alex-draws"] = between


def forget_plugins() -> None:
    """Back to the models that are installed."""
    for name in [name for name, target in models._targets.items() if not isinstance(target, str)]:
        if getattr(models._targets[name], "__module__", "").startswith("fevbench_plugin_"):
            del models._targets[name]
            _plugins.pop(name, None)


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line of an error; fails if there is not exactly one, or a traceback."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self
        assert "Traceback" not in self.err, self
        return lines[0]

    @property
    def result(self) -> dict[str, Any]:
        """What ``--format json`` printed."""
        content: dict[str, Any] = json.loads(self.out)
        return content


Cli = Callable[..., Outcome]
"""What the fixture ``cli`` is: call ``fevbench`` with these words."""


def comparable(result_file: Path) -> dict[str, Any]:
    """A result without what differs between two equal runs: time and place."""
    content: dict[str, Any] = json.loads(result_file.read_text(encoding="utf-8"))
    for key in ("created", "stages", "environment"):
        del content[key]
    return content


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


if __name__ == "__main__":
    import tiny

    from fevbench.cli.main import main

    tiny.register()
    main()
