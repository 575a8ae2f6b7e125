"""Where prepared sets are, so that their names are enough: ``FEVBENCH_HOME/datasets.json``."""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Iterator
from pathlib import Path

from fevbench import paths
from fevbench.atomic import write_text
from fevbench.errors import DatasetError, way_out
from fevbench.locks import locked

PATIENCE_S = 20.0
"""Seconds to wait for another process that writes the file, which takes a moment."""


def locations_file() -> Path:
    """The file that remembers."""
    return paths.home() / "datasets.json"


def locations() -> dict[str, Path]:
    """Name of a prepared set to its folder.

    Raises:
        DatasetError: The file is broken.
    """
    path = locations_file()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): Path(folder) for name, folder in content.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        fix = way_out(error, "delete it; prepared sets can be named NAME:DIR")
        raise DatasetError(f"{path} cannot be read ({error})", fix) from error


def remember(name: str, folder: Path) -> Path | None:
    """Let a name stand for a folder.

    Returns:
        The folder it stood for before, if another.

    Raises:
        DatasetError: The file is broken.
        OSError: It cannot be written.
    """
    with _alone():
        known = locations()
        before = known.get(name)
        known[name] = folder.absolute()
        write_text(
            locations_file(),
            json.dumps({key: str(value) for key, value in sorted(known.items())}, indent=1) + "\n",
        )
    return before if before not in (None, folder.absolute()) else None


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Hold the file while it is read, changed and written: two at once would lose a name."""
    file = locations_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    with locked(file.with_name(f".{file.name}.lock"), PATIENCE_S) as held:
        if held is False:
            raise OSError(errno.EAGAIN, "another process holds its lock", str(file))
        yield  # some network file systems have no locks; the file is then still written whole
