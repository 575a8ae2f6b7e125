"""What tables are called, and the names of files for other people's names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fevbench.counts import clips

if TYPE_CHECKING:
    from fevbench.results.schema import Result

LONGEST = 60
RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    "index",
    *(f"{port}{i}" for port in ("com", "lpt") for i in range(10)),
}
"""What Windows, or the site itself, means by a name."""


class Slugs:
    """Names of files for names, each its own; the first of two that would share one keeps it."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        """The slug of a name, the same whenever it is asked for."""
        if name not in self._of:
            self._of[name] = self.new(name)
        return self._of[name]

    def new(self, name: str) -> str:
        """A slug that nobody has yet, this name included."""
        stem = slug = plain(name)
        count = 1
        while slug in self._taken:
            count += 1
            slug = f"{stem}-{count}"
        self._taken.add(slug)
        return slug


def plain(name: str) -> str:
    """A name as a slug, whoever else has it."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"\.{2,}", ".", re.sub(r"[^a-z0-9.]+", "-", letters))[:LONGEST].strip("-.")
    return f"{slug or 'x'}-x" if not slug or slug.partition(".")[0] in RESERVED else slug


def short_titles(results: Sequence[Result]) -> list[str]:
    """Short titles of tables, each its own.

    Data set, protocol, and how many clips if those were not all; then what tells tables of one title apart:
    the split, the protocol's version, the number of clips, and at last their hash.
    """
    titles = []
    for result in results:
        data, protocol = result.dataset, result.protocol.id.partition("@")[0]
        limit = "" if data.limit is None else f", {clips(data.clips)}"
        titles.append(f"{data.name} {data.version}, {protocol}{limit}")
    further: tuple[Callable[[Result], str], ...] = (
        lambda result: f"{result.dataset.split} split",
        lambda result: result.protocol.id,
        lambda result: clips(result.dataset.clips),
        lambda result: f"sha256 {result.dataset.digest[:8]}",
    )
    for words in further:
        said: dict[str, set[str]] = {}
        for title, result in zip(titles, results, strict=True):
            said.setdefault(title, set()).add(words(result))
        titles = [
            f"{title}, {words(result)}" if len(said[title]) > 1 else title
            for title, result in zip(titles, results, strict=True)
        ]
    return titles


def key_of(result: Result) -> tuple[str, str, str, int, str, str]:
    """What the runs of a table share, and tables are sorted by: of a split, that of the most clips is first.

    Not the limit: runs of the same clips stand side by side, however these were asked for.
    """
    data, protocol = result.dataset, result.protocol.id
    name = f"{data.name}-{data.version}"
    return name, protocol.partition("@")[0], data.split, -data.clips, protocol, data.digest


def file_name(result: Result) -> str:
    """What a table is called as a file."""
    data, protocol = result.dataset, result.protocol.id.partition("@")[0]
    limit = f"-{data.clips}" if data.limit else ""
    return f"{data.name}-{data.version}-{protocol}-{data.split}{limit}"
