"""``fevbench.metric``: one metric on arrays, at once or batch by batch, as in a training loop."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fevbench.api.given import Layout, as_given, matched
from fevbench.api.measuring import ClipFacts, Networks, evaluation_of, in_order, values_of
from fevbench.data.clip import EXPRESSIONS, Clip, Frames
from fevbench.errors import FevbenchError
from fevbench.metrics.catalog import metrics as catalog
from fevbench.metrics.metric import Metric
from fevbench.progress import Silent
from fevbench.results.schema import MetricResult


@dataclass(frozen=True)
class _Seen:
    """A measured clip: its subject, its requested label, whether it has a true clip, and all features."""

    subject: str
    label: str
    truth: bool
    shape: tuple[int, ...]
    features: dict[str, tuple[Any, Any]]


class ArrayMetric:
    """One metric, on clips in memory.

    Call it with clips to get their value. Or `update` it with a few clips at a time, `merge` it with objects
    of other processes, and `compute` the value of all clips: the same value as for all at once, with the
    same samples and reasons as on the command line. It keeps features, and pixels only for metrics of
    pixels. It can be pickled.

    Args:
        metric: Its declaration.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        batch_size: Samples per call of a network; None for the extractor's default.
        offline: Never use the network.
    """

    def __init__(
        self, metric: Metric, device: str = "auto", batch_size: int | None = None, offline: bool = False
    ) -> None:
        self.metric = metric
        self._device, self._batch_size, self._offline = device, batch_size, offline
        self._seen: list[_Seen] = []
        self._networks: Networks | None = None

    def __len__(self) -> int:
        """How many clips it has seen."""
        return len(self._seen)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_networks": None}

    def reset(self) -> None:
        """Forget all clips; networks stay loaded."""
        self._seen = []

    def update(
        self,
        made: Any,
        true: Any = None,
        *,
        subjects: Sequence[str] | None = None,
        labels: Sequence[str] | None = None,
        value_range: tuple[float, float] | None = None,
        layout: str = "",
    ) -> None:
        """Add clips.

        Args:
            made: A clip or a batch, ``uint8`` or floating point, of shape ``[T, H, W, 3]``,
                ``[T, 3, H, W]`` or ``[3, T, H, W]``, with ``N`` before it for a batch; or a sequence of
                clips. Frame 0 is the input image, which per-frame metrics leave out.
            true: The true clips, in the same order; None for metrics that need none.
            subjects: The subject of each clip; without it there is no interval.
            labels: The requested expression of each clip; some metrics need it.
            value_range: The values of black and white of floating-point clips.
            layout: ``THWC``, ``TCHW`` or ``CTHW``, if the axis of size 3 does not decide.

        Raises:
            FevbenchError: The clips cannot be read, differ in shape, or differ in number, or the metric
                needs true clips.
        """
        how = Layout(value_range, layout)
        ours = as_given(made, "made", how)
        if true is None:
            # The metric never looks at the other side.
            pairs = [(clip, clip) for clip in ours.clips]
        else:
            pairs, _, _ = matched(ours, as_given(true, "true", how), "order")
        both = [(one.load()[0], other.load()[0]) for one, other in pairs]
        of_subject = _aligned(subjects, len(both), "subjects")
        of_label = _aligned(labels, len(both), "labels")
        shape = self._seen[0].shape if self._seen else both[0][0].shape
        for i, pair in enumerate(both):
            for frames, what in zip(pair, ("made", "true"), strict=True):
                check_shape(frames, shape, f"{what} clip {i}")
        clips = [Clip(str(i), "", "", "test", Path()) for i in range(len(both))]
        networks = self._opened(shape, true is not None)
        found = networks.features(
            clips, lambda clip: both[int(clip.id)][0], lambda clip: both[int(clip.id)][1]
        )
        for i, (subject, label) in enumerate(zip(of_subject, of_label, strict=True)):
            features = {name: of_clips[str(i)] for name, of_clips in found.items()}
            self._seen.append(_Seen(subject, label, true is not None, shape, features))

    def merge(self, *others: ArrayMetric) -> None:
        """Add the clips of other objects.

        Raises:
            FevbenchError: One is of another metric, or of clips of another shape.
        """
        for other in others:
            if other.metric != self.metric:
                what = f"{other.metric.name} cannot be merged with {self.metric.name}"
                raise FevbenchError(what, "merge metrics of the same name")
            if self._seen and other._seen and other._seen[0].shape != self._seen[0].shape:
                shapes = f"{other._seen[0].shape} and {self._seen[0].shape}"
                raise FevbenchError(
                    f"clips of shapes {shapes} cannot be merged", "score clips of the same shape"
                )
            self._seen += other._seen

    def compute(self) -> MetricResult:
        """The result of all clips: ``value``, or None and the ``reason``; ``interval``, ``n`` and more.

        Raises:
            FevbenchError: There is no clip.
        """
        if not self._seen:
            raise FevbenchError(f"{self.metric.name} has seen no clip", "call update first")
        seen = self._seen
        clips = [Clip(str(i), one.subject, one.label, "test", Path()) for i, one in enumerate(seen)]
        names = seen[0].features
        features = {name: {str(i): one.features[name] for i, one in enumerate(seen)} for name in names}
        found = values_of([self.metric], self._known(seen[0].shape), clips, features)
        return found[self.metric.name]

    def __call__(self, made: Any, true: Any = None, **known: Any) -> MetricResult:
        """The result of these clips alone; takes the arguments of `update`."""
        alone = ArrayMetric(self.metric, self._device, self._batch_size, self._offline)
        alone._networks = self._networks
        alone.update(made, true, **known)
        self._networks = alone._networks
        return alone.compute()

    def _known(self, shape: tuple[int, ...]) -> ClipFacts:
        labels = in_order([one.label for one in self._seen if one.label])
        subjects = bool(self._seen) and all(one.subject for one in self._seen)
        whole = bool(labels) and all(one.label for one in self._seen)
        truth = all(one.truth for one in self._seen)
        return ClipFacts(shape[0], shape[1], truth, truth, subjects, labels if whole else ())

    def _opened(self, shape: tuple[int, ...], truth: bool) -> Networks:
        """The networks that it needs, loaded once; their features are freed with them."""
        # Subjects and labels matter only at the end.
        known = ClipFacts(shape[0], shape[1], truth, truth, True, EXPRESSIONS)
        if reason := known.unavailable_reason(self.metric):
            fix = "choose another metric" if truth else "give true clips, or choose another metric"
            raise FevbenchError(f"no {self.metric.name}: it {reason}", fix)
        if self._networks is None:
            from fevbench.engine.plan import choose_device

            evaluation = evaluation_of([self.metric], known, None)
            local = evaluation.require(self._offline)
            folder = tempfile.TemporaryDirectory(prefix="fevbench-")
            self._networks = Networks(
                evaluation, local, choose_device(self._device), self._batch_size, Path(folder.name), Silent()
            )
            weakref.finalize(self._networks._stack, folder.cleanup)
        return self._networks


def metric(
    name: str, *, device: str = "auto", batch_size: int | None = None, offline: bool = False
) -> ArrayMetric:
    """One metric, to be called on arrays and tensors.

    Args:
        name: One of ``fevbench list metrics``, or one that was registered.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        batch_size: Samples per call of a network; None for the extractor's default.
        offline: Never use the network.

    Raises:
        UnknownName: There is none of this name.
    """
    return ArrayMetric(catalog.get(name), device, batch_size, offline)


def check_shape(frames: Frames, shape: tuple[int, ...], what: str) -> None:
    """Check that a clip is square and has the shape of the others.

    Raises:
        FevbenchError: It has not.
    """
    if frames.shape != shape:
        raise FevbenchError(
            f"{what} is {_size_text(frames.shape)}, others are {_size_text(shape)}",
            "make all one size and length, or give a protocol, whose rule samples and resizes them",
        )
    if shape[1] != shape[2]:
        raise FevbenchError(
            f"{what} is {shape[2]}x{shape[1]}, not square",
            "crop a square around the face, or give a protocol that crops, such as 256x64-uniform-centre",
        )


def _size_text(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} frames of {shape[2]}x{shape[1]}"


def _aligned(values: Sequence[str] | None, count: int, what: str) -> list[str]:
    """One value per clip; empty texts if none are given."""
    if values is None:
        return [""] * count
    if isinstance(values, str) or len(values) != count:
        raise FevbenchError(
            f"{what}: {len(values)} for {count} clips", "give one per clip, in the clips' order"
        )
    return [str(value) for value in values]
