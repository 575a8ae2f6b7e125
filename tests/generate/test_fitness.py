"""What is said of a photograph that keeps a model from doing well."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.data.framing import FRAMING, upright
from fevbench.extractors.expressions import CLASSES
from fevbench.generate.photograph import notes_on_expression, notes_on_size, notes_on_view, turned

PICTURE = np.zeros((300, 400, 3), np.uint8)


def face(yaw: float = 0.0, pitch: float = 0.0, tilt: float = 0.0) -> np.ndarray:
    """Five points of a head turned by some degrees: those of `FRAMING`, the nose in front of the others."""
    depth = np.array([0.0, 0.0, 0.12, 0.02, 0.02])
    head = np.column_stack([FRAMING - FRAMING.mean(0), depth])
    y, p, t = np.radians([yaw, pitch, tilt])
    around = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    nodded = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    seen = (head @ around.T @ nodded.T)[:, :2]
    return 100 * seen @ np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]]) + [200, 150]


@pytest.mark.parametrize("tilt", [0, 40, -90, 180])
def test_a_frontal_face_is_one_however_it_is_tilted(tilt: float) -> None:
    assert notes_on_view(face(tilt=tilt)) == []
    assert notes_on_view(face(yaw=8, tilt=tilt)) == []


@pytest.mark.parametrize("yaw", [-45, -35, 35, 45])
def test_a_three_quarter_view_is_said(yaw: float) -> None:
    assert np.sign(turned(face(yaw=yaw))[0]) == np.sign(yaw)
    (note,) = notes_on_view(face(yaw=yaw, tilt=20))
    assert note.startswith("the face is not seen from the front but from the side")


@pytest.mark.parametrize(("pitch", "way"), [(40, "down"), (-40, "up")])
def test_a_nodding_face_is_said(pitch: float, way: str) -> None:
    assert notes_on_view(face(pitch=pitch)) == [f"the face is not seen from the front: it is turned {way}"]


def test_a_small_face_and_one_at_the_border_are_said() -> None:
    here = upright(FRAMING * 100 + 100)
    assert notes_on_size(here, 64, PICTURE) == []
    (small,) = notes_on_size(here, 512, PICTURE)
    assert small == "the face is small: its frame has 100 px in the photograph, and 512 in the clip"
    (cut,) = notes_on_size(upright(FRAMING * 100 + [-30, 100]), 64, PICTURE)
    assert cut.startswith("the face is at the border: 30% of its frame lie outside")


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"neutral": 0.9, "happiness": 0.1}, []),
        ({"neutral": 0.4, "sadness": 0.3, "fear": 0.3}, []),
        (
            {"happiness": 0.9, "neutral": 0.1},
            ["the face is not neutral but shows happiness (face-api): models expect a neutral one"],
        ),
        (dict.fromkeys(CLASSES, np.nan), []),
    ],
)
def test_a_face_that_is_not_neutral_is_said(seen: dict[str, float], said: list[str]) -> None:
    def read(frames: np.ndarray) -> np.ndarray:
        assert frames.shape == (1, 300, 400, 3)
        return np.array([[seen.get(name, 0) for name in CLASSES]], np.float32)

    assert notes_on_expression(PICTURE, read) == said
