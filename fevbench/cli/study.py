"""``fevbench study``: which of two clips raters prefer."""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.cli import options
from fevbench.cli.output import say


@click.group(cls=options.GroupInOrder)
def group() -> None:
    """Ask human raters which model's clips are better, and test which metrics agree with them."""


@group.command("make")
@options.runs
@options.out(
    options.FOLDER,
    required=True,
    metavar="DIR",
    help="Folder to write: index.html for raters, study.json for you.",
)
@click.option(
    "--pairs",
    type=options.POSITIVE,
    metavar="N",
    help="Comparisons on the page.  [default: 60, or one for every two models if that is more]",
)
@click.option(
    "--shown",
    type=options.POSITIVE,
    metavar="N",
    help="Comparisons per rater, chosen at random.  [default: all, at most 60]",
)
@options.option(
    "--checks",
    type=options.NOT_NEGATIVE,
    metavar="N",
    default=5,
    help="Attention checks for every rater: a true clip against a damaged copy.",
)
@click.option("--question", metavar="TEXT", help="The question; {label} stands for the expression.")
@options.seed("Seed that chooses the comparisons.", default=0)
@options.dataset("Folder of the true clips.  [default: as recorded in the runs]")
def make_command(
    runs: tuple[Path, ...],
    out: Path,
    pairs: int | None,
    shown: int | None,
    checks: int,
    question: str | None,
    seed: int,
    dataset: str | None,
) -> None:
    """Write a page on which raters compare clips of two models for the same face and label.

    The page is one file. It opens without a server and without a network connection, sends nothing, and names
    no model. Each rater saves a file of answers and sends it to you. Keep study.json: without it the answers
    cannot be assigned to models.

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


@group.command("read")
@click.argument("answers", nargs=-1, required=True, type=options.PATH, metavar="ANSWERS…")
@click.option(
    "--study",
    "folder",
    type=options.PATH,
    metavar="DIR",
    help="Folder that `study make` wrote.  [default: that of the first ANSWERS, else this one]",
)
@options.option(
    "--forgive",
    type=options.NOT_NEGATIVE,
    default=0,
    metavar="N",
    help="Attention checks that a rater may fail.",
)
@options.output_format("table", "json")
def read_command(answers: tuple[Path, ...], folder: Path | None, forgive: int, output_format: str) -> None:
    """Compute how often raters prefer each model, with intervals, and which metrics agree with them.

    Win rates come from a Bradley-Terry model, with intervals over raters and subjects. Raters who fail an
    attention check are left out and counted. Agreement is Kendall's tau between the models' strengths
    and their scores.

    \b
    Example:
      fevbench study read answers/*.json --study page
      fevbench study read answers/*.json --study page --format json > outcome.json
    """
    from fevbench.study.outcome import find_outcome
    from fevbench.study.record import STUDY_FILE, read_answers, read_study
    from fevbench.study.text import outcome_json, outcome_table

    if folder is None:
        beside = answers[0].parent / STUDY_FILE
        folder = beside if beside.exists() else Path(STUDY_FILE)
    study = read_study(folder)
    outcome = find_outcome(study, read_answers(answers, study, forgive))
    if output_format == "json":
        say(outcome_json(outcome), nl=False)
        return
    from fevbench.cli.console import print_text

    print_text(outcome_table(outcome))
