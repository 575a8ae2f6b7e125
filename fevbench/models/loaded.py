"""Code of models that was loaded: a plug-in file, or a module of a package."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from fevbench.models.reads import Reads
from fevbench.models.surroundings import Surroundings


@dataclass(frozen=True)
class LoadedPlugin:
    """A plug-in file that was run, or a package's module that was imported.

    Attributes:
        module: The name of its module.
        file: The file; None where there is none.
        surroundings: Where its code lives.
        files: What was opened while it was loaded.
        unseen: What it used then, of which nobody can tell whether it changed.
    """

    module: str
    file: Path | None
    surroundings: Surroundings
    files: tuple[Path, ...] = ()
    unseen: tuple[str, ...] = ()

    @classmethod
    def of(cls, factory: object, reads: Reads) -> LoadedPlugin:
        """The module of a model that was registered in this process, or imported just now."""
        module = str(getattr(factory, "__module__", ""))
        file = getattr(sys.modules.get(module), "__file__", None)
        place = Path(file).absolute() if file else None
        unseen = reads.unseen if file else (*reads.unseen, "its code, which is in no file")
        return cls(module, place, Surroundings(), reads.files, unseen)
