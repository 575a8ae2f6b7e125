"""I3D's padding by TensorFlow's rule, its checkpoint, and what it refuses."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fevbench.errors import WeightsError
from fevbench.extractors.base import extractors
from fevbench.extractors.i3d import I3D, MaxPoolSame, build_i3d
from fevbench.extractors.networks import resize_bilinear, same_padding
from fevbench.metrics.catalog import metrics


class Opener:
    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, ("made-by-a-pickle", "w")


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "pads"),
    # By TensorFlow's formula: total = max((ceil(n / s) - 1) s + k - n, 0), the smaller half in front.
    [
        (224, 7, 2, (2, 3)),
        (16, 7, 2, (2, 3)),
        (9, 7, 2, (3, 3)),
        (112, 3, 2, (0, 1)),
        (5, 2, 2, (0, 1)),
        (8, 3, 1, (1, 1)),
    ],
)
def test_same_padding(length: int, kernel: int, stride: int, pads: tuple[int, int]) -> None:
    size = torch.Size((1, 1, length, length, length))
    assert same_padding(size, (kernel,) * 3, (stride,) * 3) == [*pads] * 3


def test_tensorflow_1_resizes_on_a_grid_from_the_corner() -> None:
    """Source = target * n / size: of three pixels to six 0, 0.5, 1, 1.5, 2 and, at the border, 2 again."""
    row = torch.tensor([[[[10.0, 20.0, 40.0]]]]).expand(1, 1, 3, 3)
    wide = resize_bilinear(row, 6)
    assert wide[0, 0, 0].tolist() == [10, 15, 20, 30, 40, 40]
    assert torch.equal(resize_bilinear(row.mT, 6), wide.mT)
    assert torch.equal(resize_bilinear(row, 3), row)
    half = F.interpolate(row, (6, 6), mode="bilinear", align_corners=False)
    assert (half - wide).abs().max() > 2


def test_the_original_fvd_is_another_definition() -> None:
    assert metrics.get("fvd-tf").id != metrics.get("fvd").id
    weights = {"i3d-kinetics-400": "0" * 64}
    one, other = (extractors.get(name).fingerprint(weights, "cpu") for name in ("i3d", "i3d-tf"))
    assert one != other


def test_padded_places_never_win_a_pooling() -> None:
    pooled = MaxPoolSame((3, 3, 3), (1, 1, 1))(torch.full((1, 1, 2, 2, 2), -5.0))
    assert torch.equal(pooled, torch.full((1, 1, 2, 2, 2), -5.0))


@pytest.mark.weights
def test_logits_do_not_depend_on_the_batch(weight_paths: dict[str, Path]) -> None:
    network = I3D("cpu", weight_paths)
    clips = np.random.default_rng(0).integers(0, 256, size=(2, 9, 64, 64, 3), dtype=np.uint8)
    together, alone = network(clips), np.concatenate([network(clip[None]) for clip in clips[::-1]])
    assert together.shape == (2, 400)
    assert together == pytest.approx(alone[::-1], abs=1e-3)
    with pytest.raises(ValueError, match="at least 9 frames"):
        network(clips[:, :8])


def test_a_pickle_that_asks_for_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "i3d.ckpt"
    path.write_bytes(pickle.dumps({"params": Opener()}))
    with pytest.raises(WeightsError, match="does not hold I3D"):
        build_i3d(path)
    assert not (tmp_path / "made-by-a-pickle").exists()


@pytest.mark.parametrize("content", [b"", b"junk", pickle.dumps({"params": {}, "batch_stats": {}})])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "i3d.ckpt"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="does not hold I3D") as caught:
        build_i3d(path)
    assert "\n" not in str(caught.value)
