"""Which comparisons are made: connected from the first ones, balanced, none twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

from fevbench.data.clip import Clip
from fevbench.errors import RunError
from fevbench.study.make import choose_comparisons, model_pairs

LABELS = ("anger", "joy", "sorrow")
CLIPS = [Clip(f"p{who}-{label}", f"p{who}", label, "test", Path()) for who in range(6) for label in LABELS]


@pytest.mark.parametrize("models", range(2, 18))
def test_all_pairs_once_and_the_first_ones_connect_all(models: int) -> None:
    pairs = model_pairs(models, np.random.default_rng(models))
    assert len({frozenset(pair) for pair in pairs}) == len(pairs) == models * (models - 1) // 2
    table = np.zeros((models, models))
    for one, other in pairs[: models - 1]:
        table[one, other] = 1
    assert connected_components(table, directed=False)[0] == 1
    for end in range(1, len(pairs)):
        uses = Counter(model for pair in pairs[:end] for model in pair)
        assert max(uses.values()) - min(uses[model] for model in range(models)) <= 2


def test_every_pair_sees_all_labels_and_people_alike_often() -> None:
    chosen = choose_comparisons(3, CLIPS, 54, np.random.default_rng(0))
    assert len({(frozenset((a, b)), clip.id) for a, b, clip in chosen}) == 54
    for pair in {frozenset((a, b)) for a, b, _ in chosen}:
        own = [clip for a, b, clip in chosen if {a, b} == pair]
        assert set(Counter(clip.label for clip in own).values()) == {6}
        assert set(Counter(clip.subject for clip in own).values()) == {3}


def test_few_comparisons_are_of_many_people_and_labels() -> None:
    chosen = choose_comparisons(3, CLIPS, 6, np.random.default_rng(0))
    assert len({clip.subject for _, _, clip in chosen}) == 6
    assert set(Counter(clip.label for _, _, clip in chosen).values()) == {2}


def test_the_seed_decides() -> None:
    one, again, other = (choose_comparisons(4, CLIPS, 20, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == again != other


@pytest.mark.parametrize(("count", "words"), [(2, "give --pairs at least 3"), (109, "at most 108")])
def test_impossible_numbers_are_refused(count: int, words: str) -> None:
    with pytest.raises(RunError, match=words):
        choose_comparisons(4, CLIPS, count, np.random.default_rng(0))
