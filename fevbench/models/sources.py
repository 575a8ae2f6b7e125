"""Which files of code a model is made of: its module, and all it imports that is no installed package."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import site
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

OURS = ("fevbench", "leaderboard")
"""Packages that are not a model's, wherever they lie: results name fevbench's version."""


def sources(module: str, file: Path) -> dict[str, Path]:
    """The code of a module and of everything it imports that can be changed by its author.

    Imports are read from the sources, also those inside functions; nothing is imported here. Code of the
    module's own package counts wherever it is installed.

    Args:
        module: Its full name.
        file: Its file.

    Returns:
        Module name to file.
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
    """The texts a file of code holds: among them may be names of files."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return []
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def is_installed(path: Path) -> bool:
    """Whether a file belongs to Python, to an installed package, or to fevbench."""
    return any(path.is_relative_to(folder) for folder in _installed_folders())


@cache
def _installed_folders() -> tuple[Path, ...]:
    import fevbench

    here = Path(fevbench.__file__).parent
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
    except (SyntaxError, ValueError, OSError):  # whoever imports it says so
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
    """Where a module is, without importing it or the package it is in; None for what is no file, or ours."""
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
    except Exception:  # finders of strangers raise anything
        return None
    origin = spec.origin if spec is not None and spec.has_location else None
    return Path(origin).absolute() if origin else None
