"""What each metric means, and when not to believe it, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fevbench.toml import read_toml

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
    return {name: Words(said["means"], tuple(said["doubt"])) for name, said in read_toml(FILE).items()}
