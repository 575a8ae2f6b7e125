"""Finding a model: installed entry points, a plug-in file, weights of one's own, or a folder of videos.

Installed packages announce models under the entry-point group ``fevbench.models``; listing them
imports nothing, and a broken one spoils only itself.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from fevbench.errors import FevbenchError, ModelError
from fevbench.models.found import VIDEOS_PREFIX, WEIGHTS_FILE, Factory, FoundModel
from fevbench.registry import Registry

GROUP = "fevbench.models"

F = TypeVar("F", bound=Factory)

models: Registry[Factory] = Registry("model")
_origins: dict[str, str] = {}


def register_model(name: str) -> Callable[[F], F]:
    """Class decorator for plug-in files: makes a model known to ``fevbench run NAME``."""

    def decorate(factory: F) -> F:
        models.add(name, factory)
        return factory

    return decorate


def discover() -> dict[str, str]:
    """Add the installed entry points to ``models``.

    Returns:
        Every known name with its origin, for example ``{"copy": "fevbench 0.1.0"}``.
    """
    for entry in importlib.metadata.entry_points(group=GROUP):
        if entry.name not in models:
            models.add(entry.name, entry.value)
            dist = entry.dist
            _origins[entry.name] = f"{dist.name} {dist.version}" if dist else entry.value
    return {name: _origins.get(name, "this process") for name in models}


def load_plugin(path: Path) -> None:
    """Run a plug-in file, which registers its models with :func:`register_model`.

    Raises:
        ModelError: The file is missing, fails to run, or registers nothing.
    """
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise ModelError(f"plug-in {path} {what}", "check the path given to --plugin")
    spec = importlib.util.spec_from_file_location(f"fevbench_plugin_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ModelError(f"plug-in {path} is not a Python file", "give a file that ends in .py")
    before = set(models)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except FevbenchError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"plug-in {path} failed ({type(error).__name__}: {error})", "see the traceback with --debug"
        ) from error
    added = set(models) - before
    if not added:
        raise ModelError(
            f"plug-in {path} registers no model", 'decorate a class with @register_model("name")'
        )
    _origins.update(dict.fromkeys(added, str(path)))


def find_model(name: str, plugin: Path | None = None, allow_missing: bool = False) -> FoundModel:
    """Find a model by name.

    Args:
        name: A registered name; ``NAME:PATH`` for the same model with other weights, a file or the folder of
            a training; or ``videos:DIR`` for clips made elsewhere.
        plugin: A file to load first.
        allow_missing: For ``videos:DIR``, whether clips may be missing.

    Raises:
        UnknownName: No model has this name; the message suggests near ones.
        ModelError: The plug-in, the entry point or the folder cannot be used.
    """
    if name.startswith(VIDEOS_PREFIX):
        from fevbench.models.videos import find_videos

        folder = name.removeprefix(VIDEOS_PREFIX)
        if not folder:
            raise ModelError(f"{name} names no folder", "give videos:DIR a folder of clips")
        return find_videos(Path(folder).expanduser(), allow_missing)
    discover()
    if plugin is not None:
        load_plugin(plugin)
    kind, own, place = (name, "", "") if name in models else name.partition(":")
    try:
        factory = models.get(kind)
    except FevbenchError:
        raise
    except Exception as error:  # a package that is being imported can raise anything
        raise ModelError(
            f"model {kind!r} of {_origins.get(kind)} cannot be imported ({type(error).__name__}: {error})",
            "install it again",
        ) from error
    weights: Path | None = getattr(factory, "weights", None)
    digest = _code_digest(factory, whole_package=weights is not None)
    build: Factory = factory
    if own:
        weights = _weights_file(kind, factory, place)
        name = f"{kind}:{weights.parent.name if weights.name == WEIGHTS_FILE else weights.stem}"
        build = cast(Factory, functools.partial(cast(Any, factory), weights=weights))
    if weights is not None and weights.is_file():
        digest = hashlib.sha256(digest.encode() + hashlib.sha256(weights.read_bytes()).digest()).hexdigest()
    return FoundModel(
        name,
        discover()[kind],
        digest,
        bool(getattr(factory, "control", False)),
        build,
        getattr(factory, "networks", ()),
        bool(getattr(factory, "adapted", False)),
    )


def _weights_file(kind: str, factory: Factory, place: str) -> Path:
    """The file of ``NAME:PATH``."""
    if "weights" not in inspect.signature(factory).parameters:
        raise ModelError(f"model {kind!r} takes no weights of one's own", f"use {kind!r}")
    path = Path(place).expanduser().absolute()
    file = path / WEIGHTS_FILE if path.is_dir() else path
    if not place or not file.is_file():
        raise ModelError(
            f"{kind}:{place} names no weights ({file} does not exist)",
            f"give {kind}:PATH a file or the folder of a finished training",
        )
    return file


def _code_digest(factory: Factory, whole_package: bool) -> str:
    """The sha256 of the model's module.

    Where its networks are modules of their own, it is that of all modules beside it, and beside the classes
    of its package that it derives from.
    """
    name = getattr(factory, "__module__", "")
    source = getattr(sys.modules.get(name), "__file__", None)
    if source is None:
        return hashlib.sha256(repr(factory).encode()).hexdigest()
    files = [Path(source)]
    if whole_package:
        package = name.partition(".")[0]
        kinds = {kind.__module__ for kind in getattr(factory, "__mro__", ())} | {name}
        sources = [sys.modules[kind].__file__ for kind in kinds if kind.partition(".")[0] == package]
        folders = {Path(beside).parent for beside in sources if beside is not None}
        files = sorted(file for folder in folders for file in folder.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def summary(name: str) -> str:
    """The first line of a model's docstring, read from its source without importing it."""
    target = models.peek(name)
    if not isinstance(target, str):
        return (target.__doc__ or "").strip().partition("\n")[0]
    module, _, attribute = target.partition(":")
    try:
        spec = importlib.util.find_spec(module)
        if spec is None:
            raise ModuleNotFoundError(f"no module named {module!r}")
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8")) if spec.origin else None
    except Exception as error:  # finding a module imports its package, which can raise anything
        return f"cannot be loaded: {error}"
    for node in tree.body if tree else ():
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == attribute:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""
