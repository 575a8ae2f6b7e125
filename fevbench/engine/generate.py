"""Making the clips: the model is asked for each clip that is not in the run folder yet."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fevbench.data.clip import Clip, Frames
from fevbench.data.corpus import Corpus, FrameStore, balanced_clips, sorted_by_hash
from fevbench.data.video import read_written, write_clip
from fevbench.engine.output import differ, read_output
from fevbench.engine.plausible import FEW, FirstClips, Floats, as_values
from fevbench.errors import FevbenchError, ModelError, RunError, VideoError
from fevbench.models.asked import Maker, check_frames
from fevbench.models.command import CommandModel, not_made_error
from fevbench.models.videos import VideoFolder
from fevbench.progress import Progress
from fevbench.results.files import file_name
from fevbench.wording import first_few

Group = tuple[Clip, ...]
Made = dict[Clip, tuple[Frames, Floats | None]]


class GeneratedClips:
    """The clips of a run, kept losslessly in its folder.

    Each clip is made alone, with a generator seeded from the run's seed and the clip's id, so that it does
    not depend on its neighbours, on their order, or on an interruption. A model that asks for batches makes
    fixed groups of clips (`groups`), each seeded by its group's ids; a group of which a clip is missing is
    made as a whole again.

    Args:
        maker: The model.
        corpus: The true clips.
        folder: Where the clips are kept.
        seed: The run's seed.
        outside: Where an external program works and logs; None for a temporary folder.

    Attributes:
        clips: The clips that are scored: the corpus's, less those a folder of videos lacks.
        notes: What the model's source reports, such as missing clips.
        made: How many clips this session made.
    """

    def __init__(
        self, maker: Maker, corpus: Corpus, folder: Path, seed: int, outside: Path | None = None
    ) -> None:
        self._maker, self._name = maker, maker.found.name
        self._corpus = corpus
        self._folder = folder
        self._seed = seed
        self._noise_sample = 0
        self._outside = outside
        self._failed: dict[str, FevbenchError] = {}
        self._store: FrameStore[Frames] = FrameStore()
        missing = set(maker.source.missing) if isinstance(maker.source, VideoFolder) else set()
        self.clips = tuple(clip for clip in corpus.clips if clip.id not in missing)
        self.made = 0
        self._batch = 1 if maker.looks_up else maker.found.batch
        self._notes, self._is_finished = maker.notes(), False
        self._oddities: list[str] = []

    @property
    def notes(self) -> list[str]:
        """Notes for the reader of the result."""
        source = self._maker.source
        batch = f"made in fixed groups of {self._batch} clips, each with one seed" if self._batch > 1 else ""
        read = source.file_notes() if isinstance(source, VideoFolder | CommandModel) else []
        return [*self._model_notes(), *filter(None, [batch]), *self._oddities, *read]

    def again(self, noise_sample: int, clips: Sequence[Clip], folder: Path) -> GeneratedClips:
        """The same model's clips of a noise sample, 0 for the scored ones, kept in another folder."""
        other = copy.copy(self)
        other._noise_sample, other.clips, other._folder = noise_sample, tuple(clips), folder
        other._store, other.made, other._failed, other._oddities = FrameStore(), 0, {}, []
        if not noise_sample:  # a trial, of which nothing is kept
            other._outside = None
        return other

    def make_all(self, progress: Progress) -> None:
        """Make every missing clip.

        The first few, of different faces and labels, are compared with their inputs before the others are
        made.

        Raises:
            ModelError: The model fails or breaks the protocol; finished clips are kept. Or the first clips
                have a wrong value range or channel order; these are not kept.
        """
        progress.start("generate", len(self.clips))
        self.make_first(progress)
        for group in self.groups:
            self.make(group)
            progress.advance(len(group))

    @property
    def groups(self) -> list[Group]:
        """The groups of clips that are made together."""
        return groups(self.clips, self._batch)

    def make_first(self, progress: Progress) -> None:
        """Make the first few, of different faces and labels, and compare them with their inputs.

        Videos that were made elsewhere, and clips that one call of a program makes, are all made then.

        Raises:
            ModelError: As `make_all`.
        """
        first = balanced_clips(self.clips, self._corpus.dataset.labels, FEW)
        with_first = [group for group in self.groups if not set(group).isdisjoint(first)]
        if self._batch == 1:
            with_first = [(clip,) for clip in first]
        self._make_first(first, with_first, progress)
        if isinstance(self._maker.source, VideoFolder | CommandModel):
            self.make(self.clips)

    def make(self, clips: Sequence[Clip]) -> None:
        """Make the missing ones of some clips, each with its whole group.

        Raises:
            ModelError: The model fails or breaks the protocol; finished clips are kept.
        """
        wanted = set(clips)
        chosen: list[Group] = [(clip,) for clip in clips]
        if self._batch > 1:
            chosen = [group for group in self.groups if not wanted.isdisjoint(group)]
        self._expect(chosen)
        for group in chosen:
            self._try_to_make(group)
        self._check_all_made(len(chosen))

    @property
    def opened_files(self) -> list[Path]:
        """The files that the model opened while it made clips."""
        return list(self._maker.opened_files)

    def finish(self) -> None:
        """Free the model once no more clips are needed."""
        self._notes, self._is_finished = self._model_notes(), True
        self._maker.close()

    def _model_notes(self) -> list[str]:
        """The model's notes on itself, or the last ones it gave."""
        if self._is_finished:
            return self._notes
        try:
            return self._maker.notes()
        except ModelError as error:  # finished work must not be lost for this
            return [*self._notes, error.what]

    def _make_first(self, first: Sequence[Clip], those: Sequence[Group], progress: Progress) -> None:
        """Make the groups of the first clips, and compare these clips with their inputs."""
        seen = FirstClips()
        made: dict[Clip, Floats | None] = {}
        self._expect(those)
        for group in those:
            made |= self._try_to_make(group, first)
        for clip in first:
            if clip.id not in self._failed:
                seen.add(as_values(self._corpus.frames(clip)[0]), self.frames(clip), made.get(clip))
        if mistake := seen.mistake():
            for clip in made:
                self.path(clip).unlink()
            raise ModelError(
                f"model {self._name} returned clips with a mistake: {mistake} (in the first {len(first)})",
                "return RGB, as float in [-1, 1] or as pixels in 0..255",
            )
        self._check_all_made(len(first))
        self._oddities += seen.notes()
        for note in self._oddities:
            progress.note(f"note: {note}")

    def _expect(self, those: Sequence[Group]) -> None:
        """Tell an external program which clips it will be asked for."""
        source = self._maker.source
        if isinstance(source, CommandModel):
            wanted = [clip for group in those for clip in group if not self.path(clip).exists()]
            seeds = {clip: clip_seed(self._seed, clip.id, self._noise_sample) for clip in wanted}
            source.expect(seeds, self._outside, scored=not self._noise_sample)

    def _try_to_make(self, group: Group, first: Sequence[Clip] = ()) -> dict[Clip, Floats | None]:
        """As `_make_group`; if one call makes all clips, the failure of one loses no other."""
        source = self._maker.source
        if not (isinstance(source, CommandModel) and source.at_once):
            return self._make_group(group, first)
        try:
            return self._make_group(group, first)
        except (ModelError, VideoError) as error:
            self._failed[group[0].id] = error
            return {}

    def _check_all_made(self, asked: int) -> None:
        if self._failed:
            raise not_made_error(self._name, self._failed, asked)

    def _make_group(self, group: Group, first: Sequence[Clip]) -> dict[Clip, Floats | None]:
        """Make the missing clips of a group; returns the model's output for the first clips."""
        missing = [clip for clip in group if not self.path(clip).exists()]
        if not missing:
            return {}
        made = self._make(group, first)
        if not self.made and not self._noise_sample:
            self._check_mode(group, made)
        for clip in missing:
            frames, _ = made[clip]
            write_clip(self.path(clip), frames, self._corpus.protocol.rate(self._corpus.dataset.fps))
            self._store.keep(clip.id, frames)
            self.made += 1
        return {clip: made[clip][1] for clip in missing}

    def path(self, clip: Clip) -> Path:
        """The file of a clip."""
        return self._folder / file_name(clip)

    def frames(self, clip: Clip) -> Frames:
        """A clip that has been made: ``uint8[T, H, W, 3]``."""
        return self._store.get(clip.id, lambda: self._read(clip))

    def _read(self, clip: Clip) -> Frames:
        try:
            frames = read_written(self.path(clip))
        except VideoError as error:
            raise RunError(error.what, "delete it and repeat the command, which makes it again") from error
        return check_frames(self._name, clip.id, frames, self._corpus.protocol)

    def _make(self, group: Group, first: Sequence[Clip] = (), evaluating: bool = False) -> Made:
        """Ask the model for a group: the pixels of each clip, and the raw output for the first clips."""
        seed = clip_seed(self._seed, GROUPED.join(clip.id for clip in group), self._noise_sample)
        size = self._corpus.protocol.size
        faces = np.empty((len(group), size, size, 3), np.uint8)
        if not self._maker.looks_up:
            faces[:] = [self._corpus.frames(clip)[0] for clip in group]
        made: Made = {}
        for clip, handed_over in zip(group, self._maker.make(group, faces, seed, evaluating), strict=True):
            if self._maker.looks_up:
                made[clip] = handed_over, as_values(handed_over) if clip in first else None
            else:
                frames, values = read_output(self._name, clip.id, handed_over)
                made[clip] = frames, values if clip in first else None
        return made

    def _check_mode(self, group: Group, made: Made) -> None:
        """Check that no network is in training mode, if that changes its clips."""
        training = self._maker.training()
        if not training.names:
            return
        if training.is_intended:
            self._oddities.append("made with networks in training mode, as the model says is meant")
            return
        if _differ(made, self._make(group, evaluating=True)) and (
            training.known or not _differ(made, self._make(group))
        ):
            raise ModelError(
                f"model {self._name} has networks in training mode, where it makes other clips "
                f"than in evaluation mode ({first_few(training.known or training.names)})",
                "call eval() on them; if this is intended, set training_mode = True in the class",
            )


GROUPED = "\1"
"""Separator of the clips' ids in a group's seed; no id contains it."""


def _differ(made: Made, again: Made) -> bool:
    return any(differ(frames, again[clip][0]) for clip, (frames, _) in made.items())


def groups(clips: Sequence[Clip], size: int) -> list[Group]:
    """The groups of clips that are made together, of ``size`` clips in the order of their ids' hashes.

    A run of fewer clips scores the first ones in this order, so all its groups but the last are the same.
    Clips that are made one by one stay in their order.
    """
    ordered = sorted_by_hash(clips) if size > 1 else clips
    return [tuple(ordered[i : i + size]) for i in range(0, len(ordered), size)]


def clip_seed(seed: int, clip_id: str, noise_sample: int = 0) -> int:
    """A 63-bit seed for one clip, from only the run's seed, the clip's id and the noise sample."""
    parts = (seed, clip_id, noise_sample) if noise_sample else (seed, clip_id)
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
