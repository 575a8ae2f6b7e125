"""What a comparison of our numbers with another implementation's is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Numbers = Any
"""A number, or an array of numbers."""


@dataclass(frozen=True)
class Comparison:
    """One number, or some, by us and by somebody else on the same inputs.

    Attributes:
        kind: The table it belongs to.
        what: Which number.
        package: The distribution it is compared with; empty for a value that somebody published.
        inputs: Of what, how many, which seed.
        ours: Measures ours.
        theirs: Measures theirs.
        bound: The largest difference that is allowed.
        why: Why the difference is not 0; empty where it is rounding.
        least: The smallest difference that is expected: above 0 where the two are not the same definition.
        relative: Whether differences are parts of the largest of their numbers.
        weights: Whether it needs pretrained networks.
        slow: Whether it takes minutes.
    """

    kind: str
    what: str
    package: str
    inputs: str
    ours: Callable[[], Numbers]
    theirs: Callable[[], Numbers]
    bound: float
    why: str = ""
    least: float = 0.0
    relative: bool = True
    weights: bool = False
    slow: bool = False

    @property
    def id(self) -> str:
        """What a row is called."""
        return f"{self.what} | {self.package}"

    def difference(self, ours: Numbers, theirs: Numbers) -> float:
        """The largest difference of two numbers that belong together."""
        a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        if a.shape != b.shape:
            raise ValueError(f"{self.id}: shapes {a.shape} and {b.shape}")
        largest = float(np.abs(b).max()) if self.relative else 1.0
        return float(np.abs(a - b).max()) / largest
