"""The files a model is made of: its code, and the files opened while that runs."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import os
import site
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from fevbench.data.clip import Dataset
from fevbench.data.datasets import SPLITS

OURS = ("fevbench", "leaderboard")
"""Packages that are never a model's code: results name fevbench's version instead."""


def sources(module: str, file: Path) -> dict[str, Path]:
    """Module name to file, for a module and everything it imports that its author can change.

    Imports are read from the sources, also those inside functions; nothing is imported here. Code of the
    module's own package counts wherever it is installed.
    """
    found = {module: file}
    todo = [module]
    while todo:
        name = todo.pop()
        for wanted in _imports(found[name], name):
            place = wanted not in found and _locate(wanted)
            if place and (not is_installed(place) or _top(wanted) == _top(module)):
                found[wanted] = place
                todo.append(wanted)
    return found


def texts(file: Path) -> list[str]:
    """The string constants in a source file; some may be file names."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return []
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def files_of_dataset(dataset: Dataset, files: tuple[Path, ...]) -> set[Path]:
    """Those of some files that are clips of a data set; its version already covers them."""
    if not files:
        return set()
    clips = {clip.path.absolute() for split in SPLITS for clip in dataset.clips(split)}
    return {file for file in files if file in clips or not clips.isdisjoint(file.parents)}


def is_installed(path: Path) -> bool:
    """Whether a file belongs to Python, to an installed package, or to fevbench.

    The description of a package that is installed from a checkout lies there and is read with the entry
    points.
    """
    if path.parent.suffix in (".egg-info", ".dist-info"):
        return True
    return any(path.is_relative_to(folder) for folder in _installed_folders())


@cache
def _installed_folders() -> tuple[Path, ...]:
    here = Path(__file__).parents[1]  # the package
    places = [value for key, value in sysconfig.get_paths().items() if "lib" in key]
    places += [*site.getsitepackages(), site.getusersitepackages()]
    real = [Path(place).resolve() for place in places]
    return (*map(Path, places), *real, here, here.resolve(), here.parent / "leaderboard")


def _top(module: str) -> str:
    return module.partition(".")[0]


def _imports(file: Path, module: str) -> Iterator[str]:
    """Yield every module that may be imported by a file, and the packages it is in."""
    if file.suffix != ".py":
        return
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError):  # importing it raises the error
        return
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(filter(None, (above, node.module)))
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in filter(None, names):
            parts = name.split(".")
            yield from (".".join(parts[: i + 1]) for i in range(len(parts)))


def _locate(module: str) -> Path | None:
    """The file of a module, found without importing it or its package; None for no file, or for ours."""
    top, *parts = module.split(".")
    if top in OURS or top in sys.stdlib_module_names:
        return None
    try:
        loaded = sys.modules.get(top)
        spec = getattr(loaded, "__spec__", None) or importlib.util.find_spec(top)
        for i, _ in enumerate(parts):
            if spec is None or spec.submodule_search_locations is None:
                return None
            name = ".".join([top, *parts[: i + 1]])
            spec = importlib.machinery.PathFinder.find_spec(name, list(spec.submodule_search_locations))
    except Exception:  # foreign finders raise anything
        return None
    origin = spec.origin if spec is not None and spec.has_location else None
    return Path(origin).absolute() if origin else None


_listening: list[OpenedFiles] = []
_hooked = False
_STARTS = ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty")
_HARMLESS = ("uname", "ldconfig", "gcc", "cc", "ld", "lscpu", "lsb_release", "nvidia-smi", "git", "fc-list")
"""Programs that libraries call only to identify the machine."""
_SYSTEM = tuple(map(Path, ("/proc", "/sys", "/dev", "/etc", "/usr/lib", "/usr/share")))

_CACHES = (".config", ".matplotlib", ".cache/matplotlib", ".cache/fontconfig")
"""Folders below a user's home with caches of libraries, on which clips do not depend."""


class OpenedFiles:
    """Records which files are opened while the block runs, in all threads.

    Attributes:
        files: Files that were opened for reading, without those of installed packages.
        untracked: What else was used and may change unnoticed, such as programs.
    """

    def __init__(self) -> None:
        self._opened: dict[tuple[Any, bool, Path], None] = {}
        self._started: list[str] = []
        self._connected = False
        self._others: set[str] | None = None

    def __enter__(self) -> OpenedFiles:
        if self._others is None:  # source files are opened to be shown in a warning or by `inspect`
            files = (getattr(module, "__file__", None) for module in tuple(sys.modules.values()))
            self._others = {file for file in files if isinstance(file, str)}
        _hook()
        _listening.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _listening.remove(self)

    def on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
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

    def take(self) -> tuple[Path, ...]:
        """The files that were opened since the last call."""
        taken = self.files
        self._opened = {key: None for key in self._opened if key[1]}  # files that it wrote stay known
        return taken

    @property
    def untracked(self) -> tuple[str, ...]:  # noqa: D102 - see the class
        programs = dict.fromkeys(name for name in self._started if name not in _HARMLESS)
        what = [f"what {name} reads, which it starts" for name in programs]
        return (*what, "what it is told over the network") if self._connected else tuple(what)


def _hook() -> None:
    """Install an audit hook for opened files; Python cannot remove it again."""
    global _hooked
    if not _hooked:
        _hooked = True
        sys.addaudithook(_on_event)


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    for opened_files in tuple(_listening):
        try:
            opened_files.on_event(event, arguments)
        except Exception:  # an error here would be raised where the file is opened
            continue


def _program(arguments: tuple[Any, ...]) -> str:
    """The name of a started program; empty for a copy of this process."""
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
