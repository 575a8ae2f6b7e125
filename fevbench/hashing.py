"""The hash that identifies a file, or several."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

BLOCK = 1 << 20
"""Bytes read at once."""


def sha256_of(path: Path) -> str:
    """The sha256 of a file's content, which need not fit into memory."""
    digest = hashlib.sha256()
    _add(digest, path)
    return digest.hexdigest()


def sha256_of_repr(value: object) -> str:
    """The sha256 of what Python writes for a value made of texts, numbers and tuples of such."""
    return hashlib.sha256(repr(value).encode()).hexdigest()


def sha256_of_files(paths: Sequence[Path]) -> str:
    """The sha256 of the sizes and contents of files, in order."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.stat().st_size).encode() + b"\0")
        _add(digest, path)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, path: Path) -> None:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
