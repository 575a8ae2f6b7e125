"""A metric's declaration, in four parts. It imports no network and no numerics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from fevbench.extractors.backends import BF16, Precision
from fevbench.extractors.base import extractors
from fevbench.registry import load_target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fevbench.data.protocol import Protocol
    from fevbench.results.schema import ProtocolRecord

Family = Literal["identity", "expression", "distribution", "diversity", "pixels", "motion", "facial-motion"]
FAMILIES: tuple[str, ...] = get_args(Family)
HIGHER, LOWER = True, False
"""Which direction is better."""
INF = float("inf")
"""The upper end of an unbounded range."""
JUDGE = "judge"
"""The extractor that is the data set's own expression classifier."""
NO_INPUT = "-noinput"
"""At the end of a definition's id: frame 0, the model's input, is left out on both sides."""


@dataclass(frozen=True)
class Definition:
    """The definition of a metric. Whatever would change a value gets a new id.

    Attributes:
        id: The exact definition, with a version.
        title: What is measured, in a few words.
        family: The kind of quality it measures.
        higher_is_better: Its direction.
        range: The smallest and the largest value.
        citation: Where the definition comes from.
        unit: Its unit; empty if it has none.
        decimals: Digits after the point in a table.
        ranked: Whether a better value means a better model. If not, no model is ranked or called best.
        truth_is_best: Whether the true clips are the best possible: a value better than theirs is never
            called best. False if their own value means nothing, because they are compared with
            themselves.
    """

    id: str
    title: str
    family: Family
    higher_is_better: bool
    range: tuple[float, float]
    citation: str
    unit: str = ""
    decimals: int = 3
    ranked: bool = True
    truth_is_best: bool = True


@dataclass(frozen=True)
class Sampling:
    """What a sample of a metric is, and how many samples a value needs.

    Attributes:
        kind: ``clip``: one value per clip, and their mean is reported. ``set``: one value of all clips.
        counts: What a sample of a set metric is: ``frames`` or ``clips``.
        least: The fewest samples it is reported for.
        least_subjects: The fewest subjects.
        least_per_label: The fewest samples of each of the data set's labels.
        sample_info: What a set metric needs to know about each sample besides its features.
        noise_samples: Noise samples per face and label that are compared, the scored clip included.
        first_frame: 1 if frame 0, the model's input, is left out; the id then has `NO_INPUT`.
        missing_value: The value of a frame without a face, unless an observed value is worse: losing a face
            never improves the result. None for metrics that need no face.
    """

    kind: Literal["clip", "set"] = "clip"
    counts: Literal["frames", "clips"] = "clips"
    least: int = 1
    least_subjects: int = 1
    least_per_label: int = 0
    sample_info: tuple[Literal["label", "subject"], ...] = ()
    noise_samples: int = 1
    first_frame: int = 0
    missing_value: float | None = None


@dataclass(frozen=True)
class Computation:
    """How the number is computed. Functions are lazy targets, ``"module:function"``.

    Attributes:
        target: The function: of a clip metric from `fevbench.metrics.measurement.ClipView` to
            `fevbench.metrics.measurement.Measurement`; of a set metric from the samples' features, made and
            true, and its `Sampling.sample_info` to a number.
        extractor: The name of the extractor of its features.
        arguments: Further arguments of the function, by name.
        reduction: Reduces the features of a clip and of its true clip to one sample, or to none.
        jackknife: Computes a set metric and, in the same pass, its value without each group of subjects in
            turn, if that is faster than separate computations.
        per_label: Computes the value of each label, for a set metric that is a mean over labels.
        classes: The labels that the classifier behind it knows; empty if any label is possible.
        accuracy: The metric whose value on the true clips is the accuracy of the classifier behind it.
    """

    target: str
    extractor: str
    arguments: Mapping[str, object] = field(default_factory=dict, hash=False)
    reduction: str = ""
    jackknife: str = ""
    per_label: str = ""
    classes: tuple[str, ...] = ()
    accuracy: str = ""


@dataclass(frozen=True)
class Audit:
    """Which damages of `fevbench audit` the metric must notice, and which it must ignore."""

    notices: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()


@dataclass(frozen=True)
class Metric:
    """A metric's declaration.

    Attributes:
        name: Its name on the command line and in tables.
        definition: Its id, direction, range and source.
        sampling: What a sample is, and how many samples a value needs.
        computation: How it is computed.
        audit: What it must notice and ignore.
        selected_by: Which runs compute it. ``default``: every run; ``family``: runs that request its family
            or ``all``; ``name``: only runs that request it by name, because it is slow or its weights must
            be downloaded by the user.
    """

    name: str
    definition: Definition
    sampling: Sampling
    computation: Computation
    audit: Audit = field(default_factory=Audit)
    selected_by: Literal["default", "family", "name"] = "default"

    @property
    def id(self) -> str:
        """The exact definition."""
        return self.definition.id

    @property
    def higher_is_better(self) -> bool:
        """Its direction."""
        return self.definition.higher_is_better

    @property
    def arrow(self) -> str:
        """Its direction as an arrow."""
        return "↑" if self.higher_is_better else "↓"

    @property
    def kind(self) -> Literal["clip", "set"]:
        """``clip`` if each clip has a value, ``set`` if only all clips together have one."""
        return self.sampling.kind

    @property
    def uses_judge(self) -> bool:
        """Whether it uses the data set's own expression classifier, whose hash becomes part of its id."""
        return self.computation.extractor == JUDGE

    def with_judge(self, sha256: str | None) -> Metric:
        """The metric with the expression classifier's hash in its id, if it needs one and there is one."""
        stem, _, version = self.id.partition("@")
        if not self.uses_judge or sha256 is None or stem.endswith(f"-{sha256[:8]}"):
            return self
        return replace(self, definition=replace(self.definition, id=f"{stem}-{sha256[:8]}@{version}"))

    def at_precision(self, precision: Precision) -> Metric:
        """The metric with the id for rounded features, if ``precision`` is ``fast`` and rounds them."""
        if precision == "exact" or not extractors.get(self.computation.extractor).may_round:
            return self
        stem, _, version = self.id.partition("@")
        return replace(
            self, definition=replace(self.definition, id=f"{stem.removesuffix(f'-{BF16}')}-{BF16}@{version}")
        )

    def for_protocol(self, protocol: Protocol | ProtocolRecord) -> Metric:
        """The metric under a protocol: with frame 0, and another id, if the protocol scores that frame."""
        if not (self.sampling.first_frame and protocol.scores_input):
            return self
        stem, _, version = self.id.partition("@")
        return replace(
            self,
            definition=replace(self.definition, id=f"{stem.removesuffix(NO_INPUT)}@{version}"),
            sampling=replace(self.sampling, first_frame=0),
        )

    @property
    def compute(self) -> Callable[..., Any]:
        """The function behind the metric, imported now."""
        return partial(_load(self.computation.target), **self.computation.arguments)

    @property
    def reduce(self) -> Callable[..., Any]:
        """The function that makes one sample of a clip, imported now."""
        return _load(self.computation.reduction)

    def with_replicates(
        self, arrays: Sequence[NDArray[Any]], groups: NDArray[np.int64]
    ) -> tuple[float, list[float]]:
        """The set metric, and the set metric without each group of samples in turn, for the jackknife.

        ``arrays`` are what `compute` takes, with one row per sample; ``groups`` is ``int64[N]``, from 0.

        Returns:
            The value of all, and one per group, in the groups' order; NaN where the rest has no value.
        """
        from fevbench.metrics.measurement import TooFew

        if self.computation.jackknife:
            found: tuple[float, list[float]] = _load(self.computation.jackknife)(*arrays, groups)
            return found
        values = []
        for group in sorted(set(groups.tolist())):
            try:
                values.append(float(self.compute(*(array[groups != group] for array in arrays))))
            except TooFew:
                values.append(float("nan"))
        return float(self.compute(*arrays)), values

    def per_label(self, arrays: Sequence[NDArray[Any]]) -> dict[int, float]:
        """Label index to value, if the metric is a mean over labels; else empty."""
        target = self.computation.per_label
        return _load(target)(*arrays) if target else {}

    def worst(self, values: list[float]) -> float:
        """The worst of some values."""
        return min(values) if self.higher_is_better else max(values)

    def best(self, values: list[float]) -> float:
        """The best of some values."""
        return max(values) if self.higher_is_better else min(values)

    def with_missing(self, values: Sequence[float | None]) -> list[float]:
        """The values in the mean: a missing one counts as `Sampling.missing_value` or as the worst value.

        They are of all clips that are not excused; at least one is a number.
        """
        observed = [value for value in values if value is not None]
        missing = self.sampling.missing_value
        stand_in = self.worst(observed if missing is None else [*observed, missing])
        return [stand_in if value is None else value for value in values]


def _load(target: str) -> Callable[..., Any]:
    return cast("Callable[..., Any]", load_target(target))
