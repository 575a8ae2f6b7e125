"""The Inception of FID: the same network from either file; `tests/parity` holds it to the export itself."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fevbench.errors import WeightsError
from fevbench.extractors.inception import INPUT_SIZE, Inception, load_inception, resize_clean

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def extractor(weight_paths: dict[str, Path]) -> Inception:
    return Inception("cpu", weight_paths)


def test_reads_pytorch_fids_state_dict(
    extractor: Inception, weight_paths: dict[str, Path], tmp_path: Path
) -> None:
    """The official file holds the same parameters under torchvision's names."""
    official = tmp_path / "official.pth"
    torch.save(load_inception(weight_paths["inception-fid"]).state_dict(), official)
    frames = np.random.default_rng(0).integers(0, 256, size=(2, 64, 64, 3), dtype=np.uint8)
    again = Inception("cpu", {"inception-fid": official})
    assert np.array_equal(again(frames), extractor(frames))


@pytest.mark.parametrize("suffix", [".pth", ".pt"])
def test_refuses_another_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"other{suffix}"
    if suffix == ".pth":
        torch.save({"weight": torch.ones(1)}, path)
    else:
        path.write_bytes(b"not TorchScript")
    with pytest.raises(WeightsError, match="does not hold FID's Inception") as caught:
        load_inception(path)
    assert "\n" not in str(caught.value)


def test_features_do_not_depend_on_the_batch(extractor: Inception) -> None:
    frames = np.random.default_rng(1).integers(0, 256, size=(3, 64, 64, 3), dtype=np.uint8)
    together, alone = extractor(frames), np.concatenate([extractor(frame[None]) for frame in frames[::-1]])
    assert together == pytest.approx(alone[::-1], abs=1e-4)


@pytest.mark.parametrize("size", [32, 64, 128, 400])
def test_resize_is_pillows(size: int) -> None:
    image = np.random.default_rng(size).integers(0, 256, size=(size, size)).astype(np.float32)
    pillow = Image.fromarray(image).resize((INPUT_SIZE, INPUT_SIZE), Image.Resampling.BICUBIC)
    ours = resize_clean(torch.from_numpy(image)[None, None].expand(1, 3, -1, -1))[0, 0]
    assert ours.numpy() == pytest.approx(np.asarray(pillow).clip(0, 255), abs=1e-3)
