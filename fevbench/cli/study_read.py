"""``fevbench study read``: what people preferred."""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.cli.output import say


@click.command("read")
@click.argument("answers", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="ANSWERS…")
@click.option(
    "--study",
    "where",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="What `study make` wrote.  [default: study.json beside the first ANSWERS, else here]",
)
@click.option(
    "--forgive",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="How many failed attention checks do not matter.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
def command(answers: tuple[Path, ...], where: Path | None, forgive: int, form: str) -> None:
    """Say which models people prefer, how sure that is, and which metric agrees with them.

    Win rates are of a Bradley-Terry model, with intervals over raters and subjects. Raters who fail an
    attention check are left out and counted. Agreement is Kendall's tau between the models' strengths
    and their numbers in the runs' results.

    \b
    Example:
      fevbench study read answers/*.json --study page
      fevbench study read answers/*.json --study page --format json > outcome.json
    """
    from fevbench.study.outcome import find_outcome
    from fevbench.study.record import STUDY_FILE, read_answers, read_study
    from fevbench.study.text import outcome_json, outcome_table

    if where is None:
        beside = answers[0].parent / STUDY_FILE
        where = beside if beside.exists() else Path(STUDY_FILE)
    study = read_study(where)
    outcome = find_outcome(study, read_answers(answers, study, forgive))
    if form == "json":
        say(outcome_json(outcome), nl=False)
        return
    from fevbench.cli.console import print_text

    print_text(outcome_table(outcome))
