"""The face mesh: scores and pose are MediaPipe's, close faces are found, and what is missing is said."""

import importlib.metadata
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fevbench.errors import MissingPackage, WeightsError
from fevbench.extractors.base import extractors
from fevbench.extractors.face_mesh import BLENDSHAPES, MESH, POSE, SCORES, FaceMesh, Landmarker

needs_mediapipe = pytest.mark.skipif(
    importlib.util.find_spec("mediapipe") is None, reason="needs fevbench[faces]"
)


@pytest.fixture(scope="module")
def network(weight_paths: dict[str, Path]) -> FaceMesh:
    return FaceMesh("cpu", weight_paths)


def column(features: np.ndarray, *names: str) -> np.ndarray:
    return features[:, [BLENDSHAPES.index(name) for name in names]].mean(axis=1)


def test_the_names_are_those_of_arkit_without_the_tongue() -> None:
    assert list(BLENDSHAPES) == sorted(set(BLENDSHAPES))
    assert len(BLENDSHAPES) == SCORES.stop == 51
    assert extractors.get("face-mesh").dim == MESH.stop
    assert all(name.replace("Left", "Right") in BLENDSHAPES for name in BLENDSHAPES)
    assert not {"tongueOut", "_neutral"} & set(BLENDSHAPES)


@needs_mediapipe
@pytest.mark.weights
def test_a_smile_has_mediapipes_scores(network: FaceMesh, photograph: np.ndarray) -> None:
    # From MediaPipe 1.2.2, called on the same canvas; 0.10.21 gives the same within 1e-4.
    expected = {
        "mouthSmileLeft": 0.8648,
        "mouthSmileRight": 0.8823,
        "mouthUpperUpLeft": 0.5723,
        "mouthUpperUpRight": 0.5847,
        "jawOpen": 0.0,
    }
    scores = dict(zip(BLENDSHAPES, network(photograph[None])[0, SCORES].tolist(), strict=True))
    assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=0.02)


@needs_mediapipe
@pytest.mark.weights
def test_expressions_move_what_they_should(network: FaceMesh, apexes: dict[str, np.ndarray]) -> None:
    scores = {label: network(faces)[:, SCORES] for label, faces in apexes.items()}
    assert all(np.isfinite(features).all() for features in scores.values())
    assert all(features.min() >= 0 and features.max() <= 1 for features in scores.values())
    smile = {label: column(s, "mouthSmileLeft", "mouthSmileRight").mean() for label, s in scores.items()}
    assert max(smile, key=lambda label: smile[label]) == "happiness"
    jaw = {label: column(s, "jawOpen").mean() for label, s in scores.items()}
    assert max(jaw, key=lambda label: jaw[label]) == "surprise"


@needs_mediapipe
@pytest.mark.weights
@pytest.mark.parametrize("size", [64, 128])
def test_a_face_that_fills_the_frame_is_found(network: FaceMesh, photograph: np.ndarray, size: int) -> None:
    """Without the border, MediaPipe misses most faces as close as this."""
    close = Image.fromarray(photograph).resize((size, size), Image.Resampling.BICUBIC, (84, 74, 176, 166))
    assert np.isfinite(network(np.asarray(close)[None])).all()


@needs_mediapipe
@pytest.mark.weights
def test_no_face_is_nan_and_disturbs_no_neighbour(network: FaceMesh, photograph: np.ndarray) -> None:
    noise = np.random.default_rng(0).integers(0, 256, photograph.shape, dtype=np.uint8)
    blank = np.full_like(photograph, 128)
    features = network(np.stack([blank, photograph, noise]))
    assert np.isnan(features[[0, 2]]).all()
    assert np.array_equal(features[1], network(photograph[None])[0])


@needs_mediapipe
@pytest.mark.weights
def test_the_pose_is_a_rotation_that_turns_with_the_picture(
    network: FaceMesh, photograph: np.ndarray
) -> None:
    tilted = np.asarray(Image.fromarray(photograph).rotate(20, Image.Resampling.BICUBIC, center=(130, 120)))
    upright, turned = (f[POSE].reshape(3, 4)[:, :3] for f in network(np.stack([photograph, tilted])))
    for rotation in (upright, turned):
        assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-4)
        assert np.linalg.det(rotation) == pytest.approx(1, abs=1e-4)
    # Counter-clockwise in the picture is a positive turn about the axis towards the camera.
    roll = np.degrees(np.arctan2(*(turned @ upright.T)[[1, 0], [0, 0]]))
    assert roll == pytest.approx(20, abs=3)


@needs_mediapipe
@pytest.mark.weights
def test_the_mesh_is_the_landmarkers(
    network: FaceMesh, photograph: np.ndarray, weight_paths: dict[str, Path]
) -> None:
    mesh = network(photograph[None])[0, MESH].reshape(-1, 3)
    assert np.array_equal(mesh[:, :2], Landmarker(weight_paths, "a test").points(photograph[None])[0])
    assert mesh[1, 2] < mesh[[127, 356], 2].min(), "the nose is nearer to the camera than the ears"


@needs_mediapipe
@pytest.mark.weights
def test_it_is_opened_once_and_sees_the_same_as_one_that_was_just_opened(
    photograph: np.ndarray, weight_paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    open_ = Landmarker._open

    def counted(self: Landmarker, everything: bool) -> Any:
        opened.append(open_(self, everything))
        return opened[-1]

    monkeypatch.setattr(Landmarker, "_open", counted)
    noise = np.random.default_rng(0).integers(0, 256, photograph.shape, dtype=np.uint8)
    pictures = [photograph, noise, photograph[:, ::-1], photograph[40:200, 50:210]]
    once = FaceMesh("cpu", weight_paths)
    for picture in [*pictures, *pictures[::-1]]:
        fresh = FaceMesh("cpu", weight_paths)
        assert once(picture[None]).tobytes() == fresh(picture[None]).tobytes()
    del fresh
    assert len(opened) == 1 + 2 * len(pictures)
    assert [landmarker._handle is None for landmarker in opened] == [False] + [True] * 2 * len(pictures)
    once._landmarker.close()
    assert opened[0]._handle is None
    assert np.isfinite(once(photograph[None])).all(), "it is opened again"


@needs_mediapipe
@pytest.mark.weights
def test_a_fork_opens_its_own(photograph: np.ndarray, weight_paths: dict[str, Path]) -> None:
    code = (
        "import os, sys, numpy; from pathlib import Path\n"
        "from fevbench.extractors.face_mesh import FaceMesh\n"
        "network = FaceMesh('cpu', {'face-landmarker': Path(sys.argv[1])})\n"
        "see = lambda: network(numpy.zeros((1, 64, 64, 3), numpy.uint8)).shape == (1, 1497) or sys.exit(5)\n"
        "see(); child = os.fork(); see()\n"
        "if child: sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    command = [sys.executable, "-c", code, str(weight_paths["face-landmarker"])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_mediapipe
def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "face_landmarker.task"
    path.write_bytes(b"junk")
    with pytest.raises(WeightsError, match="does not hold a face landmarker") as caught:
        FaceMesh("cpu", {"face-landmarker": path})(np.zeros((1, 64, 64, 3), np.uint8))
    assert "\n" not in str(caught.value)


@needs_mediapipe
@pytest.mark.weights
def test_nothing_is_printed_from_start_to_end(weight_paths: dict[str, Path]) -> None:
    code = (
        "import sys, numpy; from pathlib import Path\n"
        "from fevbench.extractors.face_mesh import FaceMesh\n"
        "network = FaceMesh('cpu', {'face-landmarker': Path(sys.argv[1])})\n"
        "network(numpy.zeros((1, 64, 64, 3), numpy.uint8))\n"
        "print('still here', file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, str(weight_paths["face-landmarker"])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "still here\n")


def test_without_mediapipe_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "mediapipe", None)
        with pytest.raises(
            MissingPackage, match=r"'face-mesh' needs mediapipe.*pip install 'fevbench\[faces\]'"
        ):
            FaceMesh("cpu", {})

    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(MissingPackage, match=r"'face-mesh' needs mediapipe.*pip install 'fevbench\[faces\]'"):
        extractors.get("face-mesh").fingerprint({"face-landmarker": "0" * 64}, "cpu")


@needs_mediapipe
@pytest.mark.weights
@pytest.mark.parametrize("corner", [(0, 0), (64, 32)])
def test_points_go_with_the_face(
    weight_paths: dict[str, Path], photograph: np.ndarray, corner: tuple[int, int]
) -> None:
    """The black border around what MediaPipe is shown is no part of the frame."""
    x, y = corner
    wider = np.zeros((320, 320, 3), np.uint8)
    wider[y : y + 256, x : x + 256] = photograph
    landmarker = Landmarker(weight_paths, "a test")
    (before,), (after,) = landmarker.points(photograph[None]), landmarker.points(wider[None])
    assert before.shape == (478, 2)
    assert np.abs(after - (256 * before + corner) / 320).max() < 0.015


def test_no_face_is_nan(weight_paths: dict[str, Path]) -> None:
    assert np.isnan(Landmarker(weight_paths, "a test").points(np.full((1, 64, 64, 3), 128, np.uint8))).all()
