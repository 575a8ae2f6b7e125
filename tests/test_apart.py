"""Tests see nothing of the user's, whatever that is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from apart import WEIGHTS, process_environment

from fevbench import paths
from fevbench.data.datasets import dataset_names
from fevbench.models.registry import models
from fevbench.weights import find, user_folder

HERE = Path(__file__).parent
SEEN = """
import importlib.metadata, json, os, sys
import apart
links = apart.set_apart()
from fevbench import paths
print(json.dumps({
    "environment": dict(os.environ),
    "home": str(paths.home()),
    "links": {file.name: str(file.resolve()) for file in links.iterdir()},
    "models": [entry.name for entry in importlib.metadata.entry_points(group="fevbench.models")],
    "scripts": len(list(importlib.metadata.entry_points(group="console_scripts"))),
}))
"""


@pytest.fixture
def user(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody with prepared sets, pretrained files, a plug-in and a narrow terminal."""
    home, own, plugin = tmp_path / "cache", tmp_path / "own", tmp_path / "plugin" / "mine-1.dist-info"
    for folder in (home / "weights", own, plugin):
        folder.mkdir(parents=True)
    (home / "datasets.json").write_text(json.dumps({"mug": "/mug"}), encoding="utf-8")
    for file in (home / "weights" / "a.onnx", home / "weights" / "b.onnx", own / "b.onnx"):
        file.write_bytes(b"x")
    (plugin / "METADATA").write_text("Name: mine\nVersion: 1\n", encoding="utf-8")
    (plugin / "entry_points.txt").write_text("[fevbench.models]\nmine = mine:Mine\n", encoding="utf-8")
    environment = process_environment(
        HERE,
        plugin.parent,
        HOME=str(tmp_path),
        FEVBENCH_HOME=str(home),
        FEVBENCH_WEIGHTS_DIR=str(own),
        FEVBENCH_DEBUG="1",
        COLUMNS="60",
        LC_ALL="C",
        LANGUAGE="el",
        NO_COLOR="1",
    )
    del environment[WEIGHTS]  # which this test run told its own processes
    return environment


def seen(environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", SEEN], env=environment, capture_output=True, text=True, check=True
    )
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def test_tests_see_nothing_of_the_users(user: dict[str, str], tmp_path: Path) -> None:
    found = seen(user)
    environment = found["environment"]
    assert not Path(found["home"]).is_relative_to(tmp_path)
    assert environment["HOME"] != str(tmp_path)
    assert (environment["COLUMNS"], environment["LC_ALL"]) == ("80", "C.UTF-8")
    assert not {"FEVBENCH_DEBUG", "LANGUAGE", "NO_COLOR"} & set(environment)
    assert "mine" not in found["models"]
    assert found["scripts"] > 1, "whatever is not of fevbench stays"
    assert found["links"] == {
        "a.onnx": str(tmp_path / "cache" / "weights" / "a.onnx"),
        "b.onnx": str(tmp_path / "own" / "b.onnx"),
    }
    # A worker of pytest-xdist inherits the environment, and must find the same files.
    assert seen({**environment, "PYTHONPATH": user["PYTHONPATH"]})["links"] == found["links"]


def test_the_home_is_the_tests_own_and_empty(tmp_path: Path) -> None:
    assert paths.home() == tmp_path / "home"
    assert not paths.home().exists()
    assert user_folder() is None
    assert find("w600k-mbf") is None
    assert dataset_names() == ["fevsynth"]
    assert {origin.partition(" ")[0] for origin in models.origins().values()} <= {"fevbench", "this"}
    assert os.environ["COLUMNS"] == "80"


@pytest.mark.weights
def test_pretrained_files_are_links() -> None:
    local = find("w600k-mbf")
    assert local is not None
    assert local.path.is_symlink()
