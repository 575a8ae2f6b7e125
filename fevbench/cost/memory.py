"""How much memory a model takes on a CPU, measured in a process of its own.

A process cannot tell what one of several models takes of it: allocators keep what is freed, and libraries
are loaded once. So each model is built and asked in a process that does nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fevbench.cost.measure import BATCHES, Cost, Timed
from fevbench.data.corpus import Corpus
from fevbench.models.registry import find_model
from fevbench.processes import work_all
from fevbench.progress import Progress, Silent

_STATUS = Path("/proc/self/status")
_FORGET_PEAK = Path("/proc/self/clear_refs"), "5"
"""What is written where, to have the kernel measure the peak from now on (proc(5))."""


@dataclass(frozen=True)
class _Asked:
    model: str
    plugin: Path | None
    corpus: Corpus


def with_peak_memory(
    costs: Sequence[Cost], plugin: Path | None, corpus: Corpus, progress: Progress
) -> list[Cost]:
    """The costs of models on a CPU with the memory each takes; see `peak_memory`."""
    progress.start("memory", len(costs))
    measured = []
    for cost in costs:
        peak = peak_memory(cost.model, plugin, corpus)
        measured.append(cost.model_copy(update={"peak_memory": peak}))
        progress.advance(1)
    return measured


def peak_memory(model: str, plugin: Path | None, corpus: Corpus) -> int | None:
    """By how much a process grows at most while it builds a model and makes the largest batch, on one thread.

    Args:
        model: Its name.
        plugin: A file that registers it.
        corpus: Faces and labels.

    Returns:
        Bytes of resident memory beyond what torch and the inputs take; None but on Linux.

    Raises:
        FevbenchError: The model fails, or the process was killed, perhaps for want of memory.
    """
    if not sys.platform.startswith("linux"):
        return None
    found: list[int] = []
    work_all(_measure, [_Asked(model, plugin, corpus)], 1, lambda _, peak: found.append(peak))
    return found[0]


def _measure(asked: _Asked) -> int:
    corpus = asked.corpus
    model = find_model(asked.model, asked.plugin)
    for clip in corpus.clips[: max(BATCHES)]:
        corpus.frames(clip)
    file, order = _FORGET_PEAK
    file.write_text(order)
    before = _bytes("VmRSS")
    Timed(model, corpus, "cpu", Silent()).make(max(BATCHES))
    return _bytes("VmHWM") - before


def _bytes(field: str) -> int:
    """A figure of this process that the kernel gives in kB."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return 1024 * int(line.split()[1])
