"""Many files in one: zip archives that store each file as it is, so that one is read without the others.

The same files in the same order give the same bytes: there are no dates, owners or compressors. Any program
that unpacks zip archives reads them.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import threading
import weakref
import zipfile
from collections.abc import Iterable
from pathlib import Path

from fevbench.atomic import replacing

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first time a zip archive can hold."""
_HEAD = struct.Struct("<26xHH")
"""What precedes each file: at its end, how long its name and the extra field after that are."""


class StoredArchive:
    """An archive to read single files of.

    It is opened by the first that asks, once, and each file is read from its own place: threads and forked
    processes may share it, and a pickled one is opened again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._descriptor = -1
        self._entries: dict[str, zipfile.ZipInfo] = {}

    def __reduce__(self) -> tuple[type[StoredArchive], tuple[Path]]:
        return StoredArchive, (self.path,)

    def names(self) -> list[str]:
        """The names of all files in it.

        Raises:
            OSError: It cannot be read, or is no zip archive.
        """
        self._open()
        return list(self._entries)

    def read(self, name: str) -> bytes:
        """The content of a file. Its checksum is not looked at.

        Raises:
            OSError: The archive cannot be read, is no zip archive, is cut short, or lacks the file.
        """
        self._open()
        entry = self._entries.get(name)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.path / name))
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise OSError(errno.EINVAL, "it is compressed or encrypted")
        head = os.pread(self._descriptor, _HEAD.size, entry.header_offset)
        start = entry.header_offset + len(head) + (sum(_HEAD.unpack(head)) if len(head) == _HEAD.size else 0)
        if start + entry.file_size > os.fstat(self._descriptor).st_size:
            raise OSError(errno.EINVAL, "the archive is cut short")
        return os.pread(self._descriptor, entry.file_size, start)

    def _open(self) -> None:
        with self._lock:
            if self._descriptor >= 0:
                return
            descriptor = os.open(self.path, os.O_RDONLY)
            try:
                with os.fdopen(os.dup(descriptor), "rb") as file, zipfile.ZipFile(file) as archive:
                    self._entries = {entry.filename: entry for entry in archive.infolist()}
            except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
                os.close(descriptor)
                raise OSError(errno.EINVAL, f"no whole zip archive: {error}") from error
            weakref.finalize(self, os.close, descriptor)
            self._descriptor = descriptor


def write_archive(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write an archive, which appears whole or not at all."""
    with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content)
