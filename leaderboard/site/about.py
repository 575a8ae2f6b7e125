"""What a table cannot read off results: kinds of models, authors, licences, training data, who scored."""

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
"""What a note of a result holds whose training was stopped early."""
TEXTS = ("kind", "authors", "licence", "trained_on", "scored_again")
KNOWN = {**dict.fromkeys(TEXTS, str), "converged": bool}
"""What can be written about a model."""


@dataclass(frozen=True)
class About:
    """What is known of a model beside its numbers, in words.

    Attributes:
        kind: How it makes clips: ``GAN``, ``warp``, ``no network``, ``control``, …
        adapted: Whether it is not as published.
        converged: False where its result or its entry says that training was stopped early.
        authors: Who made the method.
        licence: Of its code and weights.
        trained_on: What its weights were trained on.
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
        """Kind and warnings, for below a name."""
        parts = [] if self.kind == UNKNOWN else [self.kind]
        parts += ["adapted"] * self.adapted + [NOT_CONVERGED] * (not self.converged)
        return ", ".join(parts)


def read_about(folders: Sequence[Path]) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """What is written down about models nearest to some results, by name; and what is wrong with it."""
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


def is_meant(model: ModelRecord) -> bool:
    """Whether what is written under a model's name is about it: no other borrows the name of one of ours."""
    return model.origin.startswith(OURS) or model.name.partition(":")[0] not in models


def about_of(model: ModelRecord, written: Mapping[str, Mapping[str, Any]]) -> About:
    """What is known of a model.

    What is written about a model that comes with fevbench counts for its presets (``NAME:PRESET``), and for
    nobody else's model of that name.

    Args:
        model: The model.
        written: What is written down, by name.
    """
    base = model.name.partition(":")[0]
    ours = model.origin.startswith(OURS)
    said: Mapping[str, Any] = {}
    if is_meant(model):
        said = written.get(model.name, written.get(base, {}) if ours else {})
    again = said.get("scored_again", "")
    scored = "made and scored by the maintainers" if ours else "sent in"
    return About(
        CONTROL if model.control else said.get("kind", UNKNOWN),
        model.adapted,
        said.get("converged", True) and not any(NOT_CONVERGED in note.casefold() for note in model.notes),
        said.get("authors", UNKNOWN),
        said.get("licence", UNKNOWN),
        said.get("trained_on", UNKNOWN),
        f"{scored}, scored again by the maintainers {again}" if again else scored,
    )
