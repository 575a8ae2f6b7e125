"""A node's side of a run on a cluster: what it gets, what it refuses, and what it returns.

A Ray process does one part of the clips after the other. A node with another version of fevbench, of a
package or of a weight is refused with its name, because its features would differ.
"""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import cloudpickle

from fevbench import paths, weights
from fevbench.data.clip import Clip, Frames
from fevbench.data.corpus import Corpus
from fevbench.data.datasets import dataset_here
from fevbench.engine.local import Job, open_worker
from fevbench.engine.work import ClipFeatures, Part, Worker
from fevbench.errors import FevbenchError
from fevbench.extractors.base import Extractor
from fevbench.models.registry import load_plugin
from fevbench.results.files import CLIPS_FOLDER, NOISE_FOLDER, file_name
from fevbench.version import VERSION
from fevbench.weights import LocalWeight


@dataclass(frozen=True)
class SentRun:
    """What a node gets once per run.

    Attributes:
        job: The run, pickled with code that is in no module.
        key: Identifies the run.
        version: The version of fevbench on the driver.
        packages: Extractor to its packages and their versions on the driver.
        fingerprints: Extractor to its fingerprint on the driver.
        hashes: Weight to its sha256 on the driver.
        files: Name to content of files that are in no registry: the plug-in, the expression classifier.
    """

    job: bytes
    key: str
    version: str
    packages: Mapping[str, Mapping[str, str]]
    fingerprints: Mapping[str, str]
    hashes: Mapping[str, str]
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class TaskInput:
    """What a task gets.

    Attributes:
        made: Path in the run folder to the content of a clip that is already made.
        true: Clip id to the sampled true clip; None if the node should have the data set.
    """

    part: Part
    made: Mapping[str, bytes]
    true: Mapping[str, Frames] | None


@dataclass
class TaskOutput:
    """What a task returns.

    Attributes:
        made: Path in the run folder to the content of a new clip.
        lacks_data: Whether the node lacks the data set, so that nothing was done.
        failed: What failed, and what to do about it.
    """

    found: ClipFeatures = field(default_factory=ClipFeatures)
    made: dict[str, bytes] = field(default_factory=dict)
    lacks_data: bool = False
    failed: tuple[str, str] | None = None


class SentCorpus(Corpus):
    """True clips that were sent after sampling, by id."""

    sent: Mapping[str, Frames] = {}

    def frames(self, clip: Clip) -> Frames:
        """The clip as scored."""
        return self.sent[clip.id]


def files_of(part: Part) -> list[str]:
    """The files of a part's clips, by their paths in the run folder."""
    clips, count = part
    folders = [CLIPS_FOLDER, *(f"{NOISE_FOLDER}/{number}" for number in range(1, count))]
    return [f"{folder}/{file_name(clip)}" for folder in folders for clip in clips]


@dataclass
class _Node:
    """A worker that stays open in this process; its run folder is deleted with it."""

    key: str
    worker: Worker
    folder: Path
    notes: list[str]
    stack: ExitStack


_open: list[_Node] = []


def work_on_node(sent: SentRun, load: TaskInput) -> TaskOutput:
    """Do a part of a run on this node."""
    try:
        return _work(sent, load)
    except FevbenchError as error:
        return TaskOutput(failed=(f"node {platform.node()}: {error.what}", error.fix))
    except OSError as error:
        return TaskOutput(failed=(f"node {platform.node()}: {error}", "correct it, then repeat the command"))


def _work(sent: SentRun, load: TaskInput) -> TaskOutput:
    if _open and _open[0].key != sent.key:
        _open.pop().stack.close()
    if not _open:
        opened = _opened(sent, has_data=load.true is None)
        if opened is None:
            return TaskOutput(lacks_data=True)
        _open.append(opened)
    node = _open[0]
    corpus = node.worker.corpus
    if isinstance(corpus, SentCorpus):
        if load.true is None:
            return TaskOutput(lacks_data=True)
        corpus.sent = load.true
    for name, content in load.made.items():
        path = node.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    try:
        found = node.worker.do(load.part)
        node.worker.flush()
        made = {n: (node.folder / n).read_bytes() for n in files_of(load.part) if n not in load.made}
    finally:
        for name in files_of(load.part):
            (node.folder / name).unlink(missing_ok=True)
    found.notes = [f"node {platform.node()}: {note}" for note in node.notes]
    node.notes.clear()
    return TaskOutput(found, made)


def _opened(sent: SentRun, has_data: bool) -> _Node | None:
    """A worker for a run; None if the data set is missing and was not sent."""
    if sent.version != VERSION:
        raise FevbenchError(f"it has fevbench {VERSION}, the run {sent.version}", "install the same version")
    job: Job = cloudpickle.loads(sent.job)
    settings, evaluation = job.plan.settings, job.plan.evaluation
    dataset = dataset_here(settings.dataset, settings.dataset_version)
    if dataset is None and has_data:
        return None
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="fevbench-node-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for name, content in sent.files.items():
            (folder / name).write_bytes(content)
        local = {name: _weight(name, digest, folder) for name, digest in sent.hashes.items()}
        for extractor in job.extractors:
            _check_same(extractor, local, job.plan.device, sent)
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
        return _Node(sent.key, worker, folder, notes, stack.pop_all())


def _weight(name: str, sha256: str, folder: Path) -> LocalWeight:
    """A weight on this node; an error if it is missing, or a different file."""
    if (folder / name).exists():
        return weights.LocalWeight(name, folder / name, sha256, verified=True)
    (local,) = weights.require_all([name], offline=True).values()
    if local.sha256 != sha256:
        raise FevbenchError(
            f"its {name} is {local.sha256[:12]}, the run's {sha256[:12]}", "put the same file there"
        )
    return local


def _check_same(extractor: Extractor, local: Mapping[str, LocalWeight], device: str, sent: SentRun) -> None:
    """Check that an extractor computes the same features here as on the driver."""
    ours, theirs = extractor.versions(), sent.packages[extractor.name]
    for package in sorted({*ours, *theirs}):
        here, there = ours.get(package, "none"), theirs.get(package, "none")
        if here != there:
            raise FevbenchError(f"it has {package} {here}, the run {there}", "install the same version")
    hashes = {name: local[name].sha256 for name in extractor.weights}
    if extractor.fingerprint(hashes, device) != sent.fingerprints[extractor.name]:
        raise FevbenchError(
            f"its {extractor.name} would compute different features", "set it up like the others"
        )
