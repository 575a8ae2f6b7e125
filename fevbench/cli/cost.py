"""``fevbench cost``: what models cost, measured in turns."""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.cli.limits import Count
from fevbench.cli.output import say, say_json


@click.command("cost")
@click.argument("models", nargs=-1, required=True, metavar="MODEL…")
@click.option("--dataset", default="fevsynth", show_default=True, help="Whose faces are the inputs.")
@click.option("--protocol", metavar="NAME", help="Size and length of the clips.  [default: 64x16]")
@click.option(
    "--rounds",
    type=Count(2, 10_000, "a median needs no more"),
    default=10,
    show_default=True,
    help="How often each is timed.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option(
    "--plugin", type=click.Path(path_type=Path), metavar="FILE.py", help="A file that registers models."
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.json", help="Keep it, too."
)
@click.option(
    "--format", "form", type=click.Choice(["table", "md", "json"]), default="table", show_default=True
)
@click.option("--offline", is_flag=True, help="Never touch the network.")
def command(
    models: tuple[str, ...],
    dataset: str,
    protocol: str | None,
    rounds: int,
    device: str,
    plugin: Path | None,
    out: Path | None,
    form: str,
    offline: bool,
) -> None:
    """Measure what MODELs cost: parameters, operations, latency at batch 1 and 16, memory.

    All are measured in turns, so that their ratios hold on a busy machine, too; absolute times are of this
    machine. Peak memory is what a GPU gave, or what a process of its own grew by. Look-ups (most controls,
    videos:DIR) make nothing, and are refused.

    \b
    Example:
      fevbench cost fev-gan-warp imaginator vgan
      fevbench cost my-model fev-gan-warp --plugin my_model.py --device cuda --protocol 128x32 --out cost.json
    """
    from fevbench import weights
    from fevbench.atomic import check_writable, write_text
    from fevbench.cli.console import RunDisplay, error_console, print_text, results_alone
    from fevbench.cost.measure import CostTable, measure, with_peak_memory
    from fevbench.cost.text import cost_markdown, cost_table
    from fevbench.data.corpus import Corpus
    from fevbench.data.datasets import open_dataset
    from fevbench.data.protocol import DEFAULT_PROTOCOL, protocols
    from fevbench.engine.plan import choose_device
    from fevbench.models.registry import find_model
    from fevbench.results.provenance import environment

    if out is not None:
        check_writable(out)
    how = protocols.get(protocol or DEFAULT_PROTOCOL)
    with results_alone():
        found = [find_model(model, plugin if i == 0 else None) for i, model in enumerate(models)]
    where = choose_device(device)
    corpus = Corpus(open_dataset(dataset), how, "test")
    with results_alone(), RunDisplay(error_console()) as display:
        needed = dict.fromkeys(name for one in found for name in one.networks)
        weights.require_all(tuple(needed), offline=offline, progress=display.pull)
        costs = measure(found, corpus, where, rounds, display)
        if where == "cpu":
            costs = with_peak_memory(costs, plugin, corpus, display)
    table = CostTable(protocol=how.id, environment=environment(where), costs=costs)
    text = table.model_dump_json(indent=1) + "\n"
    if out is not None:
        write_text(out, text)
    if form == "json":
        say_json(table.model_dump(mode="json"))
    elif form == "table":
        print_text(cost_table(table))
    else:
        say(cost_markdown(table), nl=False)
