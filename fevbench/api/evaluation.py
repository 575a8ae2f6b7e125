"""``fevbench.evaluate``: a model on a data set, as ``fevbench run`` does it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench.api.results import Result
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import find_protocol
from fevbench.progress import Progress, Silent

if TYPE_CHECKING:
    from fevbench.data.clip import Split
    from fevbench.data.protocol import Protocol
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
    batch_size: int | None = None,
    out: str | Path | None = None,
    plugin: str | Path | None = None,
    allow_missing: bool = False,
    overwrite: bool = False,
    offline: bool = False,
    progress: Progress | None = None,
    pull: Pull | None = None,
) -> Result:
    """Score a model on a data set; the same call goes on where it was stopped.

    Args:
        model: A name of ``fevbench list models``, one that ``plugin`` registers, ``NAME:PATH`` for other
            weights, ``videos:DIR`` or ``command:FILE.toml``.
        dataset: ``NAME`` or ``NAME:DIR``.
        metrics: Names or families; none for the default ones.
        protocol: A name, an id, ``SIZExFRAMES[@STRIDE]`` or a TOML file; see `find_protocol`.
        split: ``train``, ``val`` or ``test``; by default the protocol's.
        limit: Score only so many clips, chosen by hash.
        seed: Of generation; by default the protocol's.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        batch_size: Samples a network sees at once.
        out: The run folder; by default one under ``runs/`` that says what was run.
        plugin: A Python file that registers models, metrics, extractors, data sets or protocols. It is run
            before any name is looked up.
        allow_missing: For ``videos:DIR``, score what there is.
        overwrite: Start the run folder anew.
        offline: Never touch the network.
        progress: Hears what happens; by default nobody does.
        pull: Hears how downloads proceed.

    Returns:
        The result, as it lies in the run folder.

    Raises:
        FevbenchError: Something the user can fix; what was finished is kept.
    """
    from fevbench.engine.folder import default_folder
    from fevbench.engine.plan import Evaluation, Plan, Settings, choose_device, choose_metrics
    from fevbench.judge.files import find_judge
    from fevbench.models.registry import find_model, load_plugin, models

    if plugin is not None:
        from fevbench.global_state import remember

        remember()  # before anybody else's code is run, which may change it
        plugin = Path(plugin)
        load_plugin(plugin)
    # Cheap checks first: a typing error must not cost the seconds of loading torch.
    chosen = choose_metrics([metrics] if isinstance(metrics, str) else metrics)
    how = find_protocol(protocol)
    data = open_dataset(dataset)
    if plugin is None and model.partition(":")[0] in models:
        from fevbench.global_state import remember

        remember()
    found = find_model(model, plugin, allow_missing, is_loaded=True)
    device = choose_device(device)
    settings = Settings(
        model=found.name,
        fingerprint=found.fingerprint,
        dataset=data.name,
        dataset_version=data.version,
        protocol=how.id,
        split=split or how.split,
        limit=limit,
        seed=how.seed if seed is None else seed,
        device=device.partition(":")[0],
        allow_missing=allow_missing,
    )
    folder = Path(out) if out else default_folder(settings)

    from fevbench.engine.execute import execute

    evaluation = Evaluation(chosen, data, how, find_judge(data, how), found.can_resample)
    plan = Plan(settings, found, evaluation, device, batch_size, folder)
    result = execute(plan, progress or Silent(), offline=offline, pull=pull, overwrite=overwrite)
    return Result.of(result, folder)
