"""Tests apart from the user: an empty home, a plain environment, and pretrained files to read only.

Everything is set before fevbench is imported, so that fixtures of any scope and processes that tests start
see the same. Each test then gets a home of its own from `conftest.py`.
"""

from __future__ import annotations

import atexit
import importlib.metadata
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

WEIGHTS = "FEVBENCH_TESTS_WEIGHTS"
"""Tells processes of one test run, as of pytest-xdist, where the user's pretrained files are."""
OURS = {"fevbench"}
"""The distributions whose entry points count; others are the user's plug-ins."""
PLAIN = {"COLUMNS": "80", "LINES": "24", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
FOREIGN = (
    "FEVBENCH_", "XDG_", "LC_", "LANG", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "COLORTERM", "TTY_",
    "JUPYTER_", "PIP_", "npm_config_", "NPM_CONFIG_", "MPLCONFIGDIR",
)  # fmt: skip
"""What the names of variables begin with that change what commands do or print."""


def set_apart() -> Path:
    """Leave the user's home and settings.

    Returns:
        The folder of the pretrained files: it holds links, so that what is written there is not the user's.
    """
    folders = _weights()
    room = Path(tempfile.mkdtemp(prefix="fevbench-tests-"))
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
    os.environ |= {**PLAIN, "HOME": str(room), "FEVBENCH_HOME": str(room / "home")}
    os.environ[WEIGHTS] = os.pathsep.join(map(str, folders))
    links = room / "weights"
    links.mkdir()
    for file in (file for folder in reversed(folders) if folder.is_dir() for file in folder.iterdir()):
        if file.is_file() and not file.name.startswith("."):
            (links / file.name).unlink(missing_ok=True)
            (links / file.name).symlink_to(file)
    os.environ["FEVBENCH_WEIGHTS_DIR"] = str(links)
    _only_ours()
    return links


def process_environment(*folders: Path, **more: str) -> dict[str, str]:
    """The environment of a process that may import what is in some folders, and what can be imported here."""
    path = os.pathsep.join([*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, **more}


def _weights() -> list[Path]:
    """Where the user's pretrained files are, those that go before others first."""
    told = os.environ.get(WEIGHTS)
    if told is not None:
        return [Path(folder) for folder in told.split(os.pathsep) if folder]
    import platformdirs

    home = os.environ.get("FEVBENCH_HOME") or platformdirs.user_cache_dir("fevbench")
    named = os.environ.get("FEVBENCH_WEIGHTS_DIR")
    folders = [Path(named)] if named else []
    return [folder.expanduser().absolute() for folder in (*folders, Path(home) / "weights")]


def _only_ours() -> None:
    """Plug-ins that the user installed are not there."""
    every = importlib.metadata.entry_points

    def ours(**wanted: Any) -> Any:
        found = every(**wanted)
        if not str(wanted.get("group", "")).startswith("fevbench."):
            return found
        return type(found)(entry for entry in found if entry.dist is None or entry.dist.name in OURS)

    importlib.metadata.entry_points = ours  # type: ignore[assignment]
