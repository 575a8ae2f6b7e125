"""Names as file names: untrusted text never chooses where something is written."""

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
"""Names with a meaning on Windows or on the site."""


class Slugs:
    """Unique file names for names; the first of two equal ones keeps it."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        """The slug of a name, the same at every call.

        Lower-case ASCII letters, digits, dots and dashes; it starts and ends with a letter or digit.
        """
        if name not in self._of:
            self._of[name] = self.new(name)
        return self._of[name]

    def new(self, name: str) -> str:
        """A new slug, even if this name already has one."""
        stem = slug = plain(name)
        count = 1
        while slug in self._taken:
            count += 1
            slug = f"{stem}-{count}"
        self._taken.add(slug)
        return slug


def plain(name: str) -> str:
    """A name as a slug, which need not be unique."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"\.{2,}", ".", re.sub(r"[^a-z0-9.]+", "-", letters))[:LONGEST].strip("-.")
    return f"{slug or 'x'}-x" if not slug or slug.partition(".")[0] in RESERVED else slug
