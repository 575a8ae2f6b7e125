"""What each metric means, and when not to believe it, in plain words."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("words.toml")


@dataclass(frozen=True)
class Words:
    """What is said of a metric.

    Attributes:
        means: What a number of it says.
        doubt: When not to believe it.
    """

    means: str
    doubt: tuple[str, ...]


def read_words() -> dict[str, Words]:
    """What is said of every metric, by name."""
    # Python 3.10 has no tomllib; tomli is the same under another name.
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    content = toml.loads(FILE.read_text(encoding="utf-8"))
    return {name: Words(said["means"], tuple(said["doubt"])) for name, said in content.items()}
