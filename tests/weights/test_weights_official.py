from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_up import PAYLOAD, Server, sha256, source

from fevbench import weights
from fevbench.errors import WeightsError
from fevbench.weights import official

PULL = """
import sys
from pathlib import Path
from fevbench import weights
from fevbench.weights import registry
registry.REGISTRY = Path(sys.argv[1])
print("begun", flush=True)
print(weights.require("net").sha256)
"""


def left(cache: Path) -> list[str]:
    """What lies in the cache, the lock aside."""
    return sorted(path.name for path in cache.iterdir() if path.name != ".lock")


@pytest.fixture
def refused() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/net.bin"


def test_a_served_file_is_verified_and_its_progress_told(
    register: Callable[..., Path], cache: Path, server: Server
) -> None:
    server.files["net.bin"] = PAYLOAD
    register(net=[source(url=server.url("net.bin"))])
    told: list[tuple[str, int, int | None]] = []
    local = weights.require("net", progress=lambda *report: told.append(report))
    assert local.path == cache / "net.bin"
    assert local.path.read_bytes() == PAYLOAD
    assert local.verified
    assert told[-1] == ("net", len(PAYLOAD), len(PAYLOAD))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert left(cache) == ["net.bin"]
    weights.require("net")
    assert server.asked == ["net.bin"]


@pytest.mark.parametrize("prefix", ["", "buffalo_sc/"])
def test_a_member_is_taken_out_of_a_zip(
    register: Callable[..., Path], cache: Path, server: Server, prefix: str
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{prefix}other.bin", b"other")
        archive.writestr(f"{prefix}net.bin", PAYLOAD)
    server.files["pack.zip"] = packed.getvalue()
    archived: dict[str, Any] = {"member": "net.bin", "archive_sha256": sha256(packed.getvalue())}
    register(net=[source(url=server.url("pack.zip"), **archived)])
    assert weights.require("net").path.read_bytes() == PAYLOAD
    assert left(cache) == ["net.bin"]


@pytest.mark.parametrize("wrong", [PAYLOAD[::-1], PAYLOAD + b"more", PAYLOAD * 2, b"<html>blocked</html>"])
def test_wrong_bytes_are_an_error_and_not_a_reason_to_go_on(
    register: Callable[..., Path], cache: Path, server: Server, wrong: bytes
) -> None:
    server.files |= {"net.bin": wrong, "good.bin": PAYLOAD}
    register(net=[source(url=server.url("net.bin")), source(url=server.url("good.bin"))])
    found = "more than" if len(wrong) > len(PAYLOAD) else sha256(wrong)
    with pytest.raises(WeightsError, match=rf"net\.bin.*{sha256(PAYLOAD)}.*{found}"):
        weights.require("net")
    assert server.asked == ["net.bin"]
    assert left(cache) == []


def test_a_refused_connection_goes_to_the_next_source_at_once(
    register: Callable[..., Path], server: Server, refused: str
) -> None:
    server.files["net.bin"] = PAYLOAD
    register(net=[source(url=refused), source(url=server.url("net.bin"))])
    [pulled] = weights.pull_all(["net"])
    assert len(pulled.passed_over) == 1
    assert "refused" in pulled.passed_over[0]


def test_an_address_that_never_answers_is_given_up(
    register: Callable[..., Path], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["net.bin"] = PAYLOAD
    monkeypatch.setattr(official, "SILENCE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_url = f"http://127.0.0.1:{silent.getsockname()[1]}/net.bin"
        register(net=[source(url=silent_url), source(url=server.url("net.bin"))])
        [pulled] = weights.pull_all(["net"])
    assert "no answer within 0.2 s" in pulled.passed_over[0]


def test_a_transfer_that_breaks_off_goes_to_the_next_source(
    register: Callable[..., Path], cache: Path, server: Server
) -> None:
    server.files |= {"half.bin": PAYLOAD[:1000], "net.bin": PAYLOAD}
    server.told["half.bin"] = len(PAYLOAD)
    register(net=[source(url=server.url("half.bin")), source(url=server.url("net.bin"))])
    [pulled] = weights.pull_all(["net"])
    assert "stopped after 1,000 of" in pulled.passed_over[0]
    assert pulled.local.path.read_bytes() == PAYLOAD
    assert left(cache) == ["net.bin"]


def test_when_every_source_fails_one_line_says_why(
    register: Callable[..., Path], cache: Path, server: Server, refused: str
) -> None:
    register(net=[source(url=refused), source(url=server.url("gone.bin"))])
    with pytest.raises(WeightsError, match=r"net\.bin: .*refused; .*gone\.bin: HTTP 404") as caught:
        weights.require("net")
    assert "\n" not in str(caught.value)
    assert str(cache) in caught.value.fix


def test_one_weight_that_fails_does_not_keep_the_others(
    register: Callable[..., Path], cache: Path, server: Server
) -> None:
    server.files["net.bin"] = PAYLOAD
    register(bad=[source(file="bad.bin", url=server.url("no"))], net=[source(url=server.url("net.bin"))])
    with pytest.raises(WeightsError, match="'bad' cannot be downloaded"):
        weights.pull_all()
    assert left(cache) == ["net.bin"]


def test_an_interrupted_download_leaves_nothing(
    register: Callable[..., Path], cache: Path, server: Server
) -> None:
    server.files["net.bin"] = PAYLOAD
    register(net=[source(url=server.url("net.bin"))])
    seen: list[list[str]] = []

    def interrupt(name: str, done: int, total: int | None) -> None:
        if done:
            seen.append(left(cache))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights.require("net", progress=interrupt)
    assert len(seen[0]) == 1
    assert seen[0][0].startswith(".pull-")
    assert left(cache) == []


def test_what_a_killed_process_left_goes_at_the_next_pull(
    register: Callable[..., Path], cache: Path, server: Server
) -> None:
    server.files["net.bin"] = PAYLOAD
    server.delay_s = 0.5
    path = register(net=[source(url=server.url("net.bin"))])
    with subprocess.Popen([sys.executable, "-c", PULL, str(path)], stdout=subprocess.PIPE) as process:
        while not server.asked:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    assert re.match(r"\.pull-", "".join(left(cache)))
    weights.require("net")
    assert left(cache) == ["net.bin"]


def test_two_processes_at_once_both_succeed_and_download_once(
    register: Callable[..., Path], cache: Path, server: Server
) -> None:
    server.files["net.bin"] = PAYLOAD
    server.delay_s = 0.5
    path = register(net=[source(url=server.url("net.bin"))])
    command = [sys.executable, "-c", PULL, str(path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    assert outputs == [f"begun\n{sha256(PAYLOAD)}\n"] * 3
    assert server.asked == ["net.bin"]
    assert left(cache) == ["net.bin"]


def test_a_cache_that_cannot_be_written_is_named(
    register: Callable[..., Path], cache: Path, server: Server
) -> None:
    cache.parent.write_text("a file where the folder should be", encoding="utf-8")
    register(net=[source(url=server.url("net.bin"))])
    with pytest.raises(WeightsError, match=r"home.* cannot be written.*FEVBENCH_HOME"):
        weights.require("net")
    assert server.asked == []
