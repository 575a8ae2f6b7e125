"""Hashes of files that nobody published a hash for: pinned on first use, and held to from then on.

The pin of ``FILE`` is ``FILE.sha256`` beside it, as ``sha256sum FILE`` writes it, so that others can check it
and a laboratory can hand it on with the file.
"""

from __future__ import annotations

import re
from pathlib import Path

from fevbench import atomic
from fevbench.errors import WeightsError


def pin_path(path: Path) -> Path:
    """Where the pin of a file is."""
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
        OSError: The folder cannot be written.
    """
    pin = pin_path(path)
    if not pin.exists():
        atomic.write_text(pin, f"{sha256}  {path.name}\n")
    elif (pinned := read_pin(pin)) != sha256:
        raise WeightsError(
            f"{path.name} is pinned to sha256 {pinned}, and this file has {sha256}",
            f"get the file that was pinned, or delete {pin} if another one is meant",
        )
