"""Metrics whose weights users must get themselves: refused in one line without, and computed with them."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny import Cli
from video_stand_ins import SHAPE, write_checkpoints

from fevbench.extractors.base import extractors
from fevbench.metrics.catalog import metrics

ONLY_BY_NAME = [name for name in metrics if metrics.get(name).selected_by == "name" and name != "fid-inf"]


@pytest.mark.parametrize("name", ONLY_BY_NAME)
@pytest.mark.parametrize("offline", [["--offline"], []])
def test_without_weights_one_line_says_how_to_get_them(
    name: str, offline: list[str], cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = socket.socket.__init__

    def refuse(self: socket.socket, family: int = -1, *more: Any, **how: Any) -> None:
        assert family == socket.AF_UNIX, "the network was touched"  # processes of this machine talk by these
        create(self, family, *more, **how)

    monkeypatch.setattr(socket.socket, "__init__", refuse)
    # The tiny data set has none of the six labels that strangers know, and too few clips.
    outcome = cli(
        "run", "copy", "fevsynth", "--metrics", name, "--limit", "36", "--out", tmp_path / "run", *offline
    )
    assert outcome.code == 1
    assert "optional and not here: run `fevbench weights pull " in outcome.complaint
    assert "`fevbench weights add " in outcome.complaint
    assert not list((tmp_path / "run").rglob("*.mkv"))


def test_with_weights_they_are_computed_and_the_pinned_hashes_recorded(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("videomae", "vjepa"):
        small = replace(extractors.get(name), dim=SHAPE.width, load=f"video_stand_ins:load_{name}")
        monkeypatch.setitem(extractors._targets, name, small)
    for name in ("fvd-videomae", "jedi"):
        metric = metrics.get(name)
        few = replace(metric, sampling=replace(metric.sampling, least=9))
        monkeypatch.setitem(metrics._targets, name, few)
    paths = write_checkpoints(tmp_path)
    for name, path in paths.items():
        assert cli("weights", "add", name, path).code == 0
    # Under version 1 the input is shuffled with the other frames.
    asked = ("--protocol", "64x16@1", "--offline", "--format", "json")
    run = ("run", "shuffled", "tiny", "--metrics", "fvd-videomae,jedi", *asked)
    result = cli(*run, "--out", tmp_path / "run").result
    for name in ("fvd-videomae", "jedi"):
        value = result["metrics"][name]
        assert value["id"] == metrics.get(name).id
        assert value["value"] > 1e-3
        assert value["ceiling"] == pytest.approx(0, abs=1e-6)
    recorded = {record["name"]: record["sha256"] for record in result["weights"]}
    assert recorded == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items()}
    (tmp_path / "home" / "weights" / "vith16.pth.tar").write_bytes(b"another")
    changed = cli(*run, "--out", tmp_path / "again")
    assert changed.code == 1
    assert "vith16.pth.tar is not the pinned file" in changed.complaint
    assert "get the file that was pinned" in changed.complaint
