"""Names become names of files: other people's words never choose where something is written."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 60
RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    "index",
    *(f"{port}{i}" for port in ("com", "lpt") for i in range(10)),
}
"""What Windows, or the site itself, means by a name."""


class Slugs:
    """Names of files for names, each its own; the first of two that would share one keeps it."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        """The slug of a name, the same whenever it is asked for.

        Returns:
            Lower-case ASCII letters, digits, dots and dashes; it starts and ends with a letter or digit.
        """
        if name not in self._of:
            self._of[name] = self.new(name)
        return self._of[name]

    def new(self, name: str) -> str:
        """A slug that nobody has yet, this name included."""
        stem = slug = plain(name)
        count = 1
        while slug in self._taken:
            count += 1
            slug = f"{stem}-{count}"
        self._taken.add(slug)
        return slug


def plain(name: str) -> str:
    """A name as a slug, whoever else has it."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"\.{2,}", ".", re.sub(r"[^a-z0-9.]+", "-", letters))[:LONGEST].strip("-.")
    return f"{slug or 'x'}-x" if not slug or slug.partition(".")[0] in RESERVED else slug
