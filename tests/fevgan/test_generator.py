"""The networks: shapes and ranges of every preset, what reaches what, and what the ablations leave out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tiny_training import NARROW
from torch import Tensor

from fevgan.composition import compose
from fevgan.config import PRESETS, WARP_PRESETS, Config
from fevgan.discriminator import Discriminator
from fevgan.generator import build_generator
from fevgan.identity import CODE
from fevgan.posterior import Posterior, draw

LABELS = 6
PAPER, WARP = PRESETS["paper"], WARP_PRESETS["fevsynth-64x16"]
ALL = {**{f"fev-gan {k}": v for k, v in PRESETS.items()}, **{f"warp {k}": v for k, v in WARP_PRESETS.items()}}


def narrow(config: Config, **changes: Any) -> Config:
    """A preset with few channels."""
    levels = len(config.decoder_widths)
    widths = dict.fromkeys(("spatial_widths", "decoder_widths", "critic_widths"), (4,) * levels)
    return replace(config, **widths, style=8, noise=4, batch_size=2, critic_clips=2, **changes)


def inputs(config: Config, count: int = 2) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    """Smooth pictures, labels, codes and noise."""
    rng = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 6, 6, generator=rng) * 2 - 1
    images = F.interpolate(coarse, (config.size, config.size), mode="bicubic").clamp(-1, 1)
    codes = F.normalize(torch.randn(count, CODE, generator=rng))
    noise = torch.randn(count, config.noise, generator=rng)
    return images, torch.arange(count), codes if config.identity_encoder else None, noise


@pytest.mark.parametrize("name", ALL)
def test_every_preset_makes_clips_of_its_size(name: str) -> None:
    config = narrow(ALL[name])
    arguments = inputs(config)
    with torch.no_grad():
        video = build_generator(config, LABELS)(*arguments)
        judged = Discriminator(config, LABELS)(video, arguments[0], arguments[1])
        mean, log_variance = Posterior(config.noise, config.frames)(video)
    assert video.shape == (2, config.frames, 3, config.size, config.size)
    assert video.dtype == torch.float32
    assert video.abs().max() <= 1
    assert judged.shape[0] == 2
    assert torch.isfinite(judged).all()
    assert draw(mean, log_variance, torch.randn(2, 4)).shape == (2, 4)


@pytest.mark.parametrize(
    "changes",
    [
        {"upsampling": "transposed"},
        {"factorised": False},
        {"factorised": False, "upsampling": "transposed"},
        {"composition": "residual"},
        {"composition": "direct", "anchor": False},
        {"skips": False},
        {"critic_label": "maps", "critic_image": False},
        {"norm": "batch"},
        {"norm": "group"},
        {"output": "sub-pixel"},
        {"output": "transposed"},
    ],
)
@pytest.mark.parametrize("start", [PAPER, WARP], ids=["paper", "warp"])
def test_every_choice_works(start: Config, changes: dict[str, Any]) -> None:
    config = narrow(start, **changes)
    arguments = inputs(config)
    video = build_generator(config, LABELS)(*arguments)
    assert video.shape == (2, 16, 3, 64, 64)
    Discriminator(config, LABELS)(video, arguments[0], arguments[1]).mean().backward()


def test_the_default_has_few_parameters() -> None:
    assert sum(p.numel() for p in build_generator(WARP, LABELS).parameters()) == 1_406_648
    assert sum(p.numel() for p in Discriminator(WARP, LABELS).parameters()) == 1_165_225
    assert sum(p.numel() for p in build_generator(PAPER, LABELS).parameters()) == 1_908_579


@pytest.mark.parametrize("composition", ["warp", "residual"])
def test_untrained_it_copies(composition: str) -> None:
    config = replace(WARP, composition=composition)
    torch.manual_seed(0)
    arguments = inputs(config)
    with torch.no_grad():
        video = build_generator(config, LABELS)(*arguments)
    error = 127.5 * (video - arguments[0][:, None]).abs().mean()
    assert error < 2.5
    assert torch.equal(video[:, 0], arguments[0]), "frame 0 is the input"


@pytest.mark.parametrize("start", [PAPER, WARP], ids=["paper", "warp"])
def test_gradients_reach_every_part(start: Config) -> None:
    config = narrow(start)
    network = build_generator(config, LABELS)
    video = network(*inputs(config))
    (video * torch.rand_like(video)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_without_e_s_no_pixel_of_the_input_reaches_the_output() -> None:
    config = narrow(PRESETS["identity-only"])
    network = build_generator(config, LABELS).eval()
    assert network.spatial is None
    images, labels, codes, noise = inputs(config)
    assert codes is not None
    video = network(images, labels, codes, noise)
    assert torch.equal(video, network(-images, labels, codes, noise))
    assert not torch.equal(video, network(images, labels, codes.flip(0), noise))


def test_without_e_id_no_code_reaches_the_output() -> None:
    config = narrow(PRESETS["spatial-only"])
    network = build_generator(config, LABELS).eval()
    assert "identity" not in dict(network.named_modules())
    images, labels, _, noise = inputs(config)
    video = network(images, labels, None, noise)
    assert torch.equal(video, network(images, labels, torch.randn(2, CODE), noise))
    assert not torch.equal(video, network(-images, labels, None, noise))


@pytest.mark.parametrize("what", [0, 1, 2, 3])
@pytest.mark.parametrize("config", [narrow(PAPER), NARROW], ids=["paper", "warp"])
def test_input_label_code_and_noise_all_count(config: Config, what: int) -> None:
    network = build_generator(config, LABELS).eval()
    arguments = list(inputs(config))
    before = network(*arguments)
    arguments[what] = arguments[what].flip(0)  # type: ignore[union-attr]
    assert not torch.equal(before, network(*arguments))


def test_flow_moves_the_picture_by_the_part_of_its_side_it_says() -> None:
    image = torch.zeros(1, 3, 64, 64)
    image[..., 32, 40] = 1.0
    fields = torch.zeros(1, 2, 6, 64, 64)
    fields[:, :, 0] = 100.0  # tanh is 1: read the picture flow_limit of its side further right
    fields[:, :, 2] = 100.0  # all of it warped
    moved = compose(image, fields, replace(WARP, flow_limit=0.125))[0, 1, 0]
    assert moved[32, 32] == pytest.approx(1, abs=1e-4)
    assert moved[32, 40] == pytest.approx(0, abs=1e-4)


def test_nan_is_seen_in_the_video_and_crashes_nothing() -> None:
    fields = torch.full((1, 16, 6, 64, 64), float("nan"), requires_grad=True)
    video = compose(torch.zeros(1, 3, 64, 64), fields, WARP)
    assert torch.isnan(video[:, 1:]).all()
    video.sum().backward()


def test_the_discriminator_sees_label_and_input() -> None:
    network = Discriminator(NARROW, LABELS).eval()
    video = torch.rand(1, 16, 3, 64, 64)
    image, label = video[:, 0], torch.tensor([0])
    before = network(video, image, label)
    assert not torch.equal(before, network(video, -image, label))
    assert not torch.equal(before, network(video, image, label + 1))
    assert not torch.equal(before, network(video.flip(1), image, label))


def test_the_posterior_sees_motion_and_not_faces() -> None:
    network = Posterior(4, 16)
    torch.nn.init.normal_(network.head.weight)
    video = torch.rand(1, 16, 3, 64, 64) * 0.5
    torch.testing.assert_close(network(video + 0.3)[0], network(video)[0], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(network(video.flip(1))[0], network(video)[0], atol=1e-3)


def test_the_papers_form_has_what_is_known_of_it() -> None:
    network = build_generator(PAPER, LABELS)
    kernels = {
        layer.kernel_size for layer in network.modules() if isinstance(layer, torch.nn.ConvTranspose3d)
    }
    assert kernels == {(4, 1, 1), (1, 4, 4)}, "fractionally strided, kernel 4"
    assert not any(isinstance(layer, torch.nn.GroupNorm) for layer in network.modules())
    assert sum(isinstance(layer, torch.nn.modules.batchnorm._BatchNorm) for layer in network.modules()) == 7
    config = narrow(PAPER)
    images, labels, codes, noise = inputs(config)
    painted = build_generator(config, LABELS)(images, labels, codes, noise)
    assert not torch.equal(painted[:, 0], images), "frame 0 is painted, too"
