"""A run scored again from the features that are kept: the same numbers, without networks and clips."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny
from tiny import Cli

from fevbench.data.datasets import datasets
from fevbench.engine.again import score_again
from fevbench.engine.extract import Extraction
from fevbench.errors import FevbenchError, RunError
from fevbench.progress import Silent

METRICS = "csim,psnr,ssim,diversity,warping-error"


@pytest.fixture
def run(cli: Cli, tmp_path: Path) -> Path:
    """A finished run, whose clips are gone, as its data set and all networks are."""
    out = tmp_path / "run"
    assert cli("run", "copy", "tiny", "--metrics", METRICS, "--out", out).code == 0
    return out


@pytest.fixture
def nothing_else(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(run / "clips")
    shutil.rmtree(run / "draws")
    datasets._targets.pop("tiny")
    monkeypatch.setattr(Extraction, "_load", lambda self: pytest.fail("a network was loaded"))


@pytest.mark.usefixtures("nothing_else")
def test_the_same_numbers_from_features_alone(run: Path) -> None:
    before = tiny.comparable(run / "result.json")
    again = score_again(run, [], Silent())
    assert tiny.comparable(run / "result.json") == before
    assert set(again.metrics) == set(METRICS.split(","))


@pytest.mark.usefixtures("nothing_else")
def test_metrics_of_the_same_features_are_added(run: Path) -> None:
    before = tiny.comparable(run / "result.json")
    again = score_again(run, ["ms-ssim", "acd"], Silent())
    assert set(again.metrics) == {*METRICS.split(","), "ms-ssim", "acd"}
    assert again.metrics["acd"].value == 0
    after = tiny.comparable(run / "result.json")
    assert {name: after["metrics"][name] for name in before["metrics"]} == before["metrics"]


@pytest.mark.usefixtures("nothing_else")
def test_what_is_not_kept_is_said(run: Path, home: Path) -> None:
    with pytest.raises(
        FevbenchError, match=r"features of 9 clips by frame-difference are not in the feature cache"
    ):
        score_again(run, ["motion"], Silent())
    shutil.rmtree(home / "features")
    with pytest.raises(
        FevbenchError, match="by arcface are not in the feature cache: repeat the run's command"
    ):
        score_again(run, [], Silent())


def test_a_folder_that_is_none_or_not_finished_or_changed_is_refused(
    cli: Cli, run: Path, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="does not exist"):
        score_again(tmp_path / "no", [], Silent())
    digests = run / "digests.npz"
    content = digests.read_bytes()
    digests.write_bytes(content[: len(content) // 2])
    with pytest.raises(RunError, match=r"digests.npz is broken"):
        score_again(run, [], Silent())
    with np.load(_write(digests, content)) as kept:
        parts = dict(kept)
    parts["made"][0, 0, 0] ^= 1
    np.savez(digests, **parts)
    with pytest.raises(RunError, match="does not match these clips"):
        score_again(run, [], Silent())
    digests.unlink()
    with pytest.raises(RunError, match="does not exist: an older fevbench made this run: repeat its command"):
        score_again(run, [], Silent())
    before = tiny.comparable(run / "result.json")
    assert cli("run", "copy", "tiny", "--metrics", METRICS, "--out", run).code == 0
    assert digests.read_bytes() == content, "as the advice says"
    assert tiny.comparable(run / "result.json") == before
    (run / "result.json").unlink()
    with pytest.raises(RunError):
        score_again(run, [], Silent())


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
