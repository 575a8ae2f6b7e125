"""How many samples a GPU computes at once, and what happens where its memory is too small. Needs no GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fevbench.engine.extract import Extraction
from fevbench.engine.samples import HashedClip
from fevbench.errors import FevbenchError
from fevbench.extractors.base import GPU_BATCHES, Extractor, extractors

MEANS = Extractor("means", "frame", 1, (), "none", ("torch",), "a network of this test", batch=8)
CLIP = HashedClip(np.random.default_rng(0).integers(0, 256, (50, 4, 4, 3), np.uint8))


class Means:
    """Means of pictures; more than ``most`` at once do not fit."""

    def __init__(self, most: int) -> None:
        self.most, self.calls = most, list[int]()

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        if len(batch) > self.most:
            raise torch.cuda.OutOfMemoryError
        self.calls.append(len(batch))
        return batch.mean((1, 2, 3), dtype=np.float32)[:, None]


def _extracted(
    network: Means, monkeypatch: pytest.MonkeyPatch, folder: Path, device: str, size: int | None = None
) -> tuple[np.ndarray, list[str]]:
    notes: list[str] = []
    monkeypatch.setattr("fevbench.engine.extract.load_target", lambda _: lambda *_: network)
    with Extraction(MEANS, {}, device, size, folder, notes.append) as extraction:
        (rows,) = extraction.of_pairs([(CLIP, CLIP)])
        assert extraction.take_work().computed == 50
    return rows, notes


def test_a_gpu_computes_more_samples_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    on_cpu, on_gpu = Means(1000), Means(1000)
    expected, _ = _extracted(on_cpu, monkeypatch, tmp_path / "cpu", "cpu")
    found, notes = _extracted(on_gpu, monkeypatch, tmp_path / "gpu", "cuda:1")
    assert on_cpu.calls == [8] * 7
    assert on_gpu.calls == [8 * GPU_BATCHES] * 2
    assert np.array_equal(found, expected)
    assert not notes


def test_networks_that_run_on_the_cpu_keep_their_batches() -> None:
    for name in extractors:
        extractor = extractors.get(name)
        assert extractor.batch_on("cpu") == extractor.batch
        if not {"torch", "onnxruntime"} & {*extractor.packages}:
            assert extractor.batch_on("cuda") == extractor.batch


def test_batches_are_halved_until_they_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    network = Means(9)
    found, notes = _extracted(network, monkeypatch, tmp_path, "cuda")
    assert np.array_equal(found, Means(50)(CLIP.frames))
    assert network.calls == [8] * 7
    said = "not enough memory for {} samples of means at once: continuing with {}"
    assert notes == [said.format(32, 16), said.format(16, 8)]


@pytest.mark.parametrize(("most", "device", "size"), [(0, "cuda", None), (9, "cuda", 16), (7, "cpu", None)])
def test_memory_that_cannot_suffice_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, most: int, device: str, size: int | None
) -> None:
    """Not one sample fits; the user chose the batch; or a CPU, where features are the same for any work."""
    with pytest.raises(FevbenchError, match=f"not enough memory for {size or {0: 1, 7: 8}[most]} sample"):
        _extracted(Means(most), monkeypatch, tmp_path, device, size)
