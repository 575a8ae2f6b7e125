"""Values other people published, met by our code with the real networks."""

from collections.abc import Iterator
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


def noise(seed: int, batches: int) -> Iterator[torch.Tensor]:
    """The clips of the reference FVD: uniform noise in [0, 1), two clips a batch, never rescaled."""
    rng = np.random.RandomState(seed)
    for _ in range(batches):
        yield torch.from_numpy(rng.rand(2, 16, 224, 224, 3).astype(np.float32)).movedim(-1, 1)


@pytest.fixture(scope="module")
def i3d() -> I3D:
    return I3D("cpu", {"i3d-kinetics-400": weights.require("i3d-kinetics-400").path})


@pytest.mark.parametrize(
    ("seed", "first"),
    [(1, [2.67543, 2.51826, 0.11293, 1.68124]), (2, [1.92038, 2.38039, 0.51171, 2.12793])],
)
def test_i3d_logits_of_the_reference_clips(i3d: I3D, seed: int, first: list[float]) -> None:
    """Of the run whose FVD was 10.13809: a quick guard for the slow test below."""
    with torch.inference_mode():
        logits = i3d.logits(next(noise(seed, 1))[:1])
    assert logits[0, :4].tolist() == pytest.approx(first, abs=1e-4)


@pytest.mark.slow
def test_reference_fvd(i3d: I3D) -> None:
    """FVD of two sets of 128 clips of noise: 10.13808, the value of the original implementation."""
    with torch.inference_mode():
        sets = [np.concatenate([i3d.logits(batch).numpy() for batch in noise(seed, 64)]) for seed in (1, 2)]
    assert frechet_distance(*sets) == pytest.approx(10.13808, abs=1e-4)
