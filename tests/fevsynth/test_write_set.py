"""The manifest and the truth say of every file what it is, in an order that controls can rely on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fake_faces
import numpy as np
import pytest

from baselines.controls import OtherExpression, OtherPerson
from fevbench.data.video import read_clip
from fevbench.errors import DatasetError
from fevbench.fevsynth import VERSION
from fevbench.fevsynth.adapter import FEVSynth
from fevbench.fevsynth.render.files import write
from fevbench.fevsynth.render.plan import UNITS, Job, Settings, jobs_of
from fevbench.fevsynth.render.sets import write_set
from fevbench.fevsynth.truth import Truth, read_truth

SETTINGS = Settings(people=3, takes=2, frames=8, size=32, seed=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole set."""
    folder = tmp_path_factory.mktemp("set")
    for job in jobs(folder).values():
        write(job, fake_faces.make(job))
    write_set(folder, SETTINGS, jobs(folder).values())
    return folder


def jobs(folder: Path) -> dict[str, Job]:
    return {job.id: job for job in jobs_of(SETTINGS, folder, folder)}


@pytest.fixture
def manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


@pytest.fixture
def truth(folder: Path) -> Truth:
    return read_truth(folder)


def test_it_says_how_the_set_was_made(manifest: dict[str, Any]) -> None:
    said = {key: manifest[key] for key in ("name", "version", "licence", "size", "frames", "takes", "seed")}
    assert said == {
        "name": "fevsynth",
        "version": VERSION,
        "licence": "CC0-1.0",
        "size": 32,
        "frames": 8,
        "takes": 2,
        "seed": 5,
    }
    assert [(s["id"], s["split"], s["seed"]) for s in manifest["subjects"]] == [
        ("p000", "train", 500000),
        ("p001", "train", 500001),
        ("p002", "test", 500002),
    ]


def test_every_file_is_listed_with_its_hash(folder: Path, manifest: dict[str, Any]) -> None:
    listed = [manifest["truth"], *manifest["neutrals"], *manifest["clips"]]
    for entry in listed:
        assert hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    there = {str(p.relative_to(folder)) for kind in ("clips", "neutral") for p in (folder / kind).iterdir()}
    assert {entry["file"] for entry in listed} == there | {"truth.npz"}


def test_a_clip_is_described_as_it_was_rendered(folder: Path, manifest: dict[str, Any]) -> None:
    assert len(manifest["clips"]) == 3 * 2 * 6
    for clip in manifest["clips"]:
        job = jobs(folder)[clip["id"]]
        performance = fake_faces.make(job).performance
        assert performance is not None
        assert clip["label"] == job.label
        assert (clip["subject"], clip["split"]) == (job.subject.id, job.subject.split)
        assert clip["take"] == job.repetition
        assert (clip["variant"], clip["onset"], clip["apex"], clip["offset"]) == (
            performance.variant,
            performance.onset,
            performance.apex,
            performance.offset,
        )
        assert hashlib.sha256(read_clip(job.path).tobytes()).hexdigest() == clip["frames_sha256"]


def test_neutral_images_are_one_a_person_and_take(manifest: dict[str, Any]) -> None:
    assert [(n["id"], n["subject"], n["take"], n["split"]) for n in manifest["neutrals"]] == [
        ("p000-0", "p000", 0, "train"),
        ("p001-0", "p001", 0, "train"),
        ("p002-0", "p002", 0, "test"),
        ("p000-1", "p000", 1, "train"),
        ("p001-1", "p001", 1, "train"),
        ("p002-1", "p002", 1, "test"),
    ]


def test_the_truth_is_that_of_the_files_in_the_manifests_order(
    folder: Path, manifest: dict[str, Any], truth: Truth
) -> None:
    assert truth.clips.tolist() == [clip["id"] for clip in manifest["clips"]]
    assert truth.neutrals.tolist() == [image["id"] for image in manifest["neutrals"]]
    assert truth.units.tolist() == list(UNITS)
    for row, name in enumerate(truth.clips):
        rendered = fake_faces.make(jobs(folder)[str(name)])
        assert np.array_equal(truth.weights[row], rendered.weights.astype(np.float16))
        for key in ("pose", "points", "light", "key", "ambient"):
            assert np.array_equal(getattr(truth, key)[row], getattr(rendered, key).astype(np.float32)), key
    for row, name in enumerate(truth.neutrals):
        rendered = fake_faces.make(jobs(folder)[str(name)])
        assert np.array_equal(truth.neutral_pose[row], rendered.pose[0].astype(np.float32))
        assert np.array_equal(truth.neutral_points[row], rendered.points[0].astype(np.float32))
        assert np.array_equal(truth.neutral_light[row], rendered.light.astype(np.float32))


@pytest.mark.parametrize("control", [OtherPerson, OtherExpression])
def test_controls_show_every_clip_of_a_split_once(folder: Path, control: type[OtherPerson]) -> None:
    """Then they are the true clips in another order, and a Fréchet distance between the two is 0."""
    pool = FEVSynth(folder).clips("train")
    told = SimpleNamespace(corpus=SimpleNamespace(pool=pool, frames=lambda clip: clip.id))
    shown = [control(told).clip(clip, None) for clip in pool]
    assert len(pool) == 2 * 2 * 6
    assert sorted(shown) == sorted(clip.id for clip in pool)


def test_a_clip_an_image_and_a_person_are_a_line_each(folder: Path, manifest: dict[str, Any]) -> None:
    lines = (folder / "manifest.json").read_text().splitlines()
    for entry in (*manifest["clips"], *manifest["neutrals"], *manifest["subjects"]):
        assert sum(json.dumps(entry) in line for line in lines) == 1
    assert len(lines) < 36 + 6 + 3 + 24


def test_the_same_set_gives_the_same_bytes(folder: Path) -> None:
    files = [folder / "manifest.json", folder / "truth.npz"]
    before = [file.read_bytes() for file in files]
    write_set(folder, SETTINGS, jobs(folder).values())
    assert [file.read_bytes() for file in files] == before


def test_a_set_that_is_not_finished_has_no_manifest(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"\.npz is missing or broken"):
        write_set(tmp_path, SETTINGS, jobs(tmp_path).values())
    assert not list(tmp_path.iterdir())
