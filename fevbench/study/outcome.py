"""What a study found: which models people prefer, how sure that is, and which metrics agree."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from fevbench.stats.bootstrap import percentile_interval
from fevbench.study.agreement import Agreement, agreements
from fevbench.study.bradley_terry import check_connected, fit, preferred, win_rates
from fevbench.study.resampling import choices_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.study.answers import Raters
    from fevbench.study.record import Study

Bounds = tuple[float, float] | None


@dataclass(frozen=True)
class Standing:
    """One model.

    Attributes:
        name: What it is called.
        control: Whether it reads the true clips.
        strength: Its Bradley-Terry strength, the models' mean being 0.
        win_rate: How often it is preferred to another of the models, on average over them, by the fit.
        interval: The win rate's 95 % interval; None without one.
        wins: Comparisons in which it was preferred.
        ties: Comparisons without a difference.
        losses: Comparisons in which the other one was preferred.
    """

    name: str
    control: bool
    strength: float
    win_rate: float
    interval: Bounds
    wins: int
    ties: int
    losses: int

    @property
    def comparisons(self) -> int:
        """In how many comparisons it was."""
        return self.wins + self.ties + self.losses


@dataclass(frozen=True)
class Duel:
    """Two models.

    Attributes:
        first: The one that is preferred more often, by the fit.
        second: The other.
        preferred: How often the first is preferred, by the fit.
        interval: Its 95 % interval; None without one.
        comparisons: How often the two were compared.
    """

    first: str
    second: str
    preferred: float
    interval: Bounds
    comparisons: int


@dataclass(frozen=True)
class Outcome:
    """A study's outcome.

    Attributes:
        study: The study.
        raters: Whose answers count, and whose do not.
        subjects: How many people the comparisons show.
        comparisons: How many comparisons count.
        same: The share of them without a difference.
        left: Of the others, the share in which what was at the left was preferred; None if there are none.
        models: The models, the most preferred first.
        duels: Every two models.
        agreement: The metrics, those that agree most with people first.
        no_interval: Why there are no intervals; empty if there are.
    """

    study: Study
    raters: Raters
    subjects: int
    comparisons: int
    same: float
    left: float | None
    models: tuple[Standing, ...]
    duels: tuple[Duel, ...]
    agreement: tuple[Agreement, ...]
    no_interval: str


def find_outcome(study: Study, raters: Raters) -> Outcome:
    """Fit the Bradley-Terry model to all comparisons that count, and again to every resample of them.

    Raises:
        RunError: Nothing connects some of the models.
    """
    choices = choices_of(study, raters.kept)
    names = [model.name for model in study.models]
    wins = choices.wins()
    check_connected(wins, names)
    strengths = fit(wins)
    no_interval = choices.why_no_interval()
    resampled = None if no_interval else fit(choices.resampled_wins())
    rates = win_rates(strengths)
    chances = preferred(strengths)
    rate_bounds = None if resampled is None else _bounds(win_rates(resampled))
    chance_bounds = None if resampled is None else _bounds(preferred(resampled))
    order = sorted(range(len(names)), key=lambda i: (-strengths[i], names[i]))
    tied = choices.score == 0.5
    standings = []
    for i in order:
        own = np.where(
            choices.first == i, choices.score, np.where(choices.second == i, 1 - choices.score, -1)
        )
        standings.append(
            Standing(
                name=names[i],
                control=study.models[i].control,
                strength=float(strengths[i] - strengths.mean()),
                win_rate=float(rates[i]),
                interval=None if rate_bounds is None else rate_bounds[i],
                wins=int((own == 1).sum()),
                ties=int((own == 0.5).sum()),
                losses=int((own == 0).sum()),
            )
        )
    duels = [
        Duel(
            first=names[i],
            second=names[j],
            preferred=float(chances[i, j]),
            interval=None if chance_bounds is None else chance_bounds[i * len(names) + j],
            comparisons=round(wins[i, j] + wins[j, i]),
        )
        for i, j in combinations(order, 2)
    ]
    return Outcome(
        study=study,
        raters=raters,
        subjects=len(choices.subjects),
        comparisons=len(tied),
        same=float(tied.mean()),
        left=None if tied.all() else float(choices.left[~tied].mean()),
        models=tuple(standings),
        duels=tuple(duels),
        agreement=tuple(agreements(study.metrics, strengths, resampled, choices)),
        no_interval=no_interval,
    )


def _bounds(resampled: NDArray[np.float64]) -> list[tuple[float, float]]:
    """The interval of each of the statistics in ``float64[RESAMPLES, …]``, in the order of their rows."""
    return [percentile_interval(column) for column in resampled.reshape(len(resampled), -1).T]
