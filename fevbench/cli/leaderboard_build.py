"""``fevbench leaderboard build``: the static site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fevbench.cli.output import note, say

if TYPE_CHECKING:
    from leaderboard.site.build import Built


results_option = click.option(
    "--results",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where results are; may be repeated.  [default: those that come with fevbench]",
)


@click.command("build")
@results_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("leaderboard-site"),
    show_default=True,
    metavar="SITE",
    help="New, empty, or a site built before.",
)
def command(folders: tuple[Path, ...], out: Path) -> None:
    """Build the leaderboard's site: pages that open from disk and from any web server.

    A result that cannot be used is named and left out, and the exit code is then 1; the site is built all the
    same. The same results give the same bytes.

    \b
    Example:
      fevbench leaderboard build --out site
      fevbench leaderboard build --results runs --results leaderboard/results --out site
    """
    from fevbench.cli.console import RunDisplay, error_console
    from fevbench.errors import FevbenchError
    from leaderboard.site.build import build

    with RunDisplay(error_console()) as display:
        built = build(folders or default_folders(), out, progress=display)
    report(built)
    if built.problems:
        count = len(built.problems)
        what = f"{out} was built without {count} {'thing' if count == 1 else 'things'} that cannot be used"
        raise FevbenchError(what, "see above")


def default_folders() -> tuple[Path, ...]:
    """The results that come with fevbench."""
    import leaderboard

    return (Path(leaderboard.__path__[0]) / "results",)


def report(built: Built) -> None:
    """Say what was built, and what could not be used."""
    from fevbench.foreign import one_line

    for stepped_over in built.notes:
        note(str(stepped_over))
    for problem in built.problems:
        say(f"warning: {one_line(str(problem))}", err=True)
    tables = "1 table" if built.tables == 1 else f"{built.tables} tables"
    say(f"{built.out / 'index.html'}: {tables}, {built.files} files, {built.size / 1e6:.1f} MB")
