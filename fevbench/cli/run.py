"""``fevbench run``: score a model on a data set; ``fevbench list``: what there is to run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from fevbench.cli import options
from fevbench.cli.output import say, say_json
from fevbench.data.datasets import SPLITS, dataset_names, open_dataset
from fevbench.data.protocol import DEFAULT_PROTOCOL, protocols
from fevbench.errors import FevbenchError

Columns = tuple[str, ...]
Rows = list[tuple[str, ...]]


@click.command("run")
@click.argument("model")
@click.argument("dataset")
@options.protocol()
@options.metrics("Names or families, with commas; or all.")
@options.split()
@options.limit("Score only N clips, chosen by hash.", metavar="N")
@options.seed()
@options.device()
@options.batch_size(metavar="N")
@options.out(help="Run folder.  [default: runs/MODEL--DATASET--…]")
@options.plugin
@click.option("--allow-missing", is_flag=True, help="For videos:DIR, score what there is.")
@click.option("--overwrite", is_flag=True, help="Start the run folder anew.")
@options.offline
@options.output_format("table", "json")
def run_command(
    model: str,
    dataset: str,
    protocol_name: str | None,
    metrics: tuple[str, ...],
    split: str | None,
    limit: int | None,
    seed: int | None,
    device: str,
    batch_size: int | None,
    out: Path | None,
    plugin: Path | None,
    allow_missing: bool,
    overwrite: bool,
    offline: bool,
    output_format: str,
) -> None:
    """Score MODEL on DATASET.

    MODEL is a name of `fevbench list models`, a model that --plugin registers, videos:DIR for clips made
    elsewhere (one video or folder of frames each, named after its clip id), or command:FILE.toml for a
    program that makes them (docs/integrations.md). DATASET is a name of
    `fevbench list datasets`, fevsynth:DIR for a set that `fevbench data render` made, or NAME:DIR for one
    that `fevbench data prepare NAME` made. Kill it anywhere: the same command continues.

    Without --metrics, all that `fevbench list metrics` does not call optional are computed. The name of
    a family stands for all of its metrics, optional ones included: identity, expression, distribution,
    diversity, pixels, motion, facial-motion. Metrics that need weights of your own (`fevbench weights
    list`) or much time are computed only by their own names.

    \b
    Example:
      fevbench run copy fevsynth
      fevbench run my-model fevsynth --plugin my_model.py --metrics csim,fvd
      fevbench run my-model fevsynth --plugin my_model.py --metrics facial-motion
      fevbench run videos:results/ fevsynth --offline
      fevbench run command:my-model.toml fevsynth
    """
    from fevbench.cli.console import ProgressDisplay, print_text, stdout_to_stderr
    from fevbench.engine.folder import default_folder
    from fevbench.engine.plan import Evaluation, Plan, Settings, choose_device, choose_metrics
    from fevbench.judge.files import find_judge
    from fevbench.models.registry import find_model, models

    # Cheap checks first: a typing error must not cost the seconds of loading torch.
    chosen_metrics = choose_metrics(metrics)
    protocol = protocols.get(protocol_name or DEFAULT_PROTOCOL)
    data = open_dataset(dataset)
    if plugin is not None or model.partition(":")[0] in models:
        from fevbench.global_state import remember_initial_state

        remember_initial_state()  # before the model's code is run, which may change it
    with stdout_to_stderr():
        found_model = find_model(model, plugin, allow_missing)
    device = choose_device(device)
    settings = Settings(
        model=found_model.name,
        fingerprint=found_model.fingerprint,
        dataset=data.name,
        dataset_version=data.version,
        protocol=protocol.id,
        split=split or protocol.split,
        limit=limit,
        seed=protocol.seed if seed is None else seed,
        device=device.partition(":")[0],
        allow_missing=allow_missing,
    )
    folder = out or default_folder(settings)

    from fevbench.engine.execute import execute

    judge = find_judge(data, protocol)
    evaluation = Evaluation(chosen_metrics, data, protocol, judge, found_model.can_resample)
    plan = Plan(settings, found_model, evaluation, device, batch_size, folder)
    with stdout_to_stderr(), ProgressDisplay() as display:
        result = execute(plan, display, offline=offline, pull=display.pull, overwrite=overwrite)
    if output_format == "json":
        say_json(result.model_dump(mode="json"))
        return
    from fevbench.report.terminal import result_table

    print_text(result_table(result))
    say(f"{folder}: result.json, clips/")


@click.command("list")
@click.argument("what", type=click.Choice(["models", "datasets", "metrics", "protocols"]))
@options.output_format("table", "json")
def list_command(what: str, output_format: str) -> None:
    """List the models, data sets, metrics or protocols there are.

    \b
    Example:
      fevbench list metrics
    """
    from fevbench.cli.console import print_list

    print_list(*_LISTS[what](), output_format, stacked=what == "metrics")


def _models() -> tuple[Columns, Rows]:
    from fevbench.models.registry import models, summary

    rows: Rows = [(name, summary(name), origin) for name, origin in models.origins().items()]
    rows.append(("videos:DIR", "Clips made elsewhere, one video or folder of frames each.", "fevbench"))
    rows.append(
        ("command:FILE.toml", "A program outside that makes clips; FILE says how to call it.", "fevbench")
    )
    return ("model", "what it is", "from"), rows


def _datasets() -> tuple[Columns, Rows]:
    rows: Rows = []
    for name in dataset_names():
        try:
            data = open_dataset(name)
        except FevbenchError as error:  # a broken one spoils only itself
            rows.append((name, f"cannot be opened: {error}", "", "", "", ""))
            continue
        counts = {split: len(data.clips(split)) for split in SPLITS}
        clips = ", ".join(f"{count} {split}" for split, count in counts.items() if count)
        rows.append((name, data.title, data.version, f"{len(data.subjects())}", clips, data.licence))
    rows.append(("fevsynth:DIR", "A set made by `fevbench data render fevsynth`.", "", "", "", ""))
    rows.append(("NAME:DIR", "A set made by `fevbench data prepare NAME`.", "", "", "", ""))
    return ("data set", "what it is", "version", "subjects", "clips", "licence"), rows


def _metrics() -> tuple[Columns, Rows]:
    from fevbench.metrics.catalog import metrics

    notes = {"default": "", "family": " (optional)", "name": " (optional, only by its name)"}
    rows: Rows = []
    for name in metrics:
        metric = metrics.get(name)
        sampling = metric.sampling
        least = f"{sampling.least} {sampling.counts}" if metric.kind == "set" else "1 clip"
        if sampling.least_per_label > 1:
            least = f"{sampling.least_per_label} {sampling.counts} a label"
        title = f"{metric.definition.title}{notes[metric.selected_by]}"
        rows.append((f"{name} {metric.arrow}", title, metric.id, least))
    return ("metric", "what it says", "definition", "least"), rows


def _protocols() -> tuple[Columns, Rows]:

    rows: Rows = []
    known = [(name, protocols.get(name)) for name in protocols] + [(p.id, p) for p in protocols.older]
    for name, p in known:
        rows.append((name, p.id, f"{p.size} px", str(p.frames), str(p.stride), p.split, str(p.seed)))
    return ("protocol", "id", "size", "frames", "stride", "split", "seed"), rows


_LISTS: dict[str, Callable[[], tuple[Columns, Rows]]] = {
    "models": _models,
    "datasets": _datasets,
    "metrics": _metrics,
    "protocols": _protocols,
}
