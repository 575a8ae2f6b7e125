"""One typed registry for everything that has a name: lazy targets, did-you-mean errors.

A target is either the object itself or a ``"module:attribute"`` string that is imported the first
time the name is asked for, so that listing what there is never imports what it does not need.

    >>> squares = Registry[int]("square", {"four": 4, "pi": "math:pi"})
    >>> squares.get("four")
    4
    >>> sorted(squares)
    ['four', 'pi']
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar, cast

from fevbench.errors import FevbenchError, UnknownName

T = TypeVar("T")


class Registry(Generic[T]):
    """Names and what they stand for.

    Args:
        kind: What a name is called in errors, for example ``"metric"``.
        targets: The first entries: objects, or ``"module:attribute"`` strings.
    """

    def __init__(self, kind: str, targets: Mapping[str, T | str] | None = None) -> None:
        self.kind = kind
        self._targets: dict[str, T | str] = dict(targets or {})

    def __iter__(self) -> Iterator[str]:
        return iter(self._targets)

    def __contains__(self, name: object) -> bool:
        return name in self._targets

    def add(self, name: str, target: T | str) -> None:
        """Register ``target`` under ``name``.

        Raises:
            FevbenchError: The name is taken by something else.
        """
        if self._targets.get(name, target) != target:
            raise FevbenchError(f"the {self.kind} {name!r} is registered already", "choose another name")
        self._targets[name] = target

    def peek(self, name: str) -> T | str:
        """The entry as it stands, without importing a lazy one."""
        return self._targets[name]

    def get(self, name: str) -> T:
        """What ``name`` stands for, imported now if it was lazy.

        Raises:
            UnknownName: No entry has this name; the message suggests near ones.
        """
        try:
            target = self._targets[name]
        except KeyError:
            raise UnknownName(self.kind, name, self._targets) from None
        if isinstance(target, str):
            target = cast(T, load_target(target))
            self._targets[name] = target
        return target


def load_target(target: str) -> object:
    """Import ``"module:attribute"``.

    Raises:
        ImportError: The module cannot be imported.
        AttributeError: The module has no such attribute.
    """
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
