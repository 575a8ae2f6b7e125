"""What is known of a trained model that comes with fevbench, kept so that its module need not be imported.

Modules of networks import torch, which takes longer than showing a finished run. What finding the model says
of it is kept under a digest of all sources that it can depend on; any change of these makes it unknown.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fevbench import paths
from fevbench.atomic import write_text
from fevbench.records import Record
from fevbench.registry import load_target
from fevbench.version import VERSION

FOLDER = "models"
PACKAGES = ("fevbench", "fevgan", "baselines")
"""The packages of fevbench's own models and of all that they derive from."""


class ModelFacts(Record):
    """The attributes of a model's class, and what identifies its code.

    Attributes:
        digest: The sha256 of its code, without its weights.
        weights: The file of its weights.
        control: See `fevbench.models.found.FoundModel`, as for all others.
    """

    digest: str
    weights: Path | None
    control: bool
    adapted: bool
    networks: tuple[str, ...]
    batch: int
    files: tuple[Path, ...]
    untracked: tuple[str, ...]
    modules: tuple[str, ...]


class _Kept(Record):
    key: str
    facts: ModelFacts


@dataclass(frozen=True)
class Deferred:
    """A model's class that is imported when it is first used; pickled, it is the class."""

    target: str

    def __call__(self, *arguments: Any, **named: Any) -> Any:  # noqa: D102
        return self._loaded(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loaded, name)

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return load_target, (self.target,)

    @property
    def _loaded(self) -> Any:
        return load_target(self.target)


def recall(name: str, target: str) -> ModelFacts | None:
    """The facts of a model, if they are kept and its code has not changed.

    If its module is imported already, the class itself is asked, which may have been changed since.
    """
    if target.partition(":")[0] in sys.modules:
        return None
    with contextlib.suppress(OSError, ValidationError):
        kept = _Kept.model_validate_json(_file(name).read_bytes())
        if kept.key == _key(target):
            return kept.facts
    return None


def remember(name: str, target: str, facts: ModelFacts) -> None:
    """Keep the facts of a model, if there is a place for them."""
    with contextlib.suppress(OSError):
        _file(name).parent.mkdir(parents=True, exist_ok=True)
        write_text(_file(name), _Kept(key=_key(target), facts=facts).model_dump_json() + "\n")


def _file(name: str) -> Path:
    return paths.home() / FOLDER / f"{name}.json"


@functools.cache
def _key(target: str) -> str:
    """The sha256 of everything that the facts of a model can depend on."""
    digest = hashlib.sha256(repr((VERSION, sys.version, target)).encode())
    for package in PACKAGES:
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            continue
        folder = Path(found.origin).parent
        for file in sorted(folder.rglob("*.py")):
            content = hashlib.sha256(file.read_bytes()).digest()
            digest.update(repr(str(file)).encode() + content)
    return digest.hexdigest()
