"""Two sets never mix in one folder, and a set may grow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fevbench.errors import DatasetError
from fevbench.fevsynth.render import plan as module
from fevbench.fevsynth.render.plan import SETTINGS_FILE, Settings, claim_folder, jobs_of

SETTINGS = Settings(people=3, takes=2, frames=8, size=32, seed=5)


@pytest.fixture
def claimed(tmp_path: Path) -> Path:
    claim_folder(tmp_path, SETTINGS)
    return tmp_path


def test_the_same_settings_continue(claimed: Path) -> None:
    claim_folder(claimed, SETTINGS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frames": 16}, "frames 8, not 16"),
        ({"size": 64}, "size 32, not 64"),
        ({"seed": 6, "people": 9}, "people 3, not 9; seed 5, not 6"),
    ],
)
def test_another_set_is_refused(claimed: Path, change: dict[str, int], words: str) -> None:
    with pytest.raises(
        DatasetError, match=rf"holds a set with other settings \(.*{words}\): give the same ones"
    ):
        claim_folder(claimed, replace(SETTINGS, **change))
    claim_folder(claimed, SETTINGS)


def test_a_set_of_another_renderer_is_refused(claimed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "VERSION", "2.0")
    with pytest.raises(DatasetError, match=r"renderer 1\.0, not 2\.0"):
        claim_folder(claimed, SETTINGS)


@pytest.mark.parametrize("change", [{"people": 2}, {"takes": 1}, {"people": 20, "takes": 1}])
def test_a_set_does_not_shrink(claimed: Path, change: dict[str, int]) -> None:
    """Files that no manifest lists would stay behind."""
    with pytest.raises(DatasetError, match=r"holds a larger set .* give at least as many"):
        claim_folder(claimed, replace(SETTINGS, **change))


@pytest.mark.parametrize("change", [{"people": 20}, {"takes": 3}, {"people": 4, "takes": 5}])
def test_a_set_grows_around_what_is_there(claimed: Path, change: dict[str, int]) -> None:
    larger = replace(SETTINGS, **change)
    claim_folder(claimed, larger)
    before = {job.path: job for job in jobs_of(SETTINGS, claimed, claimed)}
    after = {job.path: job for job in jobs_of(larger, claimed, claimed)}
    assert len(after) > len(before) == 3 * 2 * 7
    assert all(after[path] == job for path, job in before.items())
    assert all(after[path].subject.split == job.subject.split for path, job in before.items())
    with pytest.raises(DatasetError, match="larger"):
        claim_folder(claimed, SETTINGS)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(DatasetError, match="is not empty and holds no unfinished rendering"):
        claim_folder(tmp_path, SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_a_killed_attempt_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".render.999999.abc.part.json").touch()
    claim_folder(tmp_path, SETTINGS)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"renderer": "1.0"}'])
def test_broken_settings_are_named(claimed: Path, content: str) -> None:
    (claimed / SETTINGS_FILE).write_text(content)
    with pytest.raises(DatasetError, match=r"render\.json is broken: choose another --out"):
        claim_folder(claimed, SETTINGS)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match=r"file/set cannot be written \(Not a directory\): choose another"):
        claim_folder(tmp_path / "file" / "set", SETTINGS)
