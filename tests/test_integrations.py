"""What docs/integrations.md and docs/recipes.md tell readers to write is what fevbench reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import apart
import pytest
from test_docs import ROOT, blocks
from tiny import Cli

from fevbench.data.clip import EXPRESSIONS
from fevbench.data.video import read_clip
from fevbench.models.program import CommandFile

RECIPES = ROOT / "docs" / "recipes.md"
FILES = blocks(ROOT / "docs" / "integrations.md", "toml") + blocks(RECIPES, "toml")
SCRIPTS = {code.splitlines()[0].removeprefix("# "): code for code in blocks(RECIPES, "python")}


def test_the_example_is_the_one_that_is_tried() -> None:
    assert FILES[0] == (ROOT / "examples" / "outside" / "sway.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", FILES, ids=lambda text: text.split('"')[3])
def test_every_file_of_the_page_is_one(text: str, tmp_path: Path) -> None:
    assert len(text.splitlines()) <= 10
    program = text.split('"')[1]
    file = tmp_path / "model.toml"
    file.write_text(text.replace(program, sys.executable), encoding="utf-8")
    watched = [word for word in text.partition("watch = ")[2].partition("]")[0].split('"') if "." in word]
    assert watched
    for name in watched:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert len(CommandFile(file).watch) == len(watched)
    script = text.split('"')[3]
    assert script in SCRIPTS or (ROOT / "examples" / "outside" / script).exists()


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_of_the_page_is_python(name: str) -> None:
    compile(SCRIPTS[name], name, "exec")


def test_recipes_that_were_not_tried_say_so_first() -> None:
    recipes = RECIPES.read_text(encoding="utf-8").split("\n## ")[1:]
    assert len(recipes) == 5
    for recipe in recipes:
        first = recipe.split("\n\n")[1]
        assert first.startswith("*Tried: " if "driving.py" in recipe else "*Not tried here: "), first


def test_the_driving_videos_are_made_as_told(tmp_path: Path) -> None:
    (tmp_path / "driving.py").write_text(SCRIPTS["driving.py"], encoding="utf-8")
    words = [sys.executable, "driving.py", "fevsynth", "128x32"]
    subprocess.run(words, cwd=tmp_path, env=apart.process_environment(ROOT), check=True)
    made = {path.stem: read_clip(path).shape for path in (tmp_path / "driving").iterdir()}
    assert made == dict.fromkeys(EXPRESSIONS, (32, 256, 256, 3))


def test_the_list_of_models_names_both_ways(cli: Cli) -> None:
    listed = cli("list", "models").out
    assert "videos:DIR" in listed
    assert "command:FILE.toml" in listed
