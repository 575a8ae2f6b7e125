"""The data sets there are, and what is asked of every one before it is scored on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

from fevbench.data.clip import Dataset, Split
from fevbench.errors import DatasetError
from fevbench.registry import Registry

SPLITS: tuple[Split, ...] = ("train", "val", "test")

datasets: Registry[Callable[..., Dataset]] = Registry(
    "data set", {"fevsynth": "fevbench.data.fevsynth.adapter:FEVSynth"}
)
"""Data sets by name. An entry opens the data set where it usually is, or in the folder it is called with
if it takes one."""


def open_dataset(name: str) -> Dataset:
    """Open a data set by name and check that it can be scored on.

    Args:
        name: ``NAME`` for a data set where it usually is, or ``NAME:DIR`` for one in a folder, for example
            a set rendered with ``fevbench data render fevsynth --out DIR``.

    Raises:
        UnknownName: No data set has this name.
        DatasetError: It is not read from a folder, its files are missing, two of its clips have one id, an
            id is no file name, a clip shows an expression the data set does not name, or its splits share a
            person.
    """
    dataset = _open(name)
    home: dict[str, Split] = {}
    ids: set[str] = set()
    for split in SPLITS:
        for clip in dataset.clips(split):
            if home.setdefault(clip.subject, split) != split:
                raise DatasetError(
                    f"{name}: subject {clip.subject} is in both {home[clip.subject]} and {split}",
                    "give every subject one split",
                )
            if clip.id in ids:
                raise DatasetError(f"{name}: two clips are called {clip.id}", "give every clip its own id")
            if "/" in clip.id or clip.id.startswith(".") or not clip.id:
                raise DatasetError(
                    f"{name}: clip id {clip.id!r} is no file name", "leave out / and first dots"
                )
            if clip.label not in dataset.labels:
                raise DatasetError(
                    f"{name}: clip {clip.id} shows {clip.label!r}, which is none of its labels",
                    f"use one of {', '.join(dataset.labels)}",
                )
            ids.add(clip.id)
    return dataset


def _open(name: str) -> Dataset:
    kind, colon, folder = name.partition(":")
    factory = datasets.get(kind)
    if not colon:
        return factory()
    if not inspect.signature(factory).parameters:
        raise DatasetError(f"{kind} is not read from a folder", f"use {kind!r}")
    if not folder:
        raise DatasetError(f"{name} names no folder", f"give {kind}:DIR a folder")
    return factory(Path(folder).expanduser())
