"""A model card names every choice, who made it, and what the paper's is, as the configuration has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import baselines.g3an.config
import baselines.imaginator.config
import baselines.mocogan.config
import baselines.tgan.config
import baselines.vgan.config
import fevgan.config

ROOT = Path(__file__).parents[2]
CARDS: Mapping[str, Mapping[str, Any]] = {
    "fevgan": fevgan.config.WARP_PRESETS,
    "baselines/imaginator": baselines.imaginator.config.PRESETS,
    "baselines/g3an": baselines.g3an.config.PRESETS,
    "baselines/mocogan": baselines.mocogan.config.IMAGE_TO_VIDEO_PRESETS,  # MoCoGAN's fields, and two more
    "baselines/vgan": baselines.vgan.config.PRESETS,
    "baselines/tgan": baselines.tgan.config.PRESETS,
}
"""The folder of a card to the configurations it is about, the one it shows first."""


def shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("folder", CARDS)
def test_the_card_names_every_choice_and_who_made_it(folder: str) -> None:
    rows = (ROOT / folder / "card.md").read_text(encoding="utf-8").splitlines()
    default, published = next(iter(CARDS[folder].values())), CARDS[folder].get("published")
    for field in fields(default):
        name, metadata = field.name, field.metadata
        row = f"| `{name}` | {shown(getattr(default, name))} | {metadata['provenance']} | {metadata['why']} |"
        if published is not None:
            row += f" {shown(getattr(published, name))} |"
        assert row in rows, name
    named = [row.split("`")[1] for row in rows if row.startswith("| `") and row.count(" | ") >= 3]
    assert set(named) == {field.name for field in fields(default)}, "it names what there is no more"


@pytest.mark.parametrize("folder", [folder for folder in CARDS if folder != "fevgan"])
def test_the_card_says_what_was_adapted_and_whether_weights_are_here(folder: str) -> None:
    card = (ROOT / folder / "card.md").read_text(encoding="utf-8")
    assert card.count("\n## Adapted\n") == 1
    shipped = list((ROOT / folder / "weights").glob("*.safetensors"))
    assert ("| weights | **none are shipped yet**" in card) == (not shipped)
