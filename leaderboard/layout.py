"""The place of a result: ``DATASET-VERSION/PROTOCOL-SPLIT[-LIMIT]/MODEL.json``, small clips beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from fevbench.data.corpus import hash_of
from fevbench.data.protocol import protocols
from fevbench.errors import RunError
from fevbench.results.schema import Result
from leaderboard.entries import OTHER_FILES, Entry
from leaderboard.small_clips import CLIPS_SUFFIX, TRUE_CLIPS

RESULTS = Path(__file__).with_name("results")
"""The committed results. An installed package has them without their small clips."""
INSTALLED = not (RESULTS.parents[1] / "pyproject.toml").is_file()
"""Whether this is an installed package and not a checkout."""
RESERVED = (TRUE_CLIPS, *(PurePath(name).stem for name in OTHER_FILES))
MOST_SMALL = 48
"""Clips that a result has small copies of, so that repository, package and site stay small."""
LONGEST = 100
"""Most characters of a result's file name before its suffix; a clip's may have twice as many bytes."""


def place(result: Result) -> Path:
    """The place of a result, below the folder of results.

    A seed other than the protocol's is part of the name.

    Raises:
        RunError: Its model's name cannot become a file name.
    """
    dataset, protocol = result.dataset, result.protocol.id.partition("@")[0]
    clips = [protocol, dataset.split, *([] if dataset.limit is None else [str(dataset.limit)])]
    usual = protocols.get(protocol).seed if protocol in protocols else 0
    seed = "" if result.seed == usual else f"--seed{result.seed}"
    stem = _as_name(result.model.name + seed)
    if not stem or stem in RESERVED:
        raise RunError(f"a model called {result.model.name!r} cannot be filed", "give it another name")
    return Path(_as_name(f"{dataset.name}-{dataset.version}"), _as_name("-".join(clips)), f"{stem}.json")


def _as_name(text: str) -> str:
    """A text as a file name; untrusted text never leads out of a folder."""
    return re.sub(r"[^\w.+-]+", "-", text.replace(":", "--"), flags=re.ASCII).strip(".-")[:LONGEST]


def is_packaged(file: Path) -> bool:
    """Whether a result came with an installed package, which holds no small clips."""
    return INSTALLED and RESULTS in file.parents


def scored_clips(result: Result) -> tuple[str, ...]:
    """The ids of a result's scored clips, as far as it holds them."""
    if result.dataset.subjects_of:
        return tuple(result.dataset.subjects_of)
    return tuple(dict.fromkeys(clip for metric in result.metrics.values() for clip in metric.per_clip))


def small_of(clips: Iterable[str]) -> list[str]:
    """Of which scored clips there are small copies: of all, or of the first `MOST_SMALL` by hash of their id.

    Those are what ``--limit`` would choose.
    """
    return sorted(clips, key=hash_of)[:MOST_SMALL]


def is_file_name(clip: str) -> bool:
    """Whether a clip's id is a file name that stays in its folder."""
    short = len(clip.encode("utf-8", "replace")) <= 2 * LONGEST  # file systems count bytes
    plain = clip.isprintable() and not clip.startswith(".") and short
    return bool(clip) and plain and not re.search(r'[/\\:*?"<>|]', clip)


def small_clips(entry: Entry) -> Iterator[tuple[str, bytes]]:
    """Yield the id and file of every existing small clip of a result's clips.

    Raises:
        OSError: They cannot be read.
    """
    there = entry.clips.files() if entry.clips else set()
    for clip in scored_clips(entry.result):
        if entry.clips and is_file_name(clip) and f"{clip}{CLIPS_SUFFIX}" in there:
            yield clip, entry.clips.read(clip)
