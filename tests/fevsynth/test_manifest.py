"""The shipped set is what its manifest says, and is fit to benchmark on."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import av
import numpy as np
import pytest

from fevbench.data.clip import Clip
from fevbench.data.datasets import SPLITS
from fevbench.fevsynth.adapter import ARCHIVE, ROOT, FEVSynth
from fevbench.fevsynth.render.files import MIN_PSNR, NOTE
from fevbench.fevsynth.render.plan import design

PEOPLE = {"train": 64, "val": 8, "test": 24}
TAKES = 2
MOST_BYTES = 40_000_000
SIZE, FRAMES = 128, 32

Entry = dict[str, Any]


@pytest.fixture(scope="module")
def data() -> FEVSynth:
    return FEVSynth()


@pytest.fixture(scope="module")
def manifest() -> Entry:
    content: Entry = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def sample(data: FEVSynth) -> list[Clip]:
    """Clips of every label and split: 23 has no common divisor with the six labels."""
    return [clip for split in SPLITS for clip in data.clips(split)[::23]]


def listed(manifest: Entry) -> list[Entry]:
    return [manifest["truth"], *manifest["neutrals"], *manifest["clips"]]


def test_every_file_is_the_one_the_manifest_names_and_no_other_is_there(manifest: Entry) -> None:
    """As any program unpacks the archive."""
    found = {"truth.npz": hashlib.sha256((ROOT / "truth.npz").read_bytes()).hexdigest()}
    with zipfile.ZipFile(ROOT / ARCHIVE) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        found |= {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    assert found == {entry["file"]: entry["sha256"] for entry in listed(manifest)}


def test_the_set_is_small_enough_to_ship(data: FEVSynth) -> None:
    assert sum(path.stat().st_size for path in data.files()) <= MOST_BYTES


def test_people_are_those_of_the_design(data: FEVSynth, manifest: Entry) -> None:
    """Which its own tests prove to be balanced."""
    people = design(sum(PEOPLE.values()), manifest["seed"])
    assert [vars(subject) for subject in people] == manifest["subjects"]
    assert Counter(subject.split for subject in data.subjects()) == PEOPLE


def test_splits_share_nobody(data: FEVSynth) -> None:
    home = {subject.id: subject.split for subject in data.subjects()}
    for split in SPLITS:
        assert {home[clip.subject] for clip in data.clips(split)} == {split}


def test_everybody_performs_every_label_in_every_take(data: FEVSynth) -> None:
    assert data.repetitions == TAKES
    performed = Counter(
        (clip.subject, clip.label, data.repetition(clip)) for split in SPLITS for clip in data.clips(split)
    )
    wanted = {
        (subject.id, label, repetition)
        for subject in data.subjects()
        for label in data.labels
        for repetition in range(TAKES)
    }
    assert performed == dict.fromkeys(wanted, 1)


def test_decoding_is_exact(data: FEVSynth, manifest: Entry, sample: Sequence[Clip]) -> None:
    expected = {entry["id"]: entry["frames_sha256"] for entry in manifest["clips"]}
    for clip in sample:
        frames = data.frames(clip)
        assert frames.shape == (FRAMES, SIZE, SIZE, 3)
        assert hashlib.sha256(frames.tobytes()).hexdigest() == expected[clip.id], clip.id


def test_quality_is_above_the_floor(manifest: Entry) -> None:
    assert min(clip["psnr"] for clip in manifest["clips"]) >= MIN_PSNR


def test_a_file_says_what_it_is(data: FEVSynth, manifest: Entry, sample: Sequence[Clip]) -> None:
    seed_of = {subject["id"]: subject["seed"] for subject in manifest["subjects"]}
    for clip in sample:
        with av.open(BytesIO(data.stored(clip.id)[1])) as container:
            note = json.loads(container.metadata[NOTE])
        assert note["licence"] == manifest["licence"] == "CC0-1.0"
        assert note["subject"]["seed"] == seed_of[clip.subject]
        assert (note["label"], note["take"]) == (clip.label, data.repetition(clip))
        performance = data.performance(clip)
        assert (note["onset"], note["apex"]) == (performance.onset, performance.apex)


def test_everybody_has_a_neutral_image_a_take(data: FEVSynth) -> None:
    for subject in data.subjects():
        images = [data.neutral(subject.id, repetition) for repetition in range(TAKES)]
        assert all(image.shape == (SIZE, SIZE, 3) for image in images)
        assert np.abs(images[0].astype(float) - images[1]).mean() > 3


def test_the_truth_has_a_row_for_every_file(data: FEVSynth, manifest: Entry) -> None:
    truth = data.truth()
    clips, neutrals = len(manifest["clips"]), len(manifest["neutrals"])
    assert truth.clips.tolist() == [entry["id"] for entry in manifest["clips"]]
    assert truth.neutrals.tolist() == [entry["id"] for entry in manifest["neutrals"]]
    assert truth.units.shape == (52,)
    assert truth.weights.shape == (clips, FRAMES, 52)
    assert truth.pose.shape == (clips, FRAMES, 3)
    assert truth.points.shape == (clips, FRAMES, 5, 2)
    assert truth.neutral_points.shape == (neutrals, 5, 2)
    assert np.allclose(np.linalg.norm(truth.light, axis=1), 1, atol=1e-5)


def test_the_face_is_neutral_until_the_onset_and_strongest_at_the_apex(data: FEVSynth) -> None:
    """Blinks apart, which come and go on their own."""
    truth = data.truth()
    moving = ~np.char.startswith(truth.units, "eye")
    rows = {str(name): row for row, name in enumerate(truth.clips)}
    for split in SPLITS:
        for clip in data.clips(split):
            performance, weights = data.performance(clip), truth.weights[rows[clip.id]].astype(float)
            strength = weights[:, moving].sum(1)
            assert 0 < performance.onset < performance.apex < (performance.offset or FRAMES) <= FRAMES
            assert not weights[0].any(), clip.id
            assert not strength[: performance.onset + 1].any(), clip.id
            assert strength[performance.apex] >= 0.999 * strength.max() > 0, clip.id
            last = FRAMES - 1 if performance.offset is None else performance.offset
            assert strength[last] >= 0.999 * strength.max(), clip.id
            assert (strength[-1] < 0.999 * strength.max()) == (performance.offset is not None), clip.id


def test_the_points_are_where_a_neutral_face_has_them(data: FEVSynth) -> None:
    truth = data.truth()
    assert 0 < truth.points.min() < truth.points.max() < SIZE
    for points in (truth.points[:, 0], truth.neutral_points):
        left_eye, right_eye, nose, left_mouth, right_mouth = np.moveaxis(points, 1, 0)
        assert (left_eye[:, 0] < right_eye[:, 0]).all()
        assert (left_mouth[:, 0] < right_mouth[:, 0]).all()
        assert (np.maximum(left_eye, right_eye)[:, 1] < nose[:, 1]).all()
        assert (nose[:, 1] < np.minimum(left_mouth, right_mouth)[:, 1]).all()


def test_clips_move_from_onset_to_apex(data: FEVSynth, sample: Sequence[Clip]) -> None:
    """Far more than before the onset, where only the head drifts."""
    middle = slice(SIZE // 4, 3 * SIZE // 4)
    for clip in sample:
        face = data.frames(clip)[:, middle, middle].astype(float)
        performance = data.performance(clip)
        to_apex = np.abs(face[performance.apex] - face[0]).mean()
        assert to_apex > 3, clip.id
        assert np.abs(face[performance.onset] - face[0]).mean() < 0.5 * to_apex, clip.id


def test_surroundings_do_not_give_the_person_away(data: FEVSynth) -> None:
    """The same person stands before a different background in every clip."""
    clips = [clip for clip in data.clips("train") if clip.subject == data.clips("train")[0].subject]
    corners = [data.frames(clip)[0, :8, :8].mean((0, 1)) for clip in clips]
    distances = [np.abs(a - b).max() for n, a in enumerate(corners) for b in corners[:n]]
    assert len(clips) == TAKES * len(data.labels)
    assert min(distances) > 2
