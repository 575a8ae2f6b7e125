"""A training's configuration: one frozen dataclass per method, changed by ``key=value`` arguments."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeVar

from fevbench.errors import FevbenchError, UnknownName

Provenance = Literal["published", "unverified", "relative", "ours"]
"""Origin of a value: the paper; our reading of the paper; the most similar method; us."""

C = TypeVar("C", bound="TrainingConfig")


@dataclass(frozen=True)
class Range:
    """The numbers from ``low`` to ``high``, excluding a bound if its side is open."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    def holds(self, value: float) -> bool:
        """Whether ``value`` is one of them; NaN never is."""
        above = value > self.low if self.open_low else value >= self.low
        return above and (value < self.high if self.open_high else value <= self.high)

    def __str__(self) -> str:
        below = "below" if self.open_high else "at most"
        return f"{'above' if self.open_low else 'at least'} {self.low:g} and {below} {self.high:g}"


COUNT, NONE_OR_MORE = Range(1, 2**16), Range(0, 2**16)
WEIGHT, RATE = Range(0, 1e6), Range(0, 1, open_low=True)
PART, DECAY = Range(0, 1), Range(0, 1, open_high=True)


def choice(default: Any, provenance: Provenance, why: str, within: Range | None = None) -> Any:
    """A field of a configuration: its value, its origin and the reason.

    A number, or each number of a tuple, must be ``within``; by default from 1 for integers, else from 0.
    """
    return field(default=default, metadata={"provenance": provenance, "why": why, "within": within})


@dataclass(frozen=True)
class TrainingConfig:
    """The fields that the loop reads; a method's configuration adds its own.

    Raises:
        ValueError: A number is outside its field's range.
    """

    protocol: str = choice("64x16", "ours", "the size and frames that clips are trained at")
    batch_size: int = choice(16, "ours", "clips a step, over all processes")
    ema_decay: float = choice(
        0.999, "ours", "of the average that is exported; 0 exports the last weights", DECAY
    )
    flip: bool = choice(True, "ours", "mirror every other clip: a mirrored face is a face")
    colour: float = choice(0.0, "ours", "random gain of each channel, as a ratio, and nothing else", PART)
    augmentation: float = choice(
        0.0, "ours", "strength, 0 to 1: shift, scale, turn, gain, contrast, gamma, grey, blur, JPEG", PART
    )

    def __post_init__(self) -> None:
        for known in fields(self):
            _check(known.name, getattr(self, known.name), known.metadata.get("within"))


def _check(name: str, value: Any, within: Range | None) -> None:
    """Check that a value is in its range."""
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, bool) or not isinstance(number, int | float):
            continue
        allowed = within or (COUNT if isinstance(number, int) else WEIGHT)
        if not allowed.holds(number):
            raise ValueError(f"{name} must be {allowed}, not {number}")


def with_overrides(config: C, assignments: Sequence[str]) -> C:
    """Change fields of a configuration by ``key=value``: ``true``, ``3e-4``, ``16,32,64``, ``warp``.

    Raises:
        UnknownName: No field has this name; the message suggests similar ones.
        FevbenchError: It is not an assignment, or a value is invalid by itself or with others.
    """
    kinds = typing.get_type_hints(type(config))
    changes: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        key = key.strip()
        if not equals:
            raise FevbenchError(f"--set {assignment!r} is not an assignment", "write key=value")
        if key not in {known.name for known in fields(config)}:
            raise UnknownName("setting", key, [known.name for known in fields(config)])
        changes[key] = _value(key, text.strip(), kinds[key])
    try:
        return replace(config, **changes)
    except ValueError as error:
        raise FevbenchError(f"these settings are not possible: {error}", "change --set") from error


def from_fields(kind: type[C], values: Mapping[str, Any]) -> C:
    """A configuration from its fields in JSON; missing fields get their defaults."""
    known = {known.name: values[known.name] for known in fields(kind) if known.name in values}
    made: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in known.items()}
    return kind(**made)


def _value(key: str, text: str, kind: Any) -> Any:
    """``text`` as a value of a field's type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    try:
        if origin is Literal:
            if text not in arguments:
                raise ValueError(text)
            return text
        if origin in (types.UnionType, typing.Union):
            return None if text == "none" else _value(key, text, arguments[0])
        if origin is tuple:
            return tuple(arguments[0](part) for part in text.split(",") if part.strip())
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text)
    except (ValueError, KeyError):
        raise FevbenchError(f"--set {key}={text}: {text!r} is not {_wanted(kind)}", "write another") from None


def _wanted(kind: Any) -> str:
    """A field's type in words."""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is Literal:
        return "one of " + ", ".join(arguments)
    if typing.get_origin(kind) is tuple:
        return f"{_wanted(arguments[0]).removeprefix('a ')}s with commas between"
    if arguments:
        return f"{_wanted(arguments[0])} or none"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}[kind]
