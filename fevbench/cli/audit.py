"""``fevbench audit``: do the metrics see what they should?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fevbench.audit.record import Audit


@click.command("audit")
@click.argument("dataset", default="fevsynth")
@click.option("--protocol", metavar="NAME", help="How clips are sampled.  [default: 64x16]")
@click.option(
    "--metrics", multiple=True, metavar="NAMES", help="Only these, with commas between.  [default: as run]"
)
@click.option("--damages", metavar="NAMES", help="Only these, with commas between.  [default: all]")
@click.option("--limit", type=click.IntRange(min=1), default=48, show_default=True, help="Clips.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Samples a network sees at once.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("audit"), show_default=True
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
    offline: bool,
) -> None:
    """Damage true clips of DATASET in known ways, and hold every metric to what it declares.

    Fourteen damages in five strengths each: to pixels, to time, to who and what is shown. Every metric must
    get worse by those it declares to notice, and stay as it is under those it declares to ignore; if one
    does not, the exit code is 1. The folder --out gets audit.json with every number and audit.png, the heat
    map. An audit that was stopped goes on where it was.

    \b
    Example:
      fevbench audit fevsynth
      fevbench audit fevsynth --metrics ssim,motion --damages blur,freeze --limit 24
    """
    from fevbench.audit import damages as _  # noqa: F401 - registers them
    from fevbench.audit.carry_out import audit
    from fevbench.audit.picture import PICTURE_FILE, draw_audit
    from fevbench.audit.record import AUDIT_FILE
    from fevbench.audit.scene import damages as known
    from fevbench.cli.console import RunDisplay, error_console, print_text
    from fevbench.data.datasets import open_dataset
    from fevbench.data.protocol import DEFAULT_PROTOCOL, protocols
    from fevbench.errors import FevbenchError
    from fevbench.run.plan import choose_device, choose_metrics
    from fevbench.training.curves import check_drawable

    check_drawable("the heat map")
    chosen = choose_metrics(metrics)
    names = [name.strip() for name in damages.split(",")] if damages else list(known)
    wanted = [known.get(name) for name in names]
    data, how = open_dataset(dataset), protocols.get(protocol or DEFAULT_PROTOCOL)
    where = choose_device(device)
    with RunDisplay(error_console()) as display:
        found = audit(
            data, how, chosen, wanted, limit, where, batch_size, out, display, offline, display.pull
        )
    draw_audit(out / PICTURE_FILE, found)
    print_text(_table(found))
    click.echo(f"{out}: {AUDIT_FILE}, {PICTURE_FILE}")
    failed = [verdict for verdict in found.verdicts if not verdict.kept]
    if failed:
        raise FevbenchError(
            f"{len(failed)} of {len(found.verdicts)} declarations are not met",
            "; ".join(f"{v.metric} must {v.must} {v.damage}: {v.why}" for v in failed),
        )


def _table(audit: Audit) -> RenderableType:
    """How much worse each metric is at full strength, in hundredths of the most it ever is."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from fevbench.audit.verdict import Ladders

    ladders = Ladders(audit.steps)
    declared = {(v.metric, v.damage): v for v in audit.verdicts}
    title = Text(
        "How much worse at full strength, in hundredths of the most by any damage; "
        "bold: must notice, italic: must ignore, !: does not.",
        style="italic",
    )
    table = Table()
    table.add_column("damage", no_wrap=True)
    for name in ladders.metrics:
        table.add_column(name, justify="right", overflow="fold")
    parts = ladders.parts()
    for column, damage in enumerate(ladders.damages):
        cells = []
        for row, metric in enumerate(ladders.metrics):
            verdict = declared.get((metric, damage))
            style = "" if verdict is None else "bold" if verdict.must == "notice" else "italic"
            mark = "" if verdict is None or verdict.kept else "!"
            cells.append(Text(f"{mark}{100 * parts[row, column]:.0f}", style=style))
        table.add_row(Text(damage), *cells)
    return Group(title, table)
