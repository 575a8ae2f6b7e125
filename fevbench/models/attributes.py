"""What a model says of itself in attributes, checked when it is found and not after all the work."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fevbench.errors import ModelError
from fevbench.foreign import reason

MOST_NOTES = 50
LONGEST_NOTE = 1000
"""Characters. Notes are read by people, below a table."""


def flag(factory: object, name: str, attribute: str) -> bool:
    """An attribute that is True or False, and False unless it is there."""
    value = _get(factory, name, attribute, False)
    if not isinstance(value, bool):
        raise _wrong(name, attribute, value, "True or False")
    return value


def weights_of(factory: object, name: str) -> Path | None:
    """Where a model's own weights are, if it says so."""
    value = _get(factory, name, "weights", None)
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise _wrong(name, "weights", value, "a pathlib.Path, of a file")
    return Path(value)


def networks_of(factory: object, name: str) -> tuple[str, ...]:
    """The pretrained networks of the weights registry that a model needs."""
    value = _get(factory, name, "networks", ())
    if not isinstance(value, tuple | list) or not all(isinstance(one, str) for one in value):
        raise _wrong(name, "networks", value, 'a tuple of names, for example ("scrfd-500m",)')
    if value:
        from fevbench import weights

        known = weights.load_registry()
        for one in value:
            if one not in known:
                raise ModelError(
                    f"model {name} needs the network {one!r}, which is not registered",
                    "choose of `fevbench weights list`",
                )
    return tuple(value)


def notes_of(model: object, name: str) -> list[str]:
    """What a reader of the result must know of a model.

    Raises:
        ModelError: It is no list of texts, or more than anybody reads.
    """
    value = _get(model, name, "notes", [])
    wanted = f"a list of at most {MOST_NOTES} texts of at most {LONGEST_NOTE} characters"
    if not isinstance(value, list | tuple) or len(value) > MOST_NOTES:
        raise _wrong(name, "notes", value, wanted)
    if any(not isinstance(note, str) or len(note) > LONGEST_NOTE for note in value):
        raise _wrong(name, "notes", value, wanted)
    return [" ".join(note.encode("utf-8", "backslashreplace").decode().split()) for note in value]


def _get(holder: object, name: str, attribute: str, default: Any) -> Any:
    try:
        return getattr(holder, attribute, default)
    except BaseException as error:  # a property raises anything
        if isinstance(error, KeyboardInterrupt):
            raise
        raise ModelError(
            f"attribute {attribute} of model {name} cannot be read ({reason(error)})", "mend or remove it"
        ) from error


def _wrong(name: str, attribute: str, value: object, wanted: str) -> ModelError:
    try:
        shown = repr(value)
    except Exception:
        shown = type(value).__name__
    shown = shown if len(shown) <= 60 and shown.isprintable() else type(value).__name__
    return ModelError(f"attribute {attribute} of model {name} is {shown}", f"make it {wanted}")
