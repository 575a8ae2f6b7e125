"""The parts of `benchmarks/second_renderer` that need neither a browser nor a network."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from scripts import load_script

from fevbench.data.clip import EXPRESSIONS
from fevbench.fevsynth.render.expression import ARKIT_UNITS

SCRIPTS = Path(__file__).parents[1] / "benchmarks" / "second_renderer"


@pytest.fixture(scope="module")
def plan() -> ModuleType:
    return load_script("second_renderer/plan")


def test_recipes_show_the_six_expressions_with_shapes_that_the_head_has(plan: ModuleType) -> None:
    assert set(plan.RECIPES) == set(EXPRESSIONS)
    for label, way in itertools.product(plan.RECIPES, (0, 1)):
        for shape in plan.REST | plan.apex(label, way, 1.0):
            assert re.sub("_L$", "Left", re.sub("_R$", "Right", shape)) in ARKIT_UNITS, shape
    assert all(plan.apex(label, 0, 1.0) != plan.apex(label, 1, 1.0) for label in plan.RECIPES)


@pytest.mark.parametrize(("onset", "apex"), [(0, 15), (5, 22)])
def test_a_clip_rises_once_from_neutral_to_the_apex(plan: ModuleType, onset: int, apex: int) -> None:
    curve = [plan.rise(frame, onset, apex) for frame in range(plan.FRAMES)]
    assert curve[: onset + 1] == [0.0] * (onset + 1)
    assert curve[apex:] == [1.0] * (plan.FRAMES - apex)
    assert all(before < after for before, after in itertools.pairwise(curve[onset : apex + 1]))


def test_every_clip_starts_neutral_and_ends_with_its_expression(plan: ModuleType) -> None:
    for number, label in itertools.product((1, 2), plan.RECIPES):
        frames = plan.clip(plan.subject(number), label, 1)
        assert len(frames) == plan.FRAMES
        neutral, last = frames[0]["weights"], frames[-1]["weights"]
        assert {shape: weight for shape, weight in neutral.items() if weight} == plan.REST
        assert sum(last.values()) > sum(plan.REST.values()) + 1


def test_subjects_differ_and_stay_the_same(plan: ModuleType) -> None:
    subjects = [plan.subject(number) for number in range(1, 11)]
    assert subjects == [plan.subject(number) for number in range(1, 11)]
    assert len({one.shape["jawWidth"] for one in subjects}) == len(subjects)


def test_the_page_knows_every_change_of_shape(plan: ModuleType) -> None:
    page = (SCRIPTS / "head.js").read_text(encoding="utf-8")
    table = page[page.index("const CHANGES") : page.index("};", page.index("const CHANGES"))]
    assert set(re.findall(r"^  (\w+): \[", table, re.MULTILINE)) == set(plan.SHAPES)


def test_a_head_with_the_wrong_bytes_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEVBENCH_RENDER_ASSETS", str(tmp_path))
    (tmp_path / "openfacefx-0.24.0-py3-none-any.whl").write_bytes(b"something else")
    command = [sys.executable, SCRIPTS / "render.py", "--out", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"error: \S+openfacefx\S+ has sha256 .*: delete it and run again\n", done.stderr)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_number_of_subjects_that_is_none_is_refused(tmp_path: Path, count: str) -> None:
    command = [sys.executable, SCRIPTS / "render.py", "--out", tmp_path / "out", f"--subjects={count}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"'{count}' is not a whole number above 0" in done.stderr
    assert not (tmp_path / "out").exists()
