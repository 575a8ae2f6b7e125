"""Adversarial losses against values computed by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from fevbench.training.adversarial import discriminator_loss, frozen, generator_loss


def test_the_discriminators_loss() -> None:
    real, made = torch.tensor([[2.0, 0.5]]), torch.tensor([[-3.0, 0.0]])
    # Hinge: (max(0, -1) + max(0, 0.5)) / 2 and (max(0, -2) + max(0, 1)) / 2.
    assert discriminator_loss(real, made, "hinge").item() == pytest.approx(0.25 + 0.5)
    unsure = torch.zeros(1, 2)
    assert discriminator_loss(unsure, unsure, "hinge").item() == pytest.approx(2)
    assert discriminator_loss(unsure, unsure, "bce").item() == pytest.approx(2 * math.log(2))


def test_the_generators_adversarial_loss() -> None:
    made = torch.tensor([[1.0, -2.0]])
    assert generator_loss(made, "hinge").item() == pytest.approx(0.5)
    expected = (math.log(1 + math.exp(-1)) + math.log(1 + math.exp(2))) / 2
    assert generator_loss(made, "bce").item() == pytest.approx(expected)


def test_gradients_pass_through_a_frozen_network_and_leave_none_in_it() -> None:
    network = nn.Linear(2, 1)
    x = torch.ones(1, 2, requires_grad=True)
    with frozen(network):
        network(x).sum().backward()
    assert torch.equal(x.grad, network.weight)
    assert network.weight.grad is None
    assert network.weight.requires_grad
