"""Common mistakes in a model's output: another value range, another order of channels, inverted values.

The first few clips are compared with their inputs, before the others are made. A *mistake* is
a map of pictures in [-1, 1], such as x → (x + 1) / 2 for output in [0, 1]. A clip y is made with a
mistake m where it is much nearer to m(x) than to the input x, each distance in the variance of the picture it
is a distance from, so that neither loses by contrast:

    d(y, m) = |y - m(x)|² / (n var m(x)),   d(y, m) ≤ 0.6 d(y, identity)  and  d(y, m) ≤ 0.6

On FEVSynth, of all shipped models and controls, good and bad, the nearest of all mistakes has a ratio of
0.98 or more; with a mistake made on purpose it is 0.00 to 0.53 for those that show the input's face. A clip
without contrast has d ≥ 1 from every picture with some, and one that regresses to the mean has d = 1 from
x / 2, so neither is taken for a mistake, however bad it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.data.clip import Frames

Floats = NDArray[np.floating[Any]]
FEW = 4
"""Number of clips that are compared."""
NEARER = 0.6
"""The factor of both conditions above."""
ALONG = (0.75, 1.25)
"""Range on the line from the input (0) to the input with the mistake (1) where clips with it lie."""
TELLING = 0.02
"""Least change by a mistake, as a part of a picture's variance, that can be recognised."""
FACES = 3
"""Inputs that must agree on an order of channels; fewer may agree by chance."""
DARK = -0.01
"""Values below this are below 0 even after rounding."""

ORDER = "with channels in the order"

RANGES: dict[str, Callable[[Floats], Floats]] = {
    "": lambda x: x,
    "in [0, 1]": lambda x: (x + 1) / 2,
    "in [-0.5, 0.5]": lambda x: x / 2,
    "in [0, 0.5]": lambda x: (x + 1) / 4,
    "in [0.5, 1], from [-1, 1] to [0, 1] twice": lambda x: (x + 3) / 4,
    "as 2x - 1 of values in [-1, 1]": lambda x: np.clip(2 * x - 1, -1, 1),
    "in [0, 2]": lambda x: x + 1,
    "in [-1, 1] divided by 255": lambda x: x / 255,
    "in [0, 1] divided by 255": lambda x: (x + 1) / 510,
    "inverted": lambda x: -x,
    "in [0, 1] and inverted": lambda x: (1 - x) / 2,
}
"""Name of a range to its map from pixels in [-1, 1]."""
TURNS: dict[str, Callable[[Floats], Floats]] = {
    "upside down": lambda x: x[::-1],
    "mirrored": lambda x: x[:, ::-1],
    "upside down and mirrored": lambda x: x[::-1, ::-1],
    "with height and width exchanged": lambda x: np.swapaxes(x, 0, 1),
}


def as_values(pixels: Frames) -> Floats:
    """``uint8`` pixels as values in [-1, 1]."""
    return pixels.astype(np.float64) / 127.5 - 1


@dataclass
class _Distances:
    """Sums over clips: distances from the input and from its mistaken copy, and position between them."""

    plain: list[float] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)
    along: float = 0.0
    apart: float = 0.0

    def add(self, plain: float, wrong: float, along: float, apart: float) -> None:
        """Add a clip's distances."""
        self.plain.append(plain)
        self.wrong.append(wrong)
        self.along += along
        self.apart += apart

    @property
    def is_made(self) -> bool:
        """Whether this mistake was made, by the module's definition, for each clip and for all together."""
        plain, wrong = sum(self.plain), sum(self.wrong)
        return (
            wrong <= NEARER * min(plain, len(self.wrong))
            and all(w < p for w, p in zip(self.wrong, self.plain, strict=True))
            and ALONG[0] <= self.along / self.apart <= ALONG[1]
        )


class FirstClips:
    """Comparison of the first few clips with their inputs."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], _Distances] = {}
        self._clips: list[bytes] = []
        self._faces: list[bytes] = []
        self._lowest, self._highest = np.inf, -np.inf
        self._dark = self._dark_faces = 0.0

    def add(self, face: Floats, clip: Frames, values: Floats | None) -> None:
        """Add a clip.

        Args:
            face: The input, ``float[H, W, 3]`` in [-1, 1].
            clip: The made clip, ``uint8[T, H, W, 3]``.
            values: The model's output, ``float[T, H, W, 3]``, if it is still known.
        """
        kept = as_values(clip)
        values = kept if values is None else values.astype(np.float64)
        self._faces.append(face.tobytes())
        self._clips.append(clip.tobytes())
        self._lowest, self._highest = min(self._lowest, kept.min()), max(self._highest, kept.max())
        self._dark += float((kept < DARK).mean())
        self._dark_faces += float((face < DARK).mean())
        x = face.reshape(-1, 3).astype(np.float64)
        pictures = [(words, change(x), True) for words, change in RANGES.items()]
        turned = ((words, turn(face)) for words, turn in TURNS.items())
        pictures += [(words, z.reshape(-1, 3), False) for words, z in turned if z.shape == face.shape]
        for which, frames in (("the first frames", values[:1]), ("the later frames", values[1:])):
            if len(frames):
                self._compare(which, x, frames.reshape(len(frames), -1, 3), pictures)

    def _compare(
        self, which: str, x: Floats, frames: Floats, pictures: list[tuple[str, Floats, bool]]
    ) -> None:
        """Add a clip's distances from its input and from each mistaken copy, by sums over channels."""
        count, total, squares = len(frames), frames.sum(axis=0), float((frames**2).sum())
        own, own_total = float((x**2).sum()), float((x * total).sum())
        plain = _distance(squares, own_total, own, x, count)
        for words, other, reorders in pictures:
            with_total, with_face, size = total.T @ other, x.T @ other, float((other**2).sum())
            for order in itertools.permutations(range(3)) if reorders else [(0, 1, 2)]:
                name = _name(words, order)
                met, shared = (float(m[range(3), order].sum()) for m in (with_total, with_face))
                step = size - 2 * shared + own
                if name and step > TELLING * x.size * float(x.var()):
                    wrong = _distance(squares, met, size, other, count)
                    along = met - own_total - count * (shared - own)
                    sums = self._found.setdefault((which, name), _Distances())
                    sums.add(plain, wrong, along, count * step)

    def mistake(self) -> str:
        """The mistake, in words; empty if none is recognised."""
        made = {key: sums for key, sums in self._found.items() if self._is_visible(sums) and sums.is_made}
        if len(set(self._faces)) < FACES:
            made = {key: sums for key, sums in made.items() if ORDER not in key[1]}
        if made:
            which, name = min(made, key=lambda key: sum(made[key].wrong))
            sums, count = made[which, name], len(self._clips)
            near, far = sum(sums.wrong) / count, sum(sums.plain) / count
            return f"{which} show the input {name} (distance {near:.2g}, as it is {far:.2g})"
        if self._never_dark and self._lowest <= 0.2 and self._highest >= 0.5:
            return (
                f"they hold values of {self._lowest:.2g} to {self._highest:.2g}, none below 0, as in [0, 1]"
            )
        return ""

    def notes(self) -> Iterator[str]:
        """Yield what is unusual but proves no mistake."""
        count = len(self._clips)
        if count > 1 and len(set(self._faces)) > 1 and len(set(self._clips)) == 1:
            yield f"the first {count} clips are all the same, whatever the face and the label"
        if self._never_dark:
            yield f"the first {count} clips hold no value below 0: are they meant to be in [-1, 1]?"

    def _is_visible(self, sums: _Distances) -> bool:
        """Whether a mistake would be visible in these pictures, and the clips differ from their inputs."""
        count = len(self._clips)
        return len(sums.plain) == count and sums.apart > 0 and sum(sums.plain) / count > TELLING

    @property
    def _never_dark(self) -> bool:
        """Whether no value is below 0, although some inputs have such values and the clips have contrast."""
        count = max(len(self._clips), 1)
        dark, faces = self._dark / count, self._dark_faces / count
        return dark < 0.001 and faces > 0.05 and self._highest - self._lowest > 0.05


def _distance(squares: float, met: float, size: float, picture: Floats, count: int) -> float:
    """Distance of ``count`` frames from a picture, ``float[N, 3]``, in units of its variance."""
    spread = count * len(picture) * float(picture.var(axis=0).sum())
    return max(squares - 2 * met + count * size, 0.0) / max(spread, 1e-12)


def _name(words: str, order: tuple[int, ...]) -> str:
    """The name of a mistake; empty for none."""
    letters = "".join("RGB"[i] for i in order)
    channels = "" if letters == "RGB" else f"{ORDER} {letters}"
    return " and ".join(filter(None, (words, channels)))
