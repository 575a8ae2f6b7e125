"""Get weights that are not on this machine, one source after the other."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fevbench import atomic
from fevbench.errors import WeightsError
from fevbench.weights import registry, store
from fevbench.weights.registry import Address, Weight
from fevbench.weights.store import LocalWeight
from fevbench.weights.transfer import Progress, SourceError

_PREFIX = ".pull-"


@dataclass(frozen=True)
class Pulled:
    """What happened to one weight.

    Attributes:
        local: The verified file.
        source: Where it came from; empty where it was there already.
        passed_over: The sources tried in vain before, each with its reason.
    """

    local: LocalWeight
    source: str = ""
    passed_over: tuple[str, ...] = ()


def require(name: str, *, offline: bool = False, progress: Progress | None = None) -> LocalWeight:
    """Return a verified weight: from the user's folder, the cache, its official address, or its carrier.

    Args:
        name: The weight's name.
        offline: Do not touch the network.
        progress: Called as bytes come in.

    Raises:
        UnknownName: No weight has that name.
        WeightsError: The file at hand is not the registered one; or it is missing and ``offline``; or no
            source could be had, or one served other bytes.
    """
    return require_all([name], offline=offline, progress=progress)[name]


def require_all(
    names: Iterable[str], *, offline: bool = False, progress: Progress | None = None
) -> dict[str, LocalWeight]:
    """Return several verified weights by name; those that share an archive cost one download.

    Args:
        names: The weights' names.
        offline: Do not touch the network.
        progress: Called as bytes come in.

    Raises:
        UnknownName: No weight has one of these names.
        WeightsError: As `require`.
    """
    local = {name: store.find(name) for name in names}
    absent = [name for name, weight in local.items() if weight is None]
    if offline and absent:
        raise store.missing(absent[0])
    pulled = {done.local.name: done.local for done in pull_all(absent, progress=progress)}
    return {name: weight or pulled[name] for name, weight in local.items()}


def pull_all(
    names: Iterable[str] | None = None,
    *,
    progress: Progress | None = None,
    done: Callable[[Pulled], None] | None = None,
) -> list[Pulled]:
    """Get every named weight that is not on this machine, and verify those that are.

    Processes that pull into the same cache wait for one another, so nothing is downloaded twice. A weight
    that fails does not keep the others from being had.

    Args:
        names: Names of weights; None means all.
        progress: Called as bytes come in.
        done: Called with each weight once it is in place.

    Returns:
        One entry a name, in order.

    Raises:
        UnknownName: No weight has that name; nothing was downloaded.
        WeightsError: One or more weights could not be had; the others are in place.
    """
    wanted = [registry.weight(name) for name in (registry.load_registry() if names is None else names)]
    pulled: list[Pulled] = []
    failed: list[WeightsError] = []
    # With nothing to fetch, a cache that cannot be written is no obstacle.
    complete = all(store.locate(weight.name) for weight in wanted)
    with contextlib.nullcontext() if complete else _workspace(store.cache()) as folder:
        for weight in wanted:
            try:
                result = _have(weight, folder, progress or _silent)
            except WeightsError as error:
                failed.append(error)
                continue
            pulled.append(result)
            if done is not None:
                done(result)
    if failed:
        raise failed[0] if len(failed) == 1 else WeightsError("; ".join(str(error) for error in failed))
    return pulled


def _have(weight: Weight, folder: Path | None, progress: Progress) -> Pulled:
    """Find a weight, or else fetch it by way of ``folder``."""
    # Only now that the lock is held is the answer final: another process may have been at it.
    local = store.find(weight.name)
    if local is not None:
        return Pulled(local)
    if folder is None:
        raise store.missing(weight.name)
    # urllib and http.client are for those who download: not for `fevbench --help`.
    from fevbench.weights import carrier, official

    progress(weight.name, 0, None)
    reasons: list[str] = []
    for source in weight.sources:
        try:
            if isinstance(source, Address):
                part = official.fetch(source, weight.name, folder, progress)
            else:
                part = carrier.fetch(source, weight.name, folder, progress)
            with atomic.replacing(store.cache() / source.file.name) as final:
                part.replace(final)
        except SourceError as reason:
            reasons.append(f"{source}: {reason}")
            continue
        except OSError as error:
            raise _unwritable(error) from error
        local = store.find(weight.name)
        if local is None:
            raise store.missing(weight.name)
        return Pulled(local, str(source), tuple(reasons))
    names = " or ".join(file.name for file in weight.files)
    raise WeightsError(
        f"weight {weight.name!r} cannot be had ({'; '.join(reasons)})",
        f"put {names} into the folder that FEVBENCH_WEIGHTS_DIR names, or into {store.cache()}",
    )


@contextlib.contextmanager
def _workspace(cache: Path) -> Iterator[Path]:
    """Yield a temporary folder in the cache, held by one process at a time.

    The lock dies with its process, so whoever holds it may remove what a killed one left.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / ".lock").open("w")
    except OSError as error:
        raise _unwritable(error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            # Some network file systems have no locks: then both download, and the last rename wins.
            locked = False
        else:
            locked = True
        if locked:
            for stale in cache.glob(f"{_PREFIX}*"):
                shutil.rmtree(stale, ignore_errors=True)
        try:
            folder = tempfile.mkdtemp(prefix=_PREFIX, dir=cache)
        except OSError as error:
            raise _unwritable(error) from error
        try:
            yield Path(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _unwritable(error: OSError) -> WeightsError:
    return WeightsError(
        f"{error.filename or store.cache()} cannot be written: {error.strerror or error}",
        "make room or set FEVBENCH_HOME to another folder",
    )


def _silent(name: str, done: int, total: int | None) -> None:
    """Show no progress."""
