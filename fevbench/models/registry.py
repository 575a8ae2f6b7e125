"""Finding a model: installed entry points, a plug-in file, other weights, or a folder of videos.

Installed packages announce models under the entry-point group ``fevbench.models``; listing them
imports nothing, and a broken one affects no other.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from fevbench.errors import FevbenchError, ModelError, Terminated, UnknownName
from fevbench.hashing import sha256_of, sha256_of_repr
from fevbench.models.facts import Deferred, ModelFacts, recall, remember
from fevbench.models.files import OpenedFiles, sources
from fevbench.models.found import (
    COMMAND_PREFIX,
    VIDEOS_PREFIX,
    WEIGHTS_FILE,
    Factory,
    FoundModel,
    batch_of,
    flag,
    networks_of,
    weights_at,
    weights_of,
)
from fevbench.models.plugin_environment import PluginEnvironment
from fevbench.registry import BUILT_IN, HERE, Registry, registering
from fevbench.sanitise import exception_line


@dataclass(frozen=True)
class LoadedPlugin:
    """A plug-in file that was run, or a package's module that was imported.

    Attributes:
        files: The files opened while it was loaded.
        untracked: What it used then that fevbench cannot check for changes.
        kinds: The kinds of things that a plug-in file registers.
    """

    module: str
    file: Path | None
    environment: PluginEnvironment
    files: tuple[Path, ...] = ()
    untracked: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()

    @classmethod
    def of(cls, factory: object, opened_files: OpenedFiles) -> LoadedPlugin:
        """The module of a model that was registered in this process, or imported just now."""
        module = str(getattr(factory, "__module__", ""))
        file = getattr(sys.modules.get(module), "__file__", None)
        place = Path(file).absolute() if file else None
        untracked = (
            opened_files.untracked if file else (*opened_files.untracked, "its code, which is in no file")
        )
        return cls(module, place, PluginEnvironment(), opened_files.files, untracked)


F = TypeVar("F", bound=Factory)

models: Registry[Factory] = Registry("model", group="fevbench.models")
_plugins: dict[str, LoadedPlugin] = {}
"""Model to the plug-in file that registered it."""


def register_model(name: str) -> Callable[[F], F]:
    """Class decorator for plug-in files: makes a model known to ``fevbench run NAME``.

    Raises:
        ModelError: The name has other characters than letters, digits and hyphens.
    """
    if not isinstance(name, str) or not name.isprintable() or name != name.strip() or not name or ":" in name:
        raise ModelError(f"{name!r} cannot be a model's name", "use letters, digits and hyphens")

    def decorate(factory: F) -> F:
        models.add(name, factory)
        return factory

    return decorate


def load_plugin(path: Path) -> LoadedPlugin:
    """Run a plug-in file, which registers models, metrics, extractors, data sets or protocols.

    It may import the modules beside it.

    Raises:
        ModelError: The file is missing, fails to run, or registers nothing.
    """
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise ModelError(f"plug-in {path} {what}", "check the path given to --plugin")
    place = path.absolute()  # a plug-in may change the working folder
    spec = importlib.util.spec_from_file_location(f"fevbench_plugin_{path.stem}", place)
    if spec is None or spec.loader is None:
        raise ModelError(f"plug-in {path} is not a Python file", "give a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    environment, opened_files = PluginEnvironment(place.parent), OpenedFiles()
    try:
        with registering(str(path)) as registered, opened_files, environment:
            spec.loader.exec_module(module)
    except (FevbenchError, KeyboardInterrupt, Terminated):
        raise
    except BaseException as error:  # a plug-in raises anything
        raise ModelError(
            f"plug-in {path} failed ({exception_line(error)})", "see the traceback with --debug"
        ) from error
    if not registered.added:
        raise ModelError(
            f"plug-in {path} registers nothing", 'decorate a model\'s class with @register_model("name")'
        )
    kinds = frozenset(kind for kind, _ in registered.added)
    plugin = LoadedPlugin(spec.name, place, environment, opened_files.files, opened_files.untracked, kinds)
    _plugins.update({name: plugin for kind, name in registered.added if kind == models.kind})
    return plugin


def find_model(
    name: str, plugin: Path | None = None, allow_missing: bool = False, is_loaded: bool = False
) -> FoundModel:
    """Find a model by name.

    Args:
        name: A registered name; ``NAME:PATH`` for the same model with other weights, a file or the folder of
            a training; ``videos:DIR`` for clips made elsewhere; or ``command:FILE.toml`` for a program that
            makes them.
        plugin: A file to load first.
        allow_missing: For ``videos:DIR``, whether clips may be missing.
        is_loaded: Whether the file is already loaded.

    Raises:
        UnknownName: No model has this name; the message suggests similar ones.
        FevbenchError: The entry point cannot be imported.
        ModelError: The plug-in or the folder cannot be used, or an attribute of the model.
    """
    if name.startswith(VIDEOS_PREFIX):
        from fevbench.models.videos import find_videos

        folder = name.removeprefix(VIDEOS_PREFIX)
        if not folder:
            raise ModelError(f"{name} has no folder", "give videos:DIR a folder of clips")
        return find_videos(Path(folder).expanduser(), allow_missing)
    if name.startswith(COMMAND_PREFIX):
        from fevbench.models.command import find_command

        file = name.removeprefix(COMMAND_PREFIX)
        if not file:
            raise ModelError(
                f"{name} has no file", "give command:FILE.toml the file that says how to call the program"
            )
        return find_command(Path(file).expanduser())
    if plugin is not None and not is_loaded:
        load_plugin(plugin)
    asked = name
    kind, own, place = (name, "", "") if name in models else name.partition(":")
    if kind not in models:
        raise UnknownName("model", kind, models, _where_else(kind, plugin))
    target = models.peek(kind)
    lazy = target if isinstance(target, str) and models.origin(kind) == BUILT_IN else None
    if facts := recall(kind, lazy) if lazy and not own else None:
        factory = cast(Factory, Deferred(cast(str, lazy)))
    else:
        opened_files = OpenedFiles()
        with opened_files:
            factory = models.get(kind)
        facts = _facts(kind, factory, opened_files)
        if lazy and facts.weights:
            remember(kind, lazy, facts)
    weights, digest, build = facts.weights, facts.digest, factory
    if own:
        weights = _weights_file(kind, factory, place)
        name = f"{kind}:{weights.parent.name if weights.name == WEIGHTS_FILE else weights.stem}"
        build = cast(Factory, functools.partial(cast(Any, factory), weights=weights))
    if weights is not None and weights.is_file():
        digest = hashlib.sha256(digest.encode() + bytes.fromhex(sha256_of(weights))).hexdigest()
    origin = models.origin(kind)
    return FoundModel(
        name,
        origin,
        digest,
        facts.control,
        build,
        facts.networks,
        facts.adapted,
        fingerprint_is_complete=origin == BUILT_IN,
        environment=_plugins[kind].environment if kind in _plugins else PluginEnvironment(),
        files=facts.files,
        untracked=facts.untracked,
        modules=facts.modules,
        batch=facts.batch,
        asked=asked,
        plugin=_plugins[kind].file if kind in _plugins else None,
    )


def _facts(kind: str, factory: Factory, opened_files: OpenedFiles) -> ModelFacts:
    """The facts of a model that was imported just now, or registered by a plug-in."""
    if not callable(factory):
        raise ModelError(f"model {kind!r} is not a class, but {type(factory).__name__}", "register a class")
    weights = weights_of(factory, kind)
    ours = models.origin(kind) == BUILT_IN
    loaded = _plugins.get(kind) or LoadedPlugin.of(factory, opened_files)
    with loaded.environment:
        code = {} if ours else sources(loaded.module, loaded.file) if loaded.file else {}
    digest = _code_digest(factory, whole_package=weights is not None) if ours else _digest_of(factory, code)
    return ModelFacts(
        digest=digest,
        weights=weights,
        control=flag(factory, kind, "control"),
        adapted=flag(factory, kind, "adapted"),
        networks=networks_of(factory, kind),
        batch=batch_of(factory, kind),
        files=tuple(dict.fromkeys((*code.values(), *loaded.files))),
        untracked=loaded.untracked,
        modules=tuple(dict.fromkeys((loaded.module, *code))),
    )


def is_of_a_package(name: str) -> bool:
    """Whether a model belongs to another installed package, so that finding it runs that package's code."""
    kind = name if name in models else name.partition(":")[0]
    if kind not in models or kind in _plugins:
        return False
    return models.origin(kind) != HERE and not models.origin(kind).startswith("fevbench ")


def _where_else(name: str, plugin: Path | None) -> str:
    """What to do about an unknown name, besides correcting it."""
    if plugin is None and name.endswith(".py"):
        return f"to use a file of models, give the name of a model and --plugin {name}"
    if plugin is None:
        return "for a model of your own, give --plugin FILE.py, the file that registers it"
    there = [known for known, loaded in _plugins.items() if loaded.file == plugin.absolute()]
    return f"{plugin} registers {', '.join(there) or 'no model'}"


def _digest_of(factory: Factory, code: Mapping[str, Path]) -> str:
    """The sha256 of the code of a model that does not come with fevbench."""
    if not code:
        return sha256_of_repr(factory)
    hashes = sorted((file.name, sha256_of(file)) for file in code.values())
    return sha256_of_repr(hashes)


def _weights_file(kind: str, factory: Factory, place: str) -> Path:
    """The file of ``NAME:PATH``."""
    if "weights" not in inspect.signature(factory).parameters:
        raise ModelError(f"model {kind!r} takes no other weights", f"use {kind!r}")
    file = weights_at(Path(place).expanduser().absolute())
    if not place or not file.is_file():
        raise ModelError(
            f"{kind}:{place} has no weights ({file} does not exist)",
            f"give {kind}:PATH a file or the folder of a finished training",
        )
    return file


def _code_digest(factory: Factory, whole_package: bool) -> str:
    """The sha256 of the model's module.

    With ``whole_package``, of all modules beside it and beside the base classes that its package defines.
    """
    name = getattr(factory, "__module__", "")
    source = getattr(sys.modules.get(name), "__file__", None)
    if source is None:
        return sha256_of_repr(factory)
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
