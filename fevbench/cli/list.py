"""``fevbench list``: what there is to run."""

from __future__ import annotations

from collections.abc import Callable

import click

from fevbench.errors import FevbenchError

Columns = tuple[str, ...]
Rows = list[tuple[str, ...]]


@click.command("list")
@click.argument("what", type=click.Choice(["models", "datasets", "metrics", "protocols"]))
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(what: str, form: str) -> None:
    """List the models, data sets, metrics or protocols there are.

    \b
    Example:
      fevbench list metrics
    """
    from fevbench.cli.console import print_list

    print_list(*_LISTS[what](), form)


def _models() -> tuple[Columns, Rows]:
    from fevbench.models.registry import discover, summary

    rows: Rows = [(name, summary(name), origin) for name, origin in discover().items()]
    rows.append(("videos:DIR", "Clips made elsewhere, one video or folder of frames each.", "fevbench"))
    rows.append(
        ("command:FILE.toml", "A program outside that makes clips; FILE says how to call it.", "fevbench")
    )
    return ("model", "what it is", "from"), rows


def _datasets() -> tuple[Columns, Rows]:
    from fevbench.data.datasets import SPLITS, dataset_names, open_dataset

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
    return ("data set", "what it is", "version", "people", "clips", "licence"), rows


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
        title = f"{metric.definition.title}{notes[metric.asked_by]}"
        rows.append((f"{name} {metric.arrow}", title, metric.id, least))
    return ("metric", "what it says", "definition", "least"), rows


def _protocols() -> tuple[Columns, Rows]:
    from fevbench.data.protocol import protocols

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
