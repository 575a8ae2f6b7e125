"""What sets tables apart, and what they are called: in titles, addresses and names of files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fevbench.data.protocol import DEFAULT_PROTOCOL
from fevbench.wording import n_clips

if TYPE_CHECKING:
    from fevbench.results.schema import Result

EMBEDDED = "fevsynth"
"""The data set that comes with fevbench."""


def short_titles(results: Sequence[Result]) -> list[str]:
    """Short titles of tables, each its own.

    Data set, protocol, and how many clips if those were not all; then what tells tables of one title apart:
    the split, the protocol's version, the number of clips, and at last their hash.

    Args:
        results: One result of each table.
    """
    titles = []
    for result in results:
        data, protocol = result.dataset, result.protocol.id.partition("@")[0]
        limit = "" if data.limit is None else f", {n_clips(data.clips)}"
        titles.append(f"{data.name} {data.version}, {protocol}{limit}")
    further: tuple[Callable[[Result], str], ...] = (
        lambda result: f"{result.dataset.split} split",
        lambda result: result.protocol.id,
        lambda result: n_clips(result.dataset.clips),
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


Key = tuple[bool, str, bool, str, str, int, str, str]


def key_of(result: Result) -> Key:
    """What the runs of a table share, and tables are sorted by.

    The data set that everybody has comes first, then the usual protocol; of a split, the most clips. Not the
    limit: runs of the same clips stand side by side, however these were asked for.
    """
    data, protocol = result.dataset, result.protocol.id
    name, kind = f"{data.name}-{data.version}", protocol.partition("@")[0]
    unusual = data.name != EMBEDDED, kind != DEFAULT_PROTOCOL
    return unusual[0], name, unusual[1], kind, data.split, -data.clips, protocol, data.digest


def file_name(result: Result) -> str:
    """What a table is called as a file."""
    data, protocol = result.dataset, result.protocol.id.partition("@")[0]
    limit = f"-{data.clips}" if data.limit else ""
    return f"{data.name}-{data.version}-{protocol}-{data.split}{limit}"
