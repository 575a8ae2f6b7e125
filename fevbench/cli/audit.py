"""``fevbench audit``: do the metrics see what they should?"""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.cli.limits import BATCH
from fevbench.cli.output import say


@click.command("audit")
@click.argument("dataset", default="fevsynth")
@click.option("--protocol", metavar="NAME", help="How clips are sampled.  [default: 64x16]")
@click.option(
    "--metrics", multiple=True, metavar="NAMES", help="Only these, with commas between.  [default: as run]"
)
@click.option("--damages", metavar="NAMES", help="Only these, with commas between.  [default: all]")
@click.option("--limit", type=click.IntRange(min=1), default=48, show_default=True, help="Clips.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--batch-size", type=BATCH, help="Samples a network sees at once.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("audit"), show_default=True
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "md"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
@click.option("--offline", is_flag=True, help="Never touch the network.")
def command(
    dataset: str,
    protocol: str | None,
    metrics: tuple[str, ...],
    damages: str | None,
    limit: int,
    device: str,
    batch_size: int | None,
    out: Path,
    form: str,
    offline: bool,
) -> None:
    """Damage true clips of DATASET in known ways, and hold every metric to what it declares.

    Fifteen damages in five strengths each: to pixels, to time, to who and what is shown. Every metric must
    get worse by those it declares to notice, and stay as it is under those it declares to ignore; if one
    does not, the exit code is 1. The folder --out gets audit.json with every number and audit.png, the heat
    map. An audit that was stopped goes on where it was; one of other metrics into the same folder is added.

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
    from fevbench.cli.console import RunDisplay, error_console, print_text
    from fevbench.data.datasets import open_dataset
    from fevbench.data.protocol import DEFAULT_PROTOCOL, protocols
    from fevbench.engine.plan import choose_device, choose_metrics, split_names
    from fevbench.errors import FevbenchError
    from fevbench.packages import need_drawing

    need_drawing("the heat map")
    chosen = choose_metrics(metrics)
    names = list(known) if damages is None else split_names(damages)
    if not names:
        raise click.UsageError("--damages names none")
    wanted = [known.get(name) for name in names]
    data, how = open_dataset(dataset), protocols.get(protocol or DEFAULT_PROTOCOL)
    where = choose_device(device)
    with RunDisplay(error_console()) as display:
        found = audit(
            data, how, chosen, wanted, limit, where, batch_size, out, display, offline, display.pull
        )
    draw_audit(out / PICTURE_FILE, found)
    if form == "md":
        say(audit_markdown(found), nl=False)
    else:
        print_text(audit_tables(found))
        say(f"{out}: {AUDIT_FILE}, {PICTURE_FILE}")
    failed = [verdict for verdict in found.verdicts if not verdict.kept]
    if failed:
        raise FevbenchError(
            f"{len(failed)} of {len(found.verdicts)} declarations are not met",
            "; ".join(f"{v.metric} must {v.must} {v.damage}: {v.why}" for v in failed),
        )
