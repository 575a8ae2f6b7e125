"""Nodes that would compute other features are refused by name, and what fails on a node is one line.

Ray is played by this process: what is sent and brought is pickled as Ray does it, and both sides are real.
Only what the node says of itself is made up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cloudpickle
import pytest
import tiny
from tiny import Cli

from fevbench import weights
from fevbench.engine import cluster, node
from fevbench.engine.folder import Claim, settings_of
from fevbench.engine.node import SentRun, TaskInput
from fevbench.extractors.base import Extractor
from fevbench.extractors.cache import FeatureCache
from fevbench.version import VERSION

RUN = ("run", "copy", "tiny", "--metrics", "psnr")
ON_RAY = ("--engine", "ray")
Patch = Callable[[pytest.MonkeyPatch], object]
OnNode = Callable[[Patch], None]


@pytest.fixture
def on_node(monkeypatch: pytest.MonkeyPatch) -> Iterator[OnNode]:
    """Let runs on a cluster have one node, ``far-away``, that a patch makes different."""

    def begin(patch: Patch) -> None:
        class Task:
            @staticmethod
            def remote(sent: SentRun, load: TaskInput) -> bytes:
                with pytest.MonkeyPatch.context() as patched:
                    patched.setattr(node.platform, "node", lambda: "far-away")
                    patch(patched)
                    came = node.work_on_node(*cloudpickle.loads(cloudpickle.dumps((sent, load))))
                return bytes(cloudpickle.dumps(came))

        class Ray:
            class exceptions:  # noqa: N801 - Ray's name
                RayError = OSError

            put = staticmethod(lambda sent: sent)
            get = staticmethod(cloudpickle.loads)
            wait = staticmethod(lambda running, num_returns: (running[:1], running[1:]))
            remote = staticmethod(lambda **_: lambda work: Task)
            cluster_resources = staticmethod(lambda: {"CPU": 1.0})
            shutdown = staticmethod(lambda: None)

        monkeypatch.setattr(cluster, "_connected", lambda address, jobs: Ray)

    yield begin
    while node._open:
        node._open.pop().stack.close()


def another_package(patched: pytest.MonkeyPatch) -> None:
    here = Extractor.versions
    patched.setattr(Extractor, "versions", lambda self: {**here(self), "numpy": "0.1"})


def one_package_more(patched: pytest.MonkeyPatch) -> None:
    here = Extractor.versions
    patched.setattr(Extractor, "versions", lambda self: {**here(self), "opencv-python-headless": "4.1"})


def another_fingerprint(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(Extractor, "fingerprint", lambda *_: "other")


def another_version(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(node, "VERSION", "0.0.1")


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        (another_version, f"it has fevbench 0.0.1, the run {VERSION}: install the same version"),
        (another_package, "it has numpy 0.1, the run "),
        (one_package_more, "it has opencv-python-headless 4.1, the run "),
        (
            another_fingerprint,
            "its squared-error would compute different features: set it up like the others",
        ),
    ],
)
def test_a_node_that_differs_is_refused_by_name(
    patch: Patch, said: str, cli: Cli, on_node: OnNode, tmp_path: Path
) -> None:
    on_node(patch)
    temporary = set(Path(node.tempfile.gettempdir()).glob("fevbench-node-*"))
    shown = cli(*RUN, *ON_RAY, "--out", tmp_path / "run")
    assert shown.code == 1
    assert f"node far-away: {said}" in shown.complaint
    assert set(Path(node.tempfile.gettempdir()).glob("fevbench-node-*")) == temporary, "it leaves nothing"
    on_node(lambda patched: None)
    assert cli(*RUN, *ON_RAY, "--out", tmp_path / "run").code == 0, "mended, the same command continues"
    assert cli(*RUN, "--out", tmp_path / "one").code == 0
    ray, one = (tiny.comparable(tmp_path / out / "result.json") for out in ("run", "one"))
    assert ray == one


def test_a_node_with_another_weight_is_refused_by_name(
    cli: Cli, on_node: OnNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = cluster._sent
    monkeypatch.setattr(cluster, "_sent", lambda job: replace(sent(job), hashes={"lpips-alex": "0" * 64}))
    other = weights.LocalWeight("lpips-alex", tmp_path / "other", "1" * 64, verified=True)
    on_node(lambda patched: patched.setattr(weights, "require_all", lambda *_, **__: {other.name: other}))
    shown = cli(*RUN, *ON_RAY, "--out", tmp_path / "run")
    assert shown.code == 1
    assert "node far-away: its lpips-alex is 111111111111, the run's 000000000000" in shown.complaint


def test_a_full_disk_on_a_node_is_one_line_and_the_same_command_continues(
    cli: Cli, on_node: OnNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    home = tmp_path / "home-of-the-node"
    monkeypatch.setenv("FEVBENCH_HOME", str(home))
    on_node(lambda patched: patched.setattr(FeatureCache, "_write", full))
    shown = cli(*RUN, *ON_RAY, "--out", tmp_path / "run")
    assert shown.code == 1
    assert f"node far-away: feature cache {home}" in shown.complaint
    assert "(database or disk is full): free some space, then repeat the command" in shown.complaint
    on_node(lambda patched: None)
    assert cli(*RUN, *ON_RAY, "--out", tmp_path / "run").code == 0


def test_a_second_driver_is_told_before_it_asks_the_cluster(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(cluster, "_connected", lambda *words: asked.append(words))
    assert cli(*RUN, "--out", tmp_path / "run").code == 0
    (tmp_path / "run" / "result.json").unlink()
    with Claim(tmp_path / "run", settings_of(tmp_path / "run")):
        before = tiny.tree(tmp_path / "run")
        shown = cli(*RUN, *ON_RAY, "--out", tmp_path / "run")
        assert shown.code == 1
        assert f"another process is writing to {tmp_path / 'run'}" in shown.complaint
        assert tiny.tree(tmp_path / "run") == before
    assert not asked
