"""Features of clips: from the cache if they are there, else from the network."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from fevbench.engine.rows import Rows
from fevbench.engine.samples import HashedClip, Sample, samples
from fevbench.errors import FevbenchError, is_out_of_memory
from fevbench.extractors.backends import REFERENCE
from fevbench.extractors.base import Extractor, Loader, Network
from fevbench.extractors.cache import FeatureCache
from fevbench.global_state import fixed_global_state
from fevbench.registry import load_target
from fevbench.results.schema import Stage
from fevbench.weights import LocalWeight

Pair = tuple[HashedClip, HashedClip]


def check_caches(
    wanted: Sequence[Extractor],
    weights: Mapping[str, LocalWeight],
    device: str,
    cache: Path,
    note: Callable[[str], None],
) -> None:
    """Check that the cache of each extractor can be used, before features are computed for it.

    Raises:
        FevbenchError: One cannot.
    """
    with open_extractions(wanted, weights, device, None, cache, note):
        pass


@dataclass
class Work:
    """Counts of samples that were computed and that were cached, and the seconds it took."""

    computed: int = 0
    reused: int = 0
    seconds: float = 0.0

    def stage(self) -> Stage:
        """The same as a result stores it."""
        return Stage(seconds=round(self.seconds, 3), computed=self.computed, reused=self.reused)


class Extraction:
    """One extractor with its cache. The network is loaded only if the cache lacks something.

    Without a batch size it is the extractor's own; on a GPU without memory for it, half, and so on.
    ``note`` receives that and problems of the cache, one line each; by default they go to standard error.
    ``loaded`` holds the networks of several extractors: those that use the same one share it, with what it
    keeps between batches.
    """

    def __init__(
        self,
        extractor: Extractor,
        weights: Mapping[str, LocalWeight],
        device: str,
        batch_size: int | None,
        cache: Path,
        note: Callable[[str], None] | None = None,
        loaded: dict[Hashable, Network] | None = None,
    ) -> None:
        self.extractor = extractor
        self._paths = {name: weights[name].path for name in extractor.weights}
        hashes = {name: weights[name].sha256 for name in extractor.weights}
        self._device = device
        self._batch = batch_size or extractor.batch_on(device)
        self._may_halve = batch_size is None and device != "cpu"
        self._note = note or _note
        fingerprint = extractor.fingerprint(hashes, device)
        self._cache = FeatureCache(
            cache, extractor.name, fingerprint, extractor.dim, self._note, dtype=extractor.dtype
        )
        self._loaded: dict[Hashable, Network] = {} if loaded is None else loaded
        self._work = Work()

    def __enter__(self) -> Extraction:
        return self

    def __exit__(self, *_: object) -> None:
        self._cache.close()

    def of_pairs(self, pairs: Sequence[Pair]) -> list[Rows]:
        """Features of made clips with their true clips; see `of_samples`."""
        return self.of_samples([samples(self.extractor.unit, made, true) for made, true in pairs])

    def of_samples(self, clips: Sequence[Sequence[Sample]]) -> list[Rows]:
        """Features of each clip from its samples: ``[N, D]``, one row per sample.

        They are computed in `fixed_global_state`, whatever state this process is in.

        Raises:
            FevbenchError: There is not enough memory for a batch, or a cache cannot be used.
        """
        began = time.perf_counter()
        by_key = {sample.key: sample for clip in clips for sample in clip}
        known = self._cache.get(by_key)
        missing = [sample for key, sample in by_key.items() if key not in known]
        with fixed_global_state():
            done = 0
            while done < len(missing):
                fresh = self._computed(missing[done : done + self._batch])
                known |= fresh
                done += len(fresh)
        self._work.computed += len(missing)
        self._work.reused += sum(map(len, clips)) - len(missing)
        self._work.seconds += time.perf_counter() - began
        return [self._rows(clip, known) for clip in clips]

    def kept(self, clips: Sequence[Sequence[Sample]]) -> list[Rows | None]:
        """Cached features of each clip; None for a clip of which some are missing."""
        known = self._cache.get(sample.key for clip in clips for sample in clip)
        whole = [all(sample.key in known for sample in clip) for clip in clips]
        return [self._rows(clip, known) if there else None for clip, there in zip(clips, whole, strict=True)]

    def _rows(self, clip: Sequence[Sample], known: Mapping[str, Rows]) -> Rows:
        empty = np.empty((0, self.extractor.dim), self.extractor.dtype)
        return np.stack([known[sample.key] for sample in clip]) if clip else empty

    def flush(self) -> None:
        """Write computed features to the cache."""
        self._cache.flush()

    def take_work(self) -> Work:
        """The work since the last call."""
        work, self._work = self._work, Work()
        return work

    def _computed(self, part: Sequence[Sample]) -> dict[str, Rows]:
        """Compute the features of a batch and put them into the cache; of none if the batch was halved."""
        name, count = self.extractor.name, len(part)
        # Filled up with its last sample: networks round differently at other batch sizes.
        fill = self._batch - count if self.extractor.whole_batches else 0
        try:
            made = self._load()(np.stack([sample.pixels for sample in (*part, *[part[-1]] * fill)]))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if self._may_halve and self._batch > 1:
                self._halve()
                return {}
            fix = "use a machine or a device with more memory"
            if self._batch > 1:
                fix = f"repeat the command with --batch-size {max(count, self._batch) // 2}, which continues"
            what = f"{self._batch} samples" if self._batch > 1 else "1 sample"
            raise FevbenchError(f"there is not enough memory for {what} of {name} at once", fix) from error
        if made.shape != (count + fill, self.extractor.dim):
            raise FevbenchError(
                f"extractor {name!r} gave features of shape {made.shape} for {count + fill} samples, "
                f"but declares {self.extractor.dim} per sample",
                "correct its declaration",
            )
        fresh = {sample.key: row for sample, row in zip(part, made, strict=False)}
        self._cache.put(fresh)
        return fresh

    def _halve(self) -> None:
        """Compute half as many samples at once from now on."""
        import torch

        self._note(
            f"not enough memory for {self._batch} samples of {self.extractor.name} at once: "
            f"continuing with {self._batch // 2}"
        )
        self._batch //= 2
        torch.cuda.empty_cache()  # onnxruntime cannot use what torch keeps

    def _load(self) -> Network:
        extractor = self.extractor
        key = extractor.load, extractor.backend, tuple(self._paths.items())
        if key not in self._loaded:
            loader = cast(Loader, load_target(extractor.load))
            backend = [extractor.backend] if extractor.backend != REFERENCE else []
            self._loaded[key] = loader(self._device, self._paths, *backend)
        return self._loaded[key]


@contextmanager
def open_extractions(
    wanted: Sequence[Extractor],
    weights: Mapping[str, LocalWeight],
    device: str,
    batch_size: int | None,
    cache: Path,
    note: Callable[[str], None] | None = None,
) -> Iterator[dict[str, Extraction]]:
    """Open several extractors for the block; returns them by name. See `Extraction`."""
    loaded: dict[Hashable, Network] = {}
    with ExitStack() as stack:
        yield {
            one.name: stack.enter_context(Extraction(one, weights, device, batch_size, cache, note, loaded))
            for one in wanted
        }


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)
