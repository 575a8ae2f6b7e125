"""Patterns that say where a path names the subject, the label, the take and the frame."""

from __future__ import annotations

import re
from pathlib import Path

from fevbench.data.clip import EXPRESSIONS
from fevbench.data.layouts.layout import SYNONYMS, canonical
from fevbench.data.layouts.tree import nearest
from fevbench.errors import DatasetError

FRAME = "frame"
"""The field of a frame's number, where the frames of several takes lie in one folder."""
FIELDS = ("subject", "label", "take", FRAME)
KNOWN = {*EXPRESSIONS, *SYNONYMS.values(), "calm"}
_FIELD = re.compile(r"\{(\w+)\}|\*")
_NUMBER = r"\d+(?:[.,]\d+)?"


def fields(pattern: str) -> list[str]:
    """The names of a pattern's fields, in order."""
    return [match[1] for match in _FIELD.finditer(pattern) if match[1]]


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as an expression that fits a whole path, with a group a field.

    Raises:
        DatasetError: It has an unknown field, or not each it needs once.
    """
    names = fields(pattern)
    for name in names:
        if name not in FIELDS:
            hint = nearest(name, FIELDS) or f"use {', '.join(f'{{{field}}}' for field in FIELDS)} and *"
            raise DatasetError(f"the pattern {pattern!r} has a field {{{name}}}", hint)
    if not {"subject", "label"} <= set(names) or len(set(names)) < len(names):
        raise DatasetError(
            f"the pattern {pattern!r} does not say who shows what", "name {subject} and {label} once each"
        )
    text, end = "", 0
    for match in _FIELD.finditer(pattern):
        text += re.escape(pattern[end : match.start()])
        text += f"(?P<{match[1]}>{_NUMBER if match[1] == FRAME else '[^/]+?'})" if match[1] else "[^/]*?"
        end = match.end()
    return re.compile(text + re.escape(pattern[end:]))


def suggested(path: Path, flat: bool) -> str:
    """A pattern that reads a path, if a part of it is a known label; an empty text otherwise.

    Args:
        path: A video or a folder of frames, or a frame if ``flat``, below the data set's folder, no suffix.
        flat: Whether the path is that of a frame whose number it ends in.
    """
    folders, last = path.parts[:-1], path.name
    # What separators part, and a word before its number: S01_happy3 is S01, _, happy, 3.
    parts = [text for text in re.split(r"([_\-. ]+)", last) if text]
    split = [piece for text in parts for piece in _label_and_number(text)]
    units = [piece for folder in folders for piece in (folder, "/")] + split
    roles: dict[int, str] = {}
    if flat:
        numbers = [i for i, unit in enumerate(units) if re.fullmatch(_NUMBER, unit)]
        if not numbers or numbers[-1] < 2 * len(folders):
            return ""
        roles[numbers[-1]] = FRAME
    words = [i for i, unit in enumerate(units) if i not in roles and re.search(r"[^\W_]", unit)]
    label = next((i for i in words if canonical(units[i]) in KNOWN), None)
    others = [i for i in words if i != label]
    if label is None or not others:
        return ""
    roles |= {label: "label", others[0]: "subject"}
    if len(others) > 1:
        roles[others[1]] = "take"
    pattern = "".join(
        f"{{{roles[i]}}}" if i in roles else "*" if i in words else unit for i, unit in enumerate(units)
    )
    return pattern if compiled(pattern).fullmatch(path.as_posix()) else ""


def _label_and_number(text: str) -> list[str]:
    match = re.fullmatch(r"([^\W\d_]+)(\d+)", text)
    return [match[1], match[2]] if match and canonical(match[1]) in KNOWN else [text]
