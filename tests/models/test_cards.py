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
    "fevgan/card.md": fevgan.config.PRESETS,
    "fevgan/warp-card.md": fevgan.config.WARP_PRESETS,
    "baselines/imaginator/card.md": baselines.imaginator.config.PRESETS,
    "baselines/g3an/card.md": baselines.g3an.config.PRESETS,
    "baselines/mocogan/card.md": baselines.mocogan.config.IMAGE_TO_VIDEO_PRESETS,  # with two fields more
    "baselines/vgan/card.md": baselines.vgan.config.PRESETS,
    "baselines/tgan/card.md": baselines.tgan.config.PRESETS,
}
"""A card to the configurations it is about, the one it shows first."""


def shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("card", CARDS)
def test_the_card_names_every_choice_and_who_made_it(card: str) -> None:
    rows = (ROOT / card).read_text(encoding="utf-8").splitlines()
    default, published = next(iter(CARDS[card].values())), CARDS[card].get("published")
    for field in fields(default):
        name, metadata = field.name, field.metadata
        row = f"| `{name}` | {shown(getattr(default, name))} | {metadata['provenance']} | {metadata['why']} |"
        if published is not None:
            row += f" {shown(getattr(published, name))} |"
        assert row in rows, name
    named = [row.split("`")[1] for row in rows if row.startswith("| `") and row.count(" | ") >= 3]
    assert set(named) == {field.name for field in fields(default)}, "it names what there is no more"


@pytest.mark.parametrize("path", [path for path in CARDS if path.startswith("baselines")])
def test_the_card_says_what_was_adapted_and_whether_weights_are_here(path: str) -> None:
    card = (ROOT / path).read_text(encoding="utf-8")
    assert card.count("\n## Adapted\n") == 1
    shipped = list((ROOT / path).parent.glob("weights/*.safetensors"))
    assert ("| weights | **none are shipped yet**" in card) == (not shipped)
