"""A training that starts from a trained generator: what it learns first, and what it records."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny import Cli, Outcome
from tiny_training import losses

from fevbench.hashing import sha256_of
from fevbench.training import loop
from fevbench.training.export import read_exported
from fevbench.training.folder import SETTINGS_FILE, Settings
from fevbench.training.loop import _Session
from fevbench.training.task import trainables

WARP = "fev-gan-warp"
"""What an exported generator that warps is called; the tests' own ``fev-gan`` does."""

Train = Callable[..., Outcome]


@pytest.fixture
def first(train: Train, tmp_path: Path) -> Path:
    """A finished training of six steps."""
    assert train("first").code == 0
    return tmp_path / "first"


def same_weights(one: Path, two: Path) -> bool:
    a, b = (load_file(folder / "generator.safetensors") for folder in (one, two))
    return all(torch.equal(a[name], b[name]) for name in a)


def test_at_first_only_the_discriminators_learn(train: Train, tmp_path: Path, first: Path) -> None:
    assert train("second", "--init", str(first), "--seed", "1", steps=3).code == 0
    assert same_weights(first, tmp_path / "second")
    with (tmp_path / "second" / "losses.csv").open(newline="", encoding="utf-8") as file:
        assert len({row["discriminator"] for row in csv.DictReader(file)}) == 3
    state = torch.load(tmp_path / "second" / "checkpoint.pt", weights_only=True)["optimisers"]
    assert not state["generator"]["state"]
    assert state["discriminator"]["state"]


def test_then_all_do(train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: Path) -> None:
    monkeypatch.setattr(loop, "ALONE", 2)
    weights = first / "generator.safetensors"
    assert train("second", "--init", str(weights), "--seed", "1", steps=3).code == 0
    assert not same_weights(first, tmp_path / "second")
    assert losses(tmp_path / "second")[1] != losses(first)[1]


@pytest.mark.parametrize("bits", ["32", "8"])
def test_a_file_with_all_networks_lets_all_learn_at_once(
    train: Train, cli: Cli, tmp_path: Path, first: Path, bits: str
) -> None:
    file = tmp_path / "all.safetensors"
    done = cli("export", "fev-gan", first, "--all-networks", "--bits", bits, "--out", file)
    assert done.code == 0, done.err
    trained = torch.load(first / "checkpoint.pt", weights_only=True)["networks"]
    others = read_exported(file, WARP).others
    assert others.keys() == trained.keys() - {"generator"}
    pairs = [
        (value, others[name][weight])
        for name, state in trained.items()
        if name != "generator"
        for weight, value in state.items()
    ]
    off = max(float((value - stored).abs().max()) for value, stored in pairs)
    half = max(float(value.abs().max()) for value, _ in pairs) / 127 / 2  # of the coarsest step of 8 bits
    assert off == 0 if bits == "32" else 0 < off <= 1.001 * half
    trainables._targets[WARP] = trainables._targets["fev-gan"]
    fixed = ("--seed", "1", "--steps", "1", "--no-score", "--device", "cpu")
    assert cli("train", WARP, "tiny", "--init", file, "--out", tmp_path / "second", *fixed).code == 0
    assert not same_weights(first, tmp_path / "second")


def test_a_generator_alone_has_no_other_networks_to_export(
    train: Train, cli: Cli, tmp_path: Path, first: Path
) -> None:
    file = first / "generator.safetensors"
    refused = cli("export", "fev-gan", file, "--all-networks", "--out", tmp_path / "all.safetensors")
    assert refused.code == 1
    assert "holds only the generator: give the folder of its training" in refused.complaint


def test_a_checkpoint_that_is_damaged_or_gone_is_named(
    train: Train, cli: Cli, tmp_path: Path, first: Path
) -> None:
    export = ("export", "fev-gan", first, "--all-networks", "--out", tmp_path / "all.safetensors")
    (first / "checkpoint.pt").write_bytes(b"PK")
    damaged = cli(*export)
    (first / "checkpoint.pt").unlink()
    gone = cli(*export)
    assert damaged.code == gone.code == 1
    assert "checkpoint.pt cannot be continued" in damaged.complaint
    assert "checkpoint.pt does not exist" in gone.complaint
    assert all("leave out --all-networks" in outcome.complaint for outcome in (damaged, gone))


def test_it_records_what_it_started_from_and_counts_its_clips(
    train: Train, tmp_path: Path, first: Path
) -> None:
    assert train("second", "--init", str(first), steps=3).code == 0
    assert train("third", "--init", str(tmp_path / "second"), steps=1).code == 0
    before, after = (
        read_exported(tmp_path / name / "generator.safetensors", "fev-gan") for name in ("first", "third")
    )
    assert (before.clips, before.about["init"]) == (6 * 4, None)
    assert (after.clips, after.about["step"]) == ((6 + 3 + 1) * 4, 1)
    assert after.about["init"] == sha256_of(tmp_path / "second" / "generator.safetensors")
    settings = Settings.model_validate_json((tmp_path / "third" / SETTINGS_FILE).read_text(encoding="utf-8"))
    assert settings.init == after.about["init"]


def test_a_kill_changes_nothing(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: Path
) -> None:
    monkeypatch.setattr(loop, "ALONE", 3)
    assert train("whole", "--init", str(first)).code == 0
    take_step = _Session._step

    def step(self: _Session, number: int) -> dict[str, float]:
        if number > 3:
            raise KeyboardInterrupt
        return take_step(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(_Session, "_step", step)
        assert train("killed", "--init", str(first)).code == 130
    assert train("killed", "--init", str(first)).code == 0
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    assert same_weights(tmp_path / "killed", tmp_path / "whole")
    assert "holds a training with other settings (init" in train("killed").complaint


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--init", "nowhere"), "--init nowhere does not exist: give shipped, a training's folder or a file"),
        (("--init", "{first}/losses.csv"), "is not an exported generator"),
        (("--init", "{first}", "--set", "style=4"), "networks have other sizes than this configuration's"),
        (("--init", "shipped"), "that generator was trained on the labels anger, disgust, fear"),
    ],
)
def test_what_does_not_fit_is_one_line_that_helps(
    train: Train, first: Path, options: tuple[str, ...], words: str
) -> None:
    outcome = train("run", *(option.format(first=first) for option in options))
    assert outcome.code == 1
    assert words in outcome.complaint
