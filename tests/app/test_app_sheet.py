"""The table and the files: everything made is in them, and nothing in a name becomes HTML."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np
from PIL import Image

from fevbench.app.animate import CELL, Reading, Row
from fevbench.app.sheet import draw_sheet, table
from fevbench.data.clip import EXPRESSIONS
from fevbench.data.show import GAP, HOLD, LINE, write_gif, write_mp4
from fevbench.data.video import read_clip

HOSTILE = "<script>alert('x')</script>"


def row(model: str, size: int = 64, frames: int = 16) -> Row:
    clips = {
        label: np.full((frames, size, size, 3), 30 * (i + 1), np.uint8) for i, label in enumerate(EXPRESSIONS)
    }
    readings = {
        label: Reading(0.876, {"fer": ("fear", 0.83), "face-api": ("neutral", 0.5)}) for label in clips
    }
    readings["anger"] = Reading(None, {})
    return Row(model, clips, readings, notes=[HOSTILE], rate=12.5)


def test_a_row_a_model_with_its_numbers_below() -> None:
    html = table([row("one"), Row("two", error="it fell")], {"real": "a control", "copy": "a control"}, {})
    cells = re.findall(r"<td>(.*?)</td>", html)
    assert len(cells) == len(EXPRESSIONS)
    assert cells[0] == "<b>no face</b>"
    of_fear = cells[EXPRESSIONS.index("fear")]
    assert of_fear.startswith(
        '<b>csim 0.88</b><span class="right">fer: fear 83&nbsp;%</span><span>face-api: neut'
    )
    assert html.count('class="right"') == 1
    assert "it fell" in html
    assert "Not shown: real, copy (a control)" in html
    assert table([], {}, {}) == ""


def test_names_notes_and_errors_are_text() -> None:
    html = table([row(HOSTILE), Row("two", error=HOSTILE)], {HOSTILE: HOSTILE}, {"fer": HOSTILE})
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 6


def test_the_video_of_a_row_has_its_clips_side_by_side(tmp_path: Path) -> None:
    (content,) = re.findall(r"data:video/mp4;base64,([\w+/=]+)", table([row("one")], {}, {}))
    (tmp_path / "row.mp4").write_bytes(base64.b64decode(content))
    video = read_clip(tmp_path / "row.mp4")
    assert video.shape == (16, CELL, 6 * (CELL + GAP), 3)
    middles = video[5, CELL // 2, CELL // 2 :: CELL + GAP, 0]
    assert np.abs(middles.astype(int) - 30 * np.arange(1, 7)).max() <= 3


def test_the_sheet_holds_all_models_that_made_something(tmp_path: Path) -> None:
    sheet = draw_sheet([row("one"), row("two")])
    write_mp4(tmp_path / "sheet.mp4", sheet, 12.5)
    write_gif(tmp_path / "sheet.gif", sheet, 12.5)
    height, width = 2 * (3 * LINE + CELL), 6 * (CELL + GAP)
    assert read_clip(tmp_path / "sheet.mp4").shape == (16, height, width, 3)
    with Image.open(tmp_path / "sheet.gif") as gif:
        assert gif.size == (width, height)
        assert sum(1 for _ in range(gif.n_frames)) <= 16 + HOLD
