"""``fevbench study make``: a page on which people choose the better of two clips."""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.cli.output import say


@click.command("make")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN…")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder to write: index.html for raters, study.json for you.",
)
@click.option(
    "--pairs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Comparisons on the page.  [default: 60, or every two models once if that is more]",
)
@click.option(
    "--shown",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many of them one rater is shown, drawn for each.  [default: all, at most 60]",
)
@click.option(
    "--checks",
    type=click.IntRange(min=0),
    metavar="N",
    default=5,
    show_default=True,
    help="Attention checks, which all are shown: a true clip against itself, damaged.",
)
@click.option("--question", metavar="TEXT", help="What to ask; {label} stands for the expression.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws the comparisons."
)
@click.option("--dataset", metavar="NAME:DIR", help="Where the true clips are.  [default: as the runs say]")
def command(
    runs: tuple[Path, ...],
    out: Path,
    pairs: int | None,
    shown: int | None,
    checks: int,
    question: str | None,
    seed: int,
    dataset: str | None,
) -> None:
    """Write a page on which people choose the better of two models' clips of one face and label.

    The page is one file. It opens without a server and without a network, sends nothing, and names no model.
    Each rater saves a file of answers and sends it to you. Keep study.json: without it nobody can tell which
    model was chosen.

    \b
    Example:
      fevbench study make runs/fev-gan--* runs/g3an--* runs/real--* --out page
      fevbench study read answers/*.json --study page
    """
    from fevbench.study.make import QUESTION, make_study, open_runs, write_study
    from fevbench.study.record import PAGE_FILE, STUDY_FILE

    study, page = make_study(
        open_runs(runs, dataset), pairs, shown, checks, seed, QUESTION if question is None else question
    )
    write_study(out, study, page)
    size = len(page) / 1e6
    say(
        f"{out / PAGE_FILE}: {len(study.pairs)} comparisons of {len(study.models)} models, "
        f"{study.shown} a rater, {len(study.checks)} attention checks; {size:.1f} MB. Send this to raters.\n"
        f"{out / STUDY_FILE}: which model is which. Keep it to yourself; `fevbench study read` needs it."
    )
