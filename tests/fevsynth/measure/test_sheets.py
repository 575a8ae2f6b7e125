"""Sheets show who and what they say, in files that documents can hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fevbench.data.clip import Subject
from fevbench.fevsynth.measure import sheets
from fevbench.fevsynth.measure.folder import RenderedSet
from fevbench.fevsynth.measure.sheets import (
    GAP,
    LINE,
    MARGIN,
    Row,
    balanced,
    expressions,
    lay_out,
    save,
    write_sheets,
)
from fevbench.progress import Silent

RED, BLUE = (np.full((32, 32, 3), colour, np.uint8) for colour in ((200, 0, 0), (0, 0, 200)))


def test_pictures_stand_in_rows_on_white() -> None:
    sheet = np.asarray(lay_out([Row([RED, None]), Row([BLUE, RED], captions=["a", "b"])], 16))
    assert sheet.shape == (2 * MARGIN + 2 * (16 + GAP) + LINE, 2 * MARGIN + 2 * 16 + GAP, 3)
    second = MARGIN + 16 + GAP
    assert (sheet[MARGIN : MARGIN + 16, MARGIN : MARGIN + 16] == (200, 0, 0)).all()
    assert (sheet[second : second + 16, MARGIN : MARGIN + 16] == (0, 0, 200)).all()
    assert (sheet[MARGIN : MARGIN + 16, MARGIN + 16 + GAP :] == 255).all()
    assert (sheet[second + 16 : second + 16 + LINE] < 128).any()


def test_a_sheet_that_is_too_large_gets_coarser_colours_and_keeps_white(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(100, 132, (200, 200, 3), dtype=np.uint8)
    sheet = lay_out([Row([noise])], 200)
    save(sheet, tmp_path / "fine.png")
    size = (tmp_path / "fine.png").stat().st_size
    monkeypatch.setattr(sheets, "LARGEST", size - 1)
    save(sheet, tmp_path / "coarse.png")
    assert (tmp_path / "coarse.png").stat().st_size < size
    coarse = np.asarray(Image.open(tmp_path / "coarse.png")).astype(int)
    assert np.abs(coarse - np.asarray(sheet)).max() <= 1
    assert coarse[0, 0].tolist() == [255, 255, 255]
    assert np.array_equal(np.asarray(Image.open(tmp_path / "fine.png")), np.asarray(sheet))


def test_the_choice_of_people_is_balanced() -> None:
    """Of many young men and few others, as many women as men are shown."""
    people = [
        Subject(f"p{i:02d}", "test", {"sex": "female" if i % 4 == 0 else "male", "ancestry": "x", "age": a})
        for i, a in enumerate(["young"] * 12 + ["old"] * 4)
    ]
    chosen = balanced(people, 4)
    assert sorted(str(person.attributes["sex"]) for person in chosen) == ["female"] * 2 + ["male"] * 2
    assert sorted(str(person.attributes["age"]) for person in chosen) == ["old"] * 2 + ["young"] * 2
    assert balanced(people, 99) == people


def test_an_expression_is_shown_at_its_apex(rendered: RenderedSet) -> None:
    """The made-up corner of surprise is bright at the apex and black at rest."""
    person = rendered.subjects["p002"]
    sheet = np.asarray(expressions(rendered, [person], 32)).astype(int)
    bottom = sheet[-MARGIN - GAP - 2]
    right = sheet.shape[1] - MARGIN - 32
    assert bottom[right + 2].mean() == pytest.approx(200, abs=6)
    assert bottom[right - 6 * (32 + GAP) + 2].mean() == pytest.approx(0, abs=6)


def test_every_sheet_is_written(rendered: RenderedSet, tmp_path: Path) -> None:
    files = write_sheets(rendered, tmp_path / "sheets", Silent())
    names = ["people", "expressions-64", "strips", "variants", "expressions-128-1"]
    assert [file.stem for file in files] == names
    assert all(0 < file.stat().st_size <= sheets.LARGEST for file in files)
