"""What a model costs: counted right, measured in turns, refused where there is nothing to measure."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tiny import Cli

MODEL = '''
import torch
from fevbench import register_model




class Base:
    def __init__(self, spec):
        self.frames = spec.frames
        first = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Conv2d(3, 5, 3, padding=1)).eval()
        self.parts = {"first": [first], "again": first, "last": torch.nn.Conv2d(5, 3, 1, bias=False)}

    def generate(self, images, labels, generator):
        with open("asked.txt", "a") as file:
            file.write(f"{type(self).__name__} {len(images)}\\n")
        still = torch.tanh(self.parts["last"](self.parts["first"][0](images)))
        return still[:, None].repeat(1, self.frames, 1, 1, 1)


@register_model("one")
class One(Base):
    """One."""


@register_model("two")
class Two(Base):
    """Two."""
'''


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "two_models.py"
    file.write_text(MODEL, encoding="utf-8")
    return file


def test_parameters_and_operations_are_those_of_the_networks(cli: Cli, plugin: Path, tmp_path: Path) -> None:
    run = ("cost", "one", "two", "--dataset", "tiny", "--plugin", plugin, "--rounds", "3", "--device", "cpu")
    outcome = cli(*run, "--format", "json", "--out", tmp_path / "cost.json")
    assert outcome.code == 0, outcome
    table = outcome.result
    assert table == json.loads((tmp_path / "cost.json").read_text(encoding="utf-8"))
    assert table["protocol"] == "64x16@2"
    for cost in table["costs"]:
        assert cost["parameters"] == (3 * 9 + 1) * 5 + 5 * 3, "a network held twice is counted once"
        assert cost["flops"] == 2 * 64 * 64 * (3 * 9 * 5 + 5 * 3)
        for latency, batch in zip(cost["latencies"], (1, 16), strict=True):
            assert latency["batch"] == batch
            assert latency["rounds"] == 3
            assert 0 < latency["low"] <= latency["median"] <= latency["high"]


def test_models_take_turns_and_the_first_turn_is_not_timed(cli: Cli, plugin: Path) -> None:
    run = ("cost", "one", "two", "--dataset", "tiny", "--plugin", plugin, "--rounds", "2", "--device", "cpu")
    shown = cli(*run)
    assert shown.code == 0, shown
    asked = Path("asked.txt").read_text(encoding="utf-8").split("\n")[:12]
    assert asked == ["One 1", "Two 1"] * 3 + ["One 16", "Two 16"] * 3
    for head in ("parameters", "GFLOPs", "ms for 16", "clips/s", "[quartiles]"):
        assert head in shown.out.replace("\n", " ")
    assert max(map(len, shown.out.splitlines())) <= 160
    markdown = cli(*run, "--format", "md").out
    assert markdown.count("\n| ") == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a process takes at most")
def test_peak_memory_is_what_a_model_takes_whoever_was_measured_before(cli: Cli, plugin: Path) -> None:
    larger = """

@register_model("larger")
class Larger(Base):
    def __init__(self, spec):
        super().__init__(spec)
        self.kept = torch.ones(25_000_000)

    def generate(self, images, labels, generator):
        # Given back at once, but it was there.
        return super().generate(images, labels, generator) + 0 * torch.ones(25_000_000).sum()
"""
    with plugin.open("a", encoding="utf-8") as file:
        file.write(larger)
    run = ("cost", "larger", "one", "larger", "--dataset", "tiny", "--plugin", plugin, "--rounds", "2")
    outcome = cli(*run, "--device", "cpu", "--format", "json")
    assert outcome.code == 0, outcome
    first, small, again = (cost["peak_memory"] / 1e6 for cost in outcome.result["costs"])
    assert first - small == pytest.approx(200, abs=15)
    assert again == pytest.approx(first, abs=15)
    assert 0 < small < 100


def test_a_look_up_costs_nothing_that_could_be_measured(cli: Cli) -> None:
    outcome = cli("cost", "real", "--dataset", "tiny")
    assert outcome.code == 1
    assert "real finds clips and generates none: choose a model that generates" in outcome.complaint


def test_a_model_that_fails_is_one_line(cli: Cli, plugin: Path, tmp_path: Path) -> None:
    broken = plugin.read_text(encoding="utf-8").replace(
        "still = ", "raise ValueError('no idea')\n        still = "
    )
    plugin.write_text(broken, encoding="utf-8")
    outcome = cli("cost", "one", "--dataset", "tiny", "--plugin", plugin, "--device", "cpu")
    assert outcome.code == 1
    assert "model one failed on a batch of 1 (ValueError: no idea)" in outcome.complaint
    refused = cli("cost", "copy", "--dataset", "tiny", "--out", plugin / "cost.json")
    assert refused.code == 1
    assert "cost.json cannot be written" in refused.complaint
