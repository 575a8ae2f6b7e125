"""What a training writes down: every loss of every step as CSV, and TensorBoard scalars."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from fevbench.atomic import write_text
from fevbench.errors import MissingPackage

LOSSES_FILE, TENSORBOARD_FOLDER = "losses.csv", "tensorboard"


class Log:
    """Losses on the disk; a training that continues continues them too.

    Args:
        folder: The training's folder.
        step: The step the training continues from; what was written of later ones is forgotten.

    Raises:
        MissingPackage: tensorboard is not installed.

    Attributes:
        lost: Steps before that one whose losses are not there, as the file was damaged or removed.
    """

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ModuleNotFoundError as error:
            raise MissingPackage("training", "tensorboard", "train") from error
        path = folder / LOSSES_FILE
        kept = _whole_rows(path, step)
        write_text(path, "".join(f"{row}\n" for row in kept))
        self.lost = step - max(0, len(kept) - 1)
        self._file = path.open("a", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._empty = not kept
        self._board = SummaryWriter(str(folder / TENSORBOARD_FOLDER), purge_step=step + 1)

    def write(self, step: int, losses: Mapping[str, float], clips_per_second: float) -> None:
        """Write a step's losses."""
        if self._empty:
            self._rows.writerow(["step", *losses])
            self._empty = False
        self._rows.writerow([step, *(f"{value:.9g}" for value in losses.values())])
        for name, value in losses.items():
            self._board.add_scalar(f"loss/{name}", value, step)
        self._board.add_scalar("clips per second", clips_per_second, step)

    def flush(self) -> None:
        """See that what was written is on the disk."""
        self._file.flush()
        self._board.flush()

    def close(self) -> None:
        """Write what is left."""
        self._file.close()
        self._board.close()


def _whole_rows(path: Path, step: int) -> list[str]:
    """The names and the rows up to a step, in order; none where there are no names."""
    if not step or not path.exists():
        return []
    names, *rows = path.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    if not names.startswith("step,"):
        return []
    kept, last = [names], 0
    for row in rows:
        cells = row.split(",")
        if len(cells) == names.count(",") + 1 and cells[0].isdecimal() and last < int(cells[0]) <= step:
            kept.append(row)
            last = int(cells[0])
    return kept
