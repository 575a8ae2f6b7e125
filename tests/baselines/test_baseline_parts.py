"""Parts and losses of the baselines, against values computed by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from baselines.g3an.networks import Attention
from baselines.initialisation import normal, spectral
from baselines.mocogan.networks import MotionCodes
from baselines.tgan import losses as tgan
from baselines.tgan.clipping import clip_singular_values
from baselines.tgan.networks import uniform
from baselines.vgan import losses as vgan
from baselines.vgan.networks import TwoStreams


def test_vgans_losses() -> None:
    real, made = torch.tensor([[0.0, math.log(3)]]), torch.tensor([[math.log(4), 0.0]])
    # Softmax: 3 / 4 true for the true clip, 4 / 5 made for the made one.
    assert vgan.discriminator_loss(real, made).item() == pytest.approx(-math.log(0.75) - math.log(0.8))
    assert vgan.generator_loss(made).item() == pytest.approx(-math.log(0.2))
    unsure = torch.zeros(3, 2)
    assert vgan.discriminator_loss(unsure, unsure).item() == pytest.approx(2 * math.log(2))
    assert vgan.foreground(torch.tensor([0.5, 1.0, 0.0, 0.1])).item() == pytest.approx(0.4)


def test_tgans_losses() -> None:
    real, made = torch.tensor([[3.0], [1.0]]), torch.tensor([[-1.0], [0.0]])
    assert tgan.discriminator_loss(real, made).item() == pytest.approx(-0.5 - 2)
    assert tgan.generator_loss(made).item() == pytest.approx(0.5)


def test_singular_values_are_clipped_and_small_ones_left() -> None:
    layer, norm = nn.Conv3d(1, 2, (1, 1, 2), bias=False), nn.BatchNorm3d(3)
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    layer.weight.data = (turn @ torch.diag(torch.tensor([3.0, 0.5]))).view(2, 1, 1, 1, 2)
    norm.weight.data = torch.tensor([9.0, 1.5, -4.0])
    norm.running_var = torch.tensor([4.0, 4.0, 4.0])
    clip_singular_values(nn.Sequential(layer, norm))
    expected = turn @ torch.diag(torch.tensor([1.0, 0.5]))
    torch.testing.assert_close(layer.weight.detach().view(2, 2), expected)
    torch.testing.assert_close(norm.weight.detach(), torch.tensor([2.0, 1.5, 0.02]))


def test_normal_numbers_become_uniform_ones() -> None:
    numbers = uniform(torch.randn(20_000, generator=torch.Generator().manual_seed(0))).sort().values
    # Kolmogorov's distance to the uniform distribution; 1.63 / sqrt(N) is passed once in 100 seeds.
    expected = torch.linspace(-1, 1, len(numbers))
    assert (numbers - expected).abs().max() / 2 < 1.63 / len(numbers) ** 0.5


def test_the_foreground_covers_the_background_where_the_mask_is_1() -> None:
    streams = TwoStreams((2, 2, 2, 2)).eval()
    still, moving = torch.randn(1, 2, 4, 4), torch.randn(1, 2, 1, 4, 4)
    last = streams.mask[0]
    with torch.inference_mode():
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, 40.0)
        video, mask = streams(still, moving)
        torch.testing.assert_close(video, streams.colours(streams.foreground(moving)).transpose(1, 2))
        assert (mask == 1).all()
        nn.init.constant_(last.bias, -40.0)
        video, _ = streams(still, moving)
        torch.testing.assert_close(video[:, 7], streams.background(still))
        assert torch.equal(video, video[:, :1].expand_as(video)), "the background stands still"


@pytest.mark.parametrize("over", ["time", "space"])
def test_attention_stays_where_it_should(over: str) -> None:
    torch.manual_seed(0)
    layer = Attention(8, over)
    x = torch.randn(1, 8, 3, 2, 4)
    assert torch.equal(layer(x), x), "it starts as the identity"
    nn.init.ones_(layer.gain)
    made = layer(x)
    # By hand, for frame 1 at place (1, 2), from the definition: softmax of query times keys, times values.
    query, key, value = (part(x)[0] for part in (layer.query, layer.key, layer.value))
    keys, values = (
        (key[:, :, 1, 2], value[:, :, 1, 2])
        if over == "time"
        else (key[:, 1].flatten(1), value[:, 1].flatten(1))
    )
    weights = torch.softmax(query[:, 1, 1, 2] @ keys, 0)
    torch.testing.assert_close(made[0, :, 1, 1, 2], x[0, :, 1, 1, 2] + values @ weights)


def test_motion_codes_are_the_states_of_one_gru() -> None:
    torch.manual_seed(0)
    codes, whole = MotionCodes(4), nn.GRU(4, 4, batch_first=True)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        getattr(whole, f"{name}_l0").data = getattr(codes.cell, name).data
    start, noise = torch.randn(2, 4), torch.randn(2, 5, 4)
    torch.testing.assert_close(codes(start, noise), whole(noise, start[None])[0])


def test_networks_start_normal_and_are_kept_at_a_spectral_norm_of_1() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(16, 64, 4), nn.BatchNorm2d(64), nn.ConvTranspose2d(64, 32, 4))
    before = network[2].weight.detach().clone()
    normal(network, 0.02)
    assert network[0].weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert network[1].weight.mean().item() == pytest.approx(1, abs=0.02)
    assert torch.equal(network[2].weight, before)
    spectral(network)
    for _ in range(30):
        network(torch.randn(2, 16, 8, 8))
    largest = torch.linalg.matrix_norm(network[0].weight.flatten(1), 2)
    assert largest.item() == pytest.approx(1, rel=0.02)
