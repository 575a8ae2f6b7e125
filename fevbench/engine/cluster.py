"""The work of a run on a Ray cluster: each part of the clips is a task on any free node.

Nodes share no files with this process. A task gets the clips that are already made, as files, and the true
clips' pixels if the node lacks the data set. It returns the clips it made and all features. If a node is
lost, Ray repeats its task. `fevbench.engine.node` is the node's side.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fevbench import weights
from fevbench.atomic import replacing
from fevbench.data.datasets import RecordedDataset
from fevbench.engine.local import Job, packed_job
from fevbench.engine.node import SentRun, TaskInput, TaskOutput, files_of, work_on_node
from fevbench.engine.plan import Cluster
from fevbench.engine.work import ClipFeatures, Part, Worker
from fevbench.errors import FevbenchError, MissingPackage
from fevbench.version import VERSION

AT_ONCE = 2
"""Parts sent per free processor or GPU, so that a node never waits for the next one."""
SECONDS = 10.0
"""Seconds within which a cluster's address must answer."""


def do_all_on_cluster(
    worker: Worker,
    job: Job,
    turns: Sequence[Sequence[Part]],
    cluster: Cluster,
    jobs: int | None,
    done: Callable[[Part, ClipFeatures], None],
) -> None:
    """Do the parts of a run on a cluster, as `fevbench.engine.local.do_all` does them here.

    At most ``jobs`` parts are done at once, by default as many as there are processors or GPUs.

    Raises:
        FevbenchError: The cluster does not answer; or a part failed, in which case the node is named.
    """
    ray = _connected(cluster.address, jobs)
    gpus = job.plan.device != "cpu"
    worker.generated.finish()
    try:
        task = ray.remote(num_cpus=1, num_gpus=int(gpus), max_retries=-1)(work_on_node)
        sent = ray.put(_sent(job))
        places = int(ray.cluster_resources().get("GPU" if gpus else "CPU", 1)) or 1
        most = AT_ONCE * min(places, jobs or places)
        ships = False  # until a node says that it lacks the data set
        for turn in turns:
            todo = list(turn)
            running: dict[Any, Part] = {}
            while todo or running:
                while todo and len(running) < most:
                    part = todo.pop(0)
                    running[task.remote(sent, _load(worker, job, part, ships))] = part
                (ready,), _ = ray.wait(list(running), num_returns=1)
                part = running.pop(ready)
                brought: TaskOutput = ray.get(ready)
                if brought.failed:
                    raise FevbenchError(*brought.failed)
                if brought.lacks_data:
                    ships = True
                    todo.insert(0, part)
                    continue
                for name, content in brought.made.items():
                    path = job.plan.out / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with replacing(path) as written:
                        written.write_bytes(content)
                done(part, brought.found)
    except ray.exceptions.RayError as error:
        # Of a task that failed, the first line names the node, and the last says why.
        lines = str(error).strip().splitlines()
        what = ": ".join(dict.fromkeys([lines[0], lines[-1]])) if lines else type(error).__name__
        raise FevbenchError(f"the cluster failed ({what})", "repeat the command, which continues") from error
    finally:
        ray.shutdown()


def _connected(address: str | None, jobs: int | None) -> Any:
    """Ray, connected to a cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray reports its use to its makers
    try:
        import ray
    except ImportError as error:
        raise MissingPackage("--engine ray", "ray", "ray") from error
    fix = "start one with `ray start --head`, and give --address its HOST:PORT"
    if address and ":" in address and "://" not in address:
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), SECONDS).close()
        except (OSError, ValueError, OverflowError) as error:
            raise FevbenchError(f"no Ray cluster answers at {address} ({error})", fix) from error
    try:
        ray.init(
            address=address or "local",
            num_cpus=None if address else jobs or len(os.sched_getaffinity(0)),
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        what = str(error).strip().partition("\n")[0]
        raise FevbenchError(f"no Ray cluster answers at {address or 'this machine'} ({what})", fix) from error
    return ray


def _sent(job: Job) -> SentRun:
    plan = job.plan
    dataset = plan.evaluation.dataset
    registry = weights.load_registry()  # a node can download what is in it
    files = {name: weight.path.read_bytes() for name, weight in job.weights.items() if name not in registry}
    if plan.plugin:
        files[plan.plugin.name] = plan.plugin.read_bytes()
    evaluation = replace(plan.evaluation, dataset=RecordedDataset.of(dataset), metrics=(), clips=None)
    slim = replace(job, plan=replace(plan, evaluation=evaluation))
    hashes = {name: weight.sha256 for name, weight in job.weights.items()}
    return SentRun(
        packed_job(slim),
        os.urandom(8).hex(),
        VERSION,
        {e.name: e.versions() for e in job.extractors},
        {
            e.name: e.fingerprint({name: hashes[name] for name in e.weights}, plan.device)
            for e in job.extractors
        },
        hashes,
        files,
    )


def _load(worker: Worker, job: Job, part: Part, ships: bool) -> TaskInput:
    clips, _ = part
    made = {
        name: (job.plan.out / name).read_bytes() for name in files_of(part) if (job.plan.out / name).exists()
    }
    true = {clip.id: worker.corpus.frames(clip) for clip in clips} if ships else None
    return TaskInput(part, made, true)
