"""Features on disk while a run is scored, so that memory holds only those in use."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.errors import FevbenchError

Rows = NDArray[np.floating[Any]]
CHUNK = 1 << 24
"""Least bytes by which the file grows; smaller sets of samples are joined in memory."""
ALIGNED = 64
"""Alignment in bytes, as of NumPy's own arrays, so that computations give the same bits."""


class RowsOnDisk:
    """Arrays in an unnamed file of a folder, which is deleted with the last of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it goes with this object
        self._size = 0
        self._free: NDArray[np.uint8] = np.empty(0, np.uint8)

    def keep(self, rows: Rows) -> Rows:
        """A copy of an array on disk.

        Raises:
            FevbenchError: The disk is full.
        """
        kept = self.empty(rows.shape, rows.dtype)
        kept[...] = rows
        return kept

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Rows:
        """An array on disk, to be filled.

        Raises:
            FevbenchError: The disk is full.
        """
        size = int(np.prod(shape)) * dtype.itemsize
        if not size:
            return np.empty(shape, dtype)
        taken = -(-size // ALIGNED) * ALIGNED
        if taken > len(self._free):
            self._grow(max(CHUNK, -(-taken // CHUNK) * CHUNK))
        own, self._free = self._free[:size], self._free[taken:]
        return own.view(dtype).reshape(shape)

    def _grow(self, size: int) -> None:
        try:
            # Reserved now: if the disk fills up later, writing to mapped memory would kill the process.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._file.fileno(), self._size, size)
            else:
                self._file.seek(self._size)
                self._file.write(bytes(size))
                self._file.flush()
        except OSError as error:
            raise FevbenchError(
                f"features cannot be kept in {self._folder} while they are scored ({error.strerror})",
                "free some space, then repeat the command, which continues",
            ) from error
        self._free = np.asarray(np.memmap(self._file, np.uint8, "r+", self._size, (size,)))
        self._size += size


def joined(parts: Sequence[Rows], folder: Path | None) -> Rows:
    """One or more arrays ``[n, D]`` joined along the first axis; large ones on disk if a folder is given.

    Raises:
        FevbenchError: The disk is full.
    """
    if folder is None or sum(part.nbytes for part in parts) < CHUNK:
        return np.concatenate(parts)
    count = sum(map(len, parts))
    return np.concatenate(parts, out=RowsOnDisk(folder).empty((count, *parts[0].shape[1:]), parts[0].dtype))
