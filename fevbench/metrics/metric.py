"""What a metric's declaration says. It imports no network and no numerics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from fevbench.registry import load_target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fevbench.data.protocol import Protocol
    from fevbench.results.schema import ProtocolRecord

Family = Literal["identity", "expression", "distribution", "diversity", "pixels", "motion", "facial-motion"]
NO_INPUT = "-noinput"
"""At the end of a definition's id: frame 0, the model's input, is left out on both sides."""
FAMILIES: tuple[str, ...] = get_args(Family)


@dataclass(frozen=True)
class Metric:
    """A metric's declaration.

    Attributes:
        name: What the command line and the tables call it.
        id: Its exact definition, with a version.
        title: What it measures, in a few words.
        family: Which kind of quality it looks at.
        higher_is_better: Its direction.
        range: Smallest and largest value it can take.
        unit: Its unit; empty if it has none.
        kind: ``clip``: one value a clip, their mean is reported. ``set``: one value for all clips.
        extractors: The networks whose features it needs.
        judged: Whether one of them is the data set's judge, whose hash becomes part of the id.
        reads: The labels it can tell apart; empty for metrics that do not mind.
        optional: Whether it is computed only when asked for by name.
        by_itself: Whether only its own name asks for it, and not its family's or ``all``: users must first
            get its weights, which no package index carries, or have much time.
        sample: What a set metric counts: ``frames`` or ``clips``.
        minimum: The smallest sample it is reported for.
        people: The fewest people it is reported for.
        each: For set metrics, the smallest sample of each of the data set's labels it is reported for.
        floor: For face metrics, the value that stands in for a missing face unless an observed one
            is worse; a face that vanishes can therefore never improve the number.
        citation: Where the definition comes from.
        target: The function that computes it.
        leave_out: For set metrics, a function that computes it and, in the same pass, what it is without each
            group of subjects in turn, where that is faster than to compute it anew.
        told: For set metrics, what it is told of each sample: its ``label``, its ``person``.
        draws: How many clips of one face and label it compares: the scored one, and others that the model is
            asked for with other noise.
        first: The first frame it looks at: 1 where frame 0, the model's input, is left out; its id says so by
            `NO_INPUT`.
        notices: The damages of `fevbench audit` it must see.
        ignores: The damages it must not mind.
        reduction: For set metrics of clips that are seen frame by frame, the function that makes one row of a
            clip's features and its true clip's, or none where the true clip does not allow one.
        reader: For metrics of what a classifier reads, the clip metric whose value on the true clips is the
            classifier's accuracy; empty for others.
        compared: Whether a number better than the true clips' own is no merit, and never called best; not
            where their own says nothing, as they are compared with themselves.
        ranked: Whether a better number is better by itself; where it is not, nobody is ranked or called best.
        by_label: For set metrics that are a mean over labels, the function that gives each label's own.
        decimals: Digits after the point in a table.
    """

    name: str
    id: str
    title: str
    family: Family
    higher_is_better: bool
    range: tuple[float, float]
    kind: Literal["clip", "set"]
    citation: str
    target: str
    unit: str = ""
    extractors: tuple[str, ...] = ()
    judged: bool = False
    reads: tuple[str, ...] = ()
    optional: bool = False
    by_itself: bool = False
    sample: Literal["frames", "clips"] = "clips"
    minimum: int = 1
    people: int = 1
    each: int = 0
    floor: float | None = None
    leave_out: str = ""
    told: tuple[Literal["label", "person"], ...] = ()
    draws: int = 1
    first: int = 0
    notices: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    reduction: str = ""
    reader: str = ""
    compared: bool = True
    ranked: bool = True
    by_label: str = ""
    decimals: int = 3

    @property
    def compute(self) -> Callable[..., Any]:
        """The function behind the metric, imported now."""
        return cast("Callable[..., Any]", load_target(self.target))

    def with_replicates(
        self, arrays: Sequence[NDArray[Any]], groups: NDArray[np.int64]
    ) -> tuple[float, list[float]]:
        """The set metric, and the set metric without each group of samples in turn, for the jackknife.

        Args:
            arrays: What `compute` takes; each has a row a sample.
            groups: ``int64[N]``, the group of each sample, from 0.

        Returns:
            The number of all, and one a group, in the groups' order; NaN where what is left has none.
        """
        if self.leave_out:
            leave_out = cast("Callable[..., tuple[float, list[float]]]", load_target(self.leave_out))
            return leave_out(*arrays, groups)
        kept = [groups != group for group in sorted(set(groups.tolist()))]
        without = [self._of_some([array[some] for array in arrays]) for some in kept]
        return float(self.compute(*arrays)), without

    def _of_some(self, arrays: Sequence[NDArray[Any]]) -> float:
        from fevbench.metrics.measurement import TooFew

        try:
            return float(self.compute(*arrays))
        except TooFew:
            return float("nan")

    def of_each_label(self, arrays: Sequence[NDArray[Any]]) -> dict[int, float]:
        """The set metric of each label, where it is a mean over labels.

        Args:
            arrays: What `compute` takes.

        Returns:
            The label's place among the data set's to its number; nothing for other metrics.
        """
        if not self.by_label:
            return {}
        return cast("Callable[..., dict[int, float]]", load_target(self.by_label))(*arrays)

    @property
    def reduce(self) -> Callable[..., Any]:
        """The function that makes one row of a clip, imported now."""
        return cast("Callable[..., Any]", load_target(self.reduction))

    def under(self, protocol: Protocol | ProtocolRecord) -> Metric:
        """The metric as a protocol has it: with frame 0, and the id of that, where the protocol scores it."""
        if not (self.first and protocol.scores_input):
            return self
        stem, _, version = self.id.partition("@")
        return replace(self, id=f"{stem.removesuffix(NO_INPUT)}@{version}", first=0)

    def by_judge(self, sha256: str | None) -> Metric:
        """The metric with the judge's hash in its id, if it is one that needs a judge and there is one."""
        stem, _, version = self.id.partition("@")
        if not self.judged or sha256 is None or stem.endswith(f"-{sha256[:8]}"):
            return self
        return replace(self, id=f"{stem}-{sha256[:8]}@{version}")

    @property
    def arrow(self) -> str:
        """The direction as an arrow."""
        return "↑" if self.higher_is_better else "↓"

    def worst(self, values: list[float]) -> float:
        """The worst of some values."""
        return min(values) if self.higher_is_better else max(values)

    def best(self, values: list[float]) -> float:
        """The best of some values."""
        return max(values) if self.higher_is_better else min(values)

    def with_missing(self, values: Sequence[float | None]) -> list[float]:
        """What clips count in the mean: one without a value counts the floor, or the worst observed if worse.

        Args:
            values: One a clip that is not excused; at least one is a number.
        """
        observed = [value for value in values if value is not None]
        stand_in = self.worst(observed if self.floor is None else [*observed, self.floor])
        return [stand_in if value is None else value for value in values]


INF = float("inf")
"""The largest value of a range that has none."""
