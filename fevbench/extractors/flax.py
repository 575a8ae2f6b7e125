"""Checkpoints of JAX packages: pickles of dictionaries of NumPy arrays, read without running anything."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BROKEN = (pickle.UnpicklingError, EOFError, KeyError, TypeError, RuntimeError)
"""What goes wrong where a file holds something else."""


def read_tree(path: Path) -> Mapping[str, Any]:
    """The dictionary of a checkpoint.

    Raises:
        pickle.UnpicklingError: It holds something else than arrays.
        EOFError: It ends too early.
        TypeError: It is no dictionary.
    """
    tree = _ArraysOnly(io.BytesIO(path.read_bytes())).load()
    if not isinstance(tree, Mapping):
        raise TypeError("it is no dictionary")
    return tree


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Every array with its path: ``("Conv_0/kernel", …)``."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value


class _ArraysOnly(pickle.Unpickler):
    """Loads NumPy arrays and containers; anything else in the pickle is refused, never run."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("numpy") and name in {"_reconstruct", "ndarray", "dtype", "_frombuffer"}:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")
