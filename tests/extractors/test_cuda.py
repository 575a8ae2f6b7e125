"""On a GPU: the CPU's numbers, the same in every run, whatever a model set torch to. Skipped without one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from fevbench.extractors.base import DETECTOR, extractors
from fevbench.extractors.onnx import CPU, CUDA, CUDA_OPTIONS, load_onnx, onnx_providers
from fevbench.global_state import fixed_global_state
from fevbench.judge.files import find_judge
from fevbench.registry import load_target

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from gpu import FACE_BOUND, FEATURE_BOUND, batches

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.weights,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU"),
]
NAMES = [
    name
    for name in extractors
    if {"torch", "onnxruntime"} & set(extractors.get(name).packages)
    and name not in ("arcface-r50", "videomae", "vjepa", "hsemotion")  # users bring these weights
]


@pytest.fixture(params=NAMES)
def both(request: pytest.FixtureRequest, weight_paths: Mapping[str, Path]) -> tuple[str, np.ndarray, list]:
    """An extractor, a batch for it, and the network on the CPU and on the GPU."""
    from fevbench.data.datasets import open_dataset
    from fevbench.data.protocol import protocols

    extractor = extractors.get(request.param)
    judge = find_judge(open_dataset("fevsynth"), protocols.get("64x16"))
    own = {"judge": judge.path} if judge else {}
    files = {name: own.get(name) or weight_paths[name] for name in extractor.weights}
    with fixed_global_state():
        networks = [load_target(extractor.load)(device, files) for device in ("cpu", "cuda")]
    return request.param, batches(extractor.unit, 4), networks


def test_features_are_the_cpus(both: tuple[str, np.ndarray, list]) -> None:
    """Also where a model asked for products of fewer digits before."""
    name, batch, (on_cpu, on_gpu) = both
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    try:
        torch.set_float32_matmul_precision("medium")
        torch.backends.cudnn.allow_tf32 = True
        with fixed_global_state():
            expected, found = on_cpu(batch), on_gpu(batch)
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]
    assert np.array_equal(np.isnan(expected), np.isnan(found))
    lengths = np.linalg.norm(expected, axis=1)
    faces = set(DETECTOR.weights) <= set(extractors.get(name).weights)
    assert np.nanmax(np.linalg.norm(found - expected, axis=1) / lengths) <= (
        FACE_BOUND if faces else FEATURE_BOUND
    )


def test_features_are_the_same_every_time(both: tuple[str, np.ndarray, list]) -> None:
    _, batch, (_, on_gpu) = both
    with fixed_global_state():
        assert np.array_equal(on_gpu(batch), on_gpu(batch), equal_nan=True)


@pytest.mark.skipif(onnx_providers("cuda") == [CPU], reason="this onnxruntime computes on no GPU")
def test_onnxruntime_rounds_nowhere(
    weight_paths: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the option that says so is one that it knows: with the other value, numbers change."""
    rng = np.random.default_rng(0)
    pixels = rng.standard_normal((4, 3, 112, 112), np.float32)
    path = weight_paths["w600k-mbf"]
    [expected], [found] = (load_onnx(device, path).run(pixels) for device in ("cpu", "cuda"))
    monkeypatch.setitem(CUDA_OPTIONS, "use_tf32", "1")
    [rounded] = load_onnx("cuda", path).run(pixels)
    exact, coarse = (np.linalg.norm(one - expected) / np.linalg.norm(expected) for one in (found, rounded))
    assert exact <= FEATURE_BOUND
    assert onnx_providers("cuda")[0] == CUDA
    if torch.cuda.get_device_capability() >= (8, 0):  # older ones have no such format
        assert coarse > 3 * exact
