"""The data sets there are, and what every data set is asked: a digest, and disjoint people."""

from __future__ import annotations

from collections.abc import Callable

from fevbench.data.clip import Dataset, Split
from fevbench.errors import DatasetError
from fevbench.registry import Registry

SPLITS: tuple[Split, ...] = ("train", "val", "test")

datasets: Registry[Callable[[], Dataset]] = Registry(
    "data set", {"fevsynth": "fevbench.data.fevsynth.adapter:FEVSynth"}
)


def open_dataset(name: str) -> Dataset:
    """Open a data set by name and check that no person is in two splits.

    Raises:
        UnknownName: No data set has this name.
        DatasetError: Its files are missing, or its splits share a person.
    """
    dataset = datasets.get(name)()
    home: dict[str, Split] = {}
    for split in SPLITS:
        for clip in dataset.clips(split):
            if home.setdefault(clip.subject, split) != split:
                raise DatasetError(
                    f"{name}: subject {clip.subject} is in both {home[clip.subject]} and {split}",
                    "give every subject one split",
                )
    return dataset
