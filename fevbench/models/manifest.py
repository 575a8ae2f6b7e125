"""The list of clips that is handed to a program elsewhere: ids, inputs, labels, where each goes, seeds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fevbench.data.corpus import Corpus

MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True)
class Entry:
    """One clip that is wanted.

    Attributes:
        id: The clip's id.
        image: The input, a PNG file of the protocol's size; relative paths are relative to the manifest.
        label: The expression by its name.
        out: Where the clip goes: a folder of frames of this name, or a video of this name and an ending.
        seed: The seed of the clip, of 31 bits, which every library takes.
    """

    id: str
    image: str
    label: str
    out: str
    seed: int


def seed_for_programs(seed: int) -> int:
    """The upper 31 bits of a clip's seed of 63: NumPy and C's ``int`` take no more."""
    return seed >> 32


def manifest_text(corpus: Corpus, entries: Sequence[Entry]) -> str:
    """A manifest as JSON.

    Args:
        corpus: The clips that are scored: says the length, size and rate of each, and all labels in order.
        entries: The clips that are wanted.
    """
    how = corpus.protocol
    content: dict[str, Any] = {
        "frames": how.frames,
        "size": how.size,
        "fps": corpus.dataset.fps / how.stride,
        "labels": list(corpus.dataset.labels),
        "clips": [asdict(entry) for entry in entries],
    }
    return json.dumps(content, indent=1) + "\n"


def entries_of(file: Path) -> Mapping[str, Entry]:
    """The entries of a manifest of ours by clip id; none if it is not whole."""
    try:
        return {row["id"]: Entry(**row) for row in json.loads(file.read_text(encoding="utf-8"))["clips"]}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
