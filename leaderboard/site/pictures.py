"""Pictures in model cards: files of this checkout, copied into the site; none is loaded from elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from PIL import Image, UnidentifiedImageError

import fevbench
from leaderboard.site.slugs import Slugs

FOLDER = "pictures"
CHECKOUT = Path(fevbench.__file__).resolve().parents[1]
"""The checkout; no picture is read outside of it, or if fevbench is an installed package."""
KINDS = {"PNG": ".png", "JPEG": ".jpg", "GIF": ".gif"}
"""Allowed kinds of pictures, by content and not by name: no SVG, which may hold scripts."""
LARGEST = 2_000_000
"""Bytes of one picture."""


@dataclass(frozen=True)
class Picture:
    """A picture on the site: its path from the site's folder, and its size in pixels."""

    path: str
    width: int
    height: int


class Pictures:
    """The pictures of all cards, each once; they must lie in the checkout."""

    def __init__(self, checkout: Path = CHECKOUT) -> None:
        self._checkout = checkout.resolve()
        self._slugs = Slugs()
        self._known: dict[Path, Picture | None] = {}

    def of(self, card: Path, target: str) -> Picture | None:
        """The picture that a card names by its path from there; None unless a small one of the checkout."""
        try:
            file = (card.parent / unquote(target)).resolve()
            if file not in self._known:
                self._known[file] = self._read(file)
        except (OSError, ValueError, RuntimeError):  # an address, too long a path, a loop of links
            return None
        return self._known[file]

    def _read(self, file: Path) -> Picture | None:
        ours = file.is_relative_to(self._checkout) and (self._checkout / "pyproject.toml").is_file()
        if not ours or not file.is_file() or file.stat().st_size > LARGEST:
            return None
        try:
            with Image.open(file, formats=tuple(KINDS)) as image:
                suffix = KINDS[str(image.format)]
                width, height = image.size
        except UnidentifiedImageError:
            return None
        return Picture(f"{FOLDER}/{self._slugs.new(file.stem)}{suffix}", width, height)

    def copy(self, site: Path) -> Iterator[Path]:
        """Copy all requested pictures into the site, unchanged: encoders of two machines differ."""
        for file, picture in self._known.items():
            if picture is not None:
                target = site / picture.path
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(file, target)
                yield target
