"""All data sets, the folders of prepared ones, and the checks before a data set is scored."""

from __future__ import annotations

import contextlib
import errno
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fevbench import paths
from fevbench.atomic import write_text
from fevbench.data.clip import Clip, Dataset, Frames, Split, Subject
from fevbench.errors import DatasetError, FevbenchError, UnknownName, suggested_fix
from fevbench.locks import locked
from fevbench.registry import Registry

WAIT_S = 20.0
"""Seconds to wait for another process that writes the file, which takes a moment."""


def prepared_folders_file() -> Path:
    """The file with the folders of prepared sets."""
    return paths.home() / "datasets.json"


def prepared_folders() -> dict[str, Path]:
    """Name of a prepared set to its folder.

    Raises:
        DatasetError: The file is broken.
    """
    path = prepared_folders_file()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): Path(folder) for name, folder in content.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        fix = suggested_fix(error, "delete it; prepared sets can be named NAME:DIR")
        raise DatasetError(f"{path} cannot be read ({error})", fix) from error


def remember_folder(name: str, folder: Path) -> Path | None:
    """Store the folder of a prepared set; returns the folder stored before, if it differs.

    Raises:
        OSError: The file with the folders cannot be written; a broken one is a `DatasetError`.
    """
    with _file_held():
        known = prepared_folders()
        before = known.get(name)
        known[name] = folder.absolute()
        write_text(
            prepared_folders_file(),
            json.dumps({key: str(value) for key, value in sorted(known.items())}, indent=1) + "\n",
        )
    return before if before not in (None, folder.absolute()) else None


@contextlib.contextmanager
def _file_held() -> Iterator[None]:
    """Lock the file while it is read, changed and written: two processes at once would lose a name."""
    file = prepared_folders_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    with locked(file.with_name(f".{file.name}.lock"), WAIT_S) as held:
        if held is False:
            raise OSError(errno.EAGAIN, "another process holds its lock", str(file))
        yield  # some network file systems have no locks; the file is still written atomically


PREPARED = "prepared"
"""``prepared:DIR`` opens any prepared set, whatever its name."""
SPLITS: tuple[Split, ...] = ("train", "val", "test")

datasets: Registry[Callable[..., Dataset]] = Registry(
    "data set", {"fevsynth": "fevbench.fevsynth.adapter:FEVSynth"}, "fevbench.datasets"
)
"""Data sets by name. An entry opens the data set where it usually is, or in the folder it is called with
if it takes one."""


@dataclass
class RecordedDataset:
    """A data set whose clips are not on this machine: subjects and clips as far as results describe them."""

    labels: tuple[str, ...]
    name: str = "given"
    version: str = "1"
    title: str = ""
    licence: str = ""
    citation: str = ""
    fps: float = 25.0
    known_subjects: tuple[Subject, ...] = ()
    known_clips: Mapping[Split, tuple[Clip, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, dataset: Dataset) -> RecordedDataset:
        """Everything known about a data set except its pixels."""
        return cls(
            tuple(dataset.labels),
            dataset.name,
            dataset.version,
            dataset.title,
            dataset.licence,
            dataset.citation,
            dataset.fps,
            tuple(dataset.subjects()),
            {split: tuple(dataset.clips(split)) for split in SPLITS},
        )

    def subjects(self) -> tuple[Subject, ...]:
        """The subjects that are known."""
        return self.known_subjects

    def clips(self, split: Split) -> tuple[Clip, ...]:
        """The clips of a split that are known."""
        return self.known_clips.get(split, ())

    def frames(self, clip: Clip) -> Frames:
        """Refuse: frames are not available."""
        raise DatasetError(f"clip {clip.id} of {self.name} is not on this machine", "copy the data set to it")


def open_dataset(name: str) -> Dataset:
    """Open a data set by name and check that it can be scored on.

    Args:
        name: ``NAME`` for a data set where it usually is, or ``NAME:DIR`` for one in a folder: a set
            rendered with ``fevbench data render fevsynth --out DIR``, or one that ``fevbench data prepare``
            made, which its name alone opens as well and ``prepared:DIR`` under any name.

    Raises:
        UnknownName: No data set has this name.
        DatasetError: It is not read from a folder, its files are missing, two of its clips have one id, an
            id is not a file name, a clip has an unknown label, or its splits share a subject.
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
                    f"{name}: clip id {clip.id!r} is not a file name", "use no / and no dot at the start"
                )
            if clip.label not in dataset.labels:
                raise DatasetError(
                    f"{name}: clip {clip.id} has the unknown label {clip.label!r}",
                    f"use one of {', '.join(dataset.labels)}",
                )
            ids.add(clip.id)
    return dataset


def dataset_here(name: str, version: str) -> Dataset | None:
    """The data set of a name, if it is on this machine in this version."""
    with contextlib.suppress(FevbenchError):
        dataset = open_dataset(name)
        if dataset.version == version:
            return dataset
    return None


def dataset_names() -> list[str]:
    """The data sets that open by name alone: those that come with fevbench, and prepared ones."""
    return [*datasets, *(name for name in prepared_folders() if name not in datasets)]


def _open(name: str) -> Dataset:
    kind, colon, folder = name.partition(":")
    if kind not in datasets:
        return _open_prepared(kind, Path(folder).expanduser() if folder else None, bool(colon))
    factory = datasets.get(kind)
    if not colon:
        return factory()
    if not inspect.signature(factory).parameters:
        raise DatasetError(f"{kind} is not read from a folder", f"use {kind!r}")
    if not folder:
        raise DatasetError(f"{name} has no folder", f"give {kind}:DIR a folder")
    return factory(Path(folder).expanduser())


def _open_prepared(name: str, folder: Path | None, colon: bool) -> Dataset:
    """A set that ``fevbench data prepare`` made, in its stored folder or in a given one."""
    from fevbench.data.layouts import layouts
    from fevbench.data.prepared.adapter import Prepared

    known = prepared_folders()
    if colon and folder is None:
        raise DatasetError(f"{name}: has no folder", f"give {name}:DIR a folder")
    if folder is None and name not in known:
        if name in layouts:
            raise DatasetError(
                f"{name} is not prepared on this machine",
                f"fevbench data prepare {name} SRC --out DIR, or name {name}:DIR",
            )
        raise UnknownName("data set", name, {*datasets, *known, *layouts} - {"folder"})
    if folder is not None and name not in {*known, *layouts, PREPARED} and not folder.exists():
        raise UnknownName("data set", name, {*datasets, *known, *layouts, PREPARED})
    where = folder or known[name]
    if not where.is_dir():
        gone = "" if folder else " any more"
        raise DatasetError(f"{where} does not exist{gone}", f"name its folder: {name}:DIR")
    data = Prepared(where)
    if name not in (data.name, PREPARED):
        raise DatasetError(f"{where} holds {data.name}, not {name}", f"use {data.name}:{where}")
    return data
