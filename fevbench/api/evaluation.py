"""``fevbench.evaluate``: a model on a data set, as ``fevbench run`` does it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fevbench.api.results import Result
from fevbench.data.clip import Dataset, Split
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import Protocol, find_protocol
from fevbench.extractors.backends import Precision, choose_backend
from fevbench.metrics.catalog import Metric
from fevbench.progress import Progress, Silent
from fevbench.weights import Progress as Pull


def evaluate(
    model: str,
    dataset: str,
    metrics: str | Sequence[str] = (),
    *,
    protocol: str | Path | Protocol | None = None,
    split: Split | None = None,
    limit: int | None = None,
    seed: int | None = None,
    device: str = "auto",
    backend: str = "auto",
    precision: Precision = "exact",
    batch_size: int | None = None,
    jobs: int | None = None,
    engine: str = "local",
    address: str | None = None,
    clip_timeout: float | None = None,
    out: str | Path | None = None,
    root: str | Path | None = None,
    plugin: str | Path | None = None,
    allow_missing: bool = False,
    overwrite: bool = False,
    offline: bool = False,
    progress: Progress | None = None,
    pull: Pull | None = None,
) -> Result:
    """Score a model on a data set. If it is stopped, the same call continues.

    Args:
        model: A name of ``fevbench list models``, one that ``plugin`` registers, ``NAME:PATH`` for other
            weights, ``videos:DIR`` or ``command:FILE.toml``.
        dataset: ``NAME`` or ``NAME:DIR``.
        metrics: Names or families; none for the default ones.
        protocol: A name, an id, ``SIZExFRAMES[@STRIDE]`` or a TOML file; see `find_protocol`.
        split: ``train``, ``val`` or ``test``; by default the protocol's.
        limit: Score at most this many clips, chosen by hash.
        seed: Of generation; by default the protocol's.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        backend: What runs the networks: ``auto``, ``torch`` or ``openvino``.
        precision: ``exact``, or ``fast``, which rounds products of the large networks to bfloat16. The
            metrics of such networks then have other ids, and are not compared with exact ones.
        batch_size: Samples per call of a network.
        jobs: Workers; any number gives the same result. By default what memory and cores allow.
        engine: ``local`` for this machine, ``ray`` for a cluster.
        address: ``HOST:PORT`` of a Ray cluster that runs, or ``auto``; by default one is started here.
        clip_timeout: Seconds that a model's process may take per clip.
        out: The run folder; by default one under ``root`` that says what was run.
        root: The folder of run folders; by default ``runs``.
        plugin: A Python file that registers models, metrics, extractors, data sets or protocols. It runs
            before any name is looked up, in the model's process; also in this one if it registers more
            than models.
        allow_missing: For ``videos:DIR``, score the clips that exist.
        overwrite: Start over in the run folder.
        offline: Never use the network.
        progress: Receives the progress; by default it is discarded.
        pull: Receives the progress of downloads.

    Returns:
        The result, which is also in the run folder.

    Raises:
        FevbenchError: An error that the user can fix; finished work is kept.
    """
    from fevbench.engine.execute import execute
    from fevbench.engine.folder import RUNS_FOLDER, default_folder
    from fevbench.engine.plan import Cluster, Evaluation, Plan, Settings, choose_device, choose_metrics
    from fevbench.initial_state import remember_initial_state
    from fevbench.judge.files import find_judge
    from fevbench.models.apart import find_apart
    from fevbench.models.registry import load_plugin

    names = [metrics] if isinstance(metrics, str) else metrics

    def named() -> tuple[tuple[Metric, ...], Protocol, Dataset]:
        return choose_metrics(names), find_protocol(protocol), open_dataset(dataset)

    # Cheap checks first, unless a plug-in may define the names: a typing error must not start a process.
    known = named() if plugin is None else None
    plugin = None if plugin is None else Path(plugin)
    remember_initial_state()  # before other code runs here, which may change it
    with find_apart(model, plugin, allow_missing) as found:
        if plugin and (found.process is None or found.process.registers != {"model"}):
            load_plugin(plugin)
        chosen, how, data = known or named()
        device = choose_device(device)
        seed = how.seed if seed is None else seed
        settings = Settings.of(found, data, how, split or how.split, limit, seed, device, allow_missing)
        folder = Path(out) if out else default_folder(settings, Path(root or RUNS_FOLDER), precision)
        runs_by = choose_backend(backend, device)
        judge = find_judge(data, how)
        evaluation = Evaluation(
            chosen, data, how, judge, found.can_resample, backend=runs_by, precision=precision
        )
        plan = Plan(settings, found, evaluation, device, batch_size, folder, backend == "auto", plugin)
        result = execute(
            plan,
            progress or Silent(),
            offline=offline,
            pull=pull,
            overwrite=overwrite,
            jobs=jobs,
            clip_timeout=clip_timeout,
            cluster=Cluster(address) if engine == "ray" else None,
        )
    return Result.of(result, folder)
