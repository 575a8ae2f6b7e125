"""Pretrained networks at work on frames of the set; what they saw once comes from the feature cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fevbench import paths, weights
from fevbench.engine.extract import Extraction
from fevbench.extractors.base import extractors
from fevbench.progress import Progress
from fevbench.results.schema import WeightRecord

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames


def has_face(features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of ``float32[N, D]`` are of a frame with a face: extractors of faces answer NaN without."""
    return np.logical_not(np.isnan(features).any(axis=1))


class Networks:
    """Extractors of frames with their weights, all of which are here before any is asked.

    Args:
        names: Which extractors.
        device: The torch device.
        progress: Hears what happens.
        offline: Never touch the network.
        pull: Hears how downloads proceed.

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
        """Features of frames.

        Args:
            name: Which extractor.
            stage: What to call this in the progress.
            sources: Each returns ``uint8[frames, H, W, 3]``.
            frames: How many frames a source has.

        Returns:
            ``float32[len(sources), frames, D]``.
        """
        extractor = extractors.get(name)
        if not sources:
            return np.zeros((0, frames, extractor.dim), np.float32)
        self._progress.start(stage, len(sources) * frames)
        cache = paths.home() / "features"
        hears = self._progress.advance, self._progress.note
        with Extraction(extractor, self._local, self._device, None, cache, *hears) as extraction:
            return np.stack(extraction.of_inputs(sources))
