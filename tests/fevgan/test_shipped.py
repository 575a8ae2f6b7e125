"""The generator that comes with the package does what its card says, on people it has not seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import Cli

from fevbench import weights
from fevbench.data.clip import EXPRESSIONS
from fevbench.data.fevsynth import VERSION
from fevbench.training.config import from_fields
from fevbench.training.export import read_exported
from fevgan.config import WARP_PRESETS, WarpConfig
from fevgan.model import FEVGAN, SHIPPED

ABOUT = read_exported(SHIPPED, "fev-gan").about
CLIPS = 24


def test_it_is_the_default_configuration_trained_on_fevsynth() -> None:
    assert SHIPPED.stat().st_size <= 25e6
    assert from_fields(WarpConfig, ABOUT["config"]) == WARP_PRESETS["fevsynth-64x16"]
    assert tuple(ABOUT["labels"]) == EXPRESSIONS
    assert ABOUT["dataset"] == f"fevsynth {VERSION}"


def test_the_card_tells_its_steps_and_seed() -> None:
    card = (Path(__file__).parents[2] / "fevgan" / "card.md").read_text(encoding="utf-8")
    clips = ABOUT["step"] * ABOUT["config"]["batch_size"]
    assert f"{ABOUT['step']} steps of {ABOUT['config']['batch_size']} clips ({clips:,} clips)" in card
    assert f"seed {ABOUT['seed']}" in card


@pytest.mark.weights
def test_it_performs_the_expression_and_keeps_the_person(cli: Cli, tmp_path: Path) -> None:
    """Twenty-four clips of test people: an order that holds by far, not the card's numbers."""
    for name in (*FEVGAN.networks, "w600k-mbf"):
        weights.require(name)
    found = {}
    for model in ("fev-gan", "copy"):
        wanted = ("--metrics", "accuracy,ssim,motion,face-rate", "--limit", str(CLIPS))
        outcome = cli(
            "run",
            model,
            "fevsynth",
            *wanted,
            "--out",
            tmp_path / model,
            "--device",
            "cpu",
            "--format",
            "json",
        )
        assert outcome.code == 0, outcome
        found[model] = {name: metric["value"] for name, metric in outcome.result["metrics"].items()}
    made, still = found["fev-gan"], found["copy"]
    assert made["accuracy"] >= 0.9
    assert still["accuracy"] <= 0.4
    assert made["ssim"] > still["ssim"] + 0.01
    assert made["motion"] > 0.5
    assert made["face-rate"] == 1
