"""``fevbench leaderboard check``: whether results are what they claim to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fevbench.cli.output import say

if TYPE_CHECKING:
    from rich.table import Table

    from fevbench.results.schema import Result
    from leaderboard.check import Finding
    from leaderboard.ground_truth import GroundTruth
    from leaderboard.rescore import Disagreement, Rescoring


@click.command("check")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]…")
@click.option("--rescore", is_flag=True, help="Score the clips of run folders again, too.")
@click.option("--dataset", metavar="NAME:DIR", help="Where a data set of your own is.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--offline", is_flag=True, help="Never touch the network.")
@click.pass_context
def command(
    ctx: click.Context,
    paths: tuple[Path, ...],
    rescore: bool,
    dataset: str | None,
    device: str,
    offline: bool,
) -> None:
    """Check results: filed ones, run folders, or archives that were sent in.

    Each PATH is a folder of results (leaderboard/results by default), a result, a run folder, or a
    .zip made by `fevbench leaderboard submit`. The clips of an archive are scored again from scratch,
    and every number is compared. Exits with 1 if anything is wrong; a note is not.

    \b
    Example:
      fevbench leaderboard check
      fevbench leaderboard check my-model.zip
      fevbench leaderboard check runs/my-model--* --rescore
    """
    import tempfile

    from fevbench.cli.console import RunDisplay, error_console
    from fevbench.engine.plan import choose_device
    from leaderboard.archive import SUFFIX
    from leaderboard.ground_truth import GroundTruth
    from leaderboard.layout import RESULTS
    from leaderboard.rescore import Rescoring
    from leaderboard.runs import is_run

    report = _Report(GroundTruth(dataset))
    alone = [path for path in paths if path.suffix == SUFFIX or is_run(path)]
    filed = [path for path in paths if path not in alone] if paths else [RESULTS]
    if filed:
        report.filed(filed, rescore)
    if alone:
        where = choose_device(device)
        # One folder of features for all: filled here, so that it can be believed, and gone afterwards.
        with tempfile.TemporaryDirectory() as features, RunDisplay(error_console()) as display:
            how = Rescoring(where, Path(features), display, offline, display.pull)
            for path in alone:
                report.alone(path, how if rescore or path.suffix == SUFFIX else None)
    say(report.summary)
    if report.faults:
        ctx.exit(1)


class _Report:
    """Says what is found while it is found, and counts.

    Args:
        truths: The true clips.

    Attributes:
        faults: How many faults there are.
    """

    def __init__(self, truths: GroundTruth) -> None:
        self._truths = truths
        self._results = self._rescored = self._notes = 0
        self.faults = 0

    @property
    def summary(self) -> str:
        """The counts, in words."""
        again = f", {self._rescored} of them scored again" if self._rescored else ""
        found = f"{_many(self.faults, 'fault')}, {_many(self._notes, 'note')}"
        return f"{_many(self._results, 'result')}{again}: {found}"

    def filed(self, folders: Sequence[Path], rescore: bool) -> None:
        """Check filed results, each by itself and together."""
        from leaderboard.check import Finding, check_entry, check_together
        from leaderboard.entries import load_entries

        loaded = load_entries(folders)
        self._results += len(loaded.entries)
        for stepped_over in loaded.notes:
            self._say(stepped_over.file, Finding(stepped_over.what, fault=False))
        for problem in loaded.problems:
            self._say(problem.file, Finding(problem.what))
        for entry in loaded.entries:
            for finding in check_entry(entry, self._truths):
                self._say(entry.file, finding)
            if rescore:
                self._say(entry.file, Finding("no lossless clips here: name its run folder or its archive"))
        for entry, finding in check_together(loaded.entries):
            self._say(entry.file, finding)

    def alone(self, path: Path, how: Rescoring | None) -> None:
        """Check a run folder or an archive."""
        from fevbench.errors import FevbenchError
        from leaderboard.archive import CARD, SUFFIX, opened
        from leaderboard.check import Finding

        try:
            if path.suffix != SUFFIX:
                self._run(path, path, how)
                return
            with opened(path) as (folder, manifest):
                if manifest.contact:
                    self._say(path, Finding(f"sent in by {manifest.contact}", fault=False))
                if CARD in manifest.files:
                    self._say(path, Finding(f"{CARD} in it says more of the model", fault=False))
                self._run(path, folder, how)
        except FevbenchError as error:
            self._say(path, Finding(str(error).removeprefix(str(path))))

    def _run(self, path: Path, folder: Path, how: Rescoring | None) -> None:
        from fevbench.counts import some
        from fevbench.results.files import read_result
        from leaderboard.check import Finding, check_result, left_out
        from leaderboard.runs import check_clips, check_settings

        result = read_result(folder, of_its_clips=False)  # check_clips says more of them
        self._results += 1
        clips = list(check_clips(folder, result))
        for finding in (*check_result(result, self._truths), *check_settings(folder, result), *clips):
            self._say(path, finding)
        if lacking := left_out(result):
            what = f"it lacks {_many(len(lacking), 'metric')} that a run has unless told otherwise: "
            self._say(path, Finding(what + some(lacking), fault=False))
        # Clips that are not there or not whole cannot be scored, which has been said.
        if how is None or any(self._truths.faults(result)) or clips:
            return
        from fevbench.cli.console import print_text
        from leaderboard.rescore import disagreements, same_clips, unscorable

        for name, reason in unscorable(result, self._truths).items():
            self._say(path, Finding(f"{name}: not scored again: {reason}", fault=False))
        again = how.rescore(folder, result, self._truths)
        self._rescored += 1
        if not same_clips(result, again):
            self._say(path, Finding("its clips are not those it is about"))
        self._say(path, Finding(_scored_again(result, again), fault=False))
        parted = list(disagreements(result, again))
        for one in parted:
            self._say(path, Finding(f"{one.metric}: {'; '.join(_parted(one))}"))
        if parted:
            print_text(_table(parted))

    def _say(self, path: Path, finding: Finding) -> None:
        from fevbench.foreign import one_line

        self.faults += finding.fault
        self._notes += not finding.fault
        say(one_line(f"{path}: {'' if finding.fault else 'note: '}{finding.what}"))


def _scored_again(result: Result, again: Result) -> str:
    """Which values were held against the clips, and which are the sender's word."""
    trusted = [
        name for name, m in result.metrics.items() if m.value is not None and name not in again.metrics
    ]
    scored = f"scored again from its clips: {len(again.metrics)} of {_many(len(result.metrics), 'metric')}"
    return f"{scored}; not scored again, so on the sender's word: {', '.join(trusted) or 'none'}"


def _parted(one: Disagreement) -> list[str]:
    """In what a metric parts, in words."""
    from leaderboard.check import alike

    words = [] if alike(one.said, one.found) else [f"{_number(one.said)}, scored again {_number(one.found)}"]
    clips = [f"other values of {_many(len(one.clips), 'clip')}"] if one.clips else []
    return [*words, *clips, *one.others]


def _table(parted: Sequence[Disagreement]) -> Table:
    """The metrics that part, with the clip that parts most."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title="said, and scored again")
    for heading in ("metric", "said", "again", "clips that part", "most in", "said", "again"):
        table.add_column(heading, justify="left" if heading in ("metric", "most in") else "right")
    for one in parted:
        most = next(iter(one.clips), "")
        values = map(_number, one.clips[most]) if most else ("", "")
        row = (one.metric, _number(one.said), _number(one.found), str(len(one.clips)), most, *values)
        table.add_row(*map(Text, row))
    return table


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
