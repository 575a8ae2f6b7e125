"""Every damage: five growing strengths of the same, on pixels of the same shape, the input spared or not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import tiny

from fevbench.audit import damages as _  # noqa: F401 - registers them
from fevbench.audit.damages import DamageInput, damage, damage_inputs, damages
from fevbench.audit.record import STRENGTHS
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import protocols

ORDER_ONLY = ("shuffle", "reversal", "freeze", "frame-drop", "jump")
"""Damages that show frames of the clip, and no others."""


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(tiny.Tiny(), protocols.get("64x16"), "test")


def ladder(corpus: Corpus, name: str) -> list[list[np.ndarray]]:
    """Strength (0 is the true clip) to the frames of each clip."""
    steps = [[given.frames for given in damage_inputs(corpus, name)]]
    for strength in range(1, STRENGTHS + 1):
        steps.append([damages.get(name).apply(given, strength) for given in damage_inputs(corpus, name)])
    return steps


@pytest.mark.parametrize("name", list(damages))
def test_a_damage_grows_keeps_the_shape_and_repeats(corpus: Corpus, name: str) -> None:
    steps, again = ladder(corpus, name), ladder(corpus, name)
    change = []
    for step, same in zip(steps, again, strict=True):
        for made, twice, true in zip(step, same, steps[0], strict=True):
            assert made.dtype == np.uint8
            assert made.shape == true.shape
            assert np.array_equal(made, twice)
        change.append(np.mean([(m.astype(float) - t) ** 2 for m, t in zip(step, steps[0], strict=True)]))
    assert change[0] == 0
    assert change[-1] > 0
    assert change[-1] == pytest.approx(max(change), rel=0.35), "the strongest is among the worst"
    assert np.mean(np.diff(change) >= -1e-9) >= 0.8, f"it grows: {change}"


@pytest.mark.parametrize("name", ORDER_ONLY)
def test_damages_to_time_show_frames_of_the_clip(corpus: Corpus, name: str) -> None:
    for given in damage_inputs(corpus, name):
        frames = {frame.tobytes() for frame in given.frames}
        for strength in range(1, STRENGTHS + 1):
            made = damages.get(name).apply(given, strength)
            assert {frame.tobytes() for frame in made} <= frames
            if name != "reversal":
                assert np.array_equal(made[0], given.frames[0]), "the input stays the input"


def first(corpus: Corpus, name: str) -> DamageInput:
    return next(iter(damage_inputs(corpus, name)))


def test_by_hand(corpus: Corpus) -> None:
    still = first(corpus, "freeze")
    numbered = DamageInput(
        still.clip,
        np.arange(16, dtype=np.uint8)[:, None, None, None] * np.ones((1, 64, 64, 3), np.uint8),
        corpus,
        np.random.default_rng(0),
        0.5,
    )

    def order(name: str, strength: int) -> list[int]:
        return damages.get(name).apply(numbered, strength)[:, 0, 0, 0].tolist()

    assert order("freeze", 5) == [0] * 16
    assert order("freeze", 1) == [*range(13), 13, 13, 13]
    assert order("reversal", 2) == list(range(16)), (
        "whole clips are reversed, without a cut; not yet this one"
    )
    assert order("reversal", 5) == list(range(15, -1, -1))
    assert order("jump", 5) == [0] + [15] * 15
    assert order("jump", 1) == [*range(13), 15, 15, 15]
    assert sorted(order("shuffle", 5)) == list(range(16))
    assert order("shuffle", 5) != list(range(16))
    warm = damages.get("colour").apply(numbered, 5)[10, 0, 0]
    assert warm.tolist() == [13, 10, 7]


@pytest.mark.parametrize("name", ["wrong-expression", "reversal", "missing-face"])
def test_whole_clips_are_swapped_one_after_the_other(corpus: Corpus, name: str) -> None:
    swapped = [
        [not np.array_equal(made, true) for made, true in zip(step, clips, strict=True)]
        for clips in [[given.frames for given in damage_inputs(corpus, name)]]
        for step in ladder(corpus, name)
    ]
    assert not any(swapped[0])
    assert all(swapped[-1])
    for less, more in pairwise(swapped):
        assert all(b for a, b in zip(less, more, strict=True) if a), "what is swapped stays swapped"


def test_who_and_what_is_shown(corpus: Corpus) -> None:
    given = first(corpus, "identity-swap")
    other = damages.get("identity-swap").apply(given, 5)
    matches = [clip for clip in corpus.pool if np.array_equal(corpus.frames(clip), other)]
    assert [(clip.label, clip.subject != given.clip.subject) for clip in matches] == [
        (given.clip.label, True)
    ]
    wrong = damages.get("wrong-expression").apply(given, 5)
    matches = [clip for clip in corpus.pool if np.array_equal(corpus.frames(clip), wrong)]
    assert [(clip.subject, clip.label != given.clip.label) for clip in matches] == [
        (given.clip.subject, True)
    ]


def test_a_ladder_has_five_steps() -> None:
    with pytest.raises(ValueError, match="bad needs 5 strengths, got 2"):
        damage("bad", "time", "too short", 1, 2)
