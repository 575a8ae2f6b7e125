"""ArcFace on the embedded data set: it finds the faces, tells people apart, and invents none."""

from pathlib import Path

import numpy as np
import pytest

from fevbench.data.corpus import Corpus
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import protocols
from fevbench.extractors.arcface import ArcFace, load_r50

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


def test_the_larger_network_sees_the_same_faces(
    network: ArcFace, faces: np.ndarray, weight_paths: dict[str, Path], tmp_path: Path
) -> None:
    """Given the same file it says the same; with another one of the same make (random here) it does not."""
    same = load_r50("cpu", {**weight_paths, "w600k-r50": weight_paths["w600k-mbf"]})
    batch = np.concatenate([faces[:2, 0], np.full_like(faces[:1, 0], 128)])
    assert np.array_equal(same(batch), network(batch), equal_nan=True)
    other = load_r50("cpu", {**weight_paths, "w600k-r50": write_random_embedder(tmp_path / "w600k_r50.onnx")})
    embedded = other(batch)
    assert np.linalg.norm(embedded[:2], axis=1) == pytest.approx(np.ones(2), abs=1e-5)
    assert np.isnan(embedded[2]).all()
    assert not np.allclose(embedded[:2], network(batch)[:2], atol=0.01)


def write_random_embedder(path: Path) -> Path:
    """Aligned faces to 512 numbers, as the published networks take and give, by a linear layer."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    linear = np.random.RandomState(0).standard_normal((3 * 7 * 7, 512)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["input.1"], ["pooled"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "linear"], ["683"]),
    ]
    graph = helper.make_graph(
        nodes,
        "stand-in",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["None", 3, 112, 112])],
        [helper.make_tensor_value_info("683", TensorProto.FLOAT, ["None", 512])],
        [numpy_helper.from_array(linear, "linear")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path
