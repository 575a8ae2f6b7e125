"""Facts about models that results lack: kind, authors, licence, training data, who scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fevbench.models.registry import models
from fevbench.results.schema import ModelRecord
from fevbench.sanitise import one_line
from fevbench.toml import read_toml
from leaderboard.entries import Problem
from leaderboard.site.cards import OURS

ABOUT_FILE = "about.toml"
CONTROL = "control"
UNKNOWN = "not stated"
NOT_CONVERGED = "not converged"
"""Text in a result's notes if training was stopped early."""
TEXTS = ("kind", "authors", "licence", "trained_on", "scored_again")
KNOWN = {**dict.fromkeys(TEXTS, str), "converged": bool}
"""The possible fields of a model's entry."""


@dataclass(frozen=True)
class About:
    """Facts about a model besides its values, in words.

    Attributes:
        kind: How it makes clips: ``GAN``, ``warp``, ``no network``, ``control``, …
        adapted: Whether it differs from the publication.
        converged: False if its result or its entry says that training was stopped early.
        scored: Who made the clips, and who scored them.
    """

    kind: str = UNKNOWN
    adapted: bool = False
    converged: bool = True
    authors: str = UNKNOWN
    licence: str = UNKNOWN
    trained_on: str = UNKNOWN
    scored: str = UNKNOWN

    @property
    def tags(self) -> str:
        """Kind and warnings, to show below a name."""
        parts = [] if self.kind == UNKNOWN else [self.kind]
        parts += ["adapted"] * self.adapted + [NOT_CONVERGED] * (not self.converged)
        return ", ".join(parts)


def read_about(folders: Sequence[Path]) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """The entries about models nearest to some results, by name; and problems with them."""
    for folder in folders:
        file = folder / ABOUT_FILE
        if not file.is_file():
            continue
        try:
            content = read_toml(file)
        except (OSError, ValueError) as error:
            return {}, [Problem(file, one_line(f"cannot be read ({error})"))]
        for name, said in content.items():
            if not isinstance(said, dict) or any(type(said[key]) is not KNOWN.get(key) for key in said):
                what = f"may hold of {name} only the texts {', '.join(TEXTS)}, and converged = true or false"
                return {}, [Problem(file, one_line(what))]
        return content, []
    return {}, []


def entry_applies(model: ModelRecord) -> bool:
    """Whether an entry under a model's name is about it: other models cannot borrow the names of ours."""
    return model.origin.startswith(OURS) or model.name.partition(":")[0] not in models


def about_of(model: ModelRecord, written: Mapping[str, Mapping[str, Any]]) -> About:
    """The facts about a model, with what the entries ``written`` say, by name.

    An entry about a model that comes with fevbench applies to its presets (``NAME:PRESET``), and not to other
    models of that name.
    """
    base = model.name.partition(":")[0]
    ours = model.origin.startswith(OURS)
    said: Mapping[str, Any] = {}
    if entry_applies(model):
        said = written.get(model.name, written.get(base, {}) if ours else {})
    again = said.get("scored_again", "")
    scored = "generated and scored by the maintainers" if ours else "sent in"
    return About(
        CONTROL if model.control else said.get("kind", UNKNOWN),
        model.adapted,
        said.get("converged", True) and not any(NOT_CONVERGED in note.casefold() for note in model.notes),
        said.get("authors", UNKNOWN),
        said.get("licence", UNKNOWN),
        said.get("trained_on", UNKNOWN),
        f"{scored}, scored again by the maintainers {again}" if again else scored,
    )
