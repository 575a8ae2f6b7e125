"""Same person against different people: exact, across takes only, and with intervals over people."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fevbench.fevsynth.measure import identity
from fevbench.fevsynth.measure.identity import ONE_SUBJECT, ONE_TAKE, FacePairs
from fevbench.stats.bootstrap import draw_subjects, percentile_interval

Faces = tuple[np.ndarray, list[str], list[int]]


def faces(people: int = 5, each: int = 4, spread: float = 1.0, seed: int = 0) -> Faces:
    """Embeddings around a centre a person, their people and their takes."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(people, 1, 8))
    found = (centres + spread * rng.normal(size=(people, each, 8))).reshape(-1, 8)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found, [f"p{i // each}" for i in range(len(found))], [i % 2 for i in range(len(found))]


def scores(data: Faces) -> list[tuple[bool, str, str, float]]:
    """Every pair that counts, the slow way: is it one person, who are they, how alike."""
    found, who, repetition = data
    n = range(len(found))
    return [
        (who[i] == who[j], who[i], who[j], float(found[i] @ found[j]))
        for i in n
        for j in n
        if i < j and (who[i] != who[j] or repetition[i] != repetition[j])
    ]


def test_values_are_those_of_all_pairs_that_count() -> None:
    data = faces()
    rows = scores(data)
    same = [cosine for one, _, _, cosine in rows if one]
    different = [cosine for one, _, _, cosine in rows if not one]
    found = FacePairs(*data)
    assert found.same().value == pytest.approx(np.mean(same))
    assert found.different().value == pytest.approx(np.mean(different))
    assert found.auc().value == pytest.approx(roc_auc_score([r[0] for r in rows], [r[3] for r in rows]))
    assert (found.same().n, found.different().n, found.auc().n) == (len(same), len(different), len(rows))


def test_ties_count_half() -> None:
    corner = np.eye(4)[[0, 0, 0, 0]]
    assert FacePairs(corner, ["a", "a", "b", "b"], [0, 1, 0, 1]).auc().value == 0.5


def test_frames_of_one_take_are_no_pair_of_one_person() -> None:
    """Two equal frames of one clip would otherwise make any set look easy."""
    data = faces(each=2)
    doubled = (np.repeat(data[0], 2, axis=0), np.repeat(data[1], 2).tolist(), np.repeat(data[2], 2).tolist())
    assert FacePairs(*doubled).same().value == pytest.approx(FacePairs(*data).same().value)


def test_intervals_resample_people_and_never_pair_a_person_with_himself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Against the slow way: draw people, list all pairs as often as they were drawn, compute again."""
    data = faces(people=4, spread=1.5)
    rows = scores(data)
    draws = draw_subjects(4)[:40]
    # Of some resamples nobody but one person is left: those have no number.
    draws = draws[(draws > 0).sum(axis=1) > 1]
    monkeypatch.setattr(identity, "draw_subjects", lambda people: draws)
    monkeypatch.setattr(identity, "RESAMPLES_AT_ONCE", 7)
    slow = []
    for draw in draws:
        times = {f"p{i}": int(n) for i, n in enumerate(draw)}
        drawn = [row for row in rows for _ in range(times[row[1]] * (1 if row[0] else times[row[2]]))]
        slow.append(roc_auc_score([r[0] for r in drawn], [r[3] for r in drawn]))
    bounds = FacePairs(*data).auc().interval
    assert bounds is not None
    assert (bounds.low, bounds.high) == pytest.approx(percentile_interval(np.array(slow)))


def test_what_cannot_be_had_says_why() -> None:
    found, who, repetition = faces()
    alone = FacePairs(found, who, [0] * len(repetition))
    assert (alone.same().value, alone.same().reason) == (None, ONE_TAKE)
    assert alone.auc().reason == ONE_TAKE
    assert alone.different().value is not None
    nobody = FacePairs(found[:4], who[:4], repetition[:4])
    assert nobody.different().reason == nobody.auc().reason == ONE_SUBJECT
    assert nobody.most_similar(5) == []


def test_the_most_similar_people_are_named() -> None:
    found, who, repetition = faces(people=6, spread=0.1)
    found[4:8] = found[16:20]  # p1 is p4's twin
    (first, second, cosine), *rest = FacePairs(found, who, repetition).most_similar(3)
    assert (first, second) == ("p1", "p4")
    assert cosine > 0.9
    assert [row[2] for row in rest] == sorted((row[2] for row in rest), reverse=True)
