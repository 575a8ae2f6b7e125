"""Making the clips: the model is asked for each clip that is not in the run folder yet."""

from __future__ import annotations

import copy
import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from fevbench.data.memory import FrameStore
from fevbench.data.tensors import to_pixels, to_tensor
from fevbench.data.video import LOSSLESS_SUFFIX, read_written, write_clip
from fevbench.errors import FevbenchError, ModelError, RunError, VideoError
from fevbench.models.protocol import ClipSource, ModelSpec, VideoModel
from fevbench.models.videos import Videos
from fevbench.run.progress import Progress, Silent

if TYPE_CHECKING:
    from fevbench.data.clip import Clip, Frames
    from fevbench.data.corpus import Corpus
    from fevbench.models.found import FoundModel

LARGEST = 1.5
"""A model's output beyond this is not a rounding error of [-1, 1] but another range."""


class GeneratedClips:
    """The clips of a run, kept losslessly in its folder.

    Each clip is made alone, with a generator seeded from the run's seed and the clip's id, so that it
    does not depend on its neighbours, on their order, or on an interruption.

    Args:
        found: The model.
        corpus: The true clips.
        folder: Where the clips are kept.
        seed: The run's seed.
        device: The torch device.
        progress: Hears what the model does while it is built.

    Attributes:
        clips: The clips that are scored: the corpus's, less those a folder of videos lacks.
        notes: What the model's source reports, such as missing clips.
        made: How many clips this session made.
    """

    def __init__(
        self,
        found: FoundModel,
        corpus: Corpus,
        folder: Path,
        seed: int,
        device: str,
        progress: Progress | None = None,
    ) -> None:
        self._found = found
        self._corpus = corpus
        self._folder = folder
        self._seed = seed
        self._draw = 0
        self._device = device
        self._store: FrameStore[Frames] = FrameStore()
        self._model = build(found, corpus, device, progress or Silent())
        missing = set(getattr(self._model, "missing", ()))
        self.clips = tuple(clip for clip in corpus.clips if clip.id not in missing)
        self.made = 0

    @property
    def notes(self) -> list[str]:
        """What a reader of the result must know."""
        read = self._model.told() if isinstance(self._model, Videos) else []
        return [*getattr(self._model, "notes", ()), *read]

    def again(self, draw: int, clips: Sequence[Clip], folder: Path) -> GeneratedClips:
        """Some of the clips once more, by the same model with other noise.

        Args:
            draw: Which time; 0 are the clips that are scored.
            clips: Which clips.
            folder: Where these are kept.
        """
        other = copy.copy(self)
        other._draw, other.clips, other._folder = draw, tuple(clips), folder
        other._store, other.made = FrameStore(), 0
        return other

    def make_all(self, progress: Progress) -> None:
        """Make every clip that is not there yet.

        Raises:
            ModelError: The model fails or breaks the protocol; the clips made so far are kept.
        """
        progress.start(f"draw {self._draw}" if self._draw else "generate", len(self.clips))
        for clip in self.clips:
            if not self.path(clip).exists():
                frames = self._make(clip)
                write_clip(self.path(clip), frames, self._corpus.dataset.fps / self._corpus.protocol.stride)
                self._store.keep(clip.id, frames)
                self.made += 1
            progress.advance(1)

    def path(self, clip: Clip) -> Path:
        """Where a clip is kept."""
        return self._folder / file_name(clip)

    def frames(self, clip: Clip) -> Frames:
        """A clip that was made: ``uint8[T, H, W, 3]``."""
        return self._store.get(clip.id, lambda: self._read(clip))

    def _read(self, clip: Clip) -> Frames:
        try:
            frames = read_written(self.path(clip))
        except VideoError as error:
            raise RunError(error.what, "delete it and repeat the command, which makes it again") from error
        self._check_clip(clip, frames)
        return frames

    def _make(self, clip: Clip) -> Frames:
        generator = torch.Generator("cpu" if isinstance(self._model, ClipSource) else self._device)
        seed = clip_seed(self._seed, clip.id, self._draw)
        generator.manual_seed(seed)
        _seed_globals(seed)
        try:
            if isinstance(self._model, ClipSource):
                frames = self._model.clip(clip, generator)
                self._check_clip(clip, frames)
                return frames
            image = to_tensor(self._corpus.frames(clip)[:1], self._device)
            label = torch.tensor([self._corpus.dataset.labels.index(clip.label)], device=self._device)
            with torch.inference_mode():
                video = self._model.generate(image, label, generator)
        except (FevbenchError, MemoryError):
            raise
        except (Exception, SystemExit) as error:
            raise failed(self._found.name, f"failed on clip {clip.id}", error) from error
        return self._pixels(clip, video)

    def _pixels(self, clip: Clip, video: torch.Tensor) -> Frames:
        name = self._found.name
        if not isinstance(video, torch.Tensor) or not video.is_floating_point():
            kind = getattr(video, "dtype", type(video).__name__)
            raise ModelError(f"model {name} returned {kind} for clip {clip.id}", "return a float tensor")
        wanted = (1, self._corpus.protocol.frames, 3, *[self._corpus.protocol.size] * 2)
        if tuple(video.shape) != wanted:
            raise ModelError(
                f"model {name} returned shape {tuple(video.shape)} for clip {clip.id}, expected {wanted}",
                "return [B, T, 3, H, W] with ModelSpec.frames and ModelSpec.size",
            )
        if not bool(torch.isfinite(video).all()):
            raise ModelError(f"model {name} returned NaN or infinity for clip {clip.id}", "check its weights")
        peak = float(video.abs().max())
        if peak > LARGEST:
            raise ModelError(
                f"model {name} returned values up to {peak:.3g} for clip {clip.id}",
                "return values in [-1, 1]",
            )
        return to_pixels(video[0])

    def _check_clip(self, clip: Clip, frames: Frames) -> None:
        protocol = self._corpus.protocol
        wanted = (protocol.frames, protocol.size, protocol.size, 3)
        if tuple(frames.shape) != wanted or frames.dtype != np.uint8:
            raise ModelError(
                f"{self._found.name}: clip {clip.id} is {frames.dtype}{list(frames.shape)}, "
                f"expected uint8{list(wanted)}",
                "delete it and repeat the command, or make it as the protocol says",
            )


def build(found: FoundModel, corpus: Corpus, device: str, progress: Progress) -> VideoModel | ClipSource:
    """Build a model for the clips of a corpus.

    Raises:
        ModelError: It cannot be built, or can do nothing.
    """
    how = corpus.protocol
    spec = ModelSpec(how.frames, how.size, corpus.dataset.labels, device, corpus, progress)
    try:
        model = found.factory(spec)
    except FevbenchError:
        raise
    except (Exception, SystemExit) as error:
        raise failed(found.name, "could not be built", error) from error
    if not isinstance(model, VideoModel | ClipSource):
        raise ModelError(
            f"model {found.name} has no generate method",
            "give it one: generate(self, images, labels, generator)",
        )
    return model


def failed(name: str, what: str, error: BaseException) -> ModelError:
    """The error of a model that raised one."""
    reason = f"{type(error).__name__}: {error}".partition("\n")[0]
    return ModelError(f"model {name} {what} ({reason})", "see the traceback with --debug")


def file_name(clip: Clip) -> str:
    """What a generated clip's file is called."""
    return f"{clip.id}{LOSSLESS_SUFFIX}"


def clip_seed(seed: int, clip_id: str, draw: int = 0) -> int:
    """A 63-bit seed for one clip, from the run's seed, the clip's id, and which time it is made, alone."""
    parts = (seed, clip_id, draw) if draw else (seed, clip_id)
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _seed_globals(seed: int) -> None:
    """Seed what a model may draw from instead of its generator, so that it repeats all the same."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - models in the wild use the legacy generator
    torch.manual_seed(seed)
