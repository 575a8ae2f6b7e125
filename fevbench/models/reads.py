"""Which files a process opens while a model's code runs, and what of it cannot be seen."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from fevbench.models.sources import is_installed

_listening: list[Reads] = []
_hooked = False
_STARTS = ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty")
_HARMLESS = ("uname", "ldconfig", "gcc", "cc", "ld", "lscpu", "lsb_release", "nvidia-smi", "git", "fc-list")
"""Programs that libraries ask what machine this is."""
_SYSTEM = tuple(map(Path, ("/proc", "/sys", "/dev", "/etc", "/usr/lib", "/usr/share")))

_CACHES = (".config", ".matplotlib", ".cache/matplotlib", ".cache/fontconfig")
"""Below a user's home: what libraries keep, and clips do not depend on."""


class Reads:
    """Hears what is opened while the block runs, in all threads.

    Attributes:
        files: What was opened to be read, and is not an installed package's.
        unseen: What was used of which nobody can tell whether it changed.
    """

    def __init__(self) -> None:
        self._opened: dict[tuple[Any, bool, Path], None] = {}
        self._started: list[str] = []
        self._connected = False
        self._others: set[str] | None = None

    def __enter__(self) -> Reads:
        if self._others is None:  # their sources are opened to be shown, in a warning or by an inspection
            files = (getattr(module, "__file__", None) for module in tuple(sys.modules.values()))
            self._others = {file for file in files if isinstance(file, str)}
        _hook()
        _listening.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _listening.remove(self)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit event of Python."""
        if event == "open":
            path, mode, flags = arguments
            writes = bool(set(mode) & set("wax")) if isinstance(mode, str) else bool(flags & 3 == os.O_WRONLY)
            self._note(path, writes)
        elif event in ("ctypes.dlopen", "sqlite3.connect"):
            self._note(arguments[0], writes=False)
        elif event == "socket.connect":
            self._connected = True
        elif event in _STARTS:
            self._started.append(_program(arguments))

    def _note(self, path: Any, writes: bool) -> None:
        if isinstance(path, str | bytes | os.PathLike):
            self._opened[os.fspath(path), writes, Path.cwd()] = None

    @property
    def files(self) -> tuple[Path, ...]:  # noqa: D102 - see the class
        found: dict[Path, None] = {}
        written, others = set(), self._others or set()
        for given, writes, folder in self._opened:
            path = Path(folder, os.fsdecode(given))
            if path.suffix == ".pyc":
                path = _source_of(path)
            if writes:
                written.add(path)
            elif path.is_file() and str(path) not in others and not _is_of_the_system(path):
                found[path] = None
        scratch = Path(tempfile.gettempdir())
        return tuple(path for path in found if not (path in written and path.parent == scratch))

    @property
    def unseen(self) -> tuple[str, ...]:  # noqa: D102 - see the class
        programs = dict.fromkeys(name for name in self._started if name not in _HARMLESS)
        what = [f"what {name} reads, which it starts" for name in programs]
        return (*what, "what it is told over the network") if self._connected else tuple(what)


def _hook() -> None:
    """Have Python tell of every file that is opened; it cannot be told to stop."""
    global _hooked
    if not _hooked:
        _hooked = True
        sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    for reads in tuple(_listening):
        try:
            reads.hear(event, arguments)
        except Exception:  # an error here would become one of whoever opens the file
            continue


def _program(arguments: tuple[Any, ...]) -> str:
    """The name of the program that is started; empty words for a copy of this process."""
    first = arguments[0] if arguments else b""
    if first is None and len(arguments) > 1 and arguments[1]:
        first = arguments[1][0]
    words = os.fsdecode(first).split() if isinstance(first, str | bytes | os.PathLike) else []
    return Path(words[0]).name if words else "another process"


def _source_of(compiled: Path) -> Path:
    try:
        return Path(importlib.util.source_from_cache(str(compiled)))
    except (NotImplementedError, ValueError):
        return compiled


def _is_of_the_system(path: Path) -> bool:
    from fevbench.paths import home

    mine = (Path.home() / name for name in _CACHES)
    places = (*_SYSTEM, *mine, home())
    return is_installed(path) or any(path.is_relative_to(place) for place in places)
