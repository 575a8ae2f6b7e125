"""Asking a built model for clips, in the process it was built in; what it returns becomes plain arrays."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fevbench.data.clip import Clip, Frames
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import Protocol as Sampling
from fevbench.data.tensors import to_tensor
from fevbench.errors import ModelError
from fevbench.models.built import BuiltModel, networks, seed_globals
from fevbench.models.files import OpenedFiles
from fevbench.models.found import FoundModel, Model, flag, notes_of
from fevbench.models.plugin_environment import call_model, failed
from fevbench.models.protocol import ClipSource, VideoModel
from fevbench.wording import first_few

T = TypeVar("T")

TRAINS_OTHERWISE = (
    "Dropout", "BatchNorm", "InstanceNorm", "DropPath", "StochasticDepth", "RReLU", "SpectralNorm",
)  # fmt: skip
"""Parts of the names of modules that behave differently in training mode, such as by batch statistics."""
KINDS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@dataclass(frozen=True)
class Training:
    """Networks of a model that are in training mode.

    Attributes:
        names: The classes of their modules.
        known: Those of them that are known to behave differently in training.
        is_meant: Whether the model declares training mode as intended.
    """

    names: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    is_intended: bool = False


class Maker(Protocol):
    """Makes the clips of a run, in this process (`LocalMaker`) or in another one (`ModelProcess`).

    Attributes:
        fingerprint: The sha256 of its code, files and weights.
        files: The files that were opened while it was loaded and built.
        untracked: What it used that fevbench cannot check for changes.
        looks_up: Whether it finds clips instead of generating them.
        source: The model, if it is in this process.
    """

    found: FoundModel
    fingerprint: str
    files: tuple[Path, ...]
    untracked: tuple[str, ...]
    looks_up: bool
    source: Model | None

    @property
    def opened_files(self) -> tuple[Path, ...]:
        """The files that the model opened while it made clips."""

    def notes(self) -> list[str]:
        """Notes for the reader of the result.

        Raises:
            ModelError: The model's notes are not a list of texts.
        """

    def training(self) -> Training:
        """Its networks in training mode, if that could change its clips."""

    def make(
        self, clips: Sequence[Clip], faces: Frames, seed: int, evaluating: bool = False
    ) -> Iterator[NDArray[Any]]:
        """Make clips in one call, and yield what the model returned for each.

        Args:
            clips: The clips; one, or a group of the model's ``batch``.
            faces: Their inputs, ``uint8[N, H, W, 3]``.
            seed: Of the generator.
            evaluating: Whether to put networks in training mode into evaluation mode for this call.

        Yields:
            ``float32[T, 3, H, W]`` from a model that generates, values not yet checked;
            ``uint8[T, H, W, 3]`` from one that finds clips.

        Raises:
            ModelError: The model fails, or returns another type or shape.
        """

    def close(self) -> None:
        """Free the model; it is not called again."""


class LocalMaker:
    """A built model in this process; see `Maker`."""

    def __init__(self, built: BuiltModel, corpus: Corpus, device: str) -> None:
        self.found, self.fingerprint = built.found, built.fingerprint
        self.files, self.untracked = built.files, built.untracked
        self.source: Model | None = built.model
        self.looks_up = isinstance(built.model, ClipSource)
        self._model = built.model
        self._corpus, self._device = corpus, device
        self.opened = OpenedFiles()

    @property
    def opened_files(self) -> tuple[Path, ...]:  # noqa: D102 - see `Maker`
        return self.opened.files

    def notes(self) -> list[str]:  # noqa: D102
        return notes_of(self._model, self.found.name)

    def training(self) -> Training:  # noqa: D102
        modules = self._in_training()
        if not modules:
            return Training()
        known = [one for one in modules if any(name in type(one).__name__ for name in TRAINS_OTHERWISE)]
        is_intended = flag(self._model, self.found.name, "training_mode")
        return Training(_classes(modules), _classes(known), is_intended)

    def make(  # noqa: D102
        self, clips: Sequence[Clip], faces: Frames, seed: int, evaluating: bool = False
    ) -> Iterator[NDArray[Any]]:
        asked, how = which([clip.id for clip in clips]), self._corpus.protocol
        model = self._model
        if isinstance(model, ClipSource):
            generator = torch.Generator().manual_seed(seed)
            (clip,) = clips
            frames = self._call(asked, seed, lambda: model.clip(clip, generator))
            return iter([check_frames(self.found.name, clip.id, frames, how)])
        images = to_tensor(faces, self._device)
        labels = torch.tensor(
            [self._corpus.dataset.labels.index(clip.label) for clip in clips], device=self._device
        )
        generator = torch.Generator(self._device).manual_seed(seed)

        def generate() -> torch.Tensor:
            # Not in inference mode: a model may ask for gradients, for guidance, with enable_grad.
            with torch.no_grad():
                return model.generate(images, labels, generator)

        with _evaluating(self._in_training() if evaluating else []):
            video = self._call(asked, seed, generate)
        wanted = (len(clips), how.frames, 3, how.size, how.size)
        return iter(as_array(self.found.name, asked, video, wanted))

    def close(self) -> None:  # noqa: D102
        pass

    def _call(self, asked: str, seed: int, work: Callable[[], T]) -> T:
        seed_globals(seed)
        listening = contextlib.nullcontext() if self.found.fingerprint_is_complete else self.opened
        with listening:
            return call_model(self.found.name, self.found.environment, f"failed on {asked}", work)

    def _in_training(self) -> list[nn.Module]:
        """The modules in training mode of all its networks; of models that come with fevbench none is."""
        if not isinstance(self._model, VideoModel) or self.found.fingerprint_is_complete:
            return []
        holders: list[object] = [*self.found.globals(), self._model]
        found = {id(one): one for network in networks(holders) for one in network.modules() if one.training}
        return list(found.values())


def which(ids: Sequence[str]) -> str:
    """The ids of clips, in words."""
    return f"clip{'s' * (len(ids) > 1)} {first_few(ids)}"


def check_frames(name: str, clip: str, frames: Any, how: Sampling) -> Frames:
    """Check that a clip that was found or read is ``uint8[T, H, W, 3]`` of the protocol's shape.

    Raises:
        ModelError: It is not.
    """
    wanted = (how.frames, how.size, how.size, 3)
    kind, shape = getattr(frames, "dtype", type(frames).__name__), getattr(frames, "shape", ())
    if not isinstance(frames, np.ndarray) or shape != wanted or kind != np.uint8:
        raise ModelError(
            f"{name}: clip {clip} is {kind}{list(shape)}, expected uint8{list(wanted)}",
            "delete it and repeat the command, or make it as the protocol says",
        )
    return frames


def as_array(name: str, clips: str, video: Any, wanted: tuple[int, ...]) -> NDArray[np.float32]:
    """A model's output as a plain array of float32 of shape ``wanted``; its values are not checked.

    ``clips`` are the ids of the clips, in words; ``video`` is a torch tensor or a NumPy array.

    Raises:
        ModelError: It has another type or shape.
    """
    try:
        tensor = _tensor(name, clips, video)
        if tuple(tensor.shape) != wanted:
            raise ModelError(
                f"model {name} returned shape {tuple(tensor.shape)} for {clips}, expected {wanted}",
                "return [B, T, 3, H, W] with ModelSpec.frames and ModelSpec.size",
            )
        array: NDArray[np.float32] = tensor.to(torch.float32).numpy(force=True)
        return array
    except ModelError:
        raise
    except Exception as error:  # tensors of other kinds may refuse any question
        raise failed(
            name, f"returned a {type(video).__name__} that cannot be read for {clips}", error
        ) from error


def _tensor(name: str, clips: str, video: Any) -> torch.Tensor:
    """The output as a dense tensor of floating-point numbers."""
    if isinstance(video, np.ma.MaskedArray):
        raise ModelError(f"model {name} returned a masked array for {clips}", "return all values")
    if isinstance(video, np.ndarray) and video.dtype.kind == "f":
        kind = video.dtype.newbyteorder("=") if video.dtype.itemsize <= 8 else np.dtype(np.float64)
        return torch.from_numpy(np.array(video, kind, order="C", subok=False))
    if not isinstance(video, torch.Tensor) or not video.is_floating_point():
        kind = getattr(video, "dtype", type(video).__name__)
        raise ModelError(f"model {name} returned {kind} for {clips}", "return a float tensor or NumPy array")
    special = [
        word
        for word, found in (
            ("nested", video.is_nested),
            (f"sparse ({video.layout})", video.layout != torch.strided),
            ("meta", video.is_meta),
            (str(video.dtype), video.dtype not in KINDS),
        )
        if found
    ]
    if special:
        raise ModelError(
            f"model {name} returned a tensor for {clips} that is {special[0]}",
            "return a dense tensor of float16, bfloat16, float32 or float64",
        )
    return video


def _classes(modules: Sequence[nn.Module]) -> tuple[str, ...]:
    return tuple(sorted({type(one).__name__ for one in modules}))


@contextlib.contextmanager
def _evaluating(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Put modules into evaluation mode for the block."""
    for one in modules:
        one.training = False
    try:
        yield
    finally:
        for one in modules:
            one.training = True
