"""``fevbench.score``: made clips beside true ones, without a data set, as ``fevbench score`` does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fevbench import paths
from fevbench.api.given import Given, GivenClip, Layout, as_given, as_pictures, matched
from fevbench.api.measuring import ClipFacts, Networks, evaluation_of, in_order, values_of
from fevbench.api.metrics import check_shape
from fevbench.api.scores import Scores
from fevbench.data.clip import Clip, Frames
from fevbench.data.corpus import FrameStore
from fevbench.data.facts import FileFacts, notes_on_files
from fevbench.data.protocol import Protocol, find_protocol
from fevbench.engine.plan import choose_device, choose_metrics
from fevbench.errors import FevbenchError
from fevbench.progress import Progress, Silent
from fevbench.results.schema import ProtocolRecord
from fevbench.weights import Progress as Pull
from fevbench.wording import first_few
from fevbench.wording import n_clips as count_clips

AS_GIVEN = "as given"
"""The protocol id of clips that were neither sampled nor resized."""


def score(
    made: Any,
    true: Any = None,
    *,
    labels: Sequence[str] | Mapping[str, str] | None = None,
    subjects: Sequence[str] | Mapping[str, str] | None = None,
    inputs: Any = None,
    metrics: str | Sequence[str] | None = None,
    protocol: str | Path | Protocol | None = None,
    value_range: tuple[float, float] | None = None,
    layout: str = "",
    match: str | None = None,
    allow_missing: bool = False,
    device: str = "auto",
    batch_size: int | None = None,
    offline: bool = False,
    progress: Progress | None = None,
    pull: Pull | None = None,
) -> Scores:
    """Score clips, beside true ones if there are any.

    All clips must have one size and length, unless a protocol says how they are sampled and resized. Frame 0
    of the true clip is the input image: per-frame metrics leave it out and compare faces with it, as in a
    run. If the input images are given as ``inputs``, each is put before its made and its true clip.

    Args:
        made: A folder of videos or of folders of frames, a file, an array or tensor ``[N, T, H, W, 3]``,
            ``[N, T, 3, H, W]`` or ``[N, 3, T, H, W]`` or one clip of it, or a sequence of files or clips.
        true: The true clips in any of these forms; None if there are none.
        labels: The requested expressions: one per made clip, or clip name to label.
        subjects: The subject of each clip, in the same forms. Without it there are no intervals.
        inputs: The images the clips were made from, where they are not frame 0: a folder of pictures, or
            arrays.
        metrics: Names or families; by default those of a run.
        protocol: A name, an id, ``SIZExFRAMES[@STRIDE]`` or a TOML file, by which both sides are sampled and
            resized; None to take them as they are.
        value_range: The values of black and white of floating-point arrays, for example ``(-1, 1)``.
        layout: ``THWC``, ``TCHW`` or ``CTHW``, if the axis of size 3 does not decide.
        match: ``name`` or ``order``; by default by name where some names agree, else by order.
        allow_missing: Leave out clips that have no partner or cannot be read; otherwise they are an error.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        batch_size: Samples per call of a network.
        offline: Never use the network.
        progress: Receives the progress; by default it is discarded.
        pull: Receives the progress of downloads.

    Returns:
        A number or a reason for every metric.

    Raises:
        FevbenchError: An error that the user can fix.
    """
    chosen = choose_metrics([metrics] if isinstance(metrics, str) else metrics or ())
    how = None if protocol is None else find_protocol(protocol)
    arrays = Layout(value_range, layout)
    progress = progress or Silent()
    ours = as_given(made, "made", arrays)
    pairs: list[tuple[GivenClip, GivenClip | None]] = [(clip, None) for clip in ours.clips]
    notes: list[str] = []
    by, alone = "", list[str]()
    if true is not None:
        found, by, alone = matched(ours, as_given(true, "true", arrays), match)
        pairs = [*found]
        if ours.named:
            notes.append(f"made and true clips were matched by {by}")
    if alone:
        _leave_out(f"{len(alone)} have no clip of their name on the other side", alone, allow_missing, notes)
    first = _first_frames(inputs, Given("made", tuple(one for one, _ in pairs), ours.named), arrays)
    work = _Pairs(pairs, first, how)
    usable = work.check(progress, allow_missing, notes)
    names = [pairs[i][0].name for i in usable]
    # Values given in order count all made clips, also those without a partner.
    order = [clip.name for clip in ours.clips]
    of_subject = _known_of(subjects, names, order, "subjects")
    of_label = _known_of(labels, names, order, "labels")
    clips = [
        Clip(str(i), subject, label, "test", Path())
        for i, subject, label in zip(usable, of_subject, of_label, strict=True)
    ]
    frames, size = work.shape[:2]
    known = ClipFacts(
        frames,
        size,
        true is not None,
        true is not None or inputs is not None,
        subjects is not None,
        in_order(of_label) if labels is not None else (),
    )
    evaluation = evaluation_of(chosen, known, clips)
    local = evaluation.require(offline, pull)
    networks = Networks(
        evaluation, local, choose_device(device), batch_size, paths.home() / "features", progress
    )
    try:
        features = networks.features(clips, work.made, work.true)
    finally:
        networks.close()
    values = values_of(chosen, known, clips, features)
    if subjects is None:
        notes.append("no intervals: the subjects of the clips are not known; give subjects")
        values = {name: metric.model_copy(update={"subjects": 0}) for name, metric in values.items()}
    record = ProtocolRecord(id=AS_GIVEN, size=size, frames=frames, stride=1, scores_input=False)
    if how:
        record = ProtocolRecord(
            id=how.id, size=how.size, frames=how.frames, stride=how.stride, scores_input=False, fps=how.fps
        )
    return Scores(
        clips={pairs[i][0].name: other.name if (other := pairs[i][1]) else None for i in usable},
        matched=by,
        protocol=record,
        metrics=values,
        notes=[*notes, *work.file_notes(usable)],
    )


def _leave_out(what: str, names: Sequence[str], allowed: bool, notes: list[str]) -> None:
    """Add a note that clips are left out.

    Raises:
        FevbenchError: They must not be left out.
    """
    text = f"{what} ({first_few(list(names))})"
    if not allowed:
        raise FevbenchError(
            text, "add or repair them, or score the rest with --allow-missing (allow_missing=True)"
        )
    notes.append(f"left out: {text}")


def _first_frames(inputs: Any, made: Given, arrays: Layout) -> list[Frames] | None:
    """The input image of each made clip, ``uint8[1, H, W, 3]``, if they are given on their own."""
    if inputs is None:
        return None
    images = as_pictures(inputs, "inputs", arrays)
    pairs, _, _ = matched(made, images, None)
    if len(pairs) < len(made.clips):
        there = {clip.name for clip, _ in pairs}
        absent = [clip.name for clip in made.clips if clip.name not in there]
        raise FevbenchError(
            f"inputs: none for {first_few(absent)}", "give one image per made clip, with the clip's name"
        )
    return [image.load()[0] for _, image in pairs]


def _known_of(
    given: Sequence[str] | Mapping[str, str] | None, names: Sequence[str], order: Sequence[str], what: str
) -> list[str]:
    """The label or subject of each clip, by name or position; an empty text if none is given."""
    if given is None:
        return [""] * len(names)
    if isinstance(given, Mapping):
        absent = [name for name in names if not given.get(name)]
        if absent:
            raise FevbenchError(
                f"{what}: nothing for {first_few(absent)}", "give it for every clip, or for none"
            )
        return [str(given[name]) for name in names]
    if isinstance(given, str) or len(given) != len(order):
        raise FevbenchError(f"{what}: {len(given)} for {count_clips(len(order))}", "give one per made clip")
    of_name = dict(zip(order, map(str, given), strict=True))
    return [of_name[name] for name in names]


class _Pairs:
    """Pairs of clips as they are scored. A clip's id is its position.

    Args:
        pairs: Made clips, and true ones if there are any.
        inputs: The input image of each, if it is not frame 0 of the true clip.
        how: The protocol by which they are sampled and resized; None to take them as they are.

    Attributes:
        shape: Frames, height, width and channels of each, once `check` has seen them.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[GivenClip, GivenClip | None]],
        inputs: Sequence[Frames] | None,
        how: Protocol | None,
    ) -> None:
        self._pairs, self._inputs, self._how = pairs, inputs, how
        self._store: FrameStore[Frames] = FrameStore()
        self._facts: dict[tuple[int, int], FileFacts] = {}
        self.shape: tuple[int, ...] = ()

    def check(self, progress: Progress, allow_missing: bool, notes: list[str]) -> list[int]:
        """Read every pair once; returns the positions of those that can be scored.

        Raises:
            FevbenchError: One cannot be scored and ``allow_missing`` is False, or none can.
        """
        usable, failed = [], []
        first: FevbenchError | None = None
        progress.start("read", len(self._pairs))
        for place, (clip, _) in enumerate(self._pairs):
            try:
                for side in (0, 1):
                    frames = self._read(place, side)
                    self.shape = self.shape or frames.shape
                    check_shape(frames, self.shape, self._name(place, side))
                usable.append(place)
            except FevbenchError as error:
                first = first or error
                failed.append(clip.name)
            progress.advance(1)
        if first and (not allow_missing or not usable):
            more = f" (and {len(failed) - 1} more clips)" if len(failed) > 1 else ""
            fix = first.fix
            if usable:
                fix += ", or score the rest with --allow-missing (allow_missing=True)"
            raise FevbenchError(f"{first.what}{more}", fix)
        if first:
            notes.append(
                f"left out: {len(failed)} of {len(self._pairs)} clips ({first_few(failed)}): {first.what}"
            )
        return usable

    def made(self, clip: Clip) -> Frames:
        """The made clip as scored, ``uint8[T, H, W, 3]``."""
        return self._read(int(clip.id), 0)

    def true(self, clip: Clip) -> Frames:
        """The true clip as scored; if there is none, the input image repeated."""
        return self._read(int(clip.id), 1)

    def file_notes(self, usable: Sequence[int]) -> list[str]:
        """Notes on the files of both sides, about what changed pixels."""
        notes = []
        for side, what in ((0, "made"), (1, "true")):
            facts = [self._facts[place, side] for place in usable if (place, side) in self._facts]
            read = [one for one in facts if one.forms]
            notes += [f"{what}: {note}" for note in notes_on_files(read)]
        return notes

    def _name(self, place: int, side: int) -> str:
        clip = self._pairs[place][side] or self._pairs[place][0]
        return f"{('made', 'true')[side]} clip {clip.name}"

    def _read(self, place: int, side: int) -> Frames:
        return self._store.get(f"{place} {side}", lambda: self._load(place, side))

    def _load(self, place: int, side: int) -> Frames:
        clip = self._pairs[place][side]
        if clip is None:  # without a true clip, the frozen input image is used in its place
            made = self._read(place, 0)
            return np.repeat(made[:1], len(made), 0)
        frames, facts = clip.load()
        self._facts[place, side] = facts
        name, how = self._name(place, side), self._how
        image = self._inputs[place] if self._inputs else None
        if how is None:
            if image is not None and image.shape[1:] != frames.shape[1:]:
                sizes = f"{image.shape[2]}x{image.shape[1]}, the clip {frames.shape[2]}x{frames.shape[1]}"
                raise FevbenchError(
                    f"input of {name} is {sizes}",
                    "make them one size, or give a protocol, which resizes both",
                )
            return frames if image is None else np.concatenate([image, frames])
        if image is not None:  # it replaces the protocol's first frame
            how = replace(how, frames=how.frames - 1)
        if len(frames) != how.frames:
            numbers = how.taken(len(frames), name, None if facts.uneven else facts.fps)
            facts.note(f"{len(frames)} frames became {how.frames} by the rule of protocol {how.id}")
            frames = frames[numbers]
        frames = how.resize(frames, name)
        return frames if image is None else np.concatenate([how.resize(image, name), frames])
