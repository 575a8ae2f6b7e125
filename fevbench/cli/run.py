"""``fevbench run``: score a model on a data set; ``fevbench list``: what there is to run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fevbench.cli import options
from fevbench.cli.output import say, say_json
from fevbench.data.datasets import SPLITS, dataset_names, open_dataset
from fevbench.data.protocol import protocols
from fevbench.errors import FevbenchError

Columns = tuple[str, ...]
Rows = list[tuple[str, ...]]


@click.command("run")
@click.argument("model")
@click.argument("dataset")
@options.how_to_run
@options.seed()
@options.out(help="Run folder.  [default: runs/MODEL--DATASET--…]")
@click.option(
    "--allow-missing", is_flag=True, help="With videos:DIR, score without the clips that are missing."
)
@options.clip_timeout()
@click.option("--overwrite", is_flag=True, help="Delete the run folder's content and start again.")
@options.output_format("table", "json")
def run_command(
    model: str,
    dataset: str,
    seed: int | None,
    out: Path | None,
    allow_missing: bool,
    clip_timeout: float | None,
    overwrite: bool,
    output_format: str,
    **how: Any,
) -> None:
    """Score MODEL on DATASET.

    MODEL is a name of `fevbench list models`, a model that --plugin registers, videos:DIR for clips made
    elsewhere (one video or folder of frames per clip, named after its id), or command:FILE.toml for a
    program that makes them (docs/integrations.md). DATASET is a name of
    `fevbench list datasets`, fevsynth:DIR for a set that `fevbench data render` made, or NAME:DIR for one
    that `fevbench data prepare NAME` made. If it is stopped, the same command continues.

    Without --metrics, all metrics are computed that `fevbench list metrics` does not mark as optional. The
    name of a family stands for all its metrics: identity, expression, distribution, diversity, pixels,
    motion, facial-motion. Metrics that need much time, or weights that you must download yourself
    (`fevbench weights list`), are computed only under their own names.

    \b
    Example:
      fevbench run copy fevsynth
      fevbench run my-model fevsynth --plugin my_model.py --metrics csim,fvd
      fevbench run my-model fevsynth --plugin my_model.py --metrics facial-motion
      fevbench run videos:results/ fevsynth --offline
      fevbench run command:my-model.toml fevsynth
    """
    from fevbench.api.evaluation import evaluate
    from fevbench.cli.console import ProgressDisplay, print_text, stdout_to_stderr

    with stdout_to_stderr(), ProgressDisplay() as display:
        result = evaluate(
            model,
            dataset,
            seed=seed,
            out=out,
            allow_missing=allow_missing,
            clip_timeout=clip_timeout,
            overwrite=overwrite,
            progress=display,
            pull=display.pull,
            **how,
        )
    if output_format == "json":
        say_json(result.model_dump(mode="json"))
        return
    from fevbench.report.terminal import result_table

    print_text(result_table(result))
    say(f"{result.folder}: result.json, clips/")


@click.command("list")
@click.argument("what", type=click.Choice(["models", "datasets", "metrics", "protocols"]))
@options.output_format("table", "json")
def list_command(what: str, output_format: str) -> None:
    """List all models, data sets, metrics or protocols.

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
        ("command:FILE.toml", "Another program that makes clips; FILE holds its command line.", "fevbench")
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
            least = f"{sampling.least_per_label} {sampling.counts} per label"
        title = f"{metric.definition.title}{notes[metric.selected_by]}"
        rows.append((f"{name} {metric.arrow}", title, metric.id, least))
    return ("metric", "what it measures", "definition", "smallest sample"), rows


def _protocols() -> tuple[Columns, Rows]:
    rows: Rows = []
    known = [(name, protocols.get(name)) for name in protocols] + [(p.id, p) for p in protocols.older]
    for name, p in known:
        rows.append((name, p.id, f"{p.size} px", str(p.frames), str(p.stride), p.split, str(p.seed)))
    rows.append(("SIZExFRAMES[@STRIDE]", "one of your own (docs/protocols.md)", "", "", "", "", ""))
    rows.append(("FILE.toml", "the same as a file", "", "", "", "", ""))
    return ("protocol", "id", "size", "frames", "stride", "split", "seed"), rows


_LISTS: dict[str, Callable[[], tuple[Columns, Rows]]] = {
    "models": _models,
    "datasets": _datasets,
    "metrics": _metrics,
    "protocols": _protocols,
}
