"""Weights that a user gets by name or brings along, and those that no published hash vouches for."""

from __future__ import annotations

import io
import re
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from made_up import PAYLOAD, Server, sha256, source, unhashed

from fevbench import weights
from fevbench.cli.weights import group
from fevbench.errors import UnknownName, WeightsError

OTHER = PAYLOAD[::-1]


def command(*words: str | Path) -> Result:
    return CliRunner().invoke(group, [str(word) for word in words])


def complaint(result: Result) -> str:
    assert isinstance(result.exception, WeightsError), result
    assert "\n" not in str(result.exception)
    return str(result.exception)


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    """A file that came by other means, under a name of its own."""
    path = tmp_path / "download (1)"
    path.write_bytes(PAYLOAD)
    return path


def test_an_optional_one_is_pulled_only_by_its_name(
    register: Callable[..., Path], cache: Path, server: Server
) -> None:
    server.files |= {"net.bin": PAYLOAD, "own.bin": OTHER}
    own = source(OTHER, "own.bin", url=server.url("own.bin"))
    register(net=[source(url=server.url("net.bin"))], own=[own])
    assert command("pull").exit_code == 0
    assert server.asked == ["net.bin"]
    assert command("verify").exit_code == 0
    assert command("verify", "own").exit_code == 1
    assert command("pull", "own").exit_code == 0
    assert server.asked == ["net.bin", "own.bin"]
    (cache / "own.bin").write_bytes(PAYLOAD)
    assert command("verify").exit_code == 1


@pytest.mark.parametrize("offline", [True, False])
def test_an_optional_one_is_never_fetched_by_those_who_need_it(
    register: Callable[..., Path], server: Server, offline: bool
) -> None:
    server.files |= {"net.bin": PAYLOAD, "own.bin": PAYLOAD}
    register(
        net=[source(url=server.url("net.bin"))],
        own=[unhashed(url=server.url("own.bin"))],
        own2=[unhashed("own2.bin", url=server.url("own2.bin"))],
    )
    with pytest.raises(WeightsError) as caught:
        weights.require_all(["net", "own", "own2"], offline=offline)
    assert server.asked == []
    assert str(caught.value) == (
        "weights 'own', 'own2' are optional and not here: run `fevbench weights pull own own2`, "
        "or `fevbench weights add NAME FILE` with your own own.bin, own2.bin"
    )
    with pytest.raises(WeightsError, match=r"weight 'own' is optional .*`fevbench weights add own FILE`"):
        weights.require("own", offline=offline)


def test_without_a_network_one_line_says_where_to_get_it(register: Callable[..., Path], cache: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/own.bin"
        register(own=[unhashed(url=url)])
        line = complaint(command("pull", "own"))
    assert "refused" in line
    assert f"download {url} another way, then run `fevbench weights add own FILE`" in line


def test_the_first_file_is_pinned_and_said_so(
    register: Callable[..., Path], cache: Path, server: Server
) -> None:
    server.files["own.bin"] = PAYLOAD
    register(own=[unhashed(url=server.url("own.bin"))])
    first = command("pull", "own")
    assert first.exit_code == 0
    assert "warning: no hash of own.bin is published" in first.stderr
    assert sha256(PAYLOAD) in first.stderr
    assert (cache / "own.bin.sha256").read_text() == f"{sha256(PAYLOAD)}  own.bin\n"
    assert weights.require("own").sha256 == sha256(PAYLOAD)
    assert "warning" not in command("pull", "own").stderr


def test_another_file_than_the_pinned_one_is_refused(
    register: Callable[..., Path], cache: Path, server: Server, tmp_path: Path
) -> None:
    server.files["own.bin"] = PAYLOAD
    register(own=[unhashed(url=server.url("own.bin"))])
    weights.pull_all(["own"])
    (cache / "own.bin").write_bytes(OTHER)
    with pytest.raises(WeightsError, match=rf"{sha256(PAYLOAD)}, found {sha256(OTHER)}.*own\.bin\.sha256"):
        weights.find("own")
    (cache / "own.bin").unlink()
    server.files["own.bin"] = OTHER
    line = complaint(command("pull", "own"))
    assert f"pinned to sha256 {sha256(PAYLOAD)}, and this file has {sha256(OTHER)}" in line
    (tmp_path / "another").write_bytes(OTHER)
    assert "pinned to" in complaint(command("add", "own", tmp_path / "another"))
    assert not (cache / "own.bin").exists()
    (cache / "own.bin.sha256").unlink()
    assert command("pull", "own").exit_code == 0
    assert weights.require("own").sha256 == sha256(OTHER)


def test_a_web_page_is_not_pinned(register: Callable[..., Path], cache: Path, server: Server) -> None:
    server.files["own.bin"] = b"<html>log in</html>"
    server.types["own.bin"] = "text/html; charset=utf-8"
    register(own=[unhashed(url=server.url("own.bin"))])
    assert "it answered with a web page" in complaint(command("pull", "own"))
    assert [path.name for path in cache.iterdir()] == []


@pytest.mark.parametrize("pinned", [True, False])
def test_a_file_is_added_from_anywhere(
    register: Callable[..., Path], cache: Path, brought: Path, pinned: bool
) -> None:
    url = "http://127.0.0.1:9/own.bin"
    register(own=[unhashed(url=url) if pinned else source(file="own.bin", url=url)])
    told: list[int] = []
    local = weights.add("own", brought, progress=lambda name, done, total: told.append(done))
    assert local == weights.require("own", offline=True)
    assert local.path == cache / "own.bin"
    assert local.path.read_bytes() == PAYLOAD
    assert told[-1] == len(PAYLOAD)
    assert (cache / "own.bin.sha256").exists() == pinned
    assert {path.name for path in cache.iterdir()} - {"own.bin.sha256"} == {"own.bin"}
    again = command("add", "own", brought)
    assert again.exit_code == 0
    assert ("is published; from now on" in again.stderr) == pinned
    assert "own may be used for non-commercial research only" in again.stdout


def test_a_wrong_file_is_not_added(register: Callable[..., Path], cache: Path, brought: Path) -> None:
    register(net=[source(OTHER, url="http://127.0.0.1:9/net.bin")])
    line = complaint(command("add", "net", brought))
    assert f"what was given as net is not the registered file (sha256 expected {sha256(OTHER)}" in line
    assert not cache.exists()
    assert "cannot be read" in complaint(command("add", "net", brought.with_name("no such file")))
    assert isinstance(command("add", "nett", brought).exception, UnknownName)


def test_the_official_archive_is_added_as_it_is(
    register: Callable[..., Path], cache: Path, tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("other.bin", b"other")
        archive.writestr("own.bin", PAYLOAD)
    (tmp_path / "pack.zip").write_bytes(packed.getvalue())
    archived: dict[str, Any] = {"member": "own.bin", "archive_sha256": sha256(packed.getvalue())}
    register(own=[source(file="own.bin", url="http://127.0.0.1:9/pack.zip", **archived)])
    assert command("add", "own", tmp_path / "pack.zip").exit_code == 0
    assert weights.require("own", offline=True).path.read_bytes() == PAYLOAD


def test_a_file_put_in_its_place_is_used_once_it_is_added(register: Callable[..., Path], cache: Path) -> None:
    register(own=[unhashed(url="http://127.0.0.1:9/own.bin")])
    cache.mkdir(parents=True)
    path = cache / "own.bin"
    path.write_bytes(PAYLOAD)
    advice = re.escape(f"`fevbench weights add own {path}`")
    with pytest.raises(WeightsError, match=f"is not pinned: .*{advice}"):
        weights.require("own")
    inode = path.stat().st_ino
    assert command("add", "own", path).exit_code == 0
    assert path.stat().st_ino == inode
    assert weights.require("own").sha256 == sha256(PAYLOAD)


def test_a_laboratory_hands_on_the_pin_with_the_file(
    register: Callable[..., Path], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(own=[unhashed(url="http://127.0.0.1:9/own.bin")])
    monkeypatch.setenv("FEVBENCH_WEIGHTS_DIR", str(tmp_path))
    (tmp_path / "own.bin").write_bytes(PAYLOAD)
    pin = tmp_path / "own.bin.sha256"
    pin.write_text(f"{sha256(OTHER)}  own.bin\n")
    with pytest.raises(WeightsError, match="get the file that was pinned"):
        weights.require("own")
    pin.write_text("nonsense")
    with pytest.raises(WeightsError, match="holds no sha256"):
        weights.require("own")
    pin.write_text(f"{sha256(PAYLOAD)}  own.bin\n")
    assert weights.require("own").path == tmp_path / "own.bin"


def test_a_folder_that_is_only_read_is_pinned_in_the_cache(
    register: Callable[..., Path], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(own=[unhashed(url="http://127.0.0.1:9/own.bin")])
    folder = tmp_path / "lab"
    folder.mkdir()
    monkeypatch.setenv("FEVBENCH_WEIGHTS_DIR", str(folder))
    (folder / "own.bin").write_bytes(PAYLOAD)
    assert command("add", "own", folder / "own.bin").exit_code == 0
    assert [path.name for path in folder.iterdir()] == ["own.bin"]
    assert [path.name for path in cache.iterdir()] == ["own.bin.sha256"]
    assert weights.require("own").path == folder / "own.bin"
    (folder / "own.bin").write_bytes(OTHER)
    with pytest.raises(WeightsError, match=r"not the pinned file .* delete both it and .*home"):
        weights.require("own")
