"""ArcFace on the embedded data set: it finds the faces, tells people apart, and invents none."""

from pathlib import Path

import numpy as np
import pytest

from fevbench.data.corpus import Corpus
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import protocols
from fevbench.extractors.arcface import ArcFace

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def network(weight_paths: dict[str, Path]) -> ArcFace:
    return ArcFace("cpu", weight_paths)


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """``uint8[24, 2, 64, 64, 3]``: the first and the last frame of one clip of each test person."""
    corpus = Corpus(open_dataset("fevsynth"), protocols.get("64x16"), "test")
    first = {clip.subject: clip for clip in corpus.clips}
    return np.stack([corpus.frames(clip)[[0, -1]] for clip in first.values()])


def test_same_people_are_closer_than_others(network: ArcFace, faces: np.ndarray) -> None:
    neutral, apex = (network(np.ascontiguousarray(faces[:, i])) for i in (0, 1))
    assert np.linalg.norm(neutral, axis=1) == pytest.approx(np.ones(24), abs=1e-5)
    cosines = neutral @ apex.T
    same, different = np.diag(cosines), cosines[~np.eye(24, dtype=bool)]
    assert same.mean() > different.mean() + 0.25
    assert (cosines.argmax(axis=1) == np.arange(24)).mean() >= 7 / 8


def test_no_face_is_nan_and_disturbs_no_neighbour(network: ArcFace, faces: np.ndarray) -> None:
    face = faces[0, 0]
    blank = np.full_like(face, 128)
    features = network(np.stack([blank, face, blank]))
    assert np.isnan(features[[0, 2]]).all()
    assert np.array_equal(features[1], network(face[None])[0])


def test_noise_is_no_face(network: ArcFace) -> None:
    noise = np.random.default_rng(0).integers(0, 256, size=(4, 64, 64, 3), dtype=np.uint8)
    assert np.isnan(network(noise)).all()
