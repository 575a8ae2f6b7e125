"""Splitting subjects into train, val and test, and checking that splits do not share frames."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fevbench.data.clip import Frames, Split
from fevbench.data.datasets import SPLITS
from fevbench.data.layouts.folder_walk import did_you_mean, legible
from fevbench.data.layouts.layout import Layout
from fevbench.data.layouts.table import read_table
from fevbench.data.prepared.manifest import ClipEntry, SplitRecord
from fevbench.errors import DatasetError
from fevbench.wording import first_few

HELD_OUT = 10
"""By default, one in this many train subjects of a published split is held out for validation."""
NAMED = 6
"""Most subjects that an error names; others are counted."""
GIVEN = "given"
"""The split that the data themselves give."""
ALL_TEST = "test"
"""The split of a set that is only for scoring."""
FORMS = f"seeded:70-10-20:SEED, kfold:K:FOLD, {ALL_TEST}, or a CSV file with the columns subject, split"


@dataclass(frozen=True)
class Assignment:
    """The split of each subject, subjects that a published split does not name, and the record."""

    split_of: dict[str, Split]
    left_out: tuple[str, ...]
    record: SplitRecord


def assign(
    spec: str, subjects: Sequence[str], layout: Layout, val: int | None, given: Mapping[str, str]
) -> Assignment:
    """Split subjects.

    Args:
        spec: A published split's name, or one of `FORMS`.
        subjects: Their ids.
        layout: The data set.
        val: Number of train subjects of a published split to hold out; by default one in `HELD_OUT`.
        given: The split of each subject as the data give it, for `GIVEN`.

    Raises:
        DatasetError: There is no such split, or it leaves no test subject or, except for `ALL_TEST`, no train
            subject.
    """
    subjects = sorted(subjects)
    if spec == GIVEN:
        split_of = _given(given, subjects, "the column split")
        return _assigned(
            split_of,
            subjects,
            SplitRecord(spec=GIVEN, source="the column split of the CSV file", val=0, missing=[]),
        )
    if spec in layout.splits:
        return _published(spec, layout, subjects, val)
    if val is not None:
        raise DatasetError(f"--val cannot be used with {spec}, only with published splits", "leave it out")
    missing: list[str] = []
    kind, _, rest = spec.partition(":")
    if spec == ALL_TEST:
        split_of, source = dict.fromkeys(subjects, "test"), "everybody is tested on"
    elif kind == "seeded":
        split_of, source = _seeded(spec, rest, subjects), "subjects in the order of a hash of seed and id"
    elif kind == "kfold":
        split_of, source = (
            _fold(spec, rest, subjects),
            "subjects in the order of a hash of their id, dealt in turn",
        )
    elif Path(spec).suffix.lower() == ".csv":
        said = _read(Path(spec))
        split_of, source = _given(said, subjects, spec), "your own"
        missing = sorted(said.keys() - set(subjects))
        if not split_of:
            raise DatasetError(
                f"{spec} names no subject of this set, only {first_few(missing, NAMED) or 'none'}",
                f"its subjects are {first_few(subjects, NAMED)}",
            )
        spec = Path(spec).name
    else:
        hint = (
            did_you_mean(spec, [*layout.splits, layout.split]) or f"use {', '.join([*layout.splits, FORMS])}"
        )
        raise DatasetError(f"{layout.name} has no split {spec!r}", hint)
    return _assigned(split_of, subjects, SplitRecord(spec=spec, source=source, val=0, missing=missing))


def in_hash_order(subjects: Sequence[str], seed: str = "") -> list[str]:
    """Subjects in an order that depends only on their ids and a seed."""
    return sorted(subjects, key=lambda name: hashlib.sha256(f"{seed}\0{name}".encode()).digest())


def required_splits(record: SplitRecord) -> tuple[Split, ...]:
    """The splits that a set must have clips of."""
    return ("test",) if record.spec == ALL_TEST else ("train", "test")


def _assigned(split_of: dict[str, Split], subjects: Sequence[str], record: SplitRecord) -> Assignment:
    if len(subjects) == 1 and record.spec != ALL_TEST:
        raise DatasetError(
            f"there is only one subject, {subjects[0]}, and training and testing need different subjects",
            f"give a folder with more subjects, or use --split {ALL_TEST} to score only",
        )
    for split in required_splits(record):
        if split not in split_of.values():
            hint = f", or {ALL_TEST} to score only" if split == "train" else ""
            raise DatasetError(
                f"the split {record.spec} of {len(subjects)} subjects leaves no {split} subject",
                f"choose another --split{hint}",
            )
    left_out = tuple(name for name in subjects if name not in split_of)
    return Assignment(dict(sorted(split_of.items())), left_out, record)


def _published(spec: str, layout: Layout, subjects: Sequence[str], val: int | None) -> Assignment:
    named = layout.splits[spec]
    train = [name for name in subjects if name in named.train]
    count = len(train) // HELD_OUT if val is None else val
    if count >= len(train) > 0:
        raise DatasetError(f"--val {count} leaves no train subject", f"there are {len(train)} train subjects")
    split_of: dict[str, Split] = dict.fromkeys(train, "train")
    split_of |= dict.fromkeys(in_hash_order(train)[:count], "val")
    split_of |= dict.fromkeys((name for name in subjects if name in named.test), "test")
    missing = sorted({*named.train, *named.test} - set(subjects))
    return _assigned(
        split_of, subjects, SplitRecord(spec=spec, source=named.source, val=count, missing=missing)
    )


def _seeded(spec: str, rest: str, subjects: Sequence[str]) -> dict[str, Split]:
    shares_text, _, seed = rest.partition(":")
    try:
        shares = [int(share) for share in shares_text.split("-")]
        int(seed)
    except ValueError:
        shares = []
    if len(shares) != 3 or sum(shares) != 100 or min(shares) < 0:
        raise DatasetError(
            f"{spec!r} is not a seeded split",
            "write seeded:70-10-20:0, which is train-val-test in percent and a seed",
        )
    exact = [share * len(subjects) / 100 for share in shares]
    counts = [int(value) for value in exact]
    by_rest = sorted(range(3), key=lambda i: exact[i] - counts[i], reverse=True)
    for i in by_rest[: len(subjects) - sum(counts)]:
        counts[i] += 1
    for i in (2, 1):  # few subjects: each requested split gets one, if the largest split can spare it
        largest = max(range(3), key=counts.__getitem__)
        if shares[i] and not counts[i] and counts[largest] > 1:
            counts[i] += 1
            counts[largest] -= 1
    ordered = iter(in_hash_order(subjects, seed))
    return {next(ordered): split for split, count in zip(SPLITS, counts, strict=True) for _ in range(count)}


def _fold(spec: str, rest: str, subjects: Sequence[str]) -> dict[str, Split]:
    try:
        folds, fold = (int(part) for part in rest.split(":"))
    except ValueError:
        folds = fold = 0
    if not 1 <= fold <= folds or folds < 3:
        raise DatasetError(
            f"{spec!r} is not a fold",
            "write kfold:10:1, which is the number of folds (3 or more) and the fold",
        )
    if folds > len(subjects):
        raise DatasetError(f"{spec!r} has more folds than the {len(subjects)} subjects", "use fewer folds")
    role: dict[int, Split] = {fold - 1: "test", fold % folds: "val"}
    return {name: role.get(i % folds, "train") for i, name in enumerate(in_hash_order(subjects))}


def _read(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for _, row in read_table(path, ("subject", "split")):
        subject, split = legible(row["subject"]), row["split"].lower()
        if found.setdefault(subject, split) != split:
            raise DatasetError(f"{path}: {subject} is in both {found[subject]} and {split}", "give one split")
    return found


def _given(said: Mapping[str, str], subjects: Sequence[str], where: str) -> dict[str, Split]:
    for name in subjects:
        if name in said and said[name] not in SPLITS:
            raise DatasetError(
                f"{where}: {name} has the unknown split {said[name]!r}", f"use {', '.join(SPLITS)}"
            )
    return {name: cast(Split, said[name]) for name in subjects if name in said}


SIDE = 16
"""The hash compares 16 pixels of each of 16 rows with their neighbours: 256 bits."""
NEAR = 12
"""Most differing bits of two frames that are the same picture; see docs/datasets/README.md."""
BLOCK = 2048
"""Frames that are compared with all others at once."""
CONTRAST = 6.0
"""Standard deviation of the 272 grey values below which a frame is not compared."""


@dataclass(frozen=True)
class SharedFrame:
    """Two clips of different subjects in different splits whose nearest frames differ in ``bits`` of 256."""

    first: ClipEntry
    second: ClipEntry
    bits: int


def perceptual_hash(frame: Frames) -> str:
    """A difference hash of ``uint8[H, W, 3]`` as 64 hexadecimal digits; it survives recoding and resizing.

    Empty if the frame has hardly any contrast, as in a dark room: only noise would be compared.
    """
    grey = Image.fromarray(frame).convert("L").resize((SIDE + 1, SIDE), Image.Resampling.BOX)
    pixels = np.asarray(grey).astype(np.int16)
    if pixels.std() < CONTRAST:
        return ""
    return np.packbits(pixels[:, 1:] > pixels[:, :-1]).tobytes().hex()


def frames_shared_by_splits(clips: Sequence[ClipEntry], home: Mapping[str, Split]) -> list[SharedFrame]:
    """The pairs of clips of different splits that share a frame, each once, nearest first."""
    rows = [(clip, bits) for clip in clips for bits in clip.hashes if bits]
    if not rows:
        return []
    signs = np.array([_signs(bits) for _, bits in rows], np.float32)
    splits = np.array([sorted(set(home.values())).index(home[clip.subject]) for clip, _ in rows])
    nearest: dict[tuple[str, str], SharedFrame] = {}
    for start in range(0, len(rows), BLOCK):
        stop = start + BLOCK
        # The product of ±1 vectors is the number of equal bits minus that of different bits.
        differing = (signs.shape[1] - signs[start:stop] @ signs.T) / 2
        apart = splits[start:stop, None] < splits
        for i, j in np.argwhere((differing <= NEAR) & apart):
            first, second = rows[start + int(i)][0], rows[int(j)][0]
            pair = SharedFrame(first, second, int(differing[i, j]))
            key = (first.id, second.id)
            if key not in nearest or pair.bits < nearest[key].bits:
                nearest[key] = pair
    return sorted(nearest.values(), key=lambda pair: (pair.bits, pair.first.id, pair.second.id))


def _signs(bits: str) -> NDArray[np.float32]:
    return np.unpackbits(np.frombuffer(bytes.fromhex(bits), np.uint8)).astype(np.float32) * 2 - 1
