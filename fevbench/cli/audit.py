"""``fevbench audit``: do the metrics see what they should? ``fevbench cost``: what do models cost?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fevbench.cli import options
from fevbench.cli.output import say, say_json
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import find_protocol
from fevbench.errors import FevbenchError

if TYPE_CHECKING:
    from fevbench.extractors.backends import Precision


@click.command("audit")
@click.argument("dataset", default="fevsynth")
@options.protocol()
@options.metrics("Only these metrics, comma-separated.  [default: as run]")
@click.option("--damages", metavar="NAMES", help="Only these damages, comma-separated.  [default: all]")
@options.limit("Number of clips.", default=48)
@options.device()
@options.backend()
@options.precision()
@options.batch_size()
@options.workers
@options.out(options.FOLDER, default=Path("audit"))
@options.plugin
@options.output_format("table", "md")
@options.offline
def audit_command(
    dataset: str,
    protocol_name: str | None,
    metrics: tuple[str, ...],
    damages: str | None,
    limit: int,
    device: str,
    backend: str,
    precision: Precision,
    batch_size: int | None,
    jobs: int | None,
    out: Path,
    plugin: Path | None,
    output_format: str,
    offline: bool,
) -> None:
    """Damage true clips of DATASET in known ways, and test which metrics notice it.

    Fifteen damages with five strengths each change pixels, time, identity or expression. Every metric
    declares which of them must make it worse and which must not change it. If a declaration does not hold,
    the exit code is 1. The folder --out gets audit.json with every number and audit.png, the heat map. A
    stopped audit continues. Another audit into the same folder adds its metrics.

    \b
    Example:
      fevbench audit fevsynth
      fevbench audit fevsynth --metrics ssim,motion --damages blur,freeze --limit 24
    """
    from fevbench.audit import damages as _  # noqa: F401 - registers them
    from fevbench.audit.carry_out import audit
    from fevbench.audit.damages import damages as known
    from fevbench.audit.record import AUDIT_FILE
    from fevbench.audit.report import PICTURE_FILE, audit_markdown, audit_tables, draw_audit
    from fevbench.cli.console import ProgressDisplay, print_text
    from fevbench.engine.plan import choose_device, choose_metrics, split_names
    from fevbench.extractors.backends import choose_backend
    from fevbench.packages import need_drawing

    need_drawing("the heat map")
    if plugin is not None:
        from fevbench.models.registry import load_plugin

        load_plugin(plugin)
    chosen_metrics = choose_metrics(metrics)
    names = list(known) if damages is None else split_names(damages)
    if not names:
        raise click.UsageError("--damages names none")
    chosen_damages = [known.get(name) for name in names]
    data, protocol = open_dataset(dataset), find_protocol(protocol_name)
    device = choose_device(device)
    with ProgressDisplay() as display:
        found = audit(
            data,
            protocol,
            chosen_metrics,
            chosen_damages,
            limit,
            device,
            batch_size,
            out,
            display,
            offline,
            display.pull,
            choose_backend(backend, device),
            precision,
            jobs,
            plugin,
        )
    draw_audit(out / PICTURE_FILE, found)
    if output_format == "md":
        say(audit_markdown(found), nl=False)
    else:
        print_text(audit_tables(found))
        say(f"{out}: {AUDIT_FILE}, {PICTURE_FILE}")
    failed = [verdict for verdict in found.verdicts if not verdict.kept]
    if failed:
        raise FevbenchError(
            f"{len(failed)} of {len(found.verdicts)} declarations do not hold",
            "; ".join(f"{v.metric} must {v.must} {v.damage}: {v.why}" for v in failed),
        )


@click.command("cost")
@click.argument("models", nargs=-1, required=True, metavar="MODEL…")
@options.option("--dataset", default="fevsynth", help="Data set whose faces are the inputs.")
@options.protocol("Size and length of the clips.")
@options.option(
    "--rounds",
    type=options.Count(2, 10_000, "a median needs no more"),
    default=10,
    help="Number of timings of each model.",
)
@options.device()
@options.plugin
@options.out(options.FILE, metavar="FILE.json", help="Also write the numbers to a file.")
@options.output_format("table", "md", "json")
@options.offline
def cost_command(
    models: tuple[str, ...],
    dataset: str,
    protocol_name: str | None,
    rounds: int,
    device: str,
    plugin: Path | None,
    out: Path | None,
    output_format: str,
    offline: bool,
) -> None:
    """Measure what MODELs cost: parameters, operations, latency at batch 1 and 16, memory.

    Models are timed alternately, so that their ratios hold on a busy machine too; absolute times are of this
    machine. Peak memory is that of the GPU, or the growth of a separate process. Models that only look up
    clips (most controls, videos:DIR) are refused.

    \b
    Example:
      fevbench cost fev-gan-warp imaginator vgan
      fevbench cost my-model fev-gan-warp --plugin my_model.py --device cuda --protocol 128x32 --out cost.json
    """
    from fevbench import weights
    from fevbench.atomic import check_writable, write_text
    from fevbench.cli.console import ProgressDisplay, print_text, stdout_to_stderr
    from fevbench.cost.measure import CostTable, measure, with_peak_memory
    from fevbench.cost.text import cost_markdown, cost_table
    from fevbench.data.corpus import Corpus
    from fevbench.engine.plan import choose_device
    from fevbench.models.registry import find_model
    from fevbench.results.provenance import environment

    if out is not None:
        check_writable(out)
    protocol = find_protocol(protocol_name)
    with stdout_to_stderr():
        found = [find_model(model, plugin if i == 0 else None) for i, model in enumerate(models)]
    device = choose_device(device)
    corpus = Corpus(open_dataset(dataset), protocol, "test")
    with stdout_to_stderr(), ProgressDisplay() as display:
        needed = dict.fromkeys(name for one in found for name in one.networks)
        weights.require_all(tuple(needed), offline=offline, progress=display.pull)
        costs = measure(found, corpus, device, rounds, display)
        if device == "cpu":
            costs = with_peak_memory(found, costs, corpus, display)
    table = CostTable(protocol=protocol.id, environment=environment(device), costs=costs)
    text = table.model_dump_json(indent=1) + "\n"
    if out is not None:
        write_text(out, text)
    if output_format == "json":
        say_json(table.model_dump(mode="json"))
    elif output_format == "table":
        print_text(cost_table(table))
    else:
        say(cost_markdown(table), nl=False)
