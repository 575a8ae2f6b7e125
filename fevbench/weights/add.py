"""Take in a file that the user got by other means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from fevbench.errors import WeightsError, way_out
from fevbench.hashing import sha256_of
from fevbench.weights import registry, store
from fevbench.weights.pins import write_pin
from fevbench.weights.pull import put
from fevbench.weights.registry import Address, File, Weight
from fevbench.weights.store import LocalWeight
from fevbench.weights.transfer import Progress, copy, read, take
from fevbench.weights.workspace import unwritable, workspace


def add(name: str, path: Path, *, progress: Progress | None = None) -> LocalWeight:
    """Copy a weight's file, or the official archive that holds it, into the cache, verified or pinned.

    What the file is called does not matter. One that lies in its place already is not copied: in the cache,
    or in the folder that ``FEVBENCH_WEIGHTS_DIR`` names, which nothing is written to.

    Args:
        name: The weight's name.
        path: The file.
        progress: Called as it is copied.

    Returns:
        The weight, verified.

    Raises:
        UnknownName: No weight has that name.
        WeightsError: The file cannot be read, is not the registered or the pinned one, or the cache cannot be
            written, and nothing has changed; or a bad file in the user's folder comes before it.
    """
    weight = registry.weight(name)
    try:
        found = sha256_of(path)
    except OSError as error:
        fix = way_out(error, "check its name")
        raise WeightsError(f"{path} cannot be read: {error.strerror}", fix) from error
    file = _which(weight, found)
    places = [folder / file.name for folder in (store.user_folder(), store.cache()) if folder]
    try:
        if path.resolve() in [place.resolve() for place in places]:
            if file.sha256 is None:
                write_pin(store.cache() / file.name, found)
        else:
            with workspace(store.cache()) as folder:
                put(_part(weight, file, path, found, folder, progress), file)
    except OSError as error:
        raise unwritable(error) from error
    local = store.find(name)
    if local is None:
        raise store.missing(name)
    return local


def _which(weight: Weight, found: str) -> File:
    """The file of a weight that has this hash, or comes in an archive that has it, or may have any."""
    for source in weight.sources:
        archive = source.archive_sha256 if isinstance(source, Address) else None
        if found in (source.file.sha256, archive):
            return source.file
    for file in weight.files:
        if file.sha256 is None:
            return file
    expected = " or ".join(str(file.sha256) for file in weight.files)
    raise store.mismatch(
        f"what was given as {weight.name}", expected, found, "nothing was kept; get a good copy"
    )


def _part(
    weight: Weight, file: File, path: Path, found: str, folder: Path, progress: Progress | None
) -> Path:
    """The file's bytes in ``folder``, out of the archive if it is one."""
    target = folder / file.name
    for source in weight.sources:
        if isinstance(source, Address) and source.member and source.archive_sha256 == found:
            take(path, source.member, file, target, str(path))
            return target
    with path.open("rb") as stream:
        sha256, _ = copy(_told(stream, weight.name, path.stat().st_size, progress), target)
    if sha256 != found:
        raise WeightsError(f"{path} changed while it was copied", "try again")
    return target


def _told(stream: IO[bytes], name: str, total: int, progress: Progress | None) -> Iterator[bytes]:
    done = 0
    for chunk in read(stream):
        done += len(chunk)
        if progress is not None:
            progress(name, done, total)
        yield chunk
