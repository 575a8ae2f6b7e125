from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from made_up import PAYLOAD, Server, sha256, source

from fevbench.cli.weights import group
from fevbench.errors import UnknownName, WeightsError
from fevbench.weights import load_registry


@pytest.mark.parametrize("command", ["list", "pull", "add", "verify", "path"])
def test_every_help_has_an_example(command: str) -> None:
    result = CliRunner().invoke(group, [command, "--help"])
    assert result.exit_code == 0
    assert f"fevbench weights {command}" in result.stdout


def test_the_real_list_fits_80_columns(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = CliRunner().invoke(group, ["list"])
    assert result.exit_code == 0
    assert max(len(line.rstrip()) for line in result.stdout.splitlines()) <= 80
    registered = load_registry()
    assert all(name in result.stdout for name in registered)
    optional = [name for name, weight in registered.items() if weight.optional]
    assert result.stdout.count("missing") == len(registered) - len(optional)
    told = " ".join(result.stdout.split("Optional, not here:")[1].split())
    assert all(f"({name})" in told for name in optional)
    assert "fevbench weights add NAME FILE" in told


def test_list_tells_the_folder_from_the_cache(
    register: Callable[..., Path], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(net=[source(url="http://127.0.0.1:9/net.bin")])

    def state() -> str:
        [row] = json.loads(CliRunner().invoke(group, ["list", "--format", "json"]).stdout)
        return str(row["state"])

    assert state() == "missing"
    cache.mkdir(parents=True)
    (cache / "net.bin").write_bytes(PAYLOAD)
    assert state() == "cached"
    (tmp_path / "net.bin").write_bytes(PAYLOAD)
    monkeypatch.setenv("FEVBENCH_WEIGHTS_DIR", str(tmp_path))
    assert state() == "in folder"


def test_pull_says_what_it_did_and_under_which_licence(
    register: Callable[..., Path], cache: Path, server: Server
) -> None:
    server.files["net.bin"] = PAYLOAD
    register(net=[source(url=server.url("gone")), source(url=server.url("net.bin"))])
    first = CliRunner().invoke(group, ["pull"])
    assert first.exit_code == 0
    assert "gone: HTTP 404" in first.stderr
    assert "net: from 127.0.0.1" in first.stdout
    assert "net may be used for non-commercial research only" in first.stdout
    second = CliRunner().invoke(group, ["pull", "net"])
    assert "net: already there" in second.stdout


def test_verify_fails_on_a_wrong_and_on_a_missing_file(
    register: Callable[..., Path], cache: Path, server: Server
) -> None:
    register(net=[source(url=server.url("net.bin"))])
    missing = CliRunner().invoke(group, ["verify"])
    assert missing.exit_code == 1
    assert "missing" in missing.stdout
    cache.mkdir(parents=True)
    (cache / "net.bin").write_bytes(PAYLOAD)
    good = CliRunner().invoke(group, ["verify", "net"])
    assert good.exit_code == 0
    assert sha256(PAYLOAD) in good.stdout
    (cache / "net.bin").write_bytes(b"wrong")
    wrong = CliRunner().invoke(group, ["verify"])
    assert wrong.exit_code == 1
    assert sha256(b"wrong") in wrong.stdout
    assert len(wrong.stdout.splitlines()) == 1


def test_path_prints_the_file_or_the_cache(register: Callable[..., Path], cache: Path) -> None:
    register(net=[source(url="http://127.0.0.1:9/net.bin")])
    assert CliRunner().invoke(group, ["path"]).stdout.strip() == str(cache)
    assert isinstance(CliRunner().invoke(group, ["path", "net"]).exception, WeightsError)
    cache.mkdir(parents=True)
    (cache / "net.bin").write_bytes(PAYLOAD)
    assert CliRunner().invoke(group, ["path", "net"]).stdout.strip() == str(cache / "net.bin")


@pytest.mark.parametrize("command", ["pull", "verify", "path"])
def test_an_unknown_name_is_told_apart(command: str) -> None:
    assert isinstance(CliRunner().invoke(group, [command, "w600k"]).exception, UnknownName)
