"""Names, places and random numbers of what is rendered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from fevbench.fevsynth.render.plan import UNITS, Job, Settings, design, jobs_of

ANN, BOB = design(2, seed=4)
CLIP = Job(ANN, "fear", 1, 16, 64, Path("set"), Path("assets"))
NEUTRAL = replace(CLIP, label=None, frames=1)


def test_names_say_who_does_what() -> None:
    assert (CLIP.id, CLIP.path) == ("p000-fear-1", Path("set/clips/p000-fear-1.mkv"))
    assert (NEUTRAL.id, NEUTRAL.path) == ("p000-1", Path("set/neutral/p000-1.png"))
    assert CLIP.sidecar != NEUTRAL.sidecar


def test_units_are_52_sorted_names() -> None:
    assert list(UNITS) == sorted(set(UNITS))
    assert len(UNITS) == 52


def test_no_two_streams_are_the_same() -> None:
    """Also not the person's own, from which the face is drawn.

    numpy pads a short seed with zeros, so that of person 7 and of clip (7, 0, 0) would be one.
    """
    streams = {
        job.id: job.rng().random() for job in jobs_of(Settings(3, 3, 8, 32, 1), Path("set"), Path("assets"))
    }
    streams |= {subject.id: np.random.default_rng(subject.seed).random() for subject in design(3, 1)}
    assert len(set(streams.values())) == len(streams) == 3 * 3 * 7 + 3


def test_a_stream_does_not_depend_on_length_or_size() -> None:
    assert CLIP.rng().random() == replace(CLIP, frames=8, size=32).rng().random()


def test_all_that_changes_the_pixels_is_in_the_origin() -> None:
    others = [
        NEUTRAL,
        replace(CLIP, subject=BOB),
        replace(CLIP, subject=replace(ANN, age="old")),
        replace(CLIP, label="anger"),
        replace(CLIP, repetition=0),
        replace(CLIP, frames=8),
        replace(CLIP, size=32),
    ]
    assert all(other.origin != CLIP.origin for other in others)


def test_what_does_not_change_them_is_not() -> None:
    others = [
        replace(CLIP, folder=Path("elsewhere")),
        replace(CLIP, assets=Path("elsewhere")),
        replace(CLIP, subject=replace(ANN, split="test")),
    ]
    assert all(other.origin == CLIP.origin for other in others)
