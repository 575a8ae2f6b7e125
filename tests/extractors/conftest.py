from pathlib import Path

import numpy as np
import pytest

from fevbench import weights
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import protocols
from fevbench.fevsynth.adapter import FEVSynth


class Pulled(dict[str, Path]):
    """The pretrained files by name; each is pulled, if it is not here, when it is asked for."""

    def __missing__(self, name: str) -> Path:
        self[name] = weights.require(name).path
        return self[name]


@pytest.fixture(scope="session")
def weight_paths() -> Pulled:
    return Pulled()


@pytest.fixture(scope="session")
def apexes() -> dict[str, np.ndarray]:
    """Label to ``uint8[48, 64, 64, 3]``: apexes of the test people; ``neutral``: their first frames."""
    dataset, protocol = FEVSynth(), protocols.get("64x16")
    corpus = Corpus(dataset, protocol, "test")
    clips = {label: [clip for clip in corpus.clips if clip.label == label] for label in dataset.labels}
    # The last frame will not do: some faces have relaxed again by then.
    at = {clip.id: -(-dataset.performance(clip).apex // protocol.stride) for clip in corpus.clips}
    faces = {
        label: np.stack([corpus.frames(clip)[at[clip.id]] for clip in of]) for label, of in clips.items()
    }
    return {**faces, "neutral": np.stack([corpus.frames(clip)[0] for clip in next(iter(clips.values()))])}
