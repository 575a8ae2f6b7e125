"""Networks at their published size: parameters as counted from the papers' tables, and the papers' shapes.

Nothing is computed: all of it is on the meta device.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from narrow_baselines import METHODS, MODELS
from torch import Tensor, nn

from baselines.discriminators import ImageDiscriminator
from baselines.g3an import networks as g3an
from baselines.g3an.config import PRESETS as G3AN
from baselines.imaginator import networks as imaginator
from baselines.imaginator.config import PRESETS as IMAGINATOR
from baselines.mocogan import networks as mocogan
from baselines.mocogan.config import PRESETS as MOCOGAN
from baselines.tgan import networks as tgan
from baselines.tgan.config import PRESETS as TGAN
from baselines.vgan import networks as vgan
from baselines.vgan.config import PRESETS as VGAN
from fevbench.data.protocol import protocols
from fevbench.training.sampling import BatchShare, RandomNumbers

SIX = 6


@pytest.fixture(autouse=True)
def on_meta() -> Iterator[None]:
    with torch.device("meta"):
        yield


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def videos(frames: int) -> Tensor:
    return torch.empty(2, frames, 3, 64, 64)


def images() -> Tensor:
    return torch.empty(2, 3, 64, 64)


def labels() -> Tensor:
    return torch.empty(2, dtype=torch.long)


def test_imaginator() -> None:
    published = IMAGINATOR["published"]
    generator = imaginator.Generator(published, SIX)
    assert count(generator.encoder) == 3_577_764
    assert count(generator) == 75_406_451
    of_videos = imaginator.VideoDiscriminator(published.video_widths, SIX, published.frames)
    assert count(of_videos) == 11_088_833
    of_images = ImageDiscriminator(published.image_widths)
    assert count(of_images) == 2_764_737
    assert of_images(images()).shape == (2, 1)


def test_g3an() -> None:
    """The published form: neither face nor label."""
    published = replace(G3AN["published"], code=0)
    generator = g3an.Generator(published, 0)
    assert count(generator) == 22_925_955
    assert generator(images(), labels(), torch.empty(2, 138)).shape == (2, 16, 3, 64, 64)
    attentive = g3an.Generator(replace(published, attention=True), 0)
    assert count(attentive) == 23_090_437
    assert attentive(images(), labels(), torch.empty(2, 138)).shape == (2, 16, 3, 64, 64)
    of_videos = g3an.VideoDiscriminator(published.video_widths, 0)
    assert count(of_videos) == 8_347_009
    assert of_videos(videos(16), labels()).shape == (2, 1)


def test_mocogan() -> None:
    published = MOCOGAN["published"]
    generator = mocogan.Generator(published, SIX)
    assert count(generator.motion_codes) == 660
    assert count(generator) == 3_298_836
    draws = RandomNumbers(0, 1, 2, BatchShare(), torch.device("cpu"))  # never drawn from: there is no noise
    of_images = mocogan.ImageDiscriminator(published.image_widths, 0)
    assert count(of_images) == 663_296
    assert of_images(images(), draws).shape == (2, 16)
    of_videos = mocogan.VideoDiscriminator(published.video_widths, SIX, 0)
    assert count(of_videos) == 11_253_504
    logits, categories = of_videos(videos(16), draws)
    assert (logits.shape, categories.shape) == ((2, 1), (2, SIX))


def test_vgan() -> None:
    """Without and with an image; both published forms know no label."""
    generator = vgan.UnconditionalGenerator()
    assert count(generator) == 16_245_383
    video, mask = generator(torch.empty(2, 100))
    assert (video.shape, mask.shape) == ((2, 32, 3, 64, 64), (2, 32, 1, 64, 64))
    assert count(vgan.Discriminator((64, 128, 256, 512), 0, 32)) == 11_057_858
    published = VGAN["published"]
    conditional = vgan.Generator(published, 0)
    assert count(conditional) == 68_216_455
    assert conditional(images(), labels(), torch.empty(2, 0)).shape == (2, 32, 3, 64, 64)
    discriminator = vgan.Discriminator(published.video_widths, 0, published.frames)
    assert count(discriminator) == 44_135_810
    assert discriminator(videos(32), labels()).shape == (2, 2)


def test_tgan() -> None:
    """The published form: neither face nor label. The counts include batch norm's shifts."""
    published = replace(TGAN["published"], code=0)
    shifted = tgan.Generator(replace(published, shift=True), 0)
    assert count(shifted.temporal) == 826_468
    assert count(shifted.image) == 3_622_691
    generator = tgan.Generator(published, 0)
    assert count(generator.temporal) == 826_468 - (512 + 256 + 128 + 128)
    assert count(generator.image) == 3_622_691 - (2 * 4096 + 256 + 128 + 64 + 32)
    assert generator.temporal(torch.empty(2, 100)).shape == (2, 100, 16)
    assert generator(images(), labels(), torch.empty(2, 100)).shape == (2, 16, 3, 64, 64)
    assert tgan.Critic(published, 0)(videos(16), labels()).shape == (2, 1)


@pytest.mark.parametrize("name", METHODS)
def test_what_is_trained_makes_what_its_protocol_asks_for(name: str) -> None:
    for config in METHODS[name].configs.values():
        generator = MODELS[name].network(config, SIX)
        how = protocols.get(config.protocol)
        made = generator(images(), labels(), torch.empty(2, generator.noise))
        assert made.shape == (2, how.frames, 3, how.size, how.size)
