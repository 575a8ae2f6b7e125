"""``fevbench run``: score a model on a data set."""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.cli.limits import BATCH
from fevbench.cli.output import say, say_json


@click.command("run")
@click.argument("model")
@click.argument("dataset")
@click.option("--protocol", metavar="NAME", help="How clips are sampled.  [default: 64x16]")
@click.option("--metrics", metavar="NAMES", multiple=True, help="Names or families, with commas; or all.")
@click.option("--split", type=click.Choice(["train", "val", "test"]), help="Which people.  [default: test]")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Score only N clips, chosen by hash.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of generation.  [default: the protocol's, 0]")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--batch-size", type=BATCH, metavar="N", help="Samples a network sees at once.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder.  [default: runs/MODEL--DATASET--…]")
@click.option(
    "--plugin", type=click.Path(path_type=Path), metavar="FILE.py", help="A file that registers models."
)
@click.option("--allow-missing", is_flag=True, help="For videos:DIR, score what there is.")
@click.option("--overwrite", is_flag=True, help="Start the run folder anew.")
@click.option("--offline", is_flag=True, help="Never touch the network.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(
    model: str,
    dataset: str,
    protocol: str | None,
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
    form: str,
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
    from fevbench.cli.console import RunDisplay, error_console, print_text, results_alone
    from fevbench.data.datasets import open_dataset
    from fevbench.data.protocol import DEFAULT_PROTOCOL, protocols
    from fevbench.engine.folder import default_folder
    from fevbench.engine.plan import Evaluation, Plan, Settings, choose_device, choose_metrics
    from fevbench.judge.files import find_judge
    from fevbench.models.registry import discover, find_model

    # Cheap checks first: a typing error must not cost the seconds of loading torch.
    chosen = choose_metrics(metrics)
    how = protocols.get(protocol or DEFAULT_PROTOCOL)
    data = open_dataset(dataset)
    if plugin is not None or model.partition(":")[0] in discover():
        from fevbench.global_state import remember

        remember()  # before the model's code is run, which may change it
    with results_alone():
        found = find_model(model, plugin, allow_missing)
    where = choose_device(device)
    settings = Settings(
        model=found.name,
        fingerprint=found.fingerprint,
        dataset=data.name,
        dataset_version=data.version,
        protocol=how.id,
        split=split or how.split,
        limit=limit,
        seed=how.seed if seed is None else seed,
        device=where.partition(":")[0],
        allow_missing=allow_missing,
    )
    folder = out or default_folder(settings)

    from fevbench.engine.execute import execute

    evaluation = Evaluation(chosen, data, how, find_judge(data, how), found.redraws)
    plan = Plan(settings, found, evaluation, where, batch_size, folder)
    with results_alone(), RunDisplay(error_console()) as display:
        result = execute(plan, display, offline=offline, pull=display.pull, overwrite=overwrite)
    if form == "json":
        say_json(result.model_dump(mode="json"))
        return
    from fevbench.report.terminal import result_table

    print_text(result_table(result))
    say(f"{folder}: result.json, clips/")
