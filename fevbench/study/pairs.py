"""Which comparisons a study makes: all models alike often, on clips of all labels and people alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fevbench.errors import RunError

if TYPE_CHECKING:
    import numpy as np

    from fevbench.data.clip import Clip

Comparison = tuple[int, int, "Clip"]
"""Two models, by their places, and the clip whose face and label both were given."""


def model_pairs(models: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """All pairs of models in an order whose every beginning is balanced.

    The circle method of round-robin tournaments, of models in random order: no model meets its next opponent
    before all others have met theirs, and any ``models - 1`` first pairs connect them all.

    Args:
        models: How many there are.
        rng: Draws who stands where.
    """
    seats: list[int | None] = [int(i) for i in rng.permutation(models)]
    if models % 2:
        seats.append(None)
    order = []
    for _ in range(len(seats) - 1):
        half = len(seats) // 2
        for one, other in zip(seats[:half], reversed(seats[half:]), strict=True):
            if one is not None and other is not None:
                order.append((one, other))
        seats = [seats[0], seats[-1], *seats[1:-1]]
    return order


def choose_comparisons(
    models: int, clips: Sequence[Clip], count: int, rng: np.random.Generator
) -> list[Comparison]:
    """Choose what to compare: no comparison twice, each pair of models on different labels and people.

    Pairs of models follow each other as in `model_pairs`, again and again. Each takes the clip whose label,
    then whose person, then which itself was used least, first by this pair and then by all; ties are drawn.

    Args:
        models: How many models there are; at least two.
        clips: The clips all of them made.
        count: How many comparisons to choose.
        rng: Makes the draws.

    Raises:
        RunError: There are too few to connect all models, or more than there are.
    """
    pairs = model_pairs(models, rng)
    if count < models - 1:
        raise RunError(
            f"{count} comparisons cannot connect {models} models", f"give --pairs at least {models - 1}"
        )
    if count > (most := len(pairs) * len(clips)):
        raise RunError(
            f"{models} models and {len(clips)} clips make {most} comparisons, and not {count}",
            f"give --pairs at most {most}",
        )
    used: Counter[tuple[object, ...]] = Counter()
    chosen = []
    for n in range(count):
        pair = pairs[n % len(pairs)]
        left = [clip for clip in clips if not used[pair, clip.id]]
        lots = rng.random(len(left))
        worn = [
            (
                used[pair, "label", clip.label],
                used["label", clip.label],
                used[pair, "who", clip.subject],
                used["who", clip.subject],
                used["clip", clip.id],
                lot,
                i,
            )
            for i, (clip, lot) in enumerate(zip(left, lots, strict=True))
        ]
        clip = left[min(worn)[-1]]
        used[pair, clip.id] += 1
        used["clip", clip.id] += 1
        for kind, name in (("label", clip.label), ("who", clip.subject)):
            used[pair, kind, name] += 1
            used[kind, name] += 1
        chosen.append((*pair, clip))
    return chosen
