"""Values other people published, met by our code with the real networks."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fevbench import weights
from fevbench.extractors.i3d import I3D
from fevbench.extractors.inception import PoolThree, load_inception
from fevbench.metrics.frechet import frechet_distance

pytestmark = pytest.mark.weights


def test_fid_of_torchmetrics_documentation(tmp_path: Path) -> None:
    """FID on the 64-d layer of the example in torchmetrics' documentation: 12.7202.

    There the images are drawn after the seed is set *and the network is built*, whose initialisation
    takes random numbers. So torchmetrics' own network is built here too, and has to agree.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    path = weights.require("inception-fid").path
    state = tmp_path / "state.pth"
    torch.save(load_inception(path).state_dict(), state)
    torch.manual_seed(123)
    theirs = FrechetInceptionDistance(feature=64, feature_extractor_weights_path=str(state))
    real = torch.randint(0, 200, (100, 3, 299, 299), dtype=torch.uint8)
    fake = torch.randint(100, 255, (100, 3, 299, 299), dtype=torch.uint8)

    network = PoolThree(load_inception(path)).eval()

    @torch.inference_mode()
    def stem(images: torch.Tensor) -> np.ndarray:
        parts = [network.stem((part.float() - 128) / 128).mean(dim=(2, 3)) for part in images.split(10)]
        return torch.cat(parts).numpy()

    ours = frechet_distance(stem(real), stem(fake))
    for images, is_real in ((real, True), (fake, False)):
        for part in images.split(10):
            theirs.update(part, real=is_real)
    assert ours == pytest.approx(12.7202, abs=1e-4)
    assert ours == pytest.approx(float(theirs.compute()), abs=1e-4)


@pytest.mark.slow
def test_reference_fvd() -> None:
    """FVD of two sets of 128 clips of uniform noise: 10.13808, the value of the original implementation."""
    network = I3D("cpu", {"i3d-kinetics-400": weights.require("i3d-kinetics-400").path})
    sets = []
    for seed in (1, 2):
        rng = np.random.RandomState(seed)
        batches = (rng.rand(2, 16, 224, 224, 3).astype(np.float32) for _ in range(64))
        with torch.inference_mode():
            logits = [network.logits(torch.from_numpy(b).movedim(-1, 1)).numpy() for b in batches]
        sets.append(np.concatenate(logits))
    assert frechet_distance(*sets) == pytest.approx(10.13808, abs=1e-4)
