"""What a layout declares about a data set, and what it finds in a downloaded folder."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fevbench.data.layouts.folder_walk import NOT_ASKED, FolderWalk, SkippedItem, legible
from fevbench.errors import DatasetError, UnknownName
from fevbench.wording import first_few

Phase = Literal["neutral-apex", "neutral-apex-neutral", "speech", "any"]
"""The course of a recording: it ends at the apex, returns to neutral, is speech, or is unknown."""

SYNONYMS: dict[str, str] = {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
    "contemptuous": "contempt",
    "rest": "neutral",
}
"""Other names of this project's labels in data sets."""


@dataclass(frozen=True)
class Recording:
    """One performance, as downloaded.

    Attributes:
        label: The expression, in this project's words.
        native_label: The expression, in the data set's own words.
        files: One video, or the frames in order.
    """

    id: str
    subject: str
    label: str
    native_label: str
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Download:
    """The content of a downloaded folder.

    Attributes:
        recordings: Every performance, in a fixed order.
        skipped: Files and folders that are no recordings, and why.
        attributes: Known attributes of subjects, for example ``{"sex": "female"}``.
        splits: The split of subjects, if the data give one.
    """

    recordings: list[Recording]
    skipped: list[SkippedItem]
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)

    @classmethod
    def distinct(
        cls,
        recordings: Iterable[Recording],
        skipped: list[SkippedItem],
        attributes: dict[str, dict[str, str]] | None = None,
    ) -> Download:
        """Recordings without those that repeat an earlier id; these are added to ``skipped``.

        Ids that differ only in case count as equal, because some file systems do not distinguish case.
        """
        kept: dict[str, Recording] = {}
        for recording in recordings:
            first = kept.setdefault(recording.id.casefold(), recording)
            if first is not recording:
                what, detail = str(recording.files[0]), f"{recording.id} is {first.files[0]}"
                skipped.append(SkippedItem(what, "same name as another", detail))
        return cls(list(kept.values()), skipped, attributes or {})


@dataclass(frozen=True)
class Option:
    """A choice between parts of a data set, made with ``--set NAME=VALUE``.

    Attributes:
        choices: The possible values; empty for any text.
        file: Whether the value is the path of a file.
    """

    default: str
    choices: tuple[str, ...]
    meaning: str
    file: bool = False


@dataclass(frozen=True)
class PublishedSplit:
    """A published split, by the ids of subjects."""

    train: tuple[str, ...]
    test: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Layout:
    """A data set as its authors distribute it.

    Attributes:
        phase: The course of its recordings.
        fps: Frames per second, if the frames are images without a rate.
        tree: The folder's structure, for users.
        expected: The structure in a few words, for errors.
        labels: Its own names of expressions to this project's.
    """

    name: str
    title: str
    phase: Phase
    fps: float
    licence: str
    access: str
    citation: str
    tree: str
    expected: str
    labels: Mapping[str, str]
    split: str
    discover: Callable[[Path, Mapping[str, str]], Download]
    options: Mapping[str, Option] = field(default_factory=dict)
    splits: Mapping[str, PublishedSplit] = field(default_factory=dict)

    def settings(self, assignments: Mapping[str, str]) -> dict[str, str]:
        """All options with their values.

        Raises:
            UnknownName: It has no such option.
            DatasetError: An option has no such value.
        """
        for name in assignments:
            if name not in self.options:
                raise UnknownName(f"option of {self.name}", name, self.options)
        values = {name: assignments.get(name, option.default) for name, option in self.options.items()}
        for name, value in values.items():
            choices = self.options[name].choices
            if choices and value not in choices:
                raise DatasetError(f"{name} of {self.name} is not {value!r}", f"use {' or '.join(choices)}")
        return values

    def written(self, values: Mapping[str, str]) -> dict[str, str]:
        """Options as stored in the manifest: files by name, without their folder."""
        return {name: Path(v).name if self.options[name].file else v for name, v in values.items()}


def canonical(native: str) -> str:
    """A label in this project's words: lower case, in composed Unicode, the usual noun."""
    word = legible(native).strip().lower()
    return SYNONYMS.get(word, word)


def slug(text: str) -> str:
    """A text as part of a file name: letters and digits of any alphabet; ``-`` for all else."""
    # Marks are parts of letters: without vowel signs, many names in Indic alphabets would be the same.
    kept = (c if c in "._" or unicodedata.category(c)[0] in "LMN" else "-" for c in legible(text))
    return re.sub("-+", "-", "".join(kept)).strip("-.") or "x"


def recording_id(*parts: str) -> str:
    """An id from the parts that distinguish recordings."""
    return "-".join(slug(part) for part in parts)


def numbered(names: Iterable[str]) -> list[str]:
    """The names, where repeated ones (ignoring case) get a number."""
    used: set[str] = set()
    distinct_names = []
    for name in names:
        shown, number = name, 1
        while shown.casefold() in used:
            number += 1
            shown = f"{name}-{number}"
        used.add(shown.casefold())
        distinct_names.append(shown)
    return distinct_names


EVERY = ("all", "both")
"""Option values that select every part."""
WITHOUT = "subject without the part asked for"
"""The reason for leaving out a subject of which the download has only other parts."""
NAMED = 8
"""Most parts that are named; others are counted."""


class PartFilter:
    """Selects the requested parts of a folder: option to value; ``all`` and ``both`` select every part."""

    def __init__(self, asked: Mapping[str, str]) -> None:
        self._asked = asked
        self._others: Counter[str] = Counter()
        self._seen: dict[str, Counter[str]] = {}
        self._there: set[str] = set()

    def accepts(self, tree: FolderWalk, path: Path, subject: str, **part: str) -> bool:
        """Whether a recording of a subject belongs to a requested part; if not, that is noted in ``tree``.

        ``part`` is each option with the value that would select it.
        """
        other = self.options_for(subject, **part)
        if other:
            tree.skip(path, NOT_ASKED, other)
        else:
            self._there.add(subject)
        return not other

    def options_for(self, subject: str, **part: str) -> str:
        """The options that would select a part; empty if it is selected."""
        differing = {k: v for k, v in part.items() if self._asked[k] not in (*EVERY, v)}
        if not differing:
            return ""
        how = " ".join(f"--set {option}={value}" for option, value in differing.items())
        self._others[how] += 1
        self._seen.setdefault(subject, Counter())[how] += 1
        return how

    def check(self, tree: FolderWalk, root: Path, title: str) -> None:
        """Check that a requested part exists, and note subjects who have only other parts.

        Raises:
            DatasetError: There are other parts, but no requested one.
        """
        if self._others and not self._there:
            asked = ", ".join(
                f"{option}={value}" for option, value in self._asked.items() if value not in EVERY
            )
            there = [how.replace("--set ", "") for how, _ in self._others.most_common()]
            raise DatasetError(
                f"{root} holds {title}, but none with {asked}: there is {first_few(there, NAMED)}",
                f"choose with {self._others.most_common(1)[0][0]}",
            )
        for subject, others in self._seen.items():
            if subject not in self._there:
                tree.skip(Path(subject), WITHOUT, f"there is {first_few(sorted(others), NAMED)}")
