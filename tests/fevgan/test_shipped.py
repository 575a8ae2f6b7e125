"""The generator that comes with the package does what its card says, on people it has not seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import Cli

from fevbench import weights
from fevbench.data.clip import EXPRESSIONS
from fevbench.fevsynth import VERSION
from fevbench.training.config import from_fields
from fevbench.training.export import read_exported
from fevgan.config import PRESETS, WARP_PRESETS, Config, WarpConfig
from fevgan.model import SHIPPED, SHIPPED_WARP, FEVGANWarp

ABOUT = read_exported(SHIPPED_WARP, "fev-gan-warp").about
CLIPS = 24


CARD = (Path(__file__).parents[2] / "fevgan" / "warp-card.md").read_text(encoding="utf-8")


def test_it_warps_and_was_trained_on_fevsynth() -> None:
    assert SHIPPED_WARP.stat().st_size <= 25e6
    assert from_fields(WarpConfig, ABOUT["config"]) == WARP_PRESETS["fevsynth-64x16"]
    assert tuple(ABOUT["labels"]) == EXPRESSIONS
    assert ABOUT["dataset"] == f"fevsynth {VERSION}"


@pytest.mark.skipif(not SHIPPED.exists(), reason="fev-gan has no weights yet")
def test_fev_gan_is_the_paper_like_form() -> None:
    about = read_exported(SHIPPED, "fev-gan").about
    assert about["model"] == "fev-gan"
    assert from_fields(Config, about["config"]) == PRESETS["paper"]
    assert tuple(about["labels"]) == EXPRESSIONS


def test_the_card_of_fev_gan_says_whether_weights_are_here() -> None:
    card = (Path(__file__).parents[2] / "fevgan" / "card.md").read_text(encoding="utf-8")
    assert ("| weights | **none are shipped yet**" in card) == (not SHIPPED.exists())


def test_the_card_tells_its_steps_and_seed() -> None:
    clips = ABOUT["step"] * ABOUT["config"]["batch_size"]
    assert f"{ABOUT['step']} steps of {ABOUT['config']['batch_size']} clips ({clips:,} clips)" in CARD
    assert f"seed {ABOUT['seed']}" in CARD


@pytest.mark.parametrize("name", sorted(ABOUT["config"]))
def test_the_card_tells_every_choice(name: str) -> None:
    value = ABOUT["config"][name]
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    assert f"| `{name}` | {shown} | " in CARD


@pytest.mark.weights
def test_it_performs_the_expression_and_keeps_the_person(cli: Cli, tmp_path: Path) -> None:
    """Twenty-four clips of test people: an order that holds by far, not the card's numbers."""
    for name in (*FEVGANWarp.networks, "w600k-mbf"):
        weights.require(name)
    found = {}
    for model in ("fev-gan-warp", "copy"):
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
    made, still = found["fev-gan-warp"], found["copy"]
    assert made["accuracy"] >= 0.9
    assert still["accuracy"] <= 0.4
    assert made["ssim"] > still["ssim"] + 0.01
    assert made["motion"] > 0.5
    assert made["face-rate"] == 1
