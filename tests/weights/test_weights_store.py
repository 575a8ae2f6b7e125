from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from made_up import PAYLOAD, sha256, source

from fevbench import weights
from fevbench.errors import WeightsError

NOWHERE = source(url="http://127.0.0.1:9/net.bin")


@pytest.fixture
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setenv("FEVBENCH_WEIGHTS_DIR", str(folder))
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(*args: object, **rest: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "socket", touched)
    monkeypatch.setattr(subprocess, "Popen", touched)


def put(folder: Path, content: bytes = PAYLOAD, name: str = "net.bin") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def test_the_users_folder_comes_before_the_cache(
    register: Callable[..., Path], cache: Path, user_folder: Path
) -> None:
    register(net=[NOWHERE])
    cached = put(cache)
    assert weights.require("net") == weights.LocalWeight("net", cached, sha256(PAYLOAD), verified=True)
    mine = put(user_folder)
    assert weights.require("net").path == mine


def test_any_declared_file_will_do_and_its_own_hash_is_reported(
    register: Callable[..., Path], cache: Path
) -> None:
    register(net=[NOWHERE, source(b"other container", "net.pt", url="http://127.0.0.1:9/net.pt")])
    put(cache, b"other container", "net.pt")
    assert weights.require("net", offline=True).sha256 == sha256(b"other container")


@pytest.mark.parametrize("where", ["user", "cache"])
def test_a_wrong_file_names_itself_both_hashes_and_the_way_out(
    register: Callable[..., Path], cache: Path, user_folder: Path, where: str
) -> None:
    register(net=[NOWHERE])
    path = put(user_folder if where == "user" else cache, b"something else")
    with pytest.raises(WeightsError) as caught:
        weights.find("net")
    for part in (str(path), sha256(PAYLOAD), sha256(b"something else")):
        assert part in caught.value.what
    assert "delete it" in caught.value.fix
    assert ("fevbench weights pull net" in caught.value.fix) == (where == "cache")


def test_a_file_changed_after_it_was_verified_is_found_out(
    register: Callable[..., Path], cache: Path
) -> None:
    register(net=[NOWHERE])
    path = put(cache)
    assert weights.find("net") is not None
    path.write_bytes(PAYLOAD[::-1])
    with pytest.raises(WeightsError, match="not the registered file"):
        weights.find("net")


def test_a_file_is_hashed_once_a_process(
    register: Callable[..., Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(net=[NOWHERE])
    put(cache)
    local = weights.require("net")
    monkeypatch.setattr(Path, "open", lambda *_, **__: pytest.fail("read again"))
    assert weights.require("net") == local
    with pytest.raises(pytest.fail.Exception, match="read again"):
        weights.verify(local, afresh=True)


@pytest.mark.usefixtures("no_network")
def test_offline_says_what_to_put_where_and_touches_no_network(
    register: Callable[..., Path], cache: Path, user_folder: Path
) -> None:
    register(net=[NOWHERE])
    with pytest.raises(WeightsError) as caught:
        weights.require("net", offline=True)
    for part in ("fevbench weights pull net", "net.bin", str(user_folder), str(cache)):
        assert part in caught.value.fix
    with pytest.raises(AssertionError, match="the network was touched"):
        weights.require("net")


def test_a_users_folder_that_is_not_there_is_an_error(
    register: Callable[..., Path], cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    register(net=[NOWHERE])
    put(cache)
    monkeypatch.setenv("FEVBENCH_WEIGHTS_DIR", str(tmp_path / "typo"))
    with pytest.raises(WeightsError, match="typo, which is not a folder"):
        weights.find("net")
