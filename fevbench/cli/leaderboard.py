"""``fevbench leaderboard``: results that count, and the site made from them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fevbench.cli import options
from fevbench.cli.output import note, say
from fevbench.errors import FevbenchError
from fevbench.sanitise import one_line
from fevbench.wording import first_few, n_clips, quantity

if TYPE_CHECKING:
    from http.server import ThreadingHTTPServer

    from rich.table import Table

    from fevbench.results.schema import Result
    from leaderboard.check import Finding
    from leaderboard.entries import Entry
    from leaderboard.ground_truth import GroundTruth
    from leaderboard.rescore import Disagreement, Rescoring
    from leaderboard.site.build import Built


@click.group(cls=options.GroupInOrder)
def group() -> None:
    """Add results to a leaderboard, check them, send them in, or build its site."""


filed_option = options.option(
    "--results",
    type=options.FOLDER,
    default=Path("leaderboard/results"),
    metavar="DIR",
    help="Folder of the results.",
)


@group.command("add")
@click.argument("run", type=options.PATH)
@filed_option
@click.option("--replace", is_flag=True, help="Replace the model's earlier result.")
@click.option("--allow-dirty", is_flag=True, help="Also accept a run of code with uncommitted changes.")
@options.dataset("Folder of a data set of your own.")
def add_command(run: Path, results: Path, replace: bool, allow_dirty: bool, dataset: str | None) -> None:
    """Add RUN, a run folder or a checked submission, to the results, with small copies of its clips.

    At most 48 clips are copied. It must pass `fevbench leaderboard check` and not be among the results
    already. The new state of its table is written into the board's history.

    \b
    Example:
      fevbench leaderboard add runs/my-model--fevsynth--64x16--test--seed0
      fevbench leaderboard add my-model.zip
    """
    from leaderboard.add import add
    from leaderboard.archive import SUFFIX, opened
    from leaderboard.ground_truth import GroundTruth

    truths = GroundTruth(dataset)
    if run.suffix == SUFFIX:
        with opened(run) as (folder, _):
            entry = add(folder, results, truths, replace, allow_dirty)
    else:
        entry = add(run, results, truths, replace, allow_dirty)
    say(f"{entry.file}: {entry.id}")


@group.command("record")
@filed_option
def record_command(results: Path) -> None:
    """Write results that were moved or deleted by hand into the board's history.

    What `fevbench leaderboard add` does is written down by itself. Says what changed in which table.

    \b
    Example:
      git rm leaderboard/results/fevsynth-1.0/64x16-test/my-model.*
      fevbench leaderboard record
    """
    from leaderboard.history import record

    states = record(results)
    for state in states:
        say(one_line(f"{state.table}: {state.words}"))
    if not states:
        note(f"nothing has changed in {results}")


@group.command("check")
@click.argument("paths", nargs=-1, type=options.PATH, metavar="[PATH]…")
@click.option("--rescore", is_flag=True, help="Score the clips of run folders again, too.")
@options.dataset("Folder of a data set of your own.")
@options.device()
@options.offline
@click.pass_context
def check_command(
    ctx: click.Context,
    paths: tuple[Path, ...],
    rescore: bool,
    dataset: str | None,
    device: str,
    offline: bool,
) -> None:
    """Check results of the leaderboard, run folders, or archives that were sent in.

    Each PATH is a folder of results (by default those that come with fevbench), a result, a run folder, or
    a .zip made by `fevbench leaderboard submit`. The clips of an archive are scored again from scratch, and
    every number is compared. The exit code is 1 if there is a fault; notes do not change it.

    \b
    Example:
      fevbench leaderboard check
      fevbench leaderboard check my-model.zip
      fevbench leaderboard check runs/my-model--* --rescore
    """
    from fevbench.cli.console import ProgressDisplay
    from fevbench.engine.plan import choose_device
    from leaderboard.archive import SUFFIX
    from leaderboard.ground_truth import GroundTruth
    from leaderboard.layout import INSTALLED, RESULTS
    from leaderboard.rescore import Rescoring
    from leaderboard.runs import is_run

    checks = _Checks(GroundTruth(dataset))
    runs = [path for path in paths if path.suffix == SUFFIX or is_run(path)]
    filed = [path for path in paths if path not in runs] if paths else [RESULTS]
    if INSTALLED and not paths:
        note("the results that come with an installed fevbench have no small clips: those are not checked")
    if filed:
        checks.check_filed(filed, rescore)
    if runs:
        device = choose_device(device)
        # One folder of features for all: filled here, so that it can be believed, and gone afterwards.
        with tempfile.TemporaryDirectory() as features, ProgressDisplay() as display:
            rescoring = Rescoring(device, Path(features), display, offline, display.pull)
            for path in runs:
                checks.check_run(path, rescoring if rescore or path.suffix == SUFFIX else None)
    say(checks.summary)
    if checks.faults:
        ctx.exit(1)


class _Checks:
    """Says what is found while it is found, and counts."""

    def __init__(self, truths: GroundTruth) -> None:
        self._truths = truths
        self._results = self._rescored = self._notes = 0
        self.faults = 0

    @property
    def summary(self) -> str:
        """The counts, in words."""
        again = f", {self._rescored} of them scored again" if self._rescored else ""
        found = f"{quantity(self.faults, 'fault')}, {quantity(self._notes, 'note')}"
        return f"{quantity(self._results, 'result')}{again}: {found}"

    def check_filed(self, folders: Sequence[Path], rescore: bool) -> None:
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
        for folder in folders:
            self._check_history(folder, [entry for entry in loaded.entries if folder in entry.file.parents])

    def _check_history(self, folder: Path, entries: Sequence[Entry]) -> None:
        """Check that the history of a folder of results ends with what is there."""
        from leaderboard.check import Finding
        from leaderboard.history import HISTORY_FILE, RECORD, changes

        file = folder / HISTORY_FILE
        try:
            for state in changes(folder, entries) if file.is_file() else ():
                what = f"{state.table} is not written down as it is ({state.words}); do that with {RECORD}"
                self._say(file, Finding(what))
        except FevbenchError as error:
            self._say(file, Finding(str(error).removeprefix(f"{file}: ")))

    def check_run(self, path: Path, rescoring: Rescoring | None) -> None:
        """Check a run folder or an archive."""
        from leaderboard.archive import CARD, SUFFIX, opened
        from leaderboard.check import Finding

        try:
            if path.suffix != SUFFIX:
                self._check_folder(path, path, rescoring)
                return
            with opened(path) as (folder, manifest):
                if manifest.contact:
                    self._say(path, Finding(f"sent in by {manifest.contact}", fault=False))
                if CARD in manifest.files:
                    self._say(path, Finding(f"{CARD} in it says more of the model", fault=False))
                self._check_folder(path, folder, rescoring)
        except FevbenchError as error:
            self._say(path, Finding(str(error).removeprefix(str(path))))

    def _check_folder(self, path: Path, folder: Path, rescoring: Rescoring | None) -> None:
        from fevbench.results.files import read_result
        from leaderboard.check import Finding, check_result, left_out
        from leaderboard.runs import check_clips, check_settings

        result = read_result(folder, of_its_clips=False)  # check_clips says more of them
        self._results += 1
        clip_findings = list(check_clips(folder, result))
        for finding in (*check_result(result, self._truths), *check_settings(folder, result), *clip_findings):
            self._say(path, finding)
        if lacking := left_out(result):
            what = f"it lacks {quantity(len(lacking), 'metric')} that a run has unless told otherwise: "
            self._say(path, Finding(what + first_few(lacking), fault=False))
        # Clips that are not there or not whole cannot be scored, which has been said.
        if rescoring is None or any(self._truths.faults(result)) or clip_findings:
            return
        from fevbench.cli.console import print_text
        from leaderboard.rescore import disagreements, same_clips, unscorable

        for name, reason in unscorable(result, self._truths).items():
            self._say(path, Finding(f"{name}: not scored again: {reason}", fault=False))
        again = rescoring.rescore(folder, result, self._truths)
        self._rescored += 1
        if not same_clips(result, again):
            self._say(path, Finding("its clips are not those it is about"))
        self._say(path, Finding(_scored_again(result, again), fault=False))
        found = list(disagreements(result, again))
        for one in found:
            self._say(path, Finding(f"{one.metric}: {'; '.join(_in_words(one))}"))
        if found:
            print_text(_disagreement_table(found))

    def _say(self, path: Path, finding: Finding) -> None:
        self.faults += finding.fault
        self._notes += not finding.fault
        say(one_line(f"{path}: {'' if finding.fault else 'note: '}{finding.what}"))


def _scored_again(result: Result, again: Result) -> str:
    """Which values were held against the clips, and which are the sender's word."""
    trusted = [
        name for name, m in result.metrics.items() if m.value is not None and name not in again.metrics
    ]
    scored = f"scored again from its clips: {len(again.metrics)} of {quantity(len(result.metrics), 'metric')}"
    return f"{scored}; not scored again, so on the sender's word: {', '.join(trusted) or 'none'}"


def _in_words(one: Disagreement) -> list[str]:
    """In what a metric parts, in words."""
    from leaderboard.check import alike

    values = [] if alike(one.said, one.found) else [f"{_number(one.said)}, scored again {_number(one.found)}"]
    of_clips = [f"other values of {n_clips(len(one.clips))}"] if one.clips else []
    return [*values, *of_clips, *one.others]


def _disagreement_table(found: Sequence[Disagreement]) -> Table:
    """The metrics that part, with the clip that parts most."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title="said, and scored again")
    for heading in ("metric", "said", "again", "clips that part", "most in", "said", "again"):
        table.add_column(heading, justify="left" if heading in ("metric", "most in") else "right")
    for one in found:
        most = next(iter(one.clips), "")
        values = map(_number, one.clips[most]) if most else ("", "")
        row = (one.metric, _number(one.said), _number(one.found), str(len(one.clips)), most, *values)
        table.add_row(*map(Text, row))
    return table


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


@group.command("submit")
@click.argument("run", type=options.PATH)
@options.out(options.FILE, required=True, metavar="FILE.zip", help="File to write.")
@click.option("--card", type=options.PATH, metavar="FILE", help="A text file that describes the model.")
@click.option("--contact", default="", help="An address for questions (optional).")
@options.dataset("Folder of a data set of your own.")
def submit_command(run: Path, out: Path, card: Path | None, contact: str, dataset: str | None) -> None:
    """Pack RUN into one file that anybody can check: its result and its lossless clips.

    The same run gives the same file. `fevbench leaderboard check FILE.zip` scores the clips again.

    \b
    Example:
      fevbench leaderboard submit runs/my-model--* --out my-model.zip --card README.md
    """
    from leaderboard.archive import SUFFIX, write_archive
    from leaderboard.ground_truth import GroundTruth
    from leaderboard.runs import check_sound

    if out.suffix != SUFFIX:
        raise FevbenchError(f"{out} has no known format", f"give a name that ends in {SUFFIX}")
    check_sound(run, GroundTruth(dataset))
    write_archive(run, out, card, contact)
    say(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


results_option = click.option(
    "--results",
    "folders",
    multiple=True,
    type=options.PATH,
    metavar="DIR",
    help="Folder of results; may be repeated.  [default: the results included in fevbench]",
)


@group.command("build")
@results_option
@options.out(
    default=Path("leaderboard-site"), metavar="SITE", help="A new or empty folder, or a site built before."
)
def build_command(folders: tuple[Path, ...], out: Path) -> None:
    """Build the leaderboard's site: pages that open from disk and from any web server.

    If a result cannot be used, it is left out with a warning, the site is built without it, and the exit code
    is 1. The same results give the same bytes.

    \b
    Example:
      fevbench leaderboard build --out site
      fevbench leaderboard build --results runs --results leaderboard/results --out site
    """
    from fevbench.cli.console import ProgressDisplay
    from leaderboard.layout import RESULTS
    from leaderboard.site.build import build

    with ProgressDisplay() as display:
        built = build(folders or (RESULTS,), out, progress=display)
    _report(built)
    if built.problems:
        raise FevbenchError(
            f"{out} was built without {quantity(len(built.problems), 'thing')} that cannot be used",
            "see above",
        )


def _report(built: Built) -> None:
    """Say what was built, and what could not be used."""
    for stepped_over in built.notes:
        note(str(stepped_over))
    for problem in built.problems:
        say(f"warning: {one_line(str(problem))}", err=True)
    size = f"{built.files} files, {built.size / 1e6:.1f} MB"
    say(f"{built.out / 'index.html'}: {quantity(built.tables, 'table')}, {size}")


@group.command("serve")
@results_option
@options.option("--port", type=click.IntRange(0, 65535), default=8000, help="Port; 0 takes any free one.")
def serve_command(folders: tuple[Path, ...], port: int) -> None:
    """Build the site in a temporary folder and show it at http://127.0.0.1:PORT until Ctrl-C.

    Only this machine can reach it. To publish a site, copy what `fevbench leaderboard build` makes.

    \b
    Example:
      fevbench leaderboard serve
      fevbench leaderboard serve --results runs --port 8080
    """
    from leaderboard.layout import RESULTS
    from leaderboard.site.build import build

    with tempfile.TemporaryDirectory() as folder, server(Path(folder, "site"), port) as serving:
        _report(build(folders or (RESULTS,), Path(folder, "site")))
        say(f"http://127.0.0.1:{serving.server_address[1]}/ (stop with Ctrl-C)")
        with contextlib.suppress(KeyboardInterrupt):  # the way to stop it, and no accident
            serving.serve_forever()


def server(site: Path, port: int) -> ThreadingHTTPServer:
    """A server of a folder, for this machine alone.

    Raises:
        FevbenchError: The port is taken.
    """
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        """Says nothing of each request."""

        def log_message(self, *_: object) -> None:
            """Nothing."""

    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(site)))
    except OSError as error:
        raise FevbenchError(
            f"port {port} cannot be used ({error.strerror})", "give another --port"
        ) from error
