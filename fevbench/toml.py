"""TOML files."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file holds.

    Raises:
        ValueError: It is no TOML.
    """
    # Python 3.10 has no tomllib; tomli is the same under another name.
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    content: dict[str, Any] = toml.loads(path.read_text(encoding="utf-8"))
    return content
