"""The texts of the site: the meaning of each metric, phrases for results, which metric to trust."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fevbench.toml import read_toml

FILE = Path(__file__).with_name("words.toml")
SITE = "site"
"""The table of `FILE` with texts that belong to no metric."""
QUESTIONS = Path(__file__).parents[2] / "docs" / "audit.md"
"""The page of the documentation with the table of questions; an installed package has no documentation."""
QUESTIONS_HEAD = "| question | look at |"


@dataclass(frozen=True)
class Words:
    """The texts about a metric: the meaning of its values, and when not to trust it."""

    means: str
    doubt: tuple[str, ...]


@dataclass(frozen=True)
class Aspect:
    """One aspect of quality, with its headline metric.

    Attributes:
        key: The key of its group of columns.
        better: The phrase for a model that is significantly better in it.
        worse: The phrase for a worse one.
    """

    key: str
    title: str
    better: str
    worse: str


@dataclass(frozen=True)
class Question:
    """A question about clips.

    Attributes:
        ask: The metrics that answer it.
        avoid: The metrics that do not.
    """

    question: str
    ask: str
    avoid: str


def read_words() -> dict[str, Words]:
    """The texts about every metric, by name."""
    said = {name: words for name, words in _content().items() if name != SITE}
    return {name: Words(one["means"], tuple(one["doubt"])) for name, one in said.items()}


def aspects() -> tuple[Aspect, ...]:
    """The aspects of the first screen, in their order."""
    return tuple(
        Aspect(key, one["title"], one["better"], one["worse"])
        for key, one in _content()[SITE]["aspects"].items()
    )


def site_words() -> Mapping[str, Any]:
    """The other texts of the site, by page."""
    words: Mapping[str, Any] = _content()[SITE]
    return words


def read_questions(file: Path = QUESTIONS) -> tuple[Question, ...]:
    """The table of questions in the documentation; empty without documentation.

    Raises:
        ValueError: The page has no such table.
    """
    if not file.is_file():
        return ()
    text = file.read_text(encoding="utf-8")
    _, head, rest = text.partition(QUESTIONS_HEAD)
    if not head:
        raise ValueError(f"{file} has no table that begins with {QUESTIONS_HEAD!r}")
    found = []
    for line in rest.splitlines()[2:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip().replace("*", "") for cell in line.strip().strip("|").split("|")]
        found.append(Question(*cells))
    return tuple(found)


def parts_of(text: str, metrics: Mapping[str, str]) -> list[tuple[str, str]]:
    """A text in parts, each with the address of the metric it names, or an empty text."""
    names = sorted(metrics, key=len, reverse=True)
    pattern = rf"(?<![\w-])({'|'.join(map(re.escape, names))})(?![\w-])"
    parts = re.split(pattern, text) if names else [text]
    return [(part, metrics.get(part, "") if i % 2 else "") for i, part in enumerate(parts) if part]


@cache
def _content() -> dict[str, Any]:
    return read_toml(FILE)
