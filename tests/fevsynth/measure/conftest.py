from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import made_up_set
import pytest

from fevbench.extractors.base import extractors
from fevbench.fevsynth.adapter import FEVSynth
from fevbench.fevsynth.measure.folder import RenderedSet

NETWORKS = {
    "face-points": "made_up_set:Points",
    "arcface": "made_up_set:Faces",
    "face-mesh": "made_up_set:Tracker",
    "fer-xception": "made_up_set:Feelings",
    "face-api": "made_up_set:Feelings",
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of six people, at least one of each split, and two takes."""
    return made_up_set.write_made_up(tmp_path_factory.mktemp("made-up"), people=6, takes=2)


@pytest.fixture(scope="session")
def one_take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of three people, two to train on and one to test on, and one take."""
    return made_up_set.write_made_up(tmp_path_factory.mktemp("one-take"), people=3, takes=1)


@pytest.fixture(scope="session")
def rendered(folder: Path) -> RenderedSet:
    return RenderedSet(FEVSynth(folder))


@pytest.fixture
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that need no weights and no packages, and a cache of the test's own."""
    monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(extractors, "_targets", dict(extractors._targets))
    for name, load in NETWORKS.items():
        stand_in = replace(extractors.get(name), weights=(), packages=(), load=load)
        extractors._targets[name] = stand_in
