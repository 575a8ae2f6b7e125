"""BRISQUE (Mittal, Moorthy and Bovik, IEEE TIP 2012): how unlike a clean photograph a single frame is.

A frame is described by 36 statistics of its locally normalised grey levels, 18 at its own size and 18 at half
of it. A support vector regression, trained on opinion scores of distorted photographs, turns them into one
number. Every convention is that of the package ``brisque`` 0.2.0, which carries the weights
(docs/metrics.md).
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fevbench.errors import WeightsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

    Floats = NDArray[np.float64]

LEAST_SIZE = 32
"""Height and width below which a frame has no value: at half of it, most windows of 7 pixels would see the
border."""
FLAT = 100.0
"""The value of a frame of one grey level, which has no statistics: the worst end of the opinion scores."""
GREY = (0.2125, 0.7154, 0.0721)
"""Weights of red, green and blue."""
SIGMA, RADIUS = 7 / 6, 3
WINDOW = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * SIGMA**2))
WINDOW /= WINDOW.sum()
"""The Gaussian of local means and deviations, along one axis."""
C = 1.0
"""Added to a deviation, of grey levels from 0 to 255."""
ROUNDING = 1e-9
"""A smaller normalised level is 0: in flat areas it would be an error of rounding, and its sign counts."""
FEATURES = 36


class Brisque:
    """Frames ``uint8[N, H, W, 3]`` to ``float64[N, 1]``.

    About 0 is a clean photograph and 100 the worst; values beyond both are possible. NaN where a frame is
    smaller than `LEAST_SIZE`.

    Args:
        device: Ignored; the CPU computes it.
        weights: Paths of ``brisque-svr`` and ``brisque-ranges``.
    """

    def __init__(self, device: str, weights: Mapping[str, Path]) -> None:
        self._regression = read_regression(weights["brisque-svr"], weights["brisque-ranges"])

    def __call__(self, batch: Frames) -> Floats:
        """The rows of a batch of frames."""
        if min(batch.shape[1:3]) < LEAST_SIZE:
            return np.full((len(batch), 1), np.nan)
        rows = features(batch)
        values = np.full((len(batch), 1), FLAT)
        textured = np.isfinite(rows).all(axis=1)
        values[textured, 0] = self._regression.predict(rows[textured])
        return values


def features(batch: Frames) -> Floats:
    """The 36 statistics of each frame.

    Args:
        batch: ``uint8[N, H, W, 3]``.

    Returns:
        ``float64[N, 36]``: of the frame and of the frame at half its size, the shape and variance of the
        normalised levels; then, of products of neighbours along rows, columns and both diagonals, the shape,
        mean, left and right variance. NaN for a frame of one grey level.
    """
    import cv2

    red, green, blue = np.moveaxis(batch.astype(np.float64), -1, 0)
    grey = GREY[0] * red + GREY[1] * green + GREY[2] * blue
    halves = [cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC) for frame in grey]
    rows: Floats = np.concatenate([_of_scale(grey), _of_scale(np.stack(halves))], axis=1)
    rows[np.ptp(grey, axis=(1, 2)) < ROUNDING] = np.nan
    return rows


def normalised(grey: Floats) -> Floats:
    """(x - local mean) / (local deviation + C) of ``float64[N, H, W]`` from 0 to 255 (equations 1 to 3)."""
    mean = _blurred(grey)
    deviation = np.sqrt(np.abs(_blurred(grey**2) - mean**2))
    field: Floats = (grey - mean) / (deviation + C)
    field[np.abs(field) < ROUNDING] = 0.0
    return field


def fit(x: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Asymmetric generalised Gaussians, by their moments (Lasmar, Stitou and Berthoumieu, ICIP 2009).

    The shape solves Γ(2/a)² / (Γ(1/a) Γ(3/a)) = R. It is found in a table from 0.2 to 10 in steps of 0.001,
    interpolated linearly; beyond its ends, it is the end.

    Args:
        x: ``float64[N, M]``.

    Returns:
        ``float64[N]`` each: shape, mean, left and right variance; NaN where all of ``x`` is 0.
    """
    squares, left = x * x, x < 0
    of_left = left.sum(axis=1)
    variances = [
        np.where(side, squares, 0.0).sum(axis=1) / np.maximum(count, 1)
        for side, count in ((left, of_left), (~left, x.shape[1] - of_left))
    ]
    low, high = np.sqrt(variances)
    with np.errstate(invalid="ignore"):
        ratio = np.abs(x).mean(axis=1) ** 2 / squares.mean(axis=1)
        ratio *= (low**3 + high**3) * (low + high) / (low**2 + high**2) ** 2
    shapes, ratios = _shapes()
    ratio = np.clip(ratio, ratios[0], ratios[-1])
    return np.interp(ratio, ratios, shapes), (high - low) * np.sqrt(ratio), variances[0], variances[1]


@dataclass(frozen=True)
class Regression:
    """A support vector regression with a Gaussian kernel.

    Attributes:
        gamma: Of the kernel exp(-gamma |x - v|²).
        rho: What is subtracted from the sum.
        coefficients: ``float64[K]``.
        vectors: ``float64[K, 36]``, the support vectors.
        least: ``float64[36]``, features that become -1.
        most: ``float64[36]``, features that become 1.
    """

    gamma: float
    rho: float
    coefficients: Floats
    vectors: Floats
    least: Floats
    most: Floats

    def predict(self, rows: Floats) -> Floats:
        """The values ``float64[N]`` of features ``float64[N, 36]``; nothing is clamped."""
        scaled = -1 + 2 * (rows - self.least) / (self.most - self.least)
        distances = ((scaled[:, None] - self.vectors) ** 2).sum(axis=2)
        values: Floats = (self.coefficients * np.exp(-self.gamma * distances)).sum(axis=1) - self.rho
        return values


def read_regression(svr: Path, ranges: Path) -> Regression:
    """The regression of a libsvm file, and the ranges of its features.

    Raises:
        WeightsError: A file holds something else.
    """
    path = svr
    try:
        head, _, body = svr.read_text(encoding="ascii").partition("\nSV\n")
        says = dict(line.split(maxsplit=1) for line in head.splitlines())
        if (says["svm_type"], says["kernel_type"]) != ("epsilon_svr", "rbf"):
            raise ValueError("another kind of support vector machine")
        gamma, rho = float(says["gamma"]), float(says["rho"])
        coefficients, vectors = _support_vectors(body, int(says["total_sv"]))
        path = ranges
        # A pickle can run any code: this one holds two lists of numbers, and may ask for nothing.
        with ranges.open("rb") as file:
            found = _PlainData(file).load()
        least, most = (np.array(found[name], np.float64).reshape(FEATURES) for name in ("min_", "max_"))
        return Regression(gamma, rho, coefficients, vectors, least, most)
    except (
        ArithmeticError,
        EOFError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        pickle.UnpicklingError,
    ) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(
            f"{path} does not hold BRISQUE ({reason})", "delete it and pull it again"
        ) from error


def _support_vectors(text: str, count: int) -> tuple[Floats, Floats]:
    """Coefficients ``float64[K]`` and vectors ``float64[K, 36]`` of libsvm's sparse lines."""
    lines = text.splitlines()
    if len(lines) != count:
        raise ValueError(f"{len(lines)} support vectors instead of {count}")
    coefficients, vectors = np.empty(count), np.zeros((count, FEATURES))
    for i, line in enumerate(lines):
        coefficient, *entries = line.split()
        coefficients[i] = float(coefficient)
        for entry in entries:
            place, value = entry.split(":")
            vectors[i, int(place) - 1] = float(value)
    return coefficients, vectors


class _PlainData(pickle.Unpickler):
    """Loads lists, dictionaries, texts and numbers; whatever else a pickle asks for is refused, never run."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


@cache
def _shapes() -> tuple[Floats, Floats]:
    """Shapes, and the ratio of moments of each, which grows with the shape: ``float64[9801]`` each."""
    shapes = np.linspace(0.2, 10, 9801)
    log = math.lgamma
    ratios = [math.exp(2 * log(2 / a) - log(1 / a) - log(3 / a)) for a in shapes.tolist()]
    return shapes, np.array(ratios)


def _of_scale(grey: Floats) -> Floats:
    """The 18 statistics of ``float64[N, H, W]``."""
    x = normalised(grey)
    shape, _, low, high = fit(x.reshape(len(x), -1))
    columns = [shape, (low + high) / 2]
    products = (
        x[:, :, :-1] * x[:, :, 1:],
        x[:, :-1] * x[:, 1:],
        x[:, :-1, :-1] * x[:, 1:, 1:],
        x[:, 1:, :-1] * x[:, :-1, 1:],
    )
    for product in products:
        columns += fit(product.reshape(len(x), -1))
    return np.stack(columns, axis=1)


def _blurred(fields: Floats) -> Floats:
    """Each of ``float64[N, H, W]`` filtered by the window; beyond the border there are zeros."""
    import cv2

    return np.stack([cv2.sepFilter2D(f, -1, WINDOW, WINDOW, borderType=cv2.BORDER_CONSTANT) for f in fields])
