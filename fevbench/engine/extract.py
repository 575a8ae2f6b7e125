"""Features of clips: from the cache where they are, from the network where they are not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from fevbench.data.video import content_digest
from fevbench.errors import FevbenchError
from fevbench.extractors.base import Extractor, Loader, Network, Unit
from fevbench.extractors.cache import FeatureCache
from fevbench.global_state import fixed_global_state
from fevbench.registry import load_target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Clip, Frames
    from fevbench.weights import LocalWeight

CLIPS_AT_ONCE = 8
"""Clips whose missing samples are gathered into common batches."""


def extractor_input(unit: Unit, made: Frames, true: Frames) -> Frames:
    """What an extractor looks at.

    Args:
        unit: What its samples are.
        made: A clip, ``uint8[T, H, W, 3]``.
        true: The true clip, of the same shape.

    Returns:
        The clip itself, or pairs of frames ``uint8[N, 2, H, W, 3]``.
    """
    if unit == "truth":
        return np.stack([made, true], axis=1)
    if unit == "next":
        return np.stack([made[:-1], made[1:]], axis=1)
    return made


def frame_pairs(clips: Sequence[Frames]) -> Frames:
    """The same frames of every two of some clips.

    Args:
        clips: ``uint8[T, H, W, 3]`` each, at least one.

    Returns:
        ``uint8[P * T, 2, H, W, 3]`` for P pairs; one clip has none.
    """
    none = np.empty((0, 2, *clips[0].shape[1:]), np.uint8)
    return np.concatenate([none, *(np.stack(pair, axis=1) for pair in combinations(clips, 2))])


def check_caches(
    wanted: Sequence[Extractor],
    weights: Mapping[str, LocalWeight],
    device: str,
    cache: Path,
    note: Callable[[str], None],
) -> None:
    """See that the cache of each extractor can be used, before work is done that ends there.

    Raises:
        FevbenchError: One cannot.
    """
    for extractor in wanted:
        with Extraction(extractor, weights, device, None, cache, lambda count: None, note):
            pass


class Extraction:
    """One extractor at work. The network is loaded only if the cache lacks something.

    Args:
        extractor: Which one.
        weights: Its verified weights, by name.
        device: The torch device.
        batch_size: Samples a batch; None for the extractor's default.
        cache: The folder of the feature caches.
        advance: Called with the number of samples done.
        note: Hears what is wrong with a cache, a line each; by default, standard error does.

    Attributes:
        computed: Samples the network saw.
        reused: Samples that came from the cache or stood in the batch already.
    """

    def __init__(
        self,
        extractor: Extractor,
        weights: Mapping[str, LocalWeight],
        device: str,
        batch_size: int | None,
        cache: Path,
        advance: Callable[[int], None],
        note: Callable[[str], None] | None = None,
    ) -> None:
        self._extractor = extractor
        self._paths = {name: weights[name].path for name in extractor.weights}
        hashes = {name: weights[name].sha256 for name in extractor.weights}
        self._device = device
        self._batch = batch_size or extractor.batch
        fingerprint = extractor.fingerprint(hashes, device)
        self._cache = FeatureCache(cache, extractor.name, fingerprint, extractor.dim, note or _note)
        self._advance = advance
        self._network: Network | None = None
        self.computed = 0
        self.reused = 0

    def __enter__(self) -> Extraction:
        return self

    def __exit__(self, *_: object) -> None:
        self._cache.close()

    def of_pairs(
        self, clips: Sequence[Clip], made: Callable[[Clip], Frames], true: Callable[[Clip], Frames]
    ) -> list[NDArray[np.float32]]:
        """Features of made clips beside their true ones; see `of_inputs`.

        Args:
            clips: Which.
            made: A clip to what was made, ``uint8[T, H, W, 3]``.
            true: A clip to the true one.
        """

        def look(clip: Clip) -> Frames:
            return extractor_input(self._extractor.unit, made(clip), true(clip))

        return self.of_inputs([partial(look, clip) for clip in clips])

    def of_inputs(self, clips: Sequence[Callable[[], Frames]]) -> list[NDArray[np.float32]]:
        """Features of each clip.

        Args:
            clips: Each returns the `extractor_input` of a clip.

        Returns:
            For each clip ``float32[N, D]``, a row a sample; one if the extractor looks at whole clips. They
            are computed in `fixed_global_state`, whatever state this process is in.

        Raises:
            FevbenchError: The memory does not suffice for a batch, or a cache cannot be used.
        """
        with fixed_global_state():
            return self._of_inputs(clips)

    def _of_inputs(self, clips: Sequence[Callable[[], Frames]]) -> list[NDArray[np.float32]]:
        features: list[NDArray[np.float32]] = []
        for start in range(0, len(clips), CLIPS_AT_ONCE):
            loaded = [load() for load in clips[start : start + CLIPS_AT_ONCE]]
            samples = [[frames] if self._extractor.unit == "clip" else list(frames) for frames in loaded]
            keys = [[content_digest(sample) for sample in clip] for clip in samples]
            by_key = {
                k: s for ks, clip in zip(keys, samples, strict=True) for k, s in zip(ks, clip, strict=True)
            }
            total = sum(len(clip) for clip in samples)
            known = self._complete(by_key, total)
            empty = np.empty((0, self._extractor.dim), np.float32)
            features += [np.stack([known[key] for key in clip]) if clip else empty for clip in keys]
        return features

    def _complete(self, by_key: Mapping[str, Frames], total: int) -> dict[str, NDArray[np.float32]]:
        known = self._cache.get(by_key)
        missing = [key for key in by_key if key not in known]
        self.computed += len(missing)
        self.reused += total - len(missing)
        self._advance(total - len(missing))
        for start in range(0, len(missing), self._batch):
            part = missing[start : start + self._batch]
            made = self._computed(np.stack([by_key[key] for key in part]))
            fresh = dict(zip(part, made, strict=True))
            self._cache.put(fresh)
            known |= fresh
            self._advance(len(part))
        return known

    def _computed(self, batch: Frames) -> NDArray[np.float32]:
        """Features of a batch, by the network."""
        name, samples = self._extractor.name, len(batch)
        try:
            made = self._load()(batch)
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
            fix = "take a machine or a device with more memory"
            if samples > 1:
                fix = f"repeat the command with --batch-size {samples // 2}, which continues"
            what = f"{samples} samples" if samples > 1 else "1 sample"
            raise FevbenchError(f"the memory does not suffice for {what} of {name} at once", fix) from error
        if made.shape != (samples, self._extractor.dim):
            raise FevbenchError(
                f"extractor {name!r} gave features of shape {made.shape} for {samples} samples, "
                f"and declares {self._extractor.dim} each",
                "correct its declaration",
            )
        return made

    def _load(self) -> Network:
        if self._network is None:
            loader = cast(Loader, load_target(self._extractor.load))
            self._network = loader(self._device, self._paths)
        return self._network


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out: Python's, a GPU's, or that of torch's or onnxruntime's allocators."""
    said = str(error)
    kinds = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return kinds or "can't allocate memory" in said or "Failed to allocate memory" in said
