"""What a model costs: parameters, operations, latency, clips per second, memory; the same code for all.

On a CPU, the memory of one of several models in a process cannot be measured: allocators keep freed memory,
and libraries are loaded once. So each model is built and called once more in a separate process.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from fevbench.data.corpus import Corpus
from fevbench.data.tensors import to_tensor
from fevbench.errors import ModelError
from fevbench.models.apart import ModelProcess
from fevbench.models.built import build, networks
from fevbench.models.found import FoundModel
from fevbench.models.plugin_environment import call_model
from fevbench.models.protocol import VideoModel
from fevbench.models.within import Inside
from fevbench.progress import Progress, Silent
from fevbench.records import Finite, Record
from fevbench.results.schema import Environment

BATCHES = (1, 16)
_STATUS = Path("/proc/self/status")
_FORGET_PEAK = Path("/proc/self/clear_refs"), "5"
"""What is written where, to have the kernel measure the peak from now on (proc(5))."""


class Latency(Record):
    """How long one batch takes: seconds, the median of all rounds between their first and third quartiles."""

    batch: int
    median: Finite
    low: Finite
    high: Finite
    rounds: int

    @property
    def clips_per_second(self) -> float:
        """At the median."""
        return self.batch / self.median


class Cost(Record):
    """What one model costs.

    Attributes:
        parameters: Numbers in the torch networks it holds, pretrained ones included; those that other
            runtimes hold (a face detector in onnxruntime) are not counted.
        flops: Floating-point operations of one clip in torch's matrix products and convolutions, two for a
            multiplication with addition; None where torch cannot count.
        peak_memory: Bytes at most, at the largest batch: those a GPU gave torch; on a CPU, those a process of
            its own grew by (`fevbench.cost.measure`); None where neither can be told.
    """

    model: str
    fingerprint: str
    parameters: int
    flops: int | None
    latencies: list[Latency]
    peak_memory: int | None


class CostTable(Record):
    """Costs that were measured in turns in one session, so that their ratios mean something."""

    protocol: str
    environment: Environment
    costs: list[Cost]


def measure(
    found: Sequence[FoundModel], corpus: Corpus, device: str, rounds: int, progress: Progress
) -> list[Cost]:
    """Measure models in turns: each round asks every model once, so that a slow minute slows all of them.

    Inputs are the corpus's own faces and labels, because a model may look for a face in them. Nothing is
    compiled or captured; one untimed call comes first.

    Raises:
        ModelError: A model looks clips up, cannot be built, or fails.
    """
    for one in found:
        one.check_generates()
        if one.is_outside:
            raise ModelError(
                f"the cost of {one.name} cannot be measured: it is an external program", "leave it out"
            )
    built = [Timed(one, corpus, device, progress) for one in found]
    seconds: dict[tuple[int, int], list[float]] = {}
    for batch in BATCHES:
        progress.start(f"batch {batch}", (rounds + 1) * len(built))
        for turn in range(rounds + 1):
            for i, model in enumerate(built):
                taken = model.seconds(batch)
                if turn:
                    seconds.setdefault((i, batch), []).append(taken)
                progress.advance(1)
    return [
        Cost(
            model=model.found.name,
            fingerprint=model.fingerprint,
            parameters=model.parameters(),
            flops=model.flops(),
            latencies=[_latency(batch, seconds[i, batch]) for batch in BATCHES],
            peak_memory=model.peak_memory(),
        )
        for i, model in enumerate(built)
    ]


def _latency(batch: int, seconds: Sequence[float]) -> Latency:
    low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return Latency(batch=batch, median=median, low=low, high=high, rounds=len(seconds))


class Timed:
    """A built model with inputs."""

    def __init__(self, found: FoundModel, corpus: Corpus, device: str, progress: Progress) -> None:
        self.found = found
        self._device = torch.device(device)
        built = build(found, corpus, device, progress)
        self.fingerprint = built.fingerprint
        self._model = cast(VideoModel, built.model)
        clips = [corpus.clips[i % len(corpus.clips)] for i in range(max(BATCHES))]
        self._images = torch.cat([to_tensor(corpus.frames(clip)[:1], device) for clip in clips])
        labels = [corpus.dataset.labels.index(clip.label) for clip in clips]
        self._labels = torch.tensor(labels, device=self._device)

    def seconds(self, batch: int) -> float:
        """How long a batch takes, the device's work included."""
        self._wait()
        began = time.perf_counter()
        self.make(batch)
        self._wait()
        return time.perf_counter() - began

    def parameters(self) -> int:
        """Numbers in all its networks, shared ones once."""
        found = {id(p): p.numel() for network in networks(self._model) for p in network.parameters()}
        return sum(found.values())

    def flops(self) -> int | None:
        """Operations of one clip."""
        from torch.utils.flop_counter import FlopCounterMode

        counter = FlopCounterMode(display=False)
        try:
            with torch.no_grad(), self.found.environment, counter:
                self._generate(1)
        except Exception:  # scripted and quantised networks cannot be looked into
            return None
        return counter.get_total_flops()

    def peak_memory(self) -> int | None:
        """Bytes at the largest batch, on a GPU."""
        if self._device.type != "cuda":
            return None
        torch.cuda.reset_peak_memory_stats(self._device)
        self.make(max(BATCHES))
        return torch.cuda.max_memory_allocated(self._device)

    def make(self, batch: int) -> Tensor:
        """Clips of the first ``batch`` inputs."""

        def generate() -> Tensor:
            with torch.no_grad():
                return self._generate(batch)

        return call_model(self.found.name, self.found.environment, f"failed on a batch of {batch}", generate)

    def _generate(self, batch: int) -> Tensor:
        generator = torch.Generator(self._device).manual_seed(0)
        return self._model.generate(self._images[:batch], self._labels[:batch], generator)

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def with_peak_memory(
    found: Sequence[FoundModel], costs: Sequence[Cost], corpus: Corpus, progress: Progress
) -> list[Cost]:
    """The costs of models on a CPU with the memory each takes; see `peak_memory`."""
    progress.start("memory", len(costs))
    measured = []
    for one, cost in zip(found, costs, strict=True):
        measured.append(cost.model_copy(update={"peak_memory": peak_memory(one, corpus)}))
        progress.advance(1)
    return measured


def peak_memory(found: FoundModel, corpus: Corpus) -> int | None:
    """By how many bytes a process grows as it builds a model and makes the largest batch; on Linux.

    On one thread, and beyond what torch and the inputs take. Elsewhere it is None.

    Raises:
        ModelError: The model fails, or the process was killed, perhaps for want of memory.
    """
    if not sys.platform.startswith("linux"):
        return None
    process = ModelProcess(found.name, fresh=True)
    try:
        process.load(found)
        peak: int = process.carry_out(_measure, corpus)
        return peak
    finally:
        process.close()


def _measure(inside: Inside, corpus: Corpus) -> int:
    torch.set_num_threads(1)
    for clip in corpus.clips[: max(BATCHES)]:
        corpus.frames(clip)
    file, order = _FORGET_PEAK
    file.write_text(order)
    before = _bytes("VmRSS")
    Timed(inside.found, corpus, "cpu", Silent()).make(max(BATCHES))
    return _bytes("VmHWM") - before


def _bytes(field: str) -> int:
    """A figure of this process that the kernel gives in kB."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return 1024 * int(line.split()[1])
