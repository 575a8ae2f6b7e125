"""The work of a run on a cluster, by Ray: each part of the clips is a task on whichever node is free.

Nodes share no files with this process. A part takes with it the clips that are made already, as files, and
the true clips' pixels where a node lacks the data set; it brings back the clips it made, and all features.
Ray does a task again where a node was lost. A node with another fevbench, other packages or other weights is
refused by name, because its features would be others.
"""

from __future__ import annotations

import logging
import os
import platform
import shutil
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle

from fevbench import paths, weights
from fevbench.atomic import replacing
from fevbench.data.corpus import Corpus
from fevbench.data.datasets import RecordedDataset, open_dataset
from fevbench.engine.local import Job, open_worker, packed_job
from fevbench.engine.work import Found, Part, Worker
from fevbench.errors import FevbenchError, MissingPackage
from fevbench.models.registry import load_plugin
from fevbench.results.files import CLIPS_FOLDER, NOISE_FOLDER, file_name
from fevbench.version import VERSION

if TYPE_CHECKING:
    from fevbench.data.clip import Clip, Dataset, Frames
    from fevbench.engine.plan import Cluster
    from fevbench.weights import LocalWeight

AT_ONCE = 2
"""Parts sent for each place where one can be worked on: the next is there when one is done."""
SECONDS = 10.0
"""In which a cluster's address must answer."""


class SentCorpus(Corpus):
    """True clips that were sent as they are sampled.

    Attributes:
        sent: Clip id to its frames.
    """

    sent: Mapping[str, Frames] = {}

    def frames(self, clip: Clip) -> Frames:
        """The clip as scored."""
        return self.sent[clip.id]


@dataclass(frozen=True)
class Sent:
    """What a node gets of a run, once.

    Attributes:
        job: The run, pickled with the code that is in no module.
        key: What tells this run from others.
        version: The version of fevbench here.
        packages: Extractor to its packages and their versions here.
        fingerprints: Extractor to what decides its features here.
        hashes: Weight to its sha256 here.
        files: Name to content of what no registry has: the plug-in, the expression classifier.
    """

    job: bytes
    key: str
    version: str
    packages: Mapping[str, Mapping[str, str]]
    fingerprints: Mapping[str, str]
    hashes: Mapping[str, str]
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Load:
    """What a task gets.

    Attributes:
        part: The clips.
        made: Path in the run folder to the content of a clip that was made before.
        true: Clip id to the true clip as it is sampled; None where the node is to have the data set.
    """

    part: Part
    made: Mapping[str, bytes]
    true: Mapping[str, Frames] | None


@dataclass
class Brought:
    """What a task brings back.

    Attributes:
        found: What is known of the clips.
        made: Path in the run folder to the content of a clip that was made.
        lacks_data: Whether the node lacks the data set, and nothing was done.
        failed: What failed, and what to do about it.
    """

    found: Found = field(default_factory=Found)
    made: dict[str, bytes] = field(default_factory=dict)
    lacks_data: bool = False
    failed: tuple[str, str] | None = None


def do_all_on_cluster(
    worker: Worker,
    job: Job,
    turns: Sequence[Sequence[Part]],
    cluster: Cluster,
    jobs: int | None,
    done: Callable[[Part, Found], None],
) -> None:
    """Do the parts of a run on a cluster, a turn after the other.

    Args:
        worker: The one of this process, which has the true clips.
        job: The run.
        turns: The parts; those of a turn need what the turn before made.
        cluster: Which.
        jobs: How many parts at once at most; by default, as many as there are processors or GPUs.
        done: Hears of each part, in any order within a turn.

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
                brought: Brought = ray.get(ready)
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
        what = str(error).strip().partition("\n")[0]
        raise FevbenchError(f"the cluster failed ({what})", "repeat the command, which continues") from error
    finally:
        ray.shutdown()


def _connected(address: str | None, jobs: int | None) -> Any:
    """Ray, connected to a cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report its use otherwise
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


def _sent(job: Job) -> Sent:
    plan = job.plan
    dataset = plan.evaluation.dataset
    files = {name: weight.path.read_bytes() for name, weight in job.weights.items() if _is_own(name)}
    if plan.plugin:
        files[plan.plugin.name] = plan.plugin.read_bytes()
    evaluation = replace(plan.evaluation, dataset=RecordedDataset.of(dataset), metrics=(), clips=None)
    slim = replace(job, plan=replace(plan, evaluation=evaluation))
    hashes = {name: weight.sha256 for name, weight in job.weights.items()}
    return Sent(
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


def _is_own(weight: str) -> bool:
    """Whether a weight is in no registry, so that a node cannot have it."""
    return weight not in weights.load_registry()


def _load(worker: Worker, job: Job, part: Part, ships: bool) -> Load:
    clips, _ = part
    made = {
        name: (job.plan.out / name).read_bytes() for name in _files(part) if (job.plan.out / name).exists()
    }
    true = {clip.id: worker.corpus.frames(clip) for clip in clips} if ships else None
    return Load(part, made, true)


def _files(part: Part) -> list[str]:
    """The files of a part's clips, by their paths in the run folder."""
    clips, count = part
    folders = [CLIPS_FOLDER, *(f"{NOISE_FOLDER}/{number}" for number in range(1, count))]
    return [f"{folder}/{file_name(clip)}" for folder in folders for clip in clips]


# What follows runs on a node, in a process of Ray's that does one task after the other.


@dataclass
class _Node:
    """A worker that is open in this process.

    Attributes:
        key: Of which run.
        worker: The worker.
        folder: Its run folder, which goes with it.
        notes: What its caches say.
        stack: What must be closed with it.
    """

    key: str
    worker: Worker
    folder: Path
    notes: list[str]
    stack: ExitStack


_open: list[_Node] = []


def work_on_node(sent: Sent, load: Load) -> Brought:
    """Do a part of a run on this node."""
    try:
        return _work(sent, load)
    except FevbenchError as error:
        return Brought(failed=(f"node {platform.node()}: {error.what}", error.fix))
    except OSError as error:
        return Brought(failed=(f"node {platform.node()}: {error}", "mend it, then repeat the command"))


def _work(sent: Sent, load: Load) -> Brought:
    if _open and _open[0].key != sent.key:
        _open.pop().stack.close()
    if not _open:
        opened = _opened(sent, has_data=load.true is None)
        if opened is None:
            return Brought(lacks_data=True)
        _open.append(opened)
    node = _open[0]
    corpus = node.worker.corpus
    if isinstance(corpus, SentCorpus):
        if load.true is None:
            return Brought(lacks_data=True)
        corpus.sent = load.true
    for name, content in load.made.items():
        path = node.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    try:
        found = node.worker.do(load.part)
        node.worker.flush()
        made = {n: (node.folder / n).read_bytes() for n in _files(load.part) if n not in load.made}
    finally:
        for name in _files(load.part):
            (node.folder / name).unlink(missing_ok=True)
    found.notes = [f"node {platform.node()}: {note}" for note in node.notes]
    node.notes.clear()
    return Brought(found, made)


def _opened(sent: Sent, has_data: bool) -> _Node | None:
    """A worker for a run; None where the data set is not here and was not sent."""
    if sent.version != VERSION:
        raise FevbenchError(
            f"it has fevbench {VERSION}, and the run {sent.version}", "install the same version"
        )
    job: Job = cloudpickle.loads(sent.job)
    settings, evaluation = job.plan.settings, job.plan.evaluation
    dataset = _dataset_here(settings.dataset, settings.dataset_version)
    if dataset is None and has_data:
        return None
    stack = ExitStack()
    folder = Path(tempfile.mkdtemp(prefix="fevbench-node-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    for name, content in sent.files.items():
        (folder / name).write_bytes(content)
    local = {name: _weight(name, digest, folder) for name, digest in sent.hashes.items()}
    for extractor in job.extractors:
        _check_same(extractor.name, extractor.versions(), sent)
        own = extractor.fingerprint({name: local[name].sha256 for name in extractor.weights}, job.plan.device)
        if own != sent.fingerprints[extractor.name]:
            raise FevbenchError(
                f"it would compute other features by {extractor.name}", "set it up as the others are"
            )
    model = job.plan.model
    if plugin := job.plan.plugin:
        plugin = folder / plugin.name
        load_plugin(plugin)  # extractors may be in it
        model = replace(model, plugin=plugin if model.plugin else None)
    kind = Corpus if dataset else SentCorpus
    evaluation = replace(evaluation, dataset=dataset or evaluation.dataset)
    plan = replace(job.plan, model=model, evaluation=evaluation, out=folder)
    corpus = kind(evaluation.dataset, evaluation.protocol, settings.split, settings.limit)
    job = replace(job, plan=plan, weights=local, cache=paths.home() / "features")
    notes: list[str] = []
    worker = stack.enter_context(open_worker(job, notes.append, corpus=corpus))
    return _Node(sent.key, worker, folder, notes, stack)


def _dataset_here(name: str, version: str) -> Dataset | None:
    try:
        dataset = open_dataset(name)
    except FevbenchError:
        return None
    return dataset if dataset.version == version else None


def _weight(name: str, sha256: str, folder: Path) -> LocalWeight:
    """A weight on this node.

    Raises:
        FevbenchError: It is not here, or another file.
    """
    if (folder / name).exists():
        return weights.LocalWeight(name, folder / name, sha256, verified=True)
    (local,) = weights.require_all([name], offline=True).values()
    if local.sha256 != sha256:
        raise FevbenchError(
            f"its {name} is {local.sha256[:12]}, and that of the run {sha256[:12]}", "put the same file there"
        )
    return local


def _check_same(name: str, versions: Mapping[str, str], sent: Sent) -> None:
    theirs = sent.packages[name]
    for package in sorted({*versions, *theirs}):
        here, there = versions.get(package, "none"), theirs.get(package, "none")
        if here != there:
            raise FevbenchError(f"it has {package} {here}, and the run {there}", "install the same version")
