"""The work of a run on this machine: in this process, or by several workers that share the feature caches."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench.data.corpus import Corpus
from fevbench.engine.extract import open_extractions
from fevbench.engine.generate import GeneratedClips
from fevbench.engine.work import ClipFeatures, Part, Worker
from fevbench.errors import RunError
from fevbench.models.apart import (
    LOG_FILE,
    ModelProcess,
    find_apart,
    open_maker,
    packed,
    threads_of_a_run,
)
from fevbench.models.program_folder import OUTSIDE_FOLDER
from fevbench.models.registry import is_of_a_package, load_plugin
from fevbench.processes import work_with_opened
from fevbench.progress import Silent
from fevbench.results.files import CLIPS_FOLDER, NOISE_FOLDER

if TYPE_CHECKING:
    from fevbench.data.protocol import Protocol
    from fevbench.engine.plan import Plan
    from fevbench.extractors.base import Extractor
    from fevbench.models.asked import Maker
    from fevbench.models.found import FoundModel
    from fevbench.weights import LocalWeight

LEAST_CLIPS, LEAST_CHEAP_CLIPS = 16, 512
"""Least clips per additional worker, with networks and without: fewer take less time than its start."""
WORKER_BYTES, PIXEL_BYTES = 2_200_000_000, 600
"""Memory of a worker besides its networks, and more per pixel of a clip: 2.6 GB for the default metrics at
64 px and 16 frames, 5 GB at 256 px and 64 frames (``benchmarks/engine.py``)."""
CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""Files with a container's memory limit and use, for versions 2 and 1 of control groups."""
ALL_GPUS = "cuda"
"""The torch device of a run that may use all GPUs; ``cuda:0`` is one of them."""
DEATHS = 3
"""How many workers of a run may die; their work is repeated."""


@dataclass(frozen=True)
class Job:
    """What a worker needs to know about a run.

    Attributes:
        plan: The run.
        extractors: The networks and pixel measures of its metrics.
        weights: Their verified weights, by name.
        cache: The folder of the feature caches.
        clip_timeout: Seconds that a model's process may take per clip.
    """

    plan: Plan
    extractors: tuple[Extractor, ...]
    weights: Mapping[str, LocalWeight]
    cache: Path
    clip_timeout: float | None = None


@contextlib.contextmanager
def open_worker(
    job: Job,
    note: Callable[[str], None],
    maker: Maker | None = None,
    corpus: Corpus | None = None,
) -> Iterator[Worker]:
    """Open a worker for the block.

    Args:
        job: The run.
        note: Receives problems of a cache.
        maker: The model, if it is already running.
        corpus: The true clips, if they are already open.

    Raises:
        FevbenchError: The model cannot be built, or has changed.
    """
    plan, settings = job.plan, job.plan.settings
    evaluation = plan.evaluation
    corpus = corpus or Corpus(evaluation.dataset, evaluation.protocol, settings.split, settings.limit)
    with contextlib.ExitStack() as stack:
        if maker is None:
            found = stack.enter_context(_found_again(plan.model))
            maker = open_maker(found, corpus, plan.device, Silent(), job.clip_timeout, threads_of_a_run())
            stack.callback(maker.close)
            if maker.fingerprint != settings.fingerprint:
                raise RunError(
                    f"the code or weights of model {found.name} changed during the run",
                    "start over with --overwrite",
                )
        if isinstance(maker, ModelProcess):
            maker.log_to(plan.out / LOG_FILE)
        args = job.extractors, job.weights, plan.device, plan.batch_size, job.cache, note
        extractions = stack.enter_context(open_extractions(*args))
        generated = generated_clips(plan, maker, corpus)
        yield Worker(corpus, generated, plan.out / NOISE_FOLDER, extractions)


@contextlib.contextmanager
def _found_again(found: FoundModel) -> Iterator[FoundModel]:
    """A model that another process found; its registration came with its code."""
    if found.plugin or is_of_a_package(found.asked):
        with find_apart(found.asked, found.plugin) as again:
            yield again
    else:
        yield found


def generated_clips(plan: Plan, maker: Maker, corpus: Corpus) -> GeneratedClips:
    """The clips of a run in its folder."""
    folder, outside = plan.out / CLIPS_FOLDER, plan.out / OUTSIDE_FOLDER
    return GeneratedClips(maker, corpus, folder, plan.settings.seed, outside)


def do_all(
    worker: Worker,
    job: Job,
    turns: Sequence[Sequence[Part]],
    jobs: int,
    done: Callable[[Part, ClipFeatures], None],
) -> None:
    """Do the parts of a run, one turn after the other.

    Args:
        worker: The worker of this process.
        job: The run.
        turns: The parts; those of a turn need the clips of the turn before.
        jobs: Number of workers; one is this process.
        done: Called for each finished part, in any order within a turn.

    Raises:
        FevbenchError: A part failed; finished parts are kept. Or too many workers died.
    """
    if jobs == 1:
        for turn in turns:
            worker.do_each(turn, job.plan.device != "cpu", done)
        return
    worker.generated.finish()
    work_with_opened(_opened, packed_job(job), turns, jobs, done, DEATHS)


def packed_job(job: Job) -> bytes:
    """A run, pickled for another process.

    Raises:
        ModelError: The model or the data set cannot be sent.
    """
    model = replace(job.plan.model, process=None)  # which belongs to this process
    what = f"model {model.name} or data set {job.plan.evaluation.dataset.name}"
    return packed(replace(job, plan=replace(job.plan, model=model)), what, "repeat the command with --jobs 1")


@contextlib.contextmanager
def _opened(job: Job) -> Iterator[Callable[[Part], ClipFeatures]]:
    """In a worker's process: the function that does a part."""
    if job.plan.plugin:  # extractors may be in it
        load_plugin(job.plan.plugin)
    job = replace(job, plan=replace(job.plan, device=own_device(job.plan.device)))
    notes: list[str] = []
    with open_worker(job, notes.append) as worker:

        def do(part: Part) -> ClipFeatures:
            found = worker.do(part)
            worker.flush()
            found.notes, notes[:] = list(notes), []
            found.opened_files = worker.generated.opened_files
            return found

        yield do


def choose_jobs(
    asked: int | None, clips: int, protocol: Protocol, device: str, networks: Mapping[str, LocalWeight]
) -> int:
    """The number of workers of a run.

    Args:
        asked: The user's choice; None for as many as the work needs and as memory and processors allow.
        clips: Number of clips to make and to measure.
        protocol: Their size and length.
        device: The torch device. On GPUs the default is one worker for each.
        networks: The weights that each worker loads, by name.
    """
    if asked is not None:
        return asked
    if device != "cpu":
        return gpus() if device == ALL_GPUS else 1
    # Twice: the parameters, and the activations.
    per_worker = WORKER_BYTES + PIXEL_BYTES * protocol.frames * protocol.size**2
    per_worker += 2 * sum(weight.path.stat().st_size for weight in networks.values())
    worth = clips // (LEAST_CLIPS if networks else LEAST_CHEAP_CLIPS)
    return max(1, min(len(os.sched_getaffinity(0)), worth, free_memory() // per_worker))


def own_device(device: str) -> str:
    """The torch device of this worker: one of the GPUs, in turns, if the run may use all of them."""
    if device != ALL_GPUS:
        return device
    number = int(multiprocessing.current_process().name.rpartition("-")[2])
    return f"{device}:{number % gpus()}"


def gpus() -> int:
    """The number of GPUs."""
    import torch

    return torch.cuda.device_count()


def free_memory() -> int:
    """Bytes that new processes can use, on the machine and in this process's control group."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):
        known = re.search(r"MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text())
        free = 1024 * int(known[1]) if known else free
    for most, used in CGROUPS:
        with contextlib.suppress(OSError, ValueError):  # "max" is no limit
            free = min(free, int(Path(most).read_text()) - int(Path(used).read_text()))
    return free
