"""Every choice FEV-GAN leaves open, as a named field: its default, who made it, and why.

The paper's text that is at hand fixes the outline only (*published*): one generator and one discriminator; a
frozen face-recognition network E_Id and a trained E_S, both read by one decoder of fractionally strided 3D
convolutions; six labels. What is believed but was not verified is *unverified*; what ImaGINator (Wang et al.,
WACV 2020), its nearest relative, does is *relative*; all else is *ours*.

`Config` is that model, as near as what is known allows; `WarpConfig` is ours, which moves the input's pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from fevbench.data.protocol import protocols
from fevbench.training.config import DECAY, PART, RATE, Range, TrainingConfig, choice

COARSEST = 4
"""Height and width of the decoder's first map, pixels."""


@dataclass(frozen=True)
class Config(TrainingConfig):
    """FEV-GAN's configuration; the defaults are those of the preset ``paper``.

    Raises:
        ValueError: Fields contradict each other.
    """

    # What the decoder reads
    identity_encoder: bool = choice(True, "published", "E_Id, frozen, feeds the decoder")
    spatial_encoder: bool = choice(True, "published", "E_S, trained, feeds the decoder")
    skips: bool = choice(True, "relative", "E_S's maps reach every stage of the decoder")
    noise: int = choice(16, "ours", "numbers in z: timing, strength and variant need few")
    posterior: bool = choice(False, "published", "no third network: z is noise in training, too")
    truncation: float = choice(
        1.0, "ours", "z is scaled by this in generation: 1 is what it was trained with", Range(0, 10)
    )
    conditioning: Literal["film", "concatenation"] = choice(
        "concatenation",
        "relative",
        "codes of both encoders, label and z make the first map; the label is put "
        "behind the channels of every later one",
    )

    # Networks, from half the frame's pixels to 4 x 4 in E_S and back in the decoder
    spatial_widths: tuple[int, ...] = choice((32, 64, 96, 128), "ours", "narrow where maps are large")
    decoder_widths: tuple[int, ...] = choice((192, 128, 64, 32), "ours", "narrow where maps are large")
    style: int = choice(128, "ours", "numbers that E_Id's 512 are brought to")
    factorised: bool = choice(True, "relative", "(1+2)D: along time, then along space")
    upsampling: Literal["resize", "transposed"] = choice(
        "transposed", "published", "fractionally strided 3D convolutions; kernel 4 is ImaGINator's"
    )
    norm: Literal["group", "batch"] = choice(
        "batch", "relative", "behind every convolution but the first and the last"
    )
    output: Literal["sub-pixel", "transposed"] = choice(
        "transposed", "relative", "the last layer doubles the pixels like those before it"
    )
    composition: Literal["warp", "residual", "direct"] = choice(
        "direct", "published", "every frame is painted, the first one included"
    )
    flow_limit: float = choice(
        0.15, "ours", "for composition=warp: largest motion, as a part of the side", RATE
    )
    mask_bias: float = choice(
        4.0, "ours", "for composition=warp: how much of the input is kept at the start", Range(-100, 100)
    )
    anchor: bool = choice(False, "relative", "frame 0 is not replaced by the input")

    # The discriminator
    critic_widths: tuple[int, ...] = choice((24, 48, 96, 192), "ours", "a third of ImaGINator's")
    critic_label: Literal["projection", "maps"] = choice(
        "maps", "relative", "concatenated behind its first layer"
    )
    critic_image: bool = choice(False, "relative", "it judges clip and label, and does not see the input")
    critic_noise: float = choice(0.0, "relative", "of noise added to what it sees: none", PART)
    critic_clips: int = choice(8, "ours", "clips of a batch it judges; half the batch, as it costs most")

    # Losses
    adversarial: Literal["hinge", "bce"] = choice("bce", "relative", "binary cross-entropy")
    adversarial_weight: float = choice(1.0, "relative", "of the discriminator's judgement")
    reconstruction_weight: float = choice(100.0, "relative", "of L1 between the made clip and the true one")
    motion_emphasis: float = choice(0.0, "relative", "all pixels count alike in it")
    difference_weight: float = choice(0.0, "relative", "of L1 of the change from frame to frame: none")
    identity_weight: float = choice(0.0, "relative", "of 1 - cosine in E_Id's space: none is known of")
    identity_every: int = choice(4, "ours", "steps between identity losses, where there are any")
    posterior_weight: float = choice(
        0.05, "ours", "for posterior=true: of the KL divergence of z from N(0, I)"
    )
    posterior_free: float = choice(16.0, "ours", "for posterior=true: nats z may say for free")

    # Optimisation
    batch_size: int = choice(16, "ours", "what two processor cores do in about a second")
    learning_rate: float = choice(
        4e-4, "ours", "of the generator, Adam; ImaGINator's is 2e-4, for 100 times the steps", RATE
    )
    critic_rate: float = choice(2e-4, "relative", "of the discriminator, Adam", RATE)
    beta1: float = choice(0.5, "relative", "of Adam, with 0.999; also believed of the paper", DECAY)

    def __post_init__(self) -> None:
        super().__post_init__()
        how = protocols.get(self.protocol)
        levels = (how.size // COARSEST).bit_length() - 1
        if COARSEST << levels != how.size or how.frames % (1 << levels - 1):
            raise ValueError(f"protocol {self.protocol}: size and frames must be powers of 2")
        for name in ("spatial_widths", "decoder_widths", "critic_widths"):
            if len(getattr(self, name)) != levels:
                raise ValueError(f"{how.size} px needs {levels} {name}, not {len(getattr(self, name))}")
        if not (self.identity_encoder or self.spatial_encoder):
            raise ValueError("one encoder is needed")
        if not self.spatial_encoder and (self.composition != "direct" or self.anchor or self.skips):
            # Else the input's pixels would reach the output past the encoder that was taken away.
            raise ValueError("without spatial_encoder, composition=direct, anchor=false and skips=false")
        if not 0 < self.critic_clips <= self.batch_size:
            raise ValueError("critic_clips must be between 1 and batch_size")

    @property
    def size(self) -> int:
        """Height and width of a frame."""
        return protocols.get(self.protocol).size

    @property
    def frames(self) -> int:
        """Frames of a clip."""
        return protocols.get(self.protocol).frames

    @property
    def first_frames(self) -> int:
        """Frames of the decoder's first map; each stage doubles them."""
        return self.frames >> len(self.decoder_widths) - 1


@dataclass(frozen=True)
class WarpConfig(Config):
    """FEV-GAN-warp's configuration: ours. The defaults are those of ``fevsynth-64x16``.

    A file that was exported before a field existed has the value that stands here.

    Raises:
        ValueError: Fields contradict each other.
    """

    posterior: bool = choice(
        True,
        "ours",
        "in training, z comes from the true clip (cVAE-GAN; Zhu et al., 2017): one label has many right "
        "clips, and L1 against a random one of them would teach their blurred mean",
    )
    truncation: float = choice(
        0.5, "ours", "z is scaled by this in generation: 0 the typical clip, 1 all", Range(0, 10)
    )
    conditioning: Literal["film", "concatenation"] = choice(
        "film", "ours", "label, identity and z turn every stage's maps, frame by frame (Perez et al., 2018)"
    )
    style: int = choice(128, "ours", "width of the code of label, identity and noise")
    upsampling: Literal["resize", "transposed"] = choice(
        "resize", "ours", "before each convolution: leaves no checkerboard (Odena et al., 2016)"
    )
    norm: Literal["group", "batch"] = choice("group", "ours", "the same in training and in use")
    output: Literal["sub-pixel", "transposed"] = choice(
        "sub-pixel",
        "ours",
        "one convolution speaks for 2 x 2 pixels (Shi et al., 2016): a quarter of the work",
    )
    composition: Literal["warp", "residual", "direct"] = choice(
        "warp",
        "ours",
        "mask * warp(input, flow) + (1 - mask) * paint: sharp and the same person from the first step",
    )
    flow_limit: float = choice(0.15, "ours", "largest motion, as a part of the frame's side", RATE)
    mask_bias: float = choice(
        4.0, "ours", "98 % warped input at the start: untrained, the model copies", Range(-100, 100)
    )
    anchor: bool = choice(True, "ours", "frame 0 is the input itself, as the protocol defines it")
    critic_label: Literal["projection", "maps"] = choice("projection", "ours", "Miyato and Koyama, 2018")
    critic_image: bool = choice(
        True, "ours", "it sees the input, and the clip as change against it: it learns ten times as fast"
    )
    critic_noise: float = choice(
        0.03, "ours", "added to what it sees: camera noise must not give clips away", PART
    )
    adversarial: Literal["hinge", "bce"] = choice("hinge", "ours", "bounded; ImaGINator's is bce")
    motion_emphasis: float = choice(
        4.0, "ours", "L1 counts 1 + this where the true clip moves: faces are small"
    )
    difference_weight: float = choice(20.0, "ours", "L1 of the change from frame to frame: smooth motion")
    identity_weight: float = choice(1.0, "ours", "1 - cosine in E_Id's space; more would freeze the face")
    identity_every: int = choice(4, "ours", "steps between identity losses, which are scaled up for it")
    posterior_weight: float = choice(
        0.05, "ours", "of the KL divergence of z from N(0, I), above the next line"
    )
    posterior_free: float = choice(16.0, "ours", "nats z may say for free; without, the decoder ignores it")
    critic_rate: float = choice(
        5e-4, "ours", "of the discriminator, Adam; spectral norms keep it in check", RATE
    )


_WIDER: dict[str, Any] = {
    "protocol": "128x32",
    "spatial_widths": (32, 64, 128, 192, 256),
    "decoder_widths": (256, 192, 128, 96, 48),
    "critic_widths": (32, 64, 128, 192, 256),
    "batch_size": 32,
    "critic_clips": 32,
}

PRESETS: Mapping[str, Config] = {
    "paper": Config(),
    "64x32": replace(Config(), protocol="64x32"),
    "128x32": replace(Config(), **_WIDER),
    # The paper's ablations. Without E_S no pixel of the input may reach the output by a skip.
    "identity-only": replace(Config(), spatial_encoder=False, skips=False),
    "spatial-only": replace(Config(), identity_encoder=False),
    "no-adversary": replace(Config(), adversarial_weight=0.0),
    # FEV-GAN-warp in all but that it paints.
    "painted": replace(WarpConfig(), composition="direct", anchor=False, critic_image=False),
}
"""FEV-GAN's configurations by name; the first is the default. That the paper trains at 64x32 is believed, not
verified."""

WARP_PRESETS: Mapping[str, WarpConfig] = {
    "fevsynth-64x16": WarpConfig(),
    "64x32": replace(WarpConfig(), protocol="64x32"),
    "128x32": replace(WarpConfig(), **_WIDER),
    "no-posterior": replace(WarpConfig(), posterior=False),
}
"""FEV-GAN-warp's configurations by name; the first is the default."""
