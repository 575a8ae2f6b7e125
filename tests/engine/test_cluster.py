"""A run on a cluster: the same result, whatever node is lost, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import apart
import pytest
import tiny
from tiny import Cli

RUN = ("run", "copy", "tiny", "--metrics", "csim,acd,psnr,ssim,diversity,warping-error")


def files(out: Path) -> dict[str, bytes]:
    """What a run leaves, but for its times."""
    found = {name: content for name, content in tiny.tree(out).items() if not name.startswith(".")}
    return {**found, "result.json": json.dumps(tiny.comparable(out / "result.json")).encode()}


@pytest.mark.slow
def test_a_lost_node_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    """Three nodes as processes of this machine, none of which has the data set; one is killed meanwhile."""
    pytest.importorskip("ray")
    here = Path(__file__).parents[1]
    ran = subprocess.run(
        [sys.executable, str(here / "engine" / "lost_node.py"), str(tmp_path / "three"), *RUN],
        capture_output=True,
        text=True,
        env=apart.process_environment(here, here.parent, OMP_NUM_THREADS="1"),
        cwd=tmp_path,
        timeout=1200,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "lost a node" in ran.stderr
    assert cli(*RUN, "--out", tmp_path / "one", "--jobs", "1").code == 0
    assert files(tmp_path / "three") == files(tmp_path / "one")


def test_an_address_that_does_not_answer_is_one_line(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    for address in ("127.0.0.1:1", "nowhere.invalid:6379", "127.0.0.1:x"):
        shown = cli(*RUN, "--out", tmp_path / "run", "--engine", "ray", "--address", address)
        assert shown.code == 1
        assert f"no Ray cluster answers at {address} (" in shown.complaint
        assert "ray start --head" in shown.complaint


def test_an_address_is_of_a_cluster(cli: Cli, tmp_path: Path) -> None:
    shown = cli(*RUN, "--out", tmp_path / "run", "--address", "127.0.0.1:6379")
    assert shown.code == 2
    assert "--address needs --engine ray" in shown.err
