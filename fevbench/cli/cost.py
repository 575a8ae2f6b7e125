"""``fevbench cost``: what models cost, measured in turns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fevbench.run.cost import CostTable


@click.command("cost")
@click.argument("models", nargs=-1, required=True, metavar="MODEL…")
@click.option("--dataset", default="fevsynth", show_default=True, help="Whose faces are the inputs.")
@click.option("--protocol", metavar="NAME", help="Size and length of the clips.  [default: 64x16]")
@click.option(
    "--rounds", type=click.IntRange(2), default=10, show_default=True, help="How often each is timed."
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
    """Measure what MODELs cost: parameters, operations, latency at batch 1 and 16, clips a second.

    All are measured in turns, so that their ratios hold on a busy machine, too; absolute times are of this
    machine. Look-ups (most controls, videos:DIR) make nothing, and are refused.

    \b
    Example:
      fevbench cost fev-gan imaginator vgan
      fevbench cost my-model fev-gan --plugin my_model.py --device cuda --protocol 128x32 --out cost.json
    """
    from fevbench import weights
    from fevbench.atomic import write_text
    from fevbench.cli.console import RunDisplay, error_console, print_text
    from fevbench.data.corpus import Corpus
    from fevbench.data.datasets import open_dataset
    from fevbench.data.protocol import DEFAULT_PROTOCOL, protocols
    from fevbench.models.registry import find_model
    from fevbench.results.provenance import environment
    from fevbench.run.cost import CostTable, measure
    from fevbench.run.plan import choose_device

    how = protocols.get(protocol or DEFAULT_PROTOCOL)
    found = [find_model(model, plugin if i == 0 else None) for i, model in enumerate(models)]
    where = choose_device(device)
    corpus = Corpus(open_dataset(dataset), how, "test")
    with RunDisplay(error_console()) as display:
        needed = dict.fromkeys(name for one in found for name in one.networks)
        weights.require_all(tuple(needed), offline=offline, progress=display.pull)
        costs = measure(found, corpus, where, rounds, display)
    table = CostTable(protocol=how.id, environment=environment(where), costs=costs)
    text = table.model_dump_json(indent=1) + "\n"
    if out is not None:
        write_text(out, text)
    if form == "table":
        print_text(_table(table))
    else:
        click.echo(text if form == "json" else _markdown(table), nl=False)


HEADS = ("model", "parameters", "GFLOPs", "ms for 1 clip", "ms for 16", "clips/s")


def _rows(table: CostTable) -> list[tuple[str, ...]]:
    """One row a model; of times the median and the quartiles."""
    rows = []
    for cost in table.costs:
        times = [
            f"{1e3 * one.median:.0f} [{1e3 * one.low:.0f}, {1e3 * one.high:.0f}]" for one in cost.latencies
        ]
        flops = "–" if cost.flops is None else f"{cost.flops / 1e9:.2f}"
        pace = f"{cost.latencies[-1].clips_per_second:.1f}"
        rows.append((cost.model, f"{cost.parameters:,}".replace(",", " "), flops, *times, pace))
    return rows


def _heads(table: CostTable) -> tuple[str, ...]:
    peaks = any(cost.peak_memory is not None for cost in table.costs)
    return (*HEADS, "MB on the GPU") if peaks else HEADS


def _where(table: CostTable) -> str:
    where = table.environment
    return f"{table.protocol}, {where.device}, threads: {where.threads}; GFLOPs a clip; median [quartiles]"


def _table(table: CostTable) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=Text(_where(table)))
    for i, head in enumerate(_heads(table)):
        shown.add_column(head, justify="right" if i else "left")
    for row in _with_memory(table):
        shown.add_row(*map(Text, row))
    return shown


def _markdown(table: CostTable) -> str:
    heads = _heads(table)
    lines = [f"| {' | '.join(heads)} |", f"|---{'|--:' * (len(heads) - 1)}|"]
    lines += [f"| {' | '.join(row)} |" for row in _with_memory(table)]
    return f"{_where(table)}\n\n" + "\n".join(lines) + "\n"


def _with_memory(table: CostTable) -> list[tuple[str, ...]]:
    if _heads(table) == HEADS:
        return _rows(table)
    peaks = [f"{cost.peak_memory / 1e6:.0f}" if cost.peak_memory else "–" for cost in table.costs]
    return [(*row, peak) for row, peak in zip(_rows(table), peaks, strict=True)]
