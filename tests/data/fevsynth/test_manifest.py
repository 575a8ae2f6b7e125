"""The shipped set is what its manifest says, and is fit to benchmark on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fevbench.data.fevsynth
from fevbench.data.fevsynth.render.writer import MIN_PSNR, read_notes
from fevbench.data.video import read_clip

ROOT = Path(fevbench.data.fevsynth.__file__).parent
MANIFEST: dict[str, Any] = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
SUBJECTS: list[dict[str, Any]] = MANIFEST["subjects"]
CLIPS: list[dict[str, Any]] = MANIFEST["clips"]
SAMPLE = CLIPS[:: len(CLIPS) // 7]  # every label and both splits: 7 is prime to the six labels


def test_every_file_is_the_one_the_manifest_names() -> None:
    for clip in CLIPS:
        assert hashlib.sha256((ROOT / clip["file"]).read_bytes()).hexdigest() == clip["sha256"], clip["id"]


def test_no_file_is_unlisted() -> None:
    assert {f"clips/{path.name}" for path in (ROOT / "clips").iterdir()} == {clip["file"] for clip in CLIPS}


def test_the_set_stays_small_enough_to_ship() -> None:
    assert sum((ROOT / clip["file"]).stat().st_size for clip in CLIPS) <= 15_000_000


@pytest.mark.parametrize("clip", SAMPLE, ids=lambda clip: str(clip["id"]))
def test_decoding_is_exact(clip: dict[str, Any]) -> None:
    frames = read_clip(ROOT / clip["file"])
    assert frames.shape == (MANIFEST["frames"], MANIFEST["size"], MANIFEST["size"], 3)
    assert hashlib.sha256(frames.tobytes()).hexdigest() == clip["frames_sha256"]


def test_people_are_in_one_split_each() -> None:
    assert Counter(subject["split"] for subject in SUBJECTS) == {"train": 12, "test": 8}
    split_of = {subject["id"]: subject["split"] for subject in SUBJECTS}
    assert len(split_of) == len({subject["seed"] for subject in SUBJECTS}) == len(SUBJECTS)
    assert all(clip["split"] == split_of[clip["subject"]] for clip in CLIPS)


def test_everybody_performs_every_label_once() -> None:
    performed = Counter((clip["subject"], clip["label"]) for clip in CLIPS)
    wanted = {(subject["id"], label) for subject in SUBJECTS for label in MANIFEST["labels"]}
    assert performed == dict.fromkeys(wanted, 1)


@pytest.mark.parametrize("split", ["train", "test"])
def test_splits_are_balanced(split: str) -> None:
    people = [subject for subject in SUBJECTS if subject["split"] == split]
    sexes = Counter(subject["sex"] for subject in people)
    ancestries = Counter(subject["ancestry"] for subject in people)
    assert sexes["female"] == sexes["male"]
    assert max(ancestries.values()) - min(ancestries.values()) <= 2
    assert {subject["age"] for subject in people} == {"young", "middle", "old"}


def test_quality_is_above_the_floor() -> None:
    assert min(clip["psnr"] for clip in CLIPS) >= MIN_PSNR


def test_a_file_says_what_it_is() -> None:
    seed_of = {subject["id"]: subject["seed"] for subject in SUBJECTS}
    for clip in SAMPLE:
        notes = read_notes(ROOT / clip["file"])
        assert notes is not None
        assert notes["licence"] == MANIFEST["licence"]
        assert (notes["seed"], notes["label"]) == (seed_of[clip["subject"]], clip["label"])
        assert (notes["onset"], notes["apex"]) == (clip["onset"], clip["apex"])


@pytest.mark.parametrize("clip", SAMPLE, ids=lambda clip: str(clip["id"]))
def test_a_clip_starts_neutral_and_ends_at_the_apex(clip: dict[str, Any]) -> None:
    """The face moves between onset and apex far more than before or after, where only the head drifts."""
    frames = read_clip(ROOT / clip["file"]).astype(np.float64)
    centre = slice(MANIFEST["size"] // 4, 3 * MANIFEST["size"] // 4)
    face = frames[:, centre, centre]
    to_apex = np.abs(face[clip["apex"]] - face[0]).mean()
    before_onset = np.abs(face[clip["onset"]] - face[0]).mean()
    assert to_apex > 3
    assert before_onset < 0.5 * to_apex
    assert 0 < clip["onset"] < clip["apex"] <= 0.75 * MANIFEST["frames"]


def test_surroundings_do_not_give_the_person_away() -> None:
    """The same person stands before a different background in every clip."""
    subject = SUBJECTS[0]["id"]
    corners = [
        read_clip(ROOT / clip["file"])[0, :8, :8].mean((0, 1)) for clip in CLIPS if clip["subject"] == subject
    ]
    distances = [np.abs(a - b).max() for n, a in enumerate(corners) for b in corners[:n]]
    assert min(distances) > 2
