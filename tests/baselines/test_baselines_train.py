"""Every baseline learns from the moving squares, and a killed training goes on as if it had not been."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import narrow_baselines
import numpy as np
import pytest
import torch
from narrow_baselines import METHODS
from safetensors.torch import load_file
from tiny import Cli
from tiny_training import losses

from fevbench.training.loop import _Session
from fevbench.training.task import trainables

Steps = Callable[..., Any]
CHANCE = 2 * math.log(2)
"""A discriminator's loss by cross-entropy when it cannot tell."""
ORDER = {
    "imaginator": ["generator", "video_discriminator", "image_discriminator"],
    "g3an": ["video_discriminator", "image_discriminator", "generator"],
    "mocogan": ["image_discriminator", "video_discriminator", "generator"],
    "mocogan-i2v": ["image_discriminator", "video_discriminator", "generator"],
    "vgan": ["discriminator", "generator"],
    "tgan": ["critic", "generator"],
}
"""Which network is updated when, in a step."""


@pytest.mark.parametrize("name", METHODS)
def test_every_network_learns_in_the_methods_order(steps: Steps, name: str) -> None:
    untrained, _, _ = steps(name, 0)
    task, _, order = steps(name, 1)
    assert order == ORDER[name]
    for role, network in task.networks.items():
        assert all(p.requires_grad for p in network.parameters()), role
        pairs = zip(network.parameters(), untrained.networks[role].parameters(), strict=True)
        assert any(not torch.equal(after, before) for after, before in pairs), role


@pytest.mark.parametrize("name", METHODS)
def test_a_few_steps_move_the_losses_as_they_should(steps: Steps, name: str) -> None:
    task, history, _ = steps(name, 20)
    first, last = history[0], {key: np.mean([row[key] for row in history[-5:]]) for key in history[0]}
    falling = {"reconstruction", "first_frame", "real_category"} & last.keys()
    assert falling
    for key in falling:
        assert last[key] < 0.9 * first[key], key
    for key in [key for key in task.networks if key != "generator"]:
        chance = 0 if key == "critic" else CHANCE
        assert first[key] == pytest.approx(chance, abs=0.6), key
        # Their losses go up and down; at some time each could tell.
        lowest = min(np.mean([row[key] for row in history[i : i + 5]]) for i in range(16))
        assert lowest < chance - 0.04, key


def test_tgans_critic_stays_lipschitz(steps: Steps) -> None:
    task, _, _ = steps("tgan", 5)
    for layer in task.critic.modules():
        if isinstance(layer, torch.nn.Conv3d):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) <= 1 + 1e-5
        elif isinstance(layer, torch.nn.BatchNorm3d):
            # The critic looks once more after it was clipped, for the generator's loss, and its running
            # variance moves by a tenth of the batch's.
            assert (layer.weight <= (layer.running_var / (1 - layer.momentum)).sqrt() + 1e-6).all()
    free, _, _ = steps("tgan", 5, clip_every=6)
    assert any(
        torch.linalg.matrix_norm(layer.weight.flatten(1), 2) > 1
        for layer in free.critic.modules()
        if isinstance(layer, torch.nn.Conv3d)
    ) or any(
        (layer.weight > layer.running_var.sqrt()).any()
        for layer in free.critic.modules()
        if isinstance(layer, torch.nn.BatchNorm3d)
    ), "there was something to clip"


def test_mocogans_generator_minds_the_label_only_if_told_to(steps: Steps) -> None:
    _, told, _ = steps("mocogan", 1)
    _, free, _ = steps("mocogan", 1, infogan=False)
    assert told[0]["total"] == pytest.approx(free[0]["total"] + free[0]["made_category"], rel=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_a_killed_training_goes_on_as_if_it_had_not_been(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(trainables, "_targets", dict(trainables._targets))
    narrow_baselines.register()

    def train(out: str, *options: str) -> int:
        fixed = ("--steps", "4", "--checkpoint-every", "2", "--no-score", "--device", "cpu")
        return cli("train", name, "tiny", "--out", tmp_path / out, *fixed, *options).code

    assert train("whole") == 0
    take_step = _Session._step

    def step(self: _Session, number: int) -> dict[str, float]:
        if number == 4:
            raise KeyboardInterrupt
        return take_step(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(_Session, "_step", step)
        assert train("killed") == 130
    assert train("killed", "--resume") == 0
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    whole, killed = (load_file(tmp_path / out / "generator.safetensors") for out in ("whole", "killed"))
    assert all(torch.equal(whole[key], killed[key]) for key in whole)
