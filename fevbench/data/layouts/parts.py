"""Parts of a data set, of which some are asked for: which there are, and who has none of those."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from fevbench.counts import some
from fevbench.data.layouts.tree import NOT_ASKED, Tree
from fevbench.errors import DatasetError

EVERY = ("all", "both")
"""Values of an option that ask for every part."""
WITHOUT = "person without the part asked for"
"""Why a person is not in the set of whom other parts are there."""
NAMED = 8
"""Parts that are named before they are counted."""


class Parts:
    """The parts that a folder holds, against what is asked for.

    Args:
        asked: Option to value; ``all`` and ``both`` ask for every part.
    """

    def __init__(self, asked: Mapping[str, str]) -> None:
        self._asked = asked
        self._others: Counter[str] = Counter()
        self._seen: dict[str, Counter[str]] = {}
        self._there: set[str] = set()

    def take(self, tree: Tree, path: Path, subject: str, **part: str) -> bool:
        """Whether a take is of a part that is asked for; if not, that is noted.

        Args:
            tree: What to note it in.
            path: The file.
            subject: Whose it is.
            part: Option to the value that would ask for it.
        """
        other = self.other(subject, **part)
        if other:
            tree.skip(path, NOT_ASKED, other)
        else:
            self._there.add(subject)
        return not other

    def other(self, subject: str, **part: str) -> str:
        """How to ask for a part that is not asked for, be it a take or a folder; empty for one that is."""
        differing = {k: v for k, v in part.items() if self._asked[k] not in (*EVERY, v)}
        if not differing:
            return ""
        how = " ".join(f"--set {option}={value}" for option, value in differing.items())
        self._others[how] += 1
        self._seen.setdefault(subject, Counter())[how] += 1
        return how

    def check(self, tree: Tree, root: Path, title: str) -> None:
        """See that something is asked for, and note who has other parts only.

        Raises:
            DatasetError: Other parts are there, but none that is asked for.
        """
        if self._others and not self._there:
            asked = ", ".join(
                f"{option}={value}" for option, value in self._asked.items() if value not in EVERY
            )
            there = [how.replace("--set ", "") for how, _ in self._others.most_common()]
            raise DatasetError(
                f"{root} holds {title}, but none with {asked}: there is {some(there, NAMED)}",
                f"choose with {self._others.most_common(1)[0][0]}",
            )
        for subject, others in self._seen.items():
            if subject not in self._there:
                tree.skip(Path(subject), WITHOUT, f"there is {some(sorted(others), NAMED)}")
