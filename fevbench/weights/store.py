"""Weights on this machine: in the user's folder, then in the cache. Nothing here uses the network.

If no hash of a file is published, the first file is pinned, and later files must be equal. The pin of
``FILE`` is ``FILE.sha256`` beside it, as ``sha256sum FILE`` writes it, so that others can check it and it can
be passed on with the file.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from fevbench import atomic, paths
from fevbench.errors import NO_ROOM, WeightsError, suggested_fix
from fevbench.hashing import sha256_of
from fevbench.locks import locked
from fevbench.weights import registry

_hashes: dict[tuple[Path, int, int], str] = {}
_PREFIX = ".pull-"


def pin_path(path: Path) -> Path:
    """The path of a file's pin."""
    return path.with_name(f"{path.name}.sha256")


def read_pin(pin: Path) -> str:
    """The hash that a pin holds.

    Raises:
        WeightsError: The pin is not what ``sha256sum`` writes, or cannot be read.
    """
    try:
        text = pin.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{pin} cannot be read ({error})", "check its permissions and content") from error
    match = re.match(r"[0-9a-f]{64}\b", text)
    if match is None:
        raise WeightsError(f"{pin} holds no sha256", f"write it with `sha256sum {pin.stem} > {pin.name}`")
    return match[0]


def write_pin(path: Path, sha256: str) -> None:
    """Pin a file to its hash.

    Raises:
        WeightsError: It is pinned to another hash.
    """
    pin = pin_path(path)
    if not pin.exists():
        atomic.write_text(pin, f"{sha256}  {path.name}\n")
    elif (pinned := read_pin(pin)) != sha256:
        raise WeightsError(
            f"{path.name} is pinned to sha256 {pinned}, and this file has {sha256}",
            f"get the pinned file, or delete {pin} if this file is the right one",
        )


@dataclass(frozen=True)
class LocalWeight:
    """A weight's file on this machine, ``verified`` if this process has checked its hash.

    Before that, ``sha256`` is the registered or pinned one, empty if there is neither.
    """

    name: str
    path: Path
    sha256: str
    verified: bool


def user_folder() -> Path | None:
    """Return the folder that ``FEVBENCH_WEIGHTS_DIR`` names, or None if it is not set.

    Raises:
        WeightsError: The variable names something that is not a folder.
    """
    named = os.environ.get("FEVBENCH_WEIGHTS_DIR")
    if not named:
        return None
    folder = Path(named).expanduser().absolute()
    if not folder.is_dir():
        raise WeightsError(
            f"FEVBENCH_WEIGHTS_DIR names {folder}, which is not a folder", "create it or unset the variable"
        )
    return folder


def cache() -> Path:
    """Return the folder of downloads: ``weights`` below `fevbench.paths.home`."""
    return paths.home() / "weights"


def locate(name: str) -> LocalWeight | None:
    """Return the file of a weight, without reading it, or None if it is missing.

    Raises:
        UnknownName: No weight has that name.
        WeightsError: ``FEVBENCH_WEIGHTS_DIR`` names something that is not a folder, or a pin cannot be read.
    """
    files = registry.weight(name).files
    for folder in (user_folder(), cache()):
        for file in files:
            if folder is not None and (path := folder / file.name).is_file():
                return LocalWeight(name, path, file.sha256 or _pinned(path), verified=False)
    return None


def find(name: str) -> LocalWeight | None:
    """Return a verified weight, or None if it is missing.

    The file is hashed the first time a process asks for it, and again when its size or time changes.

    Raises:
        UnknownName: No weight has that name.
        WeightsError: The existing file is not the registered one, or cannot be read.
    """
    local = locate(name)
    return None if local is None else verify(local)


def verify(local: LocalWeight, *, afresh: bool = False) -> LocalWeight:
    """Hash a weight's file and compare; with ``afresh`` even if this process has hashed it before.

    Raises:
        WeightsError: The file is not the registered or pinned one, is not pinned, or cannot be read.
    """
    if not local.sha256:
        raise WeightsError(
            f"{local.path} has no published hash and is not pinned",
            f"if you trust it, run `fevbench weights add {local.name} {local.path}`",
        )
    try:
        stat = local.path.stat()
        key = (local.path, stat.st_size, stat.st_mtime_ns)
        if afresh or key not in _hashes:
            _hashes[key] = sha256_of(local.path)
    except OSError as error:
        raise WeightsError(
            f"{local.path} cannot be read: {error.strerror}", suggested_fix(error, "check its permissions")
        ) from error
    found = _hashes[key]
    if found != local.sha256:
        kind = "pinned" if _pin(local.path) else "registered"
        raise mismatch(str(local.path), local.sha256, found, _fix_for(local), kind)
    return replace(local, verified=True)


def mismatch(what: str, expected: str, found: str, fix: str, kind: str = "registered") -> WeightsError:
    """Return the error for a file that is not the registered or pinned one."""
    return WeightsError(f"{what} is not the {kind} file (sha256 expected {expected}, found {found})", fix)


def missing(*names: str) -> WeightsError:
    """Return the error for weights that are missing and must not be downloaded."""
    weights = [registry.weight(name) for name in names]
    files = ", ".join(" or ".join(file.name for file in weight.files) for weight in weights)
    folders = f"{user_folder() or 'the folder that FEVBENCH_WEIGHTS_DIR names'} or {cache()}"
    named, one = " ".join(names), names[0] if len(names) == 1 else "NAME"
    what = f"weight{'s' * (len(names) > 1)} {', '.join(map(repr, names))} {'are' if len(names) > 1 else 'is'}"
    if any(weight.optional for weight in weights):
        return WeightsError(
            f"{what} optional and not here",
            f"run `fevbench weights pull {named}`, "
            f"or `fevbench weights add {one} FILE` with your own {files}",
        )
    return WeightsError(
        f"{what} missing", f"run `fevbench weights pull {named}`, or put {files} into {folders}"
    )


def _pin(path: Path) -> Path | None:
    """The pin of a file: beside it, or in the cache if its folder is read-only."""
    pins = (pin_path(path), pin_path(cache() / path.name))
    return next((pin for pin in pins if pin.is_file()), None)


def _pinned(path: Path) -> str:
    pin = _pin(path)
    return "" if pin is None else read_pin(pin)


def _fix_for(local: LocalWeight) -> str:
    pin = _pin(local.path)
    if pin is not None:
        return f"get the file that was pinned, or delete both it and {pin} and add another"
    if local.path.parent == cache():
        return f"delete it, then run `fevbench weights pull {local.name}`"
    return "replace it with a good copy, or delete it"


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """Yield a temporary folder in the cache for downloads, locked for one process at a time.

    The lock ends with its process, so its holder may remove what a killed process left.

    Raises:
        WeightsError: The cache cannot be written.
    """
    with contextlib.ExitStack() as held:
        try:
            cache().mkdir(parents=True, exist_ok=True)
            # On file systems without locks, both download, and the last rename wins.
            if held.enter_context(locked(cache() / ".lock")):
                for stale in cache().glob(f"{_PREFIX}*"):
                    shutil.rmtree(stale, ignore_errors=True)
            folder = tempfile.mkdtemp(prefix=_PREFIX, dir=cache())
        except OSError as error:
            raise unwritable(error) from error
        try:
            yield Path(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def unwritable(error: OSError) -> WeightsError:
    """Return the error for a cache that cannot be written."""
    elsewhere = "set FEVBENCH_HOME to another folder"
    if error.errno in NO_ROOM:
        what = f"the disk of {cache()} is full ({error.strerror})"
        return WeightsError(what, f"free some space or {elsewhere}, then repeat the command")
    what = f"{error.filename or cache()} cannot be written: {error.strerror or error}"
    way = suggested_fix(error, "")
    return WeightsError(what, f"{way}, or {elsewhere}" if way else elsewhere)
