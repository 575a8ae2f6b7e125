"""A model lives in a process of its own: however it ends and whatever it does, nothing else is touched."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from apart import process_environment
from tiny import Cli

from fevbench.data.datasets import datasets
from fevbench.models.apart import ModelProcess
from fevbench.models.registry import models

Write = Callable[[str], Path]

MODEL = """
import ctypes, os, re, subprocess, sys, time
from pathlib import Path
TOP

@register_model("model")
class Model:
    "Noise, and at its third clip what the file beside the plug-in says."
    def __init__(self, spec):
        self.spec = spec
        self.made = 0
        self.order = Path(__file__).with_name("order")
        BUILD
    def generate(self, images, labels, generator):
        if self.made == 2:
            exec(self.order.read_text())
        self.made += 1
        video = images[:, None].repeat(1, self.spec.frames, 1, 1, 1)
        noise = torch.randn(video.shape, generator=generator, dtype=torch.float32)
        return (video + noise / 9).clamp(-1, 1)
"""
HANGS = "re.match('(a+)+$', 'a' * 60 + 'b')"
"""For ever, and no other thread of Python runs meanwhile."""
ENDS = {
    "os._exit(3)": r"ended its process with exit status 3 on clip",
    "os._exit(0)": r"ended its process with exit status 0 on clip",
    "os.kill(os.getpid(), 9)": r"was killed \(SIGKILL\), perhaps for lack of memory, on clip .*more memory",
    "os.abort()": r"was ended by signal 6 \(SIGABRT\) on clip .*: see .*model\.log",
    "ctypes.string_at(0)": r"was ended by signal 11 \(SIGSEGV\) on clip .*: see .*model\.log",
    "sys.exit(4)": r"failed on clip .* \(SystemExit: 4\)",
    "os.closerange(3, 256); time.sleep(100)": r"closed its connection to fevbench on clip",
    "subprocess.Popen(['sleep', '100']); os._exit(5)": r"ended its process with exit status 5 on clip",
    "import numpy; numpy.random.seed = None": r"broke its process on clip .* \(TypeError",
    HANGS: r"took more than 3 s on clip .*raise --clip-timeout",
}


NOTES = """
import os
from pathlib import Path

@register_model("model")
class Model:
    def __init__(self, spec): self.spec, self.made = spec, 0
    def generate(self, images, labels, generator):
        self.made += 1
        return images[:, None].repeat(1, self.spec.frames, 1, 1, 1)
    @property
    def notes(self):
        if self.made:
            exec(Path(__file__).with_name("order").read_text())
        return ["as it was built"]
"""


@pytest.mark.parametrize(
    ("order", "notes"),
    [("os.kill(os.getpid(), 9)", ["as it was built"]), ("1 / 0", ["as it was built", "ZeroDivisionError"])],
)
def test_a_process_that_ends_after_the_last_clip_changes_nothing(
    cli: Cli, plugin: Write, tmp_path: Path, order: str, notes: list[str]
) -> None:
    file = plugin(NOTES)
    file.with_name("order").write_text(order)
    command = ("run", "model", "tiny", "--plugin", file, "--metrics", "psnr", "--jobs", "1")
    found = cli(*command, "--out", tmp_path / "run", "--format", "json").result["model"]["notes"]
    assert len(found) == len(notes)
    assert all(wanted in note for wanted, note in zip(notes, found, strict=True))


@pytest.mark.skipif(sys.platform != "linux", reason="a model's process is forked on Linux alone")
@pytest.mark.parametrize("times", [1, 3])
def test_a_killed_fork_server_is_replaced(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    read, killed = forkserver.read_signed, []

    def killed_before(fd: int) -> int:
        if len(killed) < times:
            killed.append(forkserver._forkserver._forkserver_pid)  # type: ignore[attr-defined]
            os.kill(killed[-1], signal.SIGKILL)
            raise EOFError("unexpected EOF")
        return int(read(fd))

    monkeypatch.setattr(forkserver, "read_signed", killed_before)
    command = ("run", "copy", "tiny", "--metrics", "psnr", "--jobs", "1", "--out", tmp_path / "run")
    if times == 1:
        assert cli(*command).code == 0
    else:
        complaint = cli(*command).complaint
        assert "the process of model copy cannot be started (EOFError: unexpected EOF): repeat" in complaint
    assert len(set(killed)) == times


def write_model(plugin: Write, order: str = "", top: str = "", build: str = "pass") -> Path:
    file = plugin(MODEL.replace("TOP", top).replace("BUILD", build))
    file.with_name("order").write_text(order)
    return file


@pytest.fixture(scope="module")
def undisturbed_once() -> dict[str, Any]:
    """The result of a run that nothing disturbs, once there is one."""
    return {}


@pytest.fixture
def undisturbed(
    undisturbed_once: dict[str, Any], cli: Cli, plugin: Write, tmp_path: Path
) -> Callable[[], dict[str, Any]]:
    def result() -> dict[str, Any]:
        if not undisturbed_once:
            words = ("run", "model", "tiny", "--plugin", write_model(plugin), "--metrics", "psnr")
            assert cli(*words, "--limit", "4", "--out", tmp_path / "undisturbed").code == 0
            undisturbed_once.update(_result(tmp_path / "undisturbed"))
        return undisturbed_once

    return result


def _result(folder: Path) -> dict[str, Any]:
    """A result without where the plug-in lay."""
    content = tiny.comparable(folder / "result.json")
    return {**content, "model": {**content["model"], "origin": ""}}


@pytest.mark.parametrize("order", ENDS)
def test_however_it_ends_is_one_line_and_the_same_command_continues(
    cli: Cli, plugin: Write, tmp_path: Path, undisturbed: Callable[[], dict[str, Any]], order: str
) -> None:
    wanted = undisturbed()
    file, out = write_model(plugin, order), tmp_path / "run"
    run = ("run", "model", "tiny", "--plugin", file, "--metrics", "psnr", "--limit", "4", "--out", out)
    ended = cli(*run, "--clip-timeout", "3")
    assert ended.code == 1
    assert re.search(f"error: model model {ENDS[order]}", ended.complaint), ended.complaint
    kept = tiny.tree(out / "clips")
    assert len(kept) == (3 if "numpy" in order else 2)
    named = re.search(r"on clip ([\w-]+)", ended.complaint)
    assert named is not None
    assert f"{named[1]}.mkv" not in kept
    file.with_name("order").write_text("")
    continued = cli(*run)
    assert continued.code == 0, continued
    assert f"continuing: {len(kept)} of 4" in continued.err
    assert kept.items() <= tiny.tree(out / "clips").items()
    assert _result(out) == wanted


@pytest.mark.parametrize(
    ("top", "build", "said"),
    [
        ("os._exit(3)", "pass", "model model ended its process with exit status 3 while it was loaded"),
        ("pass", "ctypes.string_at(0)", "ended by signal 11 (SIGSEGV) while it was built: see /"),
    ],
)
def test_so_is_an_end_before_the_first_clip(
    cli: Cli, plugin: Write, tmp_path: Path, top: str, build: str, said: str
) -> None:
    file = write_model(plugin, top=top, build=build)
    ended = cli("run", "model", "tiny", "--plugin", file, "--metrics", "psnr", "--out", tmp_path / "run")
    assert ended.code == 1
    assert said in ended.complaint
    log = re.search(r"see (\S+\.log)", ended.complaint)
    if log:
        assert "Segmentation fault" in Path(log[1]).read_text()
        Path(log[1]).unlink()


DISTURBS = (
    "print('printed'); os.write(2, b'written'); os.chdir('/'); os.environ['FEVBENCH_HOME'] = '/no/such'; "
    "os.environ['PATH'] = ''; torch.set_default_dtype(torch.float64); torch.set_num_threads(3); "
    "torch.set_float32_matmul_precision('medium'); sys.path.clear(); sys.stdout.close()"
)


def test_what_it_does_there_is_its_own_affair(
    cli: Cli, plugin: Write, tmp_path: Path, undisturbed: Callable[[], dict[str, Any]]
) -> None:
    wanted = undisturbed()
    before = (dict(os.environ), Path.cwd(), list(sys.path), torch.get_num_threads())
    file, out = write_model(plugin, DISTURBS), tmp_path / "run"
    done = cli("run", "model", "tiny", "--plugin", file, "--metrics", "psnr", "--limit", "4", "--out", out)
    assert done.code == 0, done
    assert (dict(os.environ), Path.cwd(), list(sys.path), torch.get_num_threads()) == before
    assert torch.get_default_dtype() == torch.float32
    assert _result(out)["metrics"] == wanted["metrics"]
    assert "printed" not in done.out + done.err
    log = (out / "model.log").read_text()
    assert "printed" in log
    assert "written" in log


def test_nothing_is_left_behind_by_a_parent_that_is_killed(
    plugin: Write, process: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Neither the process, which nothing in Python could stop, nor what it started."""
    ids = "other = subprocess.Popen(['sleep', '100'])\n"
    ids += f"Path({str(tmp_path / 'ids')!r}).write_text(f'{{os.getpid()}} {{other.pid}} .')\n"
    words = ("run", "model", "tiny", "--plugin", write_model(plugin, ids + HANGS), "--metrics", "psnr")
    parent, file = process(*words, "--out", tmp_path / "run"), tmp_path / "ids"
    while not (file.exists() and file.read_text().endswith(".")):
        assert parent.poll() is None, parent.communicate()
        time.sleep(0.05)
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=60)
    left = {int(number) for number in file.read_text().split()[:2]}
    until = time.monotonic() + 60
    while left and time.monotonic() < until:
        left = {number for number in left if _runs(number)}
        time.sleep(0.05)
    assert not left


def _runs(number: int) -> bool:
    try:
        os.kill(number, 0)
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_finished_run_starts_no_process(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ("run", "copy", "tiny", "--metrics", "psnr", "--limit", "2", "--out", tmp_path / "run")
    assert cli(*run).code == 0
    assert not (tmp_path / "run" / "model.log").exists(), "it printed nothing"
    monkeypatch.setattr(ModelProcess, "_start", lambda _: pytest.fail("started"))
    assert "nothing to do" in cli(*run).err


def test_a_model_of_this_process_is_sent(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a notebook; where its class cannot be sent, one line says so."""
    monkeypatch.setattr(models, "_targets", dict(models._targets))

    class Local:
        def __init__(self, spec: Any) -> None:
            self.frames = spec.frames

        def generate(self, images: Any, labels: Any, generator: Any) -> Any:
            assert os.getpid() != here
            return images[:, None].repeat(1, self.frames, 1, 1, 1)

    class Locked(Local):
        lock = threading.Lock()

    here = os.getpid()
    models.add("local", Local)
    models.add("locked", Locked)
    run = ("tiny", "--metrics", "psnr", "--limit", "1", "--out")
    done = cli("run", "local", *run, tmp_path / "run")
    assert done.code == 0, done
    refused = cli("run", "locked", *run, tmp_path / "locked")
    assert "model locked cannot be sent to another process (TypeError" in refused.complaint
    assert "define its class in a file" in refused.complaint


def test_a_data_set_that_cannot_be_sent_is_named(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Locked(tiny.Tiny):
        lock = threading.Lock()

    monkeypatch.setitem(datasets._targets, "tiny", Locked)
    refused = cli("run", "copy", "tiny", "--metrics", "psnr", "--out", tmp_path / "run")
    assert "data set tiny, which model copy gets, cannot be sent to another process" in refused.complaint


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    """A script that starts a run is not run once more in the process of the model that it holds."""
    script = tmp_path / "script.py"
    script.write_text(
        "print('begun', flush=True)\nimport tiny, fevbench\nfrom fevbench.cli.main import main\n"
        "tiny.register()\nSHIFT = 0.25\n@fevbench.register_model('mine')\nclass Mine:\n"
        "    def __init__(self, spec): self.frames = spec.frames\n"
        "    def generate(self, images, labels, generator):\n"
        "        return (images * (1 - SHIFT))[:, None].repeat(1, self.frames, 1, 1, 1)\n"
        "main(['run', 'mine', 'tiny', '--metrics', 'psnr', '--limit', '1', '--out', 'run'])\n"
    )
    here = Path(__file__).parents[1]
    environment = process_environment(here, here.parent)
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("begun") == 1


@pytest.mark.parametrize("model", ["command:FILE", "videos:DIR"])
def test_a_time_limit_is_for_models_in_a_process_of_ours(cli: Cli, tmp_path: Path, model: str) -> None:
    if model == "videos:DIR":
        run = ("run", "copy", "tiny", "--metrics", "psnr", "--limit", "1", "--out", tmp_path / "made")
        assert cli(*run).code == 0
        model = f"videos:{tmp_path / 'made' / 'clips'}"
    else:
        (tmp_path / "model.toml").write_text('command = "true {out}"\n')
        model = f"command:{tmp_path / 'model.toml'}"
    run = ("run", model, "tiny", "--metrics", "psnr", "--limit", "1", "--out", tmp_path / "run")
    assert "leave it out; the file of a command has a timeout" in cli(*run, "--clip-timeout", "5").complaint
    assert cli(*run, "--clip-timeout", "0").code == 2
