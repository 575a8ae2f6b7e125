"""Our LPIPS against the authors' package: the same linear layers, the same distance by the same features."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from fevbench import weights
from fevbench.extractors.lpips import load_alex, load_vgg

lpips = pytest.importorskip("lpips", reason="comes with fevbench[test]")


@pytest.mark.weights
@pytest.mark.parametrize(
    ("name", "load", "theirs"), [("lpips-alex", load_alex, "alex"), ("lpips-vgg", load_vgg, "vgg")]
)
def test_equals_the_package(name: str, load, theirs: str) -> None:  # type: ignore[no-untyped-def]
    """Its convolutions come from a hub, so it gets ours; its linear layers come with it and are compared."""
    ours = load("cpu", {name: weights.require(name).path})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = lpips.LPIPS(net=theirs, version="0.1", pnet_rand=True, verbose=False).eval()
    for weight, lin in zip(ours.lin, package.lins, strict=True):
        assert torch.equal(weight, lin.model[-1].weight.detach())
    convolutions = [m for m in ours.parts.modules() if isinstance(m, torch.nn.Conv2d)]
    slots = [m for m in package.net.modules() if isinstance(m, torch.nn.Conv2d)]
    for mine, slot in zip(convolutions, slots, strict=True):
        slot.load_state_dict(mine.state_dict())
    batch = np.random.default_rng(0).integers(256, size=(4, 2, 64, 64, 3), dtype=np.uint8)
    batch[2:, 1] = batch[2:, 0] // 2 + 60
    pair = torch.from_numpy(batch).movedim(-1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        wanted = package(pair[:, 0], pair[:, 1]).view(-1, 1).numpy()
    assert ours(batch) == pytest.approx(wanted, rel=1e-5, abs=1e-6)
