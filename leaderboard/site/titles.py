"""The identity of tables, and their names: in titles, addresses and file names."""

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
    """Short, unique titles of tables, by one result of each.

    Data set, protocol, and the number of clips if not all. Then, for tables of the same title, what differs:
    the split, the protocol's version, the number of clips, and finally their hash.
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
    """The common facts of a table's runs, by which tables are sorted.

    The included data set comes first, then the default protocol; in a split, the most clips. The limit does
    not matter: runs of the same clips are compared, however these were requested.
    """
    data, protocol = result.dataset, result.protocol.id
    name, kind = f"{data.name}-{data.version}", protocol.partition("@")[0]
    unusual = data.name != EMBEDDED, kind != DEFAULT_PROTOCOL
    return unusual[0], name, unusual[1], kind, data.split, -data.clips, protocol, data.digest


def file_name(result: Result) -> str:
    """The file name of a table."""
    data, protocol = result.dataset, result.protocol.id.partition("@")[0]
    limit = f"-{data.clips}" if data.limit else ""
    return f"{data.name}-{data.version}-{protocol}-{data.split}{limit}"
