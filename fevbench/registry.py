"""The one registry of everything that has a name: models, metrics, extractors, data sets, protocols, methods.

An entry is the object itself, or a ``"module:attribute"`` string that is imported when the name is first
asked for, so that listing names imports nothing. Installed packages add entries by entry points.

    >>> squares = Registry[int]("square", {"four": 4, "pi": "math:pi"})
    >>> squares.get("four")
    4
    >>> sorted(squares)
    ['four', 'pi']
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from operator import attrgetter
from typing import Generic, TypeVar, cast

from fevbench.errors import FevbenchError, Terminated, UnknownName
from fevbench.sanitise import exception_line, one_line
from fevbench.version import VERSION

T = TypeVar("T")


class Registering:
    """A package or plug-in file while its entries are registered: ``added`` are their kinds and names."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.added: list[tuple[str, str]] = []


BUILT_IN = f"fevbench {VERSION}"
"""The origin of what fevbench itself brings."""
HERE = "this process"
"""The origin of what is registered by neither a package nor a plug-in file, as in a notebook."""
_registering: ContextVar[Registering | None] = ContextVar("registering", default=None)


class Registry(Generic[T]):
    """A mapping from names to objects, some of which are imported when they are first used.

    Args:
        kind: What a name is called in errors, for example ``"metric"``.
        targets: The entries of fevbench itself: objects, or ``"module:attribute"`` strings.
        group: The entry-point group of installed packages. It is read once, when names are listed or a name
            is not among ``targets``.
        declares: The class of the entries if they are declarations that are fast to import. Entry points are
            then imported when the group is read, and objects of another class are left out.
    """

    def __init__(
        self,
        kind: str,
        targets: Mapping[str, T | str] | None = None,
        group: str = "",
        declares: type[T] | None = None,
    ) -> None:
        self.kind = kind
        self._targets: dict[str, T | str] = dict(targets or {})
        self._built_in = frozenset(self._targets)
        self._group, self._declares = group, declares
        self._announced: dict[str, T | str] | None = None
        self._origins: dict[str, str] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._targets, *self._read())))

    def __contains__(self, name: object) -> bool:
        return name in self._targets or name in self._read()

    def add(self, name: str, target: T | str) -> None:
        """Register ``target`` under ``name``; its origin is that of the block it is done in, `registering`.

        What the same origin registers again in another block takes the place of what it registered before:
        its file was loaded again, and may have changed.

        Raises:
            FevbenchError: The name is taken by something else.
        """
        block = _registering.get()
        origin = block.origin if block else HERE
        ours = name in self and self.origin(name) == origin
        again = ours and block is not None and (self.kind, name) not in block.added
        if name in self and not again and not _is_same(self.peek(name), target):
            taken = f"the {self.kind} {name!r} is registered already by {self.origin(name)}"
            raise FevbenchError(f"{taken} and again by {origin}", "choose another name")
        if ours or name not in self:
            self._targets[name] = target
            self._origins[name] = origin
        if block:
            block.added.append((self.kind, name))

    def peek(self, name: str) -> T | str:
        """The entry as it stands, without importing a lazy one."""
        return self._targets[name] if name in self._targets else self._read()[name]

    def get(self, name: str) -> T:
        """What ``name`` stands for, imported now if it was lazy.

        Raises:
            UnknownName: No entry has this name; the message suggests near ones.
            FevbenchError: It is of an installed package and cannot be imported.
        """
        if name not in self:
            raise UnknownName(self.kind, name, self)
        target = self.peek(name)
        if not isinstance(target, str):
            return target
        if name in self._targets:
            loaded = self._targets[name] = cast(T, load_target(target))
            return loaded
        try:
            loaded = self._read()[name] = cast(T, load_target(target))
        except (FevbenchError, KeyboardInterrupt, Terminated):
            raise
        except BaseException as error:  # a package that is being imported can raise anything
            raise FevbenchError(
                f"{self.kind} {name!r} of {self.origin(name)} cannot be imported ({exception_line(error)})",
                "install it again",
            ) from error
        return loaded

    def origin(self, name: str) -> str:
        """Who registered ``name``: fevbench or another distribution with its version, or a plug-in file.

        Raises:
            UnknownName: No entry has this name.
        """
        if name not in self:
            raise UnknownName(self.kind, name, self)
        return self._origins.get(name, BUILT_IN)

    def origins(self) -> dict[str, str]:
        """Every name with its origin, for example ``{"copy": "fevbench 0.1.0"}``."""
        return {name: self.origin(name) for name in self}

    def _read(self) -> dict[str, T | str]:
        """What installed packages announce."""
        if self._announced is None:
            self._announced = {}  # a package that is imported here may ask for names itself
            found = importlib.metadata.entry_points(group=self._group) if self._group else ()
            for entry in sorted(found, key=lambda entry: not (entry.dist and entry.dist.name == "fevbench")):
                self._announce(entry, self._announced)
        return self._announced

    def _announce(self, entry: importlib.metadata.EntryPoint, announced: dict[str, T | str]) -> None:
        """Take one entry point up, or say in one line why not."""
        name, target = entry.name, entry.value.partition("[")[0].strip()
        origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
        if name in self._built_in or name in announced:
            if not _is_same(self.peek(name), target):
                self._warn(name, origin, f"{self.origin(name)} has one of this name")
            return
        if self._declares is None:
            announced[name] = target
        else:
            try:
                loaded = load_target(target)
            except (KeyboardInterrupt, Terminated):
                raise
            except BaseException as error:
                self._warn(name, origin, f"it cannot be imported ({exception_line(error)})")
                return
            if not isinstance(loaded, self._declares) or getattr(loaded, "name", name) != name:
                self._warn(name, origin, f"{target} is no {self._declares.__name__} of this name")
                return
            announced[name] = loaded
        self._origins[name] = origin

    def _warn(self, name: str, origin: str, why: str) -> None:
        text = f"warning: {self.kind} {name!r} of {origin} is left out: {why}"
        print(one_line(text), file=sys.stderr)


@contextlib.contextmanager
def registering(origin: str) -> Iterator[Registering]:
    """Let ``origin`` own whatever the block adds to any registry; yields what that is."""
    block = Registering(origin)
    token = _registering.set(block)
    try:
        yield block
    finally:
        _registering.reset(token)


def load_target(target: str) -> object:
    """Import ``"module:attribute"``.

    Raises:
        ImportError: The module cannot be imported.
        AttributeError: The module has no such attribute.
    """
    module, _, attribute = target.partition(":")
    return attrgetter(attribute)(importlib.import_module(module))


def _is_same(first: object, second: object) -> bool:
    """Whether two entries are one object, which either may only name."""
    return first == second or _address(first) == _address(second)


def _address(target: object) -> object:
    if isinstance(target, str) or not hasattr(target, "__qualname__"):
        return target
    return f"{target.__module__}:{target.__qualname__}"
