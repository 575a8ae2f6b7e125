"""Numbers from the literature: none without a source, and none beside ours unless all is the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from made_up_results import made_up

from leaderboard.published import OUR_CONDITIONING, Published, Setting, load_published, setting_of

RESULT = made_up("m", {"fvd": 100.0})
SAME = Setting("tiny", "test", 64, 16, 9, OUR_CONDITIONING, RESULT.metrics["fvd"].id)


def row(setting: Setting) -> Published:
    return Published("x", "y", "FVD", 10.0, False, "a table", "there", setting)


def test_every_number_says_where_it_stands_and_how_it_was_read() -> None:
    rows = load_published()
    assert len(rows) == 6
    for published in rows:
        assert published.source
        assert published.address.startswith("https://")
        assert published.read
        assert published.value > 0


def test_none_of_them_is_comparable_with_ours() -> None:
    for published in load_published():
        differences = published.differences(RESULT, "fvd")
        assert "dataset: " + str(published.setting.dataset) + ", ours tiny" in differences
        assert any(line.startswith("definition: not stated, ours fvd-") for line in differences)


def test_a_number_is_comparable_if_all_is_the_same() -> None:
    assert row(SAME).differences(RESULT, "fvd") == ()
    assert row(dataclasses.replace(SAME, dataset="TINY")).differences(RESULT, "fvd") == ()


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Setting)])
def test_one_other_field_or_one_that_is_not_stated_is_enough(field: str) -> None:
    assert getattr(setting_of(RESULT, "fvd"), field) is not None
    for other in (None, "other"):
        (line,) = row(dataclasses.replace(SAME, **{field: other})).differences(RESULT, "fvd")
        assert line.startswith(f"{field}: {other or 'not stated'}, ours ")


def test_about_is_said(tmp_path: Path) -> None:
    assert [published.text for published in load_published()] == [
        "97.07", "4.63", "67.12", "91.77", "about 60", "about 130",
    ]  # fmt: skip


def test_a_field_nobody_knows_is_not_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "rows.toml"
    file.write_text('[[row]]\nmethod = "x"\nsise = 64\n')
    with pytest.raises(TypeError, match="sise"):
        load_published(file)
