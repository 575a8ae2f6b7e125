"""The whole site: read results, make pages, and replace the old site in one step."""

from __future__ import annotations

import contextlib
import glob
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fevbench.errors import FevbenchError
from fevbench.locks import locked
from fevbench.metrics.catalog import metrics as catalog
from fevbench.progress import Progress, Silent
from fevbench.report.text import FORMATS
from fevbench.sanitise import one_line
from leaderboard.entries import Problem, load_entries
from leaderboard.history import HISTORY_FILE, State, read_history, state_of
from leaderboard.published import Published, load_published
from leaderboard.site.badges import BADGES_FOLDER, badge
from leaderboard.site.board import make_board
from leaderboard.site.clips import Clips
from leaderboard.site.compare_page import VALUES_FOLDER, ComparePage, make_compare_page, values_script
from leaderboard.site.front import make_front
from leaderboard.site.history_page import make_history
from leaderboard.site.literature import place_published
from leaderboard.site.metric_page import make_metric_page
from leaderboard.site.model_page import Look, make_model_page
from leaderboard.site.pages import ASSETS, Pages, downloads_of
from leaderboard.site.pictures import Pictures
from leaderboard.site.slugs import Slugs
from leaderboard.site.tables import Run, Table, make_tables
from leaderboard.site.verdict import Wins
from leaderboard.site.words import read_words

LIST = "files.txt"
"""The file that names all others of a site."""


@dataclass(frozen=True)
class Built:
    """A site that was built.

    Attributes:
        size: Bytes of all files.
        problems: What was left out, and why.
        notes: Files that were skipped because they are not results.
    """

    out: Path
    files: int
    size: int
    tables: int
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...] = ()


def build(
    folders: Sequence[Path],
    out: Path,
    published: Sequence[Published] | None = None,
    progress: Progress | None = None,
) -> Built:
    """Build the site, and show numbers from the literature, by default those that come with fevbench.

    Nothing is written outside ``out``, which is new, empty, or a site built before; what was there is
    replaced when all is done. The same results give the same bytes.

    Raises:
        FevbenchError: ``out`` holds something else, or there is no result to show.
    """
    _check_replaceable(out)
    loaded = load_entries(folders, besides=out)  # a site holds copies of results
    tables, problems = make_tables(loaded.entries, folders)
    history, broken = _history(folders)
    problems = [*loaded.problems, *problems, *broken]
    if not tables:
        found = [*problems, *loaded.notes][:3]
        reasons = "; ".join(map(str, found)) or "no result below " + ", ".join(map(str, folders))
        raise FevbenchError(f"there is nothing to build a site from ({reasons})", "give --results DIR")
    out.parent.mkdir(parents=True, exist_ok=True)
    with _workshop(out) as folder:
        site = folder / "site"
        site.mkdir()
        literature = load_published() if published is None else published
        problems += _write(site, tables, history, literature, progress or Silent())
        _write_list(site)
        files = [file for file in site.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files)
        built = Built(out, len(files), size, len(tables), tuple(problems), loaded.notes)
        _put(site, out, folder / "old")
    return built


def _history(folders: Sequence[Path]) -> tuple[list[State], list[Problem]]:
    """The recorded states of some folders of results."""
    states: list[State] = []
    problems = []
    for folder in folders:
        try:
            states += read_history(folder)
        except FevbenchError as error:
            problems.append(Problem(folder / HISTORY_FILE, one_line(str(error))))
    return states, problems


@contextlib.contextmanager
def _workshop(out: Path) -> Iterator[Path]:
    """Yield a hidden folder beside a site, for one build at a time, and remove those of killed builds.

    An old site that a killed build had moved away but not replaced is put back.
    """
    with locked(out.parent / f".{out.name}.lock") as alone:  # some network file systems have no locks
        for left in out.parent.glob(f".{glob.escape(out.name)}.????????"):
            if alone and left.is_dir() and {path.name for path in left.iterdir()} <= {"site", "old"}:
                if (left / "old").is_dir() and not out.exists():
                    (left / "old").rename(out)
                shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            yield Path(folder)


def _put(site: Path, out: Path, old: Path) -> None:
    """Put a site in place of another one; if that is stopped half-way, the other one is restored."""
    if not out.exists():
        site.rename(out)
        return
    out.rename(old)
    try:
        site.rename(out)
    except BaseException:
        old.rename(out)
        raise


def _check_replaceable(out: Path) -> None:
    if not out.exists():
        return
    fix = "choose another --out"
    if not out.is_dir() or out.is_symlink():
        raise FevbenchError(f"{out} is not a folder", fix)
    if out.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise FevbenchError(f"{out} is the current folder or above it, so it cannot be replaced", fix)
    there = _files(out)
    if there and not (out / LIST).is_file():
        raise FevbenchError(f"{out} holds other files than a site of the leaderboard", fix)
    own = {LIST, *(out / LIST).read_text("utf-8", "replace").splitlines()} if there else set()
    if more := sorted(there - own):
        raise FevbenchError(
            f"{out} holds {more[0]}, which is not part of the site",
            "move it away, or choose another --out",
        )


def _files(folder: Path) -> set[str]:
    """The paths of all files below a folder."""
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(folder).as_posix() for path in paths}


def _write_list(site: Path) -> None:
    """Write the list of the site's own files, so that other files are never replaced."""
    (site / LIST).write_text("".join(f"{name}\n" for name in sorted(_files(site))), encoding="utf-8")


def _write(
    site: Path,
    tables: Sequence[Table],
    history: Sequence[State],
    published: Sequence[Published],
    progress: Progress,
) -> list[Problem]:
    """Write all files of the site; returns problems with missing parts."""
    problems: list[Problem] = []
    slugs = Slugs()
    metric_pages = {name: slugs.of(name) for name in catalog}
    looks = {table.slug: Look(table, Clips(table), Wins(table)) for table in tables}
    models: dict[str, list[tuple[Look, Run]]] = {}
    for look in looks.values():
        problems += look.clips.problems
        for run in look.table.runs:
            models.setdefault(run.result.model.name, []).append((look, run))
    slugs = Slugs()
    model_pages = {name: slugs.of(name) for name in sorted(models)}
    states = {table.slug: state_of(run.entry.id for run in table.runs) for table in tables}
    changes = make_history(history, tables, states, model_pages)
    pages = Pages(site, model_pages, metric_pages, tables, states, changes)
    reported = place_published(published, tables)
    words = read_words()
    progress.start("pages", len(metric_pages) + len(models) + len(tables))
    for table in tables:
        look = looks[table.slug]
        pages.table(make_front(look, make_board(table, metric_pages)), reported, look.wins)
        compared = make_compare_page(table, look.clips, model_pages)
        pages.compare(compared)
        _write_data(site / table.slug, table, compared)
        list(look.clips.copy(site / table.slug))
        progress.advance(1)
    pages.site(reported)
    for name in catalog:
        pages.metric(make_metric_page(name, words.get(name), tables))
        progress.advance(1)
    pictures = Pictures()
    for name, runs in models.items():
        pages.model(make_model_page(name, runs, metric_pages, pictures))
        progress.advance(1)
    list(pictures.copy(site))
    shutil.copytree(ASSETS, site / ASSETS.name)
    return problems


def _write_data(folder: Path, table: Table, page: ComparePage) -> None:
    """Write a table in every format, its result files, badges, and the values of clips."""
    folder.mkdir(exist_ok=True)
    for name, (_, suffix) in downloads_of(table).items():
        (folder / f"{table.slug}.{suffix}").write_text(FORMATS[name](table.comparison), encoding="utf-8")
    for name in ("results", BADGES_FOLDER, VALUES_FOLDER):
        (folder / name).mkdir()
    for run in table.runs:
        shutil.copyfile(run.entry.file, folder / "results" / f"{run.slug}.json")
    for run in table.models:
        (folder / BADGES_FOLDER / f"{run.slug}.svg").write_text(badge(table, run), encoding="utf-8")
    for run in page.runs:
        script = values_script(run, page)
        (folder / VALUES_FOLDER / f"{run.slug}.js").write_text(script, encoding="utf-8")
    files = [found.file for found in (table.costs, table.curves) if found]
    for file in [*files, *([table.audit_file] if table.audit_file else [])]:
        shutil.copyfile(file, folder / file.name)
