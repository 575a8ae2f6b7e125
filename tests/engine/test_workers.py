"""Several workers: the same result as one process, whatever dies meanwhile."""

from __future__ import annotations

import functools
import json
import os
import pickle
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny
import torch
from tiny import Cli

from fevbench import weights
from fevbench.data.protocol import Protocol
from fevbench.engine.local import PIXEL_BYTES, WORKER_BYTES, choose_jobs, free_memory, own_device
from fevbench.engine.work import ClipFeatures, MadePart, Part, Worker
from fevbench.errors import FevbenchError

RUN = ("run", "copy", "tiny", "--metrics", "csim,acd,psnr,ssim,ms-ssim,motion,warping-error")


def files(out: Path) -> dict[str, bytes]:
    """What a run leaves, but for its times."""
    found = tiny.tree(out)
    found["result.json"] = json.dumps(tiny.comparable(out / "result.json")).encode()
    return {name: content for name, content in found.items() if not name.startswith(".")}


@pytest.mark.parametrize("jobs", [2, 3])
def test_any_number_of_workers_gives_the_same(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    for count in (1, jobs):
        monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path / f"home-{count}"))
        ran = cli(*RUN, "--out", tmp_path / str(count), "--jobs", count)
        assert ran.code == 0, ran
    assert files(tmp_path / "1") == files(tmp_path / str(jobs))
    one, more = (
        json.loads((tmp_path / str(count) / "result.json").read_text())["stages"] for count in (1, jobs)
    )
    for stage, done in one.items():  # two workers may compute the same features at once
        total = done["computed"] + done["reused"]
        assert more[stage]["computed"] + more[stage]["reused"] == total, stage


COUNTS = """
from threadpoolctl import threadpool_info

@register_model("counts")
class Counts:
    "The input, brighter by the number of threads."
    def __init__(self, spec): self.spec = spec
    def generate(self, images, labels, generator):
        threads = max(torch.get_num_threads(), *(one["num_threads"] for one in threadpool_info()))
        return (images[:, None].repeat(1, self.spec.frames, 1, 1, 1) + threads / 40).clamp(-1, 1)
"""


@pytest.mark.parametrize("asked", [None, "3"])
def test_clips_do_not_depend_on_cores_or_workers(
    cli: Cli,
    plugin: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: str | None,
) -> None:
    """Rounding depends on the number of threads, so each model has as many, whoever runs it."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    file, results = plugin(COUNTS), []
    torch.set_num_threads(2)  # as on a machine of two cores; the tests use one
    try:
        for jobs in (1, 2):
            out = tmp_path / str(jobs)
            command = ("run", "counts", "tiny", "--plugin", file, "--metrics", "psnr", "--jobs", jobs)
            assert cli(*command, "--out", out).code == 0
            results.append(json.loads((out / "result.json").read_text()))
    finally:
        torch.set_num_threads(1)
    one, two = results
    assert one["clips"] == two["clips"]
    assert one["metrics"] == two["metrics"]
    assert one["environment"]["threads"] == two["environment"]["threads"] == int(asked or 1)


def test_a_worker_that_dies_at_its_start_does_not_stop_the_others(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python waits for ever if it has not read what it is handed by then, and a pipe cannot hold that."""
    handed: list[int] = []

    def instead(
        work: object, turns: object, jobs: int, done: object, prepare: functools.partial[None], deaths: int
    ) -> None:
        handed.append(len(pickle.dumps(prepare)))
        raise FevbenchError("enough", "no more")

    monkeypatch.setattr("fevbench.processes.work_in_turns", instead)
    assert "enough" in cli(*RUN, "--out", tmp_path / "run", "--jobs", "2").complaint
    assert handed[0] < select.PIPE_BUF


def workers_of(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_a_worker_that_dies_is_replaced(
    process: Callable[..., subprocess.Popen[str]], cli: Cli, tmp_path: Path
) -> None:
    running = process(*RUN, "--out", tmp_path / "two", "--jobs", "2")
    deadline = time.monotonic() + 300
    while running.poll() is None and not (workers := workers_of(running.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(workers[0], signal.SIGKILL)
    _, err = running.communicate(timeout=600)
    assert running.returncode == 0, err
    assert cli(*RUN, "--out", tmp_path / "one", "--jobs", "1").code == 0
    assert files(tmp_path / "two") == files(tmp_path / "one")


def test_as_many_workers_as_the_work_is_worth_and_the_memory_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = tmp_path / "network"
    network.write_bytes(bytes(1000))
    loaded = {"one": weights.LocalWeight("one", network, "", verified=True)}
    monkeypatch.setattr("os.sched_getaffinity", lambda process: range(6))
    small, large = (Protocol("any", 1, size, frames, 1) for size, frames in ((64, 16), (256, 64)))
    each = WORKER_BYTES + PIXEL_BYTES * 16 * 64**2 + 2 * 1000
    monkeypatch.setattr("fevbench.engine.local.free_memory", lambda: 4 * each)
    assert choose_jobs(None, 1000, small, "cpu", loaded) == 4
    assert choose_jobs(None, 1000, large, "cpu", loaded) == 1, "large clips take more memory"
    assert choose_jobs(None, 33, small, "cpu", loaded) == 2
    cheap = "pixel measures alone take less than a worker's start"
    assert choose_jobs(None, 1000, small, "cpu", {}) == 1, cheap
    assert choose_jobs(None, 1025, small, "cpu", {}) == 2
    assert choose_jobs(None, 3, small, "cpu", loaded) == 1
    monkeypatch.setattr("fevbench.engine.local.gpus", lambda: 3)
    assert choose_jobs(None, 1000, small, "cuda", loaded) == 3
    assert choose_jobs(None, 1000, small, "cuda:1", loaded) == 1
    assert choose_jobs(7, 3, small, "cpu", loaded) == 7
    monkeypatch.setattr("fevbench.engine.local.free_memory", lambda: 0)
    assert choose_jobs(None, 1000, small, "cpu", loaded) == 1


def test_each_worker_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fevbench.engine.local.gpus", lambda: 2)
    found = []
    for number in (4, 5, 6):
        named = SimpleNamespace(name=f"SpawnProcess-{number}")
        monkeypatch.setattr("multiprocessing.current_process", lambda named=named: named)
        found.append(own_device("cuda"))
        assert own_device("cuda:1") == "cuda:1"
        assert own_device("cpu") == "cpu"
    assert found == ["cuda:0", "cuda:1", "cuda:0"]


FAILS = """
@register_model("fails")
class Fails:
    calls = 0
    def __init__(self, spec): self.spec = spec
    def generate(self, images, labels, generator):
        self.calls += 1
        if self.calls > 8:
            raise ValueError("too many")
        return images[:, None].repeat(1, self.spec.frames, 1, 1, 1)
"""
AHEAD = ("run", "copy", "tiny", "--metrics", "csim,psnr,motion,diversity", "--jobs", "1")


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next part is made meanwhile, as on a GPU."""
    each = Worker.do_each
    monkeypatch.setattr(Worker, "do_each", lambda self, parts, ahead, done: each(self, parts, True, done))


def test_clips_made_ahead_give_the_same(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path / "home-one"))
    assert cli(*AHEAD, "--out", tmp_path / "one").code == 0
    monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path / "home-ahead"))
    request.getfixturevalue("ahead")
    ran = cli(*AHEAD, "--out", tmp_path / "ahead")
    assert ran.code == 0, ran
    assert files(tmp_path / "ahead") == files(tmp_path / "one")


@pytest.mark.usefixtures("ahead")
def test_the_next_clips_are_made_while_features_are_computed(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extracted, wait = Worker._extracted, []

    def patient(self: Worker, part: Part, made: MadePart) -> ClipFeatures:
        following = [clip for clip in self.generated.clips if clip not in part[0]]
        deadline = time.monotonic() + 30
        while not wait and not all(self.generated.path(clip).exists() for clip in following):
            assert time.monotonic() < deadline, "nobody makes the next clips"
            time.sleep(0.01)
        wait.append(part)
        return extracted(self, part, made)

    monkeypatch.setattr(Worker, "_extracted", patient)
    ran = cli(*AHEAD, "--out", tmp_path / "run")
    assert ran.code == 0, ran
    assert len(wait) > 1


@pytest.mark.usefixtures("ahead")
def test_an_error_ahead_is_told_and_loses_no_finished_part(
    cli: Cli, plugin: Callable[[str], Path], tmp_path: Path
) -> None:
    command = ("run", "fails", "tiny", "--plugin", plugin(FAILS), *AHEAD[3:], "--out", tmp_path / "run")
    assert "too many" in cli(*command).complaint
    assert len(list((tmp_path / "run/clips").rglob("*.mkv"))) >= 8


def test_free_memory_is_what_the_container_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < free_memory() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    most, used = tmp_path / "most", tmp_path / "used"
    monkeypatch.setattr("fevbench.engine.local.CGROUPS", ((most, used),))
    used.write_text("30\n")
    most.write_text("100\n")
    assert free_memory() == 70
    most.write_text("max\n")
    assert free_memory() > 100
