"""Who is to train, to validate and to test on, and whether two splits show the same frames."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image

from fevbench.counts import some
from fevbench.data.clip import Split
from fevbench.data.datasets import SPLITS
from fevbench.data.layouts.layout import Layout
from fevbench.data.layouts.table import read_table
from fevbench.data.layouts.tree import legible, nearest
from fevbench.data.prepared.manifest import SplitRecord
from fevbench.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames, Split
    from fevbench.data.prepared.manifest import ClipEntry

HELD_OUT = 10
"""Without another wish, one in so many train people of a published split is held out to validate on."""
NAMED = 6
"""People that an error names before it counts."""
GIVEN = "given"
"""The split that the data say themselves."""
EVERYBODY = "test"
"""The split of a set that is scored on and not trained on."""
FORMS = f"seeded:70-10-20:SEED, kfold:K:FOLD, {EVERYBODY}, or a CSV file with the columns subject, split"


@dataclass(frozen=True)
class Assignment:
    """A split.

    Attributes:
        of: The split of each person.
        left_out: People whom a published split does not name.
        record: What the manifest says of it.
    """

    of: dict[str, Split]
    left_out: tuple[str, ...]
    record: SplitRecord


def assign(
    spec: str, subjects: Sequence[str], layout: Layout, val: int | None, given: Mapping[str, str]
) -> Assignment:
    """Split people.

    Args:
        spec: A published split's name, or one of `FORMS`.
        subjects: Who there is.
        layout: The data set.
        val: How many train people of a published split to hold out; by default one in `HELD_OUT`.
        given: The split of each person as the data say themselves, for `GIVEN`.

    Raises:
        DatasetError: There is no such split, or it leaves nobody to test on, or nobody to train on and is not
            `EVERYBODY`.
    """
    people = sorted(subjects)
    if spec == GIVEN:
        of = _own(given, people, "the column split")
        return _assigned(
            of, people, SplitRecord(spec=GIVEN, source="the column split of the CSV file", val=0, missing=[])
        )
    if spec in layout.splits:
        return _named(spec, layout, people, val)
    if val is not None:
        raise DatasetError(f"--val is for published splits, not for {spec}", "leave it out")
    missing: list[str] = []
    kind, _, rest = spec.partition(":")
    if spec == EVERYBODY:
        of, source = dict.fromkeys(people, "test"), "everybody is tested on"
    elif kind == "seeded":
        of, source = _seeded(spec, rest, people), "people in the order of a hash of seed and id"
    elif kind == "kfold":
        of, source = _fold(spec, rest, people), "people in the order of a hash of their id, dealt in turn"
    elif Path(spec).suffix.lower() == ".csv":
        said = _read(Path(spec))
        of, source = _own(said, people, spec), "your own"
        missing = sorted(said.keys() - set(people))
        if not of:
            raise DatasetError(
                f"{spec} names none of the people here, but {some(missing, NAMED) or 'nobody'}",
                f"they are {some(people, NAMED)}",
            )
        spec = Path(spec).name
    else:
        hint = nearest(spec, [*layout.splits, layout.split]) or f"use {', '.join([*layout.splits, FORMS])}"
        raise DatasetError(f"{layout.name} has no split {spec!r}", hint)
    return _assigned(of, people, SplitRecord(spec=spec, source=source, val=0, missing=missing))


def in_hash_order(people: Sequence[str], seed: str = "") -> list[str]:
    """People in an order that depends on their ids and a seed alone."""
    return sorted(people, key=lambda name: hashlib.sha256(f"{seed}\0{name}".encode()).digest())


def needed(record: SplitRecord) -> tuple[Split, ...]:
    """The splits that a set must have clips of."""
    return ("test",) if record.spec == EVERYBODY else ("train", "test")


def _assigned(of: dict[str, Split], people: Sequence[str], record: SplitRecord) -> Assignment:
    if len(people) == 1 and record.spec != EVERYBODY:
        raise DatasetError(
            f"there is one person, {people[0]}, and a set needs somebody to train and another to test on",
            f"give a folder with more people, or --split {EVERYBODY} to score on it only",
        )
    for split in needed(record):
        if split not in of.values():
            hint = f", or {EVERYBODY} to score on it only" if split == "train" else ""
            raise DatasetError(
                f"the split {record.spec} of {len(people)} people leaves nobody to {split} on",
                f"choose another --split{hint}",
            )
    left_out = tuple(name for name in people if name not in of)
    return Assignment(dict(sorted(of.items())), left_out, record)


def _named(spec: str, layout: Layout, people: Sequence[str], val: int | None) -> Assignment:
    named = layout.splits[spec]
    train = [name for name in people if name in named.train]
    count = len(train) // HELD_OUT if val is None else val
    if count >= len(train) > 0:
        raise DatasetError(f"--val {count} leaves nobody to train on", f"there are {len(train)} train people")
    of: dict[str, Split] = dict.fromkeys(train, "train")
    of |= dict.fromkeys(in_hash_order(train)[:count], "val")
    of |= dict.fromkeys((name for name in people if name in named.test), "test")
    missing = sorted({*named.train, *named.test} - set(people))
    return _assigned(of, people, SplitRecord(spec=spec, source=named.source, val=count, missing=missing))


def _seeded(spec: str, rest: str, people: Sequence[str]) -> dict[str, Split]:
    shares_text, _, seed = rest.partition(":")
    try:
        shares = [int(share) for share in shares_text.split("-")]
        int(seed)
    except ValueError:
        shares = []
    if len(shares) != 3 or sum(shares) != 100 or min(shares) < 0:
        raise DatasetError(
            f"{spec!r} is no seeded split", "write seeded:70-10-20:0, shares of 100 and a seed"
        )
    exact = [share * len(people) / 100 for share in shares]
    counts = [int(value) for value in exact]
    by_rest = sorted(range(3), key=lambda i: exact[i] - counts[i], reverse=True)
    for i in by_rest[: len(people) - sum(counts)]:
        counts[i] += 1
    for i in (2, 1):  # few people: whoever is wanted gets one, as long as the largest part can spare it
        largest = max(range(3), key=counts.__getitem__)
        if shares[i] and not counts[i] and counts[largest] > 1:
            counts[i] += 1
            counts[largest] -= 1
    ordered = iter(in_hash_order(people, seed))
    return {next(ordered): split for split, count in zip(SPLITS, counts, strict=True) for _ in range(count)}


def _fold(spec: str, rest: str, people: Sequence[str]) -> dict[str, Split]:
    try:
        folds, fold = (int(part) for part in rest.split(":"))
    except ValueError:
        folds = fold = 0
    if not 1 <= fold <= folds or folds < 3:
        raise DatasetError(
            f"{spec!r} is no fold", "write kfold:10:1, the number of folds (3 or more) and which"
        )
    if folds > len(people):
        raise DatasetError(f"{spec!r} has more folds than the {len(people)} people", "use fewer folds")
    role: dict[int, Split] = {fold - 1: "test", fold % folds: "val"}
    return {name: role.get(i % folds, "train") for i, name in enumerate(in_hash_order(people))}


def _read(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for _, row in read_table(path, ("subject", "split")):
        subject, split = legible(row["subject"]), row["split"].lower()
        if found.setdefault(subject, split) != split:
            raise DatasetError(f"{path}: {subject} is in both {found[subject]} and {split}", "name one")
    return found


def _own(said: Mapping[str, str], people: Sequence[str], where: str) -> dict[str, Split]:
    for name in people:
        if name in said and said[name] not in SPLITS:
            raise DatasetError(f"{where}: {name} is in {said[name]!r}", f"use {', '.join(SPLITS)}")
    return {name: cast(Split, said[name]) for name in people if name in said}


SIDE = 16
"""The hash compares 16 pixels of each of 16 rows with their neighbours: 256 bits."""
NEAR = 12
"""Bits in which two frames differ at most if they are the same picture: see docs/datasets/README.md."""
BLOCK = 2048
"""Frames that are compared with all others at once."""
CONTRAST = 6.0
"""Standard deviation of the 272 grey values below which a frame is not compared."""


@dataclass(frozen=True)
class Pair:
    """Two clips of different people in different splits that share a frame.

    Attributes:
        first: One.
        second: The other.
        bits: In how many bits of 256 their nearest frames differ.
    """

    first: ClipEntry
    second: ClipEntry
    bits: int


def perceptual_hash(frame: Frames) -> str:
    """A difference hash of ``uint8[H, W, 3]`` as 64 hexadecimal digits; it outlives recoding and resizing.

    Empty if there is next to nothing to see, as in a dark room: noise would be all that is compared.
    """
    grey = Image.fromarray(frame).convert("L").resize((SIDE + 1, SIDE), Image.Resampling.BOX)
    pixels = np.asarray(grey).astype(np.int16)
    if pixels.std() < CONTRAST:
        return ""
    return np.packbits(pixels[:, 1:] > pixels[:, :-1]).tobytes().hex()


def across_splits(clips: Sequence[ClipEntry], home: Mapping[str, Split]) -> list[Pair]:
    """The pairs of clips of different splits that share a frame, each once, nearest first.

    Args:
        clips: All clips.
        home: The split of each person.
    """
    rows = [(clip, bits) for clip in clips for bits in clip.hashes if bits]
    if not rows:
        return []
    signs = np.array([_signs(bits) for _, bits in rows], np.float32)
    splits = np.array([sorted(set(home.values())).index(home[clip.subject]) for clip, _ in rows])
    nearest: dict[tuple[str, str], Pair] = {}
    for start in range(0, len(rows), BLOCK):
        stop = start + BLOCK
        # Of ±1 vectors, the product counts equal bits less different ones.
        differing = (signs.shape[1] - signs[start:stop] @ signs.T) / 2
        apart = splits[start:stop, None] < splits
        for i, j in np.argwhere((differing <= NEAR) & apart):
            first, second = rows[start + int(i)][0], rows[int(j)][0]
            pair = Pair(first, second, int(differing[i, j]))
            key = (first.id, second.id)
            if key not in nearest or pair.bits < nearest[key].bits:
                nearest[key] = pair
    return sorted(nearest.values(), key=lambda pair: (pair.bits, pair.first.id, pair.second.id))


def _signs(bits: str) -> NDArray[np.float32]:
    return np.unpackbits(np.frombuffer(bytes.fromhex(bits), np.uint8)).astype(np.float32) * 2 - 1
