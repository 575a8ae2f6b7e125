"""From a photograph to rows of the page: its face, the clips of each model, and what is read in them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fevbench import weights
from fevbench.app.choice import Choice
from fevbench.data import show
from fevbench.data.clip import EXPRESSIONS, Frames
from fevbench.data.framing import cut_out, upright
from fevbench.data.protocol import find_protocol
from fevbench.errors import FevbenchError, WeightsError
from fevbench.extractors.base import CLASSES, Loader, Network, extractors
from fevbench.generate.clips import make_clips
from fevbench.generate.photograph import (
    DETECTOR,
    FPS,
    READER_SIZE,
    Photograph,
    choose_face,
    find_faces,
    notes_on_expression,
    notes_on_framing,
    photograph_protocol,
    read_photograph,
)
from fevbench.metrics.catalog import metrics
from fevbench.metrics.measurement import ClipView
from fevbench.models.apart import find_apart
from fevbench.progress import Silent
from fevbench.registry import load_target

CLASSIFIERS = {"fer": "fer-xception", "face-api": "face-api"}
"""What the page calls the independent classifiers, to their extractors."""
NEUTRALITY = "face-api"
"""Which of them says whether a photograph is neutral, as in ``fevbench generate``."""
CELL = 128
"""Pixels of a clip below which it is enlarged to be shown."""
NAME = "the photograph"
SEED = 0

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Face:
    """A framed face, ``uint8[S, S, 3]``, and what speaks against it."""

    still: Frames
    notes: list[str]


@dataclass(frozen=True)
class Reading:
    """What is measured of one clip.

    Attributes:
        csim: The metric of this name, in [-1, 1]; None where no face is found.
        read: Classifier to what it reads and how surely, in [0, 1]; one that finds no face is not there.
    """

    csim: float | None
    read: dict[str, tuple[str, float]]


@dataclass(frozen=True)
class Row:
    """A model's row.

    Attributes:
        model: Its name.
        clips: Expression to ``uint8[T, S, S, 3]``; empty where it failed.
        readings: Expression to what is measured of its clip.
        notes: What the model says of itself.
        error: Why it failed.
        rate: Frames per second of its clips.
    """

    model: str
    clips: dict[str, Frames] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: str = ""
    rate: float = 0.0

    @property
    def cells(self) -> dict[str, Frames]:
        """The clips as they are shown: small ones are enlarged."""
        return {
            label: show.enlarged(clip, max(1, CELL // clip.shape[1])) for label, clip in self.clips.items()
        }

    @cached_property
    def video(self) -> bytes:
        """The clips side by side, as an MP4. It is encoded once, as the table is drawn after every model."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "row.mp4"
            show.write_mp4(path, show.beside(list(self.cells.values())), self.rate)
            return path.read_bytes()


class Networks:
    """The networks that look at photographs and clips, loaded once.

    Args:
        device: The torch device.
        pull: Hears how downloads proceed.

    Attributes:
        device: The torch device.
        absent: Classifiers that cannot be had here, to the reason.

    Raises:
        WeightsError: The detector or the network of csim cannot be had.
    """

    def __init__(self, device: str, pull: weights.Progress | None = None) -> None:
        self.device = device
        self.absent: dict[str, str] = {}
        self._csim = metrics.get("csim")
        self._embed = self._loaded(self._csim.computation.extractor, pull)
        self._detector = weights.require(DETECTOR).path
        self._classifiers: dict[str, Network] = {}
        for name, extractor in CLASSIFIERS.items():
            try:
                self._classifiers[name] = self._loaded(extractor, pull)
            except WeightsError as error:
                self.absent[name] = error.what

    def _loaded(self, name: str, pull: weights.Progress | None) -> Network:
        extractor = extractors.get(name)
        local = weights.require_all(extractor.weights, progress=pull)
        loader = cast(Loader, load_target(extractor.load))
        return loader(self.device, {name: weight.path for name, weight in local.items()})

    def frame(self, path: Path, size: int) -> Face:
        """Find and frame the face of a photograph, as ``fevbench generate`` does.

        Raises:
            FevbenchError: It cannot be read, or shows no face.
        """
        try:
            picture = read_photograph(path)
        except FevbenchError as error:  # nobody knows the temporary file that the browser's photograph is in
            raise FevbenchError(error.what.replace(str(path), NAME), error.fix) from error
        found = find_faces(picture, self._detector)
        face, notes = choose_face(found, None, NAME, picture.shape, "crop it to choose another")
        placement = upright(face.points)
        notes += notes_on_framing(face.points, size, picture)
        if reason := self.absent.get(NEUTRALITY):
            notes.append(f"not checked whether the face is neutral ({reason})")
        else:
            read = self._classifiers[NEUTRALITY]
            notes += notes_on_expression(cut_out(picture, placement, READER_SIZE), read)
        return Face(cut_out(picture, placement, size), notes)

    def embed(self, still: Frames) -> Rows:
        """The embedding of a framed face ``uint8[S, S, 3]``, which `read` compares with."""
        return self._embed(still[None])

    def read(self, face: Rows, clip: Frames, label: str) -> Reading:
        """Measure the clip ``uint8[T, S, S, 3]`` that was made of a label and a face with this embedding."""
        scored = self._embed(clip)[self._csim.sampling.first_frame :]
        csim = self._csim.compute(ClipView(scored, face, label, NAME, EXPRESSIONS)).value
        read = {}
        for name, classify in self._classifiers.items():
            # The second half, as in the metrics of these classifiers: the apex of a clip is not known.
            half = classify(clip)[len(clip) // 2 :]
            if not np.isnan(half).all():
                shares = np.nanmean(half, axis=0)
                read[name] = CLASSES[int(shares.argmax())], float(shares.max())
        return Reading(csim, read)


@dataclass(frozen=True)
class Step:
    """What is begun now, and how many steps of how many are done."""

    text: str
    done: int
    total: int


def animate(still: Frames, choice: Choice, networks: Networks) -> Iterator[Step | Row]:
    """Yield the row of each model as soon as it is made, and each step on the way.

    A model that fails says so in its row.

    Args:
        still: The framed face, ``uint8[S, S, 3]``.
        choice: The models.
        networks: What looks at their clips.
    """
    protocol = photograph_protocol(find_protocol(None), len(still))
    rate, embedded = protocol.rate(FPS), networks.embed(still)
    steps, names = 1 + len(EXPRESSIONS), choice.shown
    for place, name in enumerate(names):
        notes, done = _Notes(), place * steps
        yield Step(f"{name}: makes {len(EXPRESSIONS)} clips", done, len(names) * steps)
        try:
            with find_apart(name) as found:
                face = Photograph(still, "face", EXPRESSIONS, FPS)
                clips = make_clips(found, face, protocol, SEED, networks.device, notes, choice.seconds)
        except FevbenchError as error:
            yield Row(name, error=str(error))
            continue
        readings = {}
        for i, (label, clip) in enumerate(clips.items()):
            yield Step(f"{name}: {label} is measured", done + 1 + i, len(names) * steps)
            readings[label] = networks.read(embedded, clip, label)
        yield Row(name, clips, readings, notes.texts, rate=rate)


class _Notes(Silent):
    """Keeps what is said of a model."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text.removeprefix("note: "))
