"""Building a model, and saying what it was built of."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fevbench.data.clip import Dataset
from fevbench.data.corpus import Corpus
from fevbench.data.datasets import SPLITS
from fevbench.errors import ModelError
from fevbench.hashing import sha256_of
from fevbench.models import parts
from fevbench.models.attributes import notes_of
from fevbench.models.found import FoundModel
from fevbench.models.protocol import ClipSource, ModelSpec, VideoModel
from fevbench.models.reads import Reads
from fevbench.models.sources import is_installed, texts
from fevbench.models.surroundings import ask
from fevbench.progress import Progress


@dataclass(frozen=True)
class BuiltModel:
    """A model that can be asked for clips.

    Attributes:
        found: Where it came from.
        model: What makes the clips.
        fingerprint: The sha256 of the code it is made of, of the files that were opened while it was loaded
            and built, and of the parameters and buffers of its networks.
        files: These files.
        unseen: What it used of which nobody can tell whether it changed.
    """

    found: FoundModel
    model: VideoModel | ClipSource
    fingerprint: str
    files: tuple[Path, ...] = ()
    unseen: tuple[str, ...] = ()


def build(found: FoundModel, corpus: Corpus, device: str, progress: Progress) -> BuiltModel:
    """Build a model for the clips of a corpus.

    The global sources of random numbers start from the same seed every time, so that a network that is not
    loaded but drawn is the same in the next session.

    Raises:
        ModelError: It cannot be built, can do nothing, or says something of itself that cannot be.
    """
    how = corpus.protocol
    spec = ModelSpec(how.frames, how.size, corpus.dataset.labels, device, corpus, progress)
    seed_globals(0)
    reads = Reads()
    if found.whole:
        model = ask(found.name, found.surroundings, "could not be built", lambda: found.factory(spec))
    else:
        with reads:
            model = ask(found.name, found.surroundings, "could not be built", lambda: found.factory(spec))
    if not isinstance(model, VideoModel | ClipSource):
        raise ModelError(
            f"model {found.name} has no generate method",
            "give it one: generate(self, images, labels, generator)",
        )
    notes_of(model, found.name)
    if found.whole:
        return BuiltModel(found, model, found.fingerprint)
    unseen = tuple(dict.fromkeys((*found.unseen, *reads.unseen)))
    files = _files(found, model, reads, corpus.dataset)
    return BuiltModel(found, model, _fingerprint(found, model, files), files, unseen)


def seed_globals(seed: int) -> None:
    """Seed what a model may draw from instead of its generator, so that it repeats all the same."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - models in the wild use the legacy generator
    torch.manual_seed(seed)


def of_the_data(dataset: Dataset, files: tuple[Path, ...]) -> set[Path]:
    """Which of some files are clips of a data set, whose version says what they are."""
    if not files:
        return set()
    clips = {clip.path.absolute() for split in SPLITS for clip in dataset.clips(split)}
    return {file for file in files if file in clips or not clips.isdisjoint(file.parents)}


def _files(found: FoundModel, model: object, reads: Reads, dataset: Dataset) -> tuple[Path, ...]:
    """What a model was read from, code included."""
    opened = (*found.files, *reads.files)
    code = [file for file in opened if file.suffix == ".py" and not is_installed(file)]
    folders = [found.surroundings.folder, *{file.parent for file in code}]
    holders = [*found.globals(), model, [text for file in code for text in texts(file)]]
    named = parts.named_files(holders, folders)
    whole = tuple(dict.fromkeys((*opened, *named)))
    given = of_the_data(dataset, whole)
    return tuple(file for file in whole if file not in given)


def _fingerprint(found: FoundModel, model: object, files: tuple[Path, ...]) -> str:
    """Names count without the folders they are in, so that a project can be moved."""
    whole = hashlib.sha256(found.fingerprint.encode())
    try:
        hashes = sorted({(file.name, sha256_of(file)) for file in files if file.is_file()})
    except OSError as error:
        raise ModelError(
            f"{error.filename}, which model {found.name} opened, cannot be read ({error.strerror})",
            "repeat the command",
        ) from error
    whole.update(repr(hashes).encode())
    whole.update(parts.digest([*found.globals(), model]).encode())
    return whole.hexdigest()
