"""``fevbench sweep``: several models on several data sets, with several seeds, as one job."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from fevbench.cli import options
from fevbench.cli.output import note, say
from fevbench.errors import FevbenchError

MOST_SEEDS = 1000


@click.command("sweep")
@click.argument("models")
@click.argument("datasets")
@click.option("--seeds", metavar="0-4", help="Seeds of generation, as 0-4 or 1,3.  [default: the protocol's]")
@options.how_to_run
@options.out(help="Folder of the run folders.  [default: runs]")
def sweep_command(
    models: str,
    datasets: str,
    seeds: str | None,
    out: Path | None,
    **how: Any,
) -> None:
    """Score all MODELS on all DATASETS, both comma-separated, and compare them.

    Each run has its own folder, as with `fevbench run`. If it is stopped, the same command continues.
    Features of true clips are computed once. A run that fails is reported and left out; the others go on.

    With three seeds or more, a table shows the mean of each model over seeds, with intervals over seeds and
    subjects, and the share of the variance that comes from the seeds.

    \b
    Example:
      fevbench sweep copy,nearest,vgan fevsynth --limit 48
      fevbench sweep fev-gan,mocogan fevsynth --seeds 0-4 --metrics csim,accuracy,fvd
    """
    from fevbench.api.evaluation import evaluate
    from fevbench.cli.compare import print_comparison
    from fevbench.cli.console import ProgressDisplay, stdout_to_stderr
    from fevbench.report.rows import compare
    from fevbench.results.schema import Result

    wanted = [
        (dataset, model, seed)
        for dataset in _names(datasets)
        for model in _names(models)
        for seed in _seeds(seeds)
    ]
    failed: list[str] = []
    done: dict[str, list[Result]] = {}
    for place, (dataset, model, seed) in enumerate(wanted, 1):
        which = f"{model} on {dataset}" + ("" if seed is None else f", seed {seed}")
        note(f"{place} of {len(wanted)}: {which}")
        try:
            with stdout_to_stderr(), ProgressDisplay() as display:
                result = evaluate(
                    model, dataset, seed=seed, root=out, progress=display, pull=display.pull, **how
                )
        except FevbenchError as error:
            failed.append(f"{which}: {error}")
            note(f"failed: {failed[-1]}")
            continue
        done.setdefault(dataset, []).append(result)
    for results in done.values():
        print_comparison(results, compare(results), everything=bool(how["metrics"]))
    if failed:
        raise FevbenchError(
            f"{len(failed)} of {len(wanted)} runs failed ({failed[0]})", "fix it, then repeat the command"
        )
    say(f"{len(wanted)} runs in {out or 'runs'}")


def _names(text: str) -> list[str]:
    """The names in a list with commas; none is empty, and each is there once."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise FevbenchError(f"{text!r} holds no name", "give comma-separated names")
    return names


def _seeds(text: str | None) -> list[int | None]:
    """Seeds written as ``0-4`` or ``1,3``."""
    if text is None:
        return [None]
    seeds: dict[int | None, None] = {}
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if last < first or last - first >= MOST_SEEDS:
            raise FevbenchError(f"--seeds {text!r} is no list of seeds", "write 0-4, or 1,3")
        seeds |= dict.fromkeys(range(first, last + 1))
    return list(seeds)
