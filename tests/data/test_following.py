"""One person is followed through a take: by who it is and where, whatever else comes into the picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from downloads import write_frames
from PIL import Image
from tiny import Cli, Outcome

from fevbench.data.framing import FoundFace
from fevbench.data.prepared.face import DetectedFace, follow_subject
from fevbench.extractors import arcface

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

RED, GREEN = (200, 0, 0), (0, 200, 0)
HEIGHT, WIDTH = 120, 240


class Blocks:
    """Sees a face in every block of red or green; its colour is who it is."""

    def faces(self, picture: Frames) -> list[FoundFace]:
        found = []
        for channel in (0, 1):
            ys, xs = np.nonzero(picture[..., channel] > 150)
            if len(ys):
                box = (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
                points = np.full((5, 2), [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], np.float32)
                found.append(FoundFace(box, points))
        return sorted(found, key=lambda face: face.box[0])


def colours(pictures: Sequence[Frames], points: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """An embedding a face: whether it is green."""
    middles = [where[0].astype(int) for where in points]
    green = [int(picture[y, x, 1] > 150) for picture, (x, y) in zip(pictures, middles, strict=True)]
    return np.eye(2, dtype=np.float32)[green]


@pytest.fixture
def blocks(middle_faces: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arcface, "_finder", lambda path: Blocks())
    monkeypatch.setattr(arcface, "_embedder", lambda path: colours)


def scene(*people: tuple[tuple[int, int, int], int, int, int] | None) -> Frames:
    """A picture with a block for everybody: colour, left, top and side."""
    picture = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    for person in people:
        if person:
            shade, left, top, side = person
            picture[top : top + side, left : left + side] = shade
    return picture


Act = Callable[[int], Any]


def prepared(cli: Cli, tmp_path: Path, at: Act, *options: object, frames: int = 20) -> tuple[Outcome, Any]:
    """Three people whose one take each is what ``at`` shows at a moment; the first clip, if there is one."""
    for name in ("ann", "bob", "cem"):
        write_frames(
            tmp_path / "own" / name / "anger" / "1", np.stack([at(i) for i in range(frames)]), "{}.png"
        )
    wish = ("--out", tmp_path / "out", "--split", "test", "--jobs", 1, "--size", 48, "--frames", 8)
    outcome = cli("data", "prepare", "folder:own", tmp_path / "own", *wish, *map(str, options))
    manifest = tmp_path / "out" / "manifest.json"
    return outcome, json.loads(manifest.read_text())["clips"][0] if manifest.exists() else None


def around_the_red(clip: dict[str, Any]) -> bool:
    """Whether the square is the one around a red block of 60 px at 20, 30 that does not move."""
    (side, _, left), (_, _, top) = clip["placement"]
    return side == 75 and abs(left - (50 - 37.5)) <= 1 and abs(top - (60 - 0.028 * 75 - 37.5)) <= 1


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize(
    ("other", "notes"),
    [
        pytest.param(
            lambda i: (GREEN, 130, 10, 40 if i < 10 else 100),
            ["other faces in 5 of 5 frames looked at, one subject is followed"],
            id="one who comes nearer",
        ),
        pytest.param(
            lambda i: (GREEN, 200, 10, 30) if i > 12 else None,
            ["other faces in 2 of 5 frames looked at, one subject is followed"],
            id="one who comes late",
        ),
        pytest.param(
            lambda i: (GREEN, 100, 10, 90) if i == 0 else None,
            ["other faces in 1 of 5 frames looked at, one subject is followed"],
            id="one who is larger, and gone at once",
        ),
        pytest.param(
            lambda i: (GREEN, 68, 70, 10) if i == 19 else None,
            [
                "other faces in 1 of 5 frames looked at, one subject is followed",
                "another face in the square in 1 of 5 frames looked at",
            ],
            id="one who is in the square",
        ),
    ],
)
def test_the_square_is_that_of_the_person_it_began_with(
    cli: Cli, tmp_path: Path, other: Act, notes: list[str]
) -> None:
    outcome, clip = prepared(cli, tmp_path, lambda i: scene((RED, 20, 30, 60), other(i)))
    assert outcome.code == 0, outcome
    assert around_the_red(clip)
    assert clip["faces"] == clip["looks"] == 5
    assert clip["notes"] == notes
    for note in notes:
        assert f"noted: 3 clips: {note} (ann-anger-1, …)" in outcome.out


@pytest.mark.usefixtures("blocks")
def test_two_who_change_places_are_told_apart(cli: Cli, tmp_path: Path) -> None:
    """The larger at first is followed to where the other was."""

    def swap(i: int) -> Frames:
        left, right = (RED, 10, 30, 60), (GREEN, 150, 35, 50)
        if i > 12:
            left, right = (GREEN, 10, 35, 50), (RED, 150, 30, 60)
        return scene(left, right)

    _, clip = prepared(cli, tmp_path, swap)
    (side, _, left), _ = clip["placement"]
    assert side == 210, "1.05 times from 10 to 210"
    assert left + side / 2 == pytest.approx((40 * 3 + 180 * 2) / 5, abs=1)


@pytest.mark.usefixtures("blocks")
def test_who_is_left_when_the_person_is_gone_is_not_the_person(cli: Cli, tmp_path: Path) -> None:
    def leaves(i: int) -> Frames:
        return scene((RED, 20, 30, 60) if i < 15 else None, (GREEN, 150, 30, 70) if i >= 9 else None)

    _, clip = prepared(cli, tmp_path, leaves)
    assert around_the_red(clip)
    assert clip["notes"][0] == "a face in 4 of 5 frames looked at"
    assert (clip["faces"], clip["looks"]) == (4, 5)


@pytest.mark.usefixtures("blocks")
def test_a_take_of_two_people_one_after_the_other_gives_no_clip(cli: Cli, tmp_path: Path) -> None:
    """Each is in half of the frames or fewer: no clip is one person's."""
    outcome, _ = prepared(
        cli, tmp_path, lambda i: scene((RED if i < 8 else GREEN, 20 if i < 8 else 150, 30, 60))
    )
    assert outcome.code == 1
    assert "could be prepared (3 no face): a face in 2 of 5 frames looked at" in outcome.complaint


@pytest.mark.usefixtures("blocks")
def test_another_person_at_the_same_place_is_noted(cli: Cli, tmp_path: Path) -> None:
    outcome, clip = prepared(cli, tmp_path, lambda i: scene((RED if i < 12 else GREEN, 20, 30, 60)))
    assert around_the_red(clip)
    assert clip["notes"] == ["perhaps another subject's face in 2 of 5 frames looked at"]
    assert "noted: 3 clips: perhaps another subject's face" in outcome.out


@pytest.mark.usefixtures("blocks")
def test_frame_0_must_show_the_face(cli: Cli, tmp_path: Path) -> None:
    """It is all that a model is given of the person; faces in all other frames do not make up for it."""
    outcome, clip = prepared(cli, tmp_path, lambda i: scene((RED, 20, 30, 60) if i else None))
    assert clip is None
    assert outcome.code == 1
    assert "3 no face in frame 0" in outcome.complaint
    assert "a face in 4 of 5 frames looked at, none in frame 0, which a model is given" in outcome.err
    # A stranger's does not, either.
    _, clip = prepared(cli, tmp_path, lambda i: scene((RED, 20, 30, 60) if i else (GREEN, 150, 30, 60)))
    assert clip is None


@pytest.mark.usefixtures("blocks")
def test_the_stillest_frame_must_show_the_face_wherever_it_is(cli: Cli, tmp_path: Path) -> None:
    """Frames 1 and 2 are the stillest of twenty, and none of the five looked at: 0, 5, 10, 14 and 19."""

    def hides(i: int) -> Frames:
        picture = scene((RED, 20 + 2 * i, 30, 60) if i not in (1, 2, 3) else None)
        return picture

    outcome, clip = prepared(cli, tmp_path, hides, "--neutral", "stillest")
    assert clip is None
    assert "a face in 5 of 5 frames looked at, none in frame 2" in outcome.err
    stands, clip = prepared(
        cli, tmp_path, lambda i: scene((RED, 20 + 2 * max(0, i - 4), 30, 60)), "--neutral", "stillest"
    )
    assert stands.code == 0, stands
    assert clip["neutral"] in (0, 1, 2, 3)


@pytest.mark.usefixtures("blocks")
def test_what_stands_for_a_damaged_frame_0_must_show_the_face(cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "own" / "ann" / "anger" / "1"
    prepared(cli, tmp_path, lambda i: scene((RED, 20, 30, 60) if i != 1 else None))
    (source / "0.png").write_bytes(b"")
    outcome, _ = prepared_again(cli, tmp_path)
    assert "1 no face in frame 0 (ann/anger/1)" in outcome.out
    Image.fromarray(scene((RED, 20, 30, 60))).save(source / "1.png")
    outcome, _ = prepared_again(cli, tmp_path)
    assert "skipped" not in outcome.out
    assert "noted: 1 clip: its nearest stands for frame 0: " in outcome.out


def prepared_again(cli: Cli, tmp_path: Path) -> tuple[Outcome, None]:
    wish = ("--out", tmp_path / "out", "--split", "test", "--jobs", 1, "--size", 48, "--frames", 8)
    return cli("data", "prepare", "folder:own", tmp_path / "own", *wish), None


@pytest.mark.usefixtures("blocks")
def test_small_faces_are_noted(cli: Cli, tmp_path: Path) -> None:
    outcome, clip = prepared(cli, tmp_path, lambda i: scene((RED, 20, 30, 31)))
    assert clip["notes"] == ["its face is 31 px high, less than 32"]
    assert "noted: 3 clips: its face is 31 px high, less than 32 (ann-anger-1, …)" in outcome.out
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["findings"] == [
        {
            "what": "its face is 31 px high, less than 32",
            "clips": [f"{n}-anger-1" for n in ("ann", "bob", "cem")],
        }
    ]
    large, clip = prepared(cli, tmp_path / "large", lambda i: scene((RED, 20, 30, 32)))
    assert clip["notes"] == []
    assert "noted: " not in large.out


def test_nobody_is_followed_where_nobody_is() -> None:
    assert follow_subject({}) == {}
    assert follow_subject({0: [], 5: []}) == {}


def seen(left: float, size: float, *embedding: float) -> DetectedFace:
    unit = np.array(embedding, np.float32) / np.linalg.norm(embedding)
    return DetectedFace(FoundFace((left, 0, left + size, size), np.zeros((5, 2), np.float32)), unit)


def test_a_face_that_stays_may_look_unlike_itself_as_long_as_nobody_else_is_about() -> None:
    """Profiles and strong expressions resemble the neutral face less."""
    front, turned, other = seen(0, 50, 1, 0, 0), seen(5, 50, 0.3, 1, 0), seen(200, 50, 0, 0, 1)
    assert list(follow_subject({0: [front], 5: [seen(5, 50, 0, 1, 0)]})) == [0, 5]
    assert follow_subject({0: [front, other], 5: [turned, other]}) == {0: front, 5: turned}
    assert follow_subject({0: [front, other], 5: [seen(5, 50, 0.1, 1, 0), other], 9: [front]}) == {
        0: front,
        9: front,
    }
