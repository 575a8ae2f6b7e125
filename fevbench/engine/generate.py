"""Making the clips: the model is asked for each clip that is not in the run folder yet."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from fevbench.data.corpus import FrameStore, balanced_clips
from fevbench.data.tensors import to_tensor
from fevbench.data.video import read_written, write_clip
from fevbench.engine.output import differ, evaluating, in_training, read_output, train_otherwise
from fevbench.engine.plausible import FEW, FirstClips, as_values
from fevbench.errors import FevbenchError, ModelError, RunError, VideoError
from fevbench.models.built import BuiltModel, seed_globals
from fevbench.models.command import CommandModel, not_made_error
from fevbench.models.files import OpenedFiles
from fevbench.models.found import flag, notes_of
from fevbench.models.plugin_environment import call_model
from fevbench.models.protocol import ClipSource, VideoModel
from fevbench.models.videos import VideoFolder
from fevbench.results.files import file_name
from fevbench.wording import first_few

if TYPE_CHECKING:
    from fevbench.data.clip import Clip, Frames
    from fevbench.data.corpus import Corpus
    from fevbench.engine.plausible import Floats
    from fevbench.progress import Progress

T = TypeVar("T")


class GeneratedClips:
    """The clips of a run, kept losslessly in its folder.

    Each clip is made alone, with a generator seeded from the run's seed and the clip's id, so that it
    does not depend on its neighbours, on their order, or on an interruption.

    Args:
        built: The model.
        corpus: The true clips.
        folder: Where the clips are kept.
        seed: The run's seed.
        device: The torch device.
        outside: Where a program outside works and its log is kept; None for a folder that goes afterwards.

    Attributes:
        clips: The clips that are scored: the corpus's, less those a folder of videos lacks.
        notes: What the model's source reports, such as missing clips.
        made: How many clips this session made.
        reads: What the model opened while it made them.
    """

    def __init__(
        self,
        built: BuiltModel,
        corpus: Corpus,
        folder: Path,
        seed: int,
        device: str,
        outside: Path | None = None,
    ) -> None:
        self._found = built.found
        self._model = built.model
        self._corpus = corpus
        self._folder = folder
        self._seed = seed
        self._noise_sample = 0
        self._device = device
        self._outside = outside
        self._failed: dict[str, FevbenchError] = {}
        self._store: FrameStore[Frames] = FrameStore()
        missing = set(self._model.missing) if isinstance(self._model, VideoFolder) else set()
        self.clips = tuple(clip for clip in corpus.clips if clip.id not in missing)
        self.made = 0
        self._notes = notes_of(self._model, self._found.name)
        self._oddities: list[str] = []
        self.reads = OpenedFiles()

    @property
    def notes(self) -> list[str]:
        """What a reader of the result must know."""
        try:
            said = notes_of(self._model, self._found.name)
        except ModelError as error:  # after all the work, that is no reason to lose it
            said = [*self._notes, error.what]
        read = self._model.file_notes() if isinstance(self._model, VideoFolder | CommandModel) else []
        return [*said, *self._oddities, *read]

    def again(self, noise_sample: int, clips: Sequence[Clip], folder: Path) -> GeneratedClips:
        """Some of the clips once more, by the same model with other noise.

        Args:
            noise_sample: Which time; 0 are the clips that are scored.
            clips: Which clips.
            folder: Where these are kept.
        """
        other = copy.copy(self)
        other._noise_sample, other.clips, other._folder = noise_sample, tuple(clips), folder
        other._store, other.made, other._failed, other._oddities = FrameStore(), 0, {}, []
        if not noise_sample:  # a try, of which nothing stays
            other._outside = None
        return other

    def make_all(self, progress: Progress) -> None:
        """Make every clip that is not there yet.

        The first few are of different faces and labels, and are compared with their inputs before the others
        are made.

        Raises:
            ModelError: The model fails or breaks the protocol; the clips made so far are kept. Or the first
                ones are in another range or order of channels; those are not.
        """
        progress.start(f"draw {self._noise_sample}" if self._noise_sample else "generate", len(self.clips))
        first = [] if self._noise_sample else balanced_clips(self.clips, self._corpus.dataset.labels, FEW)
        self._make_first(first, progress)
        others = [clip for clip in self.clips if clip not in first]
        self._expect(others)
        for clip in others:
            self._try_to_make(clip)
            progress.advance(1)
        self._check_all_made(len(others))

    def _make_first(self, clips: Sequence[Clip], progress: Progress) -> None:
        seen, made = FirstClips(), []
        self._expect(clips)
        for clip in clips:
            values = self._try_to_make(clip)
            if values is not None:
                made.append(clip)
            if clip.id in self._failed:
                continue
            face = self._corpus.frames(clip)[0]
            seen.add(as_values(face), self.frames(clip), values)
            progress.advance(1)
        if mistake := seen.mistake():
            for clip in made:
                self.path(clip).unlink()
            raise ModelError(
                f"{self._found.name} hands over clips with a mistake: {mistake}, in the first {len(clips)}",
                "hand over RGB, float in [-1, 1] or pixels in 0..255",
            )
        self._check_all_made(len(clips))
        self._oddities += seen.notes()
        for note in self._oddities:
            progress.note(f"note: {note}")

    def _expect(self, clips: Sequence[Clip]) -> None:
        """Tell a program outside what it will be asked for."""
        if isinstance(self._model, CommandModel):
            wanted = [clip for clip in clips if not self.path(clip).exists()]
            seeds = {clip: clip_seed(self._seed, clip.id, self._noise_sample) for clip in wanted}
            self._model.expect(seeds, self._outside, scored=not self._noise_sample)

    def _try_to_make(self, clip: Clip) -> Floats | None:
        """As `_make_one`; where one call makes all clips, one that fails loses none of the others."""
        if not (isinstance(self._model, CommandModel) and self._model.at_once):
            return self._make_one(clip)
        try:
            return self._make_one(clip)
        except (ModelError, VideoError) as error:
            self._failed[clip.id] = error
            return None

    def _check_all_made(self, asked: int) -> None:
        if self._failed:
            raise not_made_error(self._found.name, self._failed, asked)

    def _make_one(self, clip: Clip) -> Floats | None:
        """Make a clip if it is not there; returns what was handed over if it was made."""
        if self.path(clip).exists():
            return None
        frames, values = self._make(clip)
        if not self.made and not self._noise_sample:
            self._check_mode(clip, frames)
        write_clip(self.path(clip), frames, self._corpus.dataset.fps / self._corpus.protocol.stride)
        self._store.keep(clip.id, frames)
        self.made += 1
        return values

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

    def _make(self, clip: Clip) -> tuple[Frames, Floats]:
        """Ask for a clip: its pixels, and the values that were handed over."""
        seed = clip_seed(self._seed, clip.id, self._noise_sample)
        model, doing = self._model, f"failed on clip {clip.id}"
        if isinstance(model, ClipSource):
            generator = torch.Generator().manual_seed(seed)
            frames = self._ask(doing, seed, lambda: model.clip(clip, generator))
            self._check_clip(clip, frames)
            return frames, as_values(frames)
        image = to_tensor(self._corpus.frames(clip)[:1], self._device)
        label = torch.tensor([self._corpus.dataset.labels.index(clip.label)], device=self._device)
        generator = torch.Generator(self._device).manual_seed(seed)

        def generate() -> torch.Tensor:
            # Not in inference mode: a model may ask for gradients, for guidance, with enable_grad.
            with torch.no_grad():
                return model.generate(image, label, generator)

        how = self._corpus.protocol
        return read_output(self._found.name, clip.id, self._ask(doing, seed, generate), how.frames, how.size)

    def _ask(self, doing: str, seed: int, work: Callable[[], T]) -> T:
        seed_globals(seed)
        if self._found.fingerprint_is_complete:
            return call_model(self._found.name, self._found.environment, doing, work)
        with self.reads:
            return call_model(self._found.name, self._found.environment, doing, work)

    def _check_mode(self, clip: Clip, frames: Frames) -> None:
        """See that no network is in training mode, if that changes what it makes.

        Raises:
            ModelError: One is.
        """
        if not isinstance(self._model, VideoModel) or self._found.fingerprint_is_complete:
            return
        training = in_training([*self._found.globals(), self._model])
        if not training:
            return
        if flag(self._model, self._found.name, "training_mode"):
            self._oddities.append("made with networks in training mode, as the model says is meant")
            return
        with evaluating(training):
            otherwise = self._make(clip)[0]
        known = train_otherwise(training)
        if differ(frames, otherwise) and (not differ(frames, self._make(clip)[0]) or known):
            names = first_few(sorted({type(one).__name__ for one in known or training}))
            raise ModelError(
                f"model {self._found.name} makes other clips in training mode, in which its networks are "
                f"({names}), than in evaluation mode",
                "call eval() on them; if it is meant, say training_mode = True in the class",
            )

    def _check_clip(self, clip: Clip, frames: Frames) -> None:
        protocol = self._corpus.protocol
        wanted = (protocol.frames, protocol.size, protocol.size, 3)
        if tuple(frames.shape) != wanted or frames.dtype != np.uint8:
            raise ModelError(
                f"{self._found.name}: clip {clip.id} is {frames.dtype}{list(frames.shape)}, "
                f"expected uint8{list(wanted)}",
                "delete it and repeat the command, or make it as the protocol says",
            )


def clip_seed(seed: int, clip_id: str, noise_sample: int = 0) -> int:
    """A 63-bit seed for one clip, from the run's seed, the clip's id, and which time it is made, alone."""
    parts = (seed, clip_id, noise_sample) if noise_sample else (seed, clip_id)
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
