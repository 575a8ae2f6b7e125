"""The generators that come with the baselines: what they are, what their cards say, what they do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from narrow_baselines import METHODS, MODELS

from fevbench.data.clip import EXPRESSIONS
from fevbench.data.corpus import Corpus
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import protocols
from fevbench.data.tensors import to_tensor
from fevbench.extractors.pixels import ssim_per_frame
from fevbench.fevsynth import VERSION
from fevbench.models.protocol import ModelSpec
from fevbench.training.config import from_fields
from fevbench.training.export import read_exported

ROOT = Path(__file__).parents[2]
CLIPS_SEEN = 48_000
"""Under the regime that all methods share."""
AT_MOST = 8e6
"""Bytes."""


@pytest.mark.parametrize("name", MODELS)
def test_it_is_one_configuration_on_the_common_budget(name: str) -> None:
    path = MODELS[name].weights
    about = read_exported(path, name).about
    default = METHODS[name].configs["fevsynth-64x16"]
    assert path.stat().st_size <= AT_MOST
    assert from_fields(type(default), about["config"]) == default
    assert tuple(about["labels"]) == EXPRESSIONS
    assert about["dataset"] == f"fevsynth {VERSION}"
    assert about["step"] * about["config"]["batch_size"] == CLIPS_SEEN


@pytest.mark.parametrize("name", MODELS)
def test_the_card_tells_its_steps_and_seed(name: str) -> None:
    about = read_exported(MODELS[name].weights, name).about
    folder = MODELS[name].weights.parents[1]
    card = (folder / "card.md").read_text(encoding="utf-8")
    words = f"{about['step']} steps of {about['config']['batch_size']} clips ({CLIPS_SEEN:,} clips), seed"
    assert f"{words} {about['seed']}" in card


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(open_dataset("fevsynth"), protocols.get("64x16"), "test", 12)


@pytest.mark.parametrize("name", MODELS)
def test_it_shows_the_input_and_heeds_the_label(corpus: Corpus, name: str) -> None:
    """Twelve faces of strangers: its first frames are nearer to their own input than to others'."""
    model = MODELS[name](ModelSpec(16, 64, EXPRESSIONS, "cpu", corpus))
    first = np.stack([corpus.frames(clip)[0] for clip in corpus.clips])
    labels = torch.arange(len(first)) % len(EXPRESSIONS)

    def clips(labels: torch.Tensor) -> np.ndarray:
        with torch.inference_mode():
            made = model.generate(to_tensor(first, "cpu"), labels, torch.Generator().manual_seed(0))
        return ((made + 1) * 127.5).round().byte().movedim(2, -1).numpy()

    made, other = clips(labels), clips((labels + 1) % len(EXPRESSIONS))
    # In grey levels; the label of G3AN hardly shows after so few clips: see its card.
    assert np.abs(made.astype(int) - other)[:, 1:].mean() > 0.1, "another label makes another clip"
    assert np.abs(np.diff(made.astype(int), axis=1)).mean() > 0.2, "it moves"
    if name == "mocogan":  # sees no face
        return
    own = ssim_per_frame(made[:, 0], first).mean()
    strangers = np.mean([ssim_per_frame(made[:, 0], np.roll(first, shift, 0)).mean() for shift in (1, 5)])
    assert own > strangers + 0.08
