"""A registry, a cache and a package index of the test's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up import Index, NpmRegistry, Server, sha256

from fevbench.weights import registry


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of an fevbench that has never run."""
    monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FEVBENCH_WEIGHTS_DIR", raising=False)
    return tmp_path / "home" / "weights"


@pytest.fixture
def register(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Replace the registry; each keyword is a weight and its sources; those called ``own…`` are optional."""

    def write(**weights: list[dict[str, Any]]) -> Path:
        lines: list[str] = []
        for name, sources in weights.items():
            lines += [f"[{name}]", 'role = "test"', 'licence = "research only"', "commercial = false"]
            lines += ['citation = ["Someone. Something. 2020."]']
            lines += ["optional = true"] if name.startswith("own") else []
            for table in sources:
                lines.append(f"[[{name}.sources]]")
                lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        path = tmp_path / f"registry-{sha256(''.join(lines).encode())[:8]}.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        monkeypatch.setattr(registry, "REGISTRY", path)
        return path

    return write


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return Index(folder)


@pytest.fixture
def npm_registry(server: Server, monkeypatch: pytest.MonkeyPatch) -> NpmRegistry:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    monkeypatch.setenv("npm_config_registry", server.url(""))
    monkeypatch.setenv("npm_config_userconfig", "/dev/null")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    return NpmRegistry(server)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Every process started during the test."""
    processes: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **rest: Any) -> None:
            processes.append(self)
            super().__init__(*args, **rest)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    return processes
