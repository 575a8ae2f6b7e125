"""Files that a model opens only while it makes clips: no fingerprint can name them before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench.atomic import write_text
from fevbench.hashing import sha256_of
from fevbench.models.built import files_of_dataset

if TYPE_CHECKING:
    from fevbench.data.clip import Dataset
    from fevbench.models.built import BuiltModel
    from fevbench.models.files import OpenedFiles

READS_FILE = "reads.json"


class LateReads:
    """What was opened while the clips of a run folder were made, with the sha256 it had.

    Args:
        folder: The run folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / READS_FILE
        self._known: dict[str, str] = {}
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
            self._known = {str(path): str(digest) for path, digest in known.items()}
        except (OSError, ValueError, AttributeError):  # it says nothing of what is not there
            self._known = {}

    def changed(self) -> Iterator[str]:
        """Yield what a user must hear of files that are not what they were."""
        for path, digest in self._known.items():
            if _hash(Path(path)) != digest:
                yield (
                    f"note: {path} is not what it was, and the model opens it while it makes clips: those "
                    "that are there may be of before; start anew with --overwrite if it matters"
                )

    def keep(self, built: BuiltModel, reads: OpenedFiles, dataset: Dataset) -> None:
        """Remember what a session opened, where it was not opened before."""
        opened = tuple(path for path in reads.files if path not in built.files and path.suffix != ".py")
        given = files_of_dataset(dataset, opened)
        fresh = {str(path): _hash(path) for path in opened if path not in given}
        added = {path: digest for path, digest in fresh.items() if path not in self._known and digest}
        if added:
            self._known |= added
            write_text(self._file, json.dumps(self._known, indent=1) + "\n")


def _hash(path: Path) -> str:
    try:
        return sha256_of(path) if path.is_file() else ""
    except OSError:
        return ""
