"""A clip depends on its face, its label and the seed, and a model that breaks the rules is told which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
from tiny import Cli

Write = Callable[[str], Path]

NOISY = """
import random
import numpy as np

@register_model("noisy")
class Noisy:
    def __init__(self, spec): self.spec = spec
    def generate(self, images, labels, generator):
        video = images[:, None].repeat(1, self.spec.frames, 1, 1, 1)
        noise = torch.rand(video.shape, generator=generator)
        return (video + {noise}).clamp(-1, 1)
"""
OWN = "0.3 * noise"
GLOBAL = "0.1 * torch.rand(video.shape) + 0.1 * random.random() + 0.1 * np.random.rand()"


def _clips(folder: Path) -> dict[str, bytes]:
    return tiny.tree(folder / "clips")


@pytest.mark.parametrize("noise", [OWN, GLOBAL], ids=["generator", "global"])
def test_a_clip_does_not_depend_on_the_others(cli: Cli, plugin: Write, tmp_path: Path, noise: str) -> None:
    """Also for a model that ignores its generator and draws from the global ones."""
    file = plugin(NOISY.format(noise=noise))
    run = ("run", "noisy", "tiny", "--plugin", file, "--metrics", "psnr")
    assert cli(*run, "--out", tmp_path / "all").code == 0
    assert cli(*run, "--out", tmp_path / "two", "--limit", "2", "--batch-size", "1").code == 0
    everything, two = _clips(tmp_path / "all"), _clips(tmp_path / "two")
    assert len(everything) == 9
    assert len(two) == 2
    assert {name: everything[name] for name in two} == two


def test_another_seed_is_another_clip(cli: Cli, plugin: Write, tmp_path: Path) -> None:
    file = plugin(NOISY.format(noise=OWN))
    for seed in ("0", "1"):
        cli("run", "noisy", "tiny", "--plugin", file, "--metrics", "psnr", "--limit", "1", "--seed", seed,
            "--out", tmp_path / seed)  # fmt: skip
    (zero,), (one,) = (_clips(tmp_path / seed).values() for seed in ("0", "1"))
    assert zero != one


MODEL = """
@register_model("model")
class Model:
    def __init__(self, spec):
        self.spec = spec
        {build}
    def generate(self, images, labels, generator):
        video = images[:, None].repeat(1, self.spec.frames, 1, 1, 1)
        {make}
"""
GENERATE_FAULTS = {
    "return video * float('nan')": "returned NaN or infinity for clip",
    "video[0, 3, 1, 2, 2] = float('inf'); return video": "returned NaN or infinity for clip",
    "return video[0]": "returned shape (16, 3, 64, 64)",
    "return video[:, :-1]": "returned shape (1, 15, 3, 64, 64)",
    "return video.movedim(2, -1)": "returned shape (1, 16, 64, 64, 3)",
    "return video[..., :32, :32]": "returned shape (1, 16, 3, 32, 32)",
    "return (video * 127).to(torch.uint8)": "returned torch.uint8",
    "return (video * 127).numpy().astype('u1')": "returned uint8",
    "return video.to_sparse()": "that is sparse",
    "return video.to('meta')": "that is meta",
    "return torch.nested.nested_tensor([video[0]])": "that is nested",
    "return video.to(torch.float8_e5m2)": "that is torch.float8_e5m2",
    "return __import__('numpy').ma.masked_array(video.numpy(), video.numpy() > 0)": "returned a masked array",
    "return None": "returned NoneType",
    "return (video + 1) * 127.5": "return values in [-1, 1]",
    "raise ValueError('first line\\nsecond line')": "(ValueError: first line)",
    "raise SystemExit(0)": "(SystemExit: 0)",
    "raise EOFError('checkpoint')": "(EOFError: checkpoint)",
    "raise KeyError('x')": "failed on clip",
}


@pytest.mark.parametrize("make", GENERATE_FAULTS)
def test_output_that_breaks_the_protocol_is_named(cli: Cli, plugin: Write, tmp_path: Path, make: str) -> None:
    file = plugin(MODEL.format(build="", make=make))
    outcome = cli("run", "model", "tiny", "--plugin", file, "--out", tmp_path / "run", "--metrics", "psnr")
    assert outcome.code == 1
    assert "model model " in outcome.complaint
    assert GENERATE_FAULTS[make] in outcome.complaint
    assert not (tmp_path / "run" / "result.json").exists()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (MODEL.format(build="raise RuntimeError('no checkpoint')", make=""), "could not be built"),
        (MODEL.format(build="raise SystemExit(3)", make=""), "could not be built (SystemExit: 3)"),
        ("@register_model('model')\nclass Model: pass", "could not be built"),
        ("@register_model('model')\nclass Model:\n  def __init__(self, spec): pass", "no generate method"),
    ],
)
def test_a_model_that_cannot_be_built_is_named(
    cli: Cli, plugin: Write, tmp_path: Path, code: str, reason: str
) -> None:
    run = tmp_path / "run"
    outcome = cli("run", "model", "tiny", "--plugin", plugin(code), "--metrics", "psnr", "--out", run)
    assert outcome.code == 1
    assert reason in outcome.complaint
