"""A frame's face is searched once for all networks of a process, with the same points and box to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fevbench.extractors import faces
from fevbench.extractors.arcface import ArcFace
from fevbench.extractors.face_api import load as load_face_api
from fevbench.extractors.faces import Face, FaceDetector, to_canvas

pytestmark = pytest.mark.weights


class Counted(FaceDetector):
    """Counts the batches that the network sees."""

    def __init__(self, path: Path) -> None:
        super().__init__("cpu", path)
        self.batches: list[int] = []
        detect = self._detect

        def counted(pictures: np.ndarray, scale: float = 1) -> list[tuple[np.ndarray, np.ndarray]]:
            self.batches.append(len(pictures))
            return detect(pictures, scale)

        self._detect = counted  # type: ignore[assignment]


@pytest.fixture
def frames(apexes: dict[str, np.ndarray]) -> np.ndarray:
    """``uint8[9, 64, 64, 3]``; one holds no face."""
    return np.stack([*apexes["happiness"][:8], np.full((64, 64, 3), 90, np.uint8)])


def same(found: list[Face | None], others: list[Face | None]) -> bool:
    return all(
        (one is None and other is None)
        or (
            (one is not None and other is not None)
            and one.box == other.box
            and np.array_equal(one.landmarks, other.landmarks)
            and np.array_equal(one.canvas, other.canvas)
        )
        for one, other in zip(found, others, strict=True)
    )


def test_known_frames_are_not_searched_again(weight_paths: dict[str, Path], frames: np.ndarray) -> None:
    detector = Counted(weight_paths["scrfd-500m"])
    first = detector.largest(frames)
    assert [face is None for face in first] == [False] * 8 + [True]
    again = detector.largest(frames[::-1].copy())
    assert same(again[::-1], first)
    assert detector.batches == [9]
    for face, frame in zip(again[::-1], frames, strict=True):
        assert face is None or np.array_equal(face.canvas, to_canvas(frame))


def test_what_is_known_of_some_changes_nothing_of_the_others(
    weight_paths: dict[str, Path], frames: np.ndarray
) -> None:
    """Batches stay full, and another size of batch, of which bits may differ, is searched anew."""
    detector = Counted(weight_paths["scrfd-500m"])
    detector.largest(frames[:4])
    detector.largest(np.concatenate([frames[1:3], frames[6:8]]))
    assert detector.batches == [4, 4]
    mixed = detector.largest(np.concatenate([frames[:2], frames[5:7]]))
    assert detector.batches == [4, 4, 4]
    fresh = FaceDetector("cpu", weight_paths["scrfd-500m"])
    assert same(mixed, fresh.largest(np.concatenate([frames[:2], frames[5:7]])))
    detector.largest(frames[:2])
    assert detector.batches == [4, 4, 4, 2]


def test_what_is_kept_has_a_bound(
    weight_paths: dict[str, Path], frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faces, "KEPT", 3)
    detector = Counted(weight_paths["scrfd-500m"])
    assert same(detector.largest(frames), FaceDetector("cpu", weight_paths["scrfd-500m"]).largest(frames))
    assert len(detector._known) == 3


def test_networks_of_a_process_share_it(
    weight_paths: dict[str, Path], frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = Counted(weight_paths["scrfd-500m"])
    for user in ("arcface", "expressions"):
        monkeypatch.setattr(f"fevbench.extractors.{user}.shared_detector", lambda device, path: detector)
    embedded, read = ArcFace("cpu", weight_paths)(frames), load_face_api("cpu", weight_paths)(frames)
    assert detector.batches == [9]
    monkeypatch.undo()
    faces.shared_detector.cache_clear()
    alone = load_face_api("cpu", weight_paths)
    assert np.array_equal(alone(frames), read, equal_nan=True)
    assert ArcFace("cpu", weight_paths)._detector is alone._detector
    assert np.array_equal(ArcFace("cpu", weight_paths)(frames), embedded, equal_nan=True)
