"""LPIPS: pairs of pictures, in the layout and range the authors' network expects."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fevbench import weights
from fevbench.data.tensors import to_tensor
from fevbench.engine.extract import open_extractions
from fevbench.engine.samples import HashedClip, noise_pairs, samples
from fevbench.errors import WeightsError
from fevbench.extractors.base import Unit, extractors, sample_count
from fevbench.extractors.lpips import SCALE, SHIFT, load_alex, load_vgg
from fevbench.extractors.networks import flatten, read_tree
from fevbench.metrics.measurement import ClipView
from fevbench.metrics.pixels import lpips, tlpips


def pictures(count: int, size: int = 64, seed: int = 0) -> np.ndarray:
    """Smooth noise, pairs of it."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.uniform(0, 255, size=(2 * count, 3, 6, 6)))
    smooth = F.interpolate(coarse, (size, size), mode="bicubic").clamp(0, 255).round().byte()
    return smooth.movedim(1, -1).numpy().reshape(count, 2, size, size, 3)


@pytest.mark.weights
@pytest.mark.parametrize(("name", "load"), [("lpips-alex", load_alex), ("lpips-vgg", load_vgg)])
def test_it_is_a_distance(name: str, load) -> None:  # type: ignore[no-untyped-def]
    network = load("cpu", {name: weights.require(name).path})
    batch = pictures(3)
    found = network(batch)
    assert found.shape == (3, 1)
    assert found.dtype == np.float32
    assert (found > 0.05).all()
    itself = batch[:, [0, 0]]
    assert (network(np.concatenate([itself, batch[:1]]))[:3] == 0).all(), "a picture is at 0 from itself"
    assert np.array_equal(network(batch[:, ::-1]), found), "it is symmetric"
    network._kept.clear()
    assert np.array_equal(network(batch[1:2]), found[1:2]), "neighbours in a batch do not matter"
    noisier = [
        np.stack([batch[0, 0], np.clip(batch[0, 0] + k * pictures(1, seed=5)[0, 0] / 255 - k / 2, 0, 255)])
        for k in (10, 30, 90)
    ]
    growing = network(np.stack(noisier).round().astype(np.uint8))[:, 0]
    assert (np.diff(growing) > 0).all()


@pytest.mark.weights
def test_it_is_the_published_formula() -> None:
    """AlexNet once more, written out layer by layer from the checkpoint."""
    path = weights.require("lpips-alex").path
    arrays = {name: torch.from_numpy(value.copy()) for name, value in flatten(read_tree(path))}
    batch = pictures(2)
    x = to_tensor(batch).flatten(0, 1).double()
    x = (x - torch.tensor(SHIFT).view(1, 3, 1, 1)) / torch.tensor(SCALE).view(1, 3, 1, 1)
    total = 0
    for i, (stride, padding) in enumerate([(4, 2), (1, 2), (1, 1), (1, 1), (1, 1)]):
        if i in (1, 2):
            x = F.max_pool2d(x, 3, 2)
        kernel = arrays[f"AlexNet_0/Conv_{i}/kernel"].permute(3, 2, 0, 1).double()
        x = F.conv2d(x, kernel, arrays[f"AlexNet_0/Conv_{i}/bias"].double(), stride, padding).relu()
        unit = x / x.square().sum(1, keepdim=True).sqrt().clamp_min(1e-10)
        squares = (unit[0::2] - unit[1::2]).square()
        weight = arrays[f"NetLinLayer_{i}/Conv_0/kernel"].view(1, -1, 1, 1)
        assert (weight >= 0).all()
        total = total + (weight * squares).sum(1).mean((1, 2))
    found = load_alex("cpu", {"lpips-alex": path})(batch)[:, 0]
    assert found == pytest.approx(total.numpy(), rel=1e-4)


@pytest.mark.weights
def test_the_network_sees_a_picture_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network = load_alex("cpu", {"lpips-alex": weights.require("lpips-alex").path})
    run, seen = network._run, []

    def counted(pictures: torch.Tensor) -> torch.Tensor:
        seen.append(len({picture.numpy().tobytes() for picture in pictures}))
        return run(pictures)

    monkeypatch.setattr(network, "_run", counted)
    made, true = pictures(10).swapaxes(0, 1)
    of_true = network(np.stack([made, true], 1))
    following = network(np.stack([made[:-1], made[1:]], 1))
    assert sum(seen) == 20, "the frames of both clips"
    network._kept.clear()
    assert np.array_equal(network(np.stack([made[:-1], made[1:]], 1)), following), "kept or not"
    monkeypatch.setattr("fevbench.extractors.lpips.MOST_BYTES", 3 * 200_000)
    assert np.array_equal(network(np.stack([made, true], 1)), of_true), "more pictures than are kept"
    assert len(network._kept) == 3 * 200_000 // next(iter(network._kept.values())).nbytes == 4
    assert (network(np.stack([made, made], 1)) == 0).all()
    assert sum(seen) == 20 + 10 + 10, "equal pictures are not looked at"
    network(np.full((1, 2, 48, 64, 3), 7, np.uint8))
    assert network(np.full((1, 2, 64, 48, 3), 7, np.uint8)) == 0, "equal bytes, another shape"


@pytest.mark.weights
def test_its_uses_share_the_network_and_what_it_keeps(tmp_path: Path) -> None:
    local = {"lpips-alex": weights.require("lpips-alex")}
    wanted = [extractors.get(name) for name in ("lpips-alex", "lpips-alex-next", "lpips-alex-draws")]
    made, true = (HashedClip(clip) for clip in pictures(16).swapaxes(0, 1))
    with open_extractions(wanted, local, "cpu", None, tmp_path) as opened:
        beside, following, between = opened.values()
        (rows,) = beside.of_pairs([(made, true)])
        network = beside._load()
        assert following._load() is network is between._load()
        network._run = None  # type: ignore[attr-defined]
        following.of_pairs([(made, true), (true, true)])
        (again,) = between.of_samples([noise_pairs([made, true])])
        assert np.array_equal(again, rows)


@pytest.mark.parametrize("content", [b"", b"nothing", pickle.dumps({"AlexNet_0": {}}), pickle.dumps([1])])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.ckpt"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"other.ckpt does not hold LPIPS .*: delete it and pull it again"):
        load_alex("cpu", {"lpips-alex": path})


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.ckpt"
    path.write_bytes(pickle.dumps({"AlexNet_0": Path("/")}))
    with pytest.raises(WeightsError, match="it asks for pathlib"):
        load_alex("cpu", {"lpips-alex": path})


def test_what_extractors_look_at() -> None:
    made = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    true = made + 100
    both = HashedClip(made), HashedClip(true)

    def shown(unit: Unit) -> list[list[int]]:
        return [sample.pixels[..., 0, 0, 0].ravel().tolist() for sample in samples(unit, *both)]

    assert shown("true pair") == [[i, 100 + i] for i in range(5)]
    assert shown("next pair") == [[i, i + 1] for i in range(4)]
    assert shown("next pair of both") == [[i, i + 1, 100 + i, 101 + i] for i in range(4)]
    assert shown("clip") == [list(range(5))]
    assert [sample.pixels[0, 0, 0] for sample in samples("frame", *both)] == list(range(5))
    for unit in get_args(Unit):
        if unit != "noise pair":
            found = samples(unit, *both)
            assert len(found) == sample_count(unit, 5)
            assert len({sample.key for sample in found}) == len(found), "other pixels, another key"
    assert samples("true pair", *both)[0].key != samples("true pair", *both[::-1])[0].key


def test_values_by_hand() -> None:
    beside = np.array([[0.0], [0.2], [0.4]])
    assert lpips(ClipView(beside, np.zeros((3, 1)), "", "", ())).value == pytest.approx(0.2)
    following = np.array([[0.5], [0.0]]), np.array([[0.3], [0.1]])
    assert tlpips(ClipView(*following, "", "", ())).value == pytest.approx(0.15)
