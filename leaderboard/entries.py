"""Loading all results below some folders, with the problems of files that do not load."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fevbench.audit.record import AUDIT_FILE
from fevbench.engine.folder import SETTINGS_FILE
from fevbench.errors import FevbenchError
from fevbench.results.files import NoResult, read_result
from fevbench.results.schema import RESULT_FILE, Result
from fevbench.sanitise import one_line
from leaderboard.small_clips import SmallClips, find_small_clips

COST_FILE = "cost.json"
OTHER_FILES = (COST_FILE, AUDIT_FILE, SETTINGS_FILE)
"""Other JSON files beside results."""
ID_DIGITS = 12


@dataclass(frozen=True)
class Entry:
    """A result of the leaderboard: file, result, `run_id`, and its small clips if there are any."""

    file: Path
    result: Result
    id: str
    clips: SmallClips | None


@dataclass(frozen=True)
class Problem:
    """A problem with a file, in one line without the file's name."""

    file: Path
    what: str

    def __str__(self) -> str:
        return one_line(f"{self.file}: {self.what}")


@dataclass(frozen=True)
class Entries:
    """The content of some folders: results, files that do not load, and notes on other files."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...] = ()


def load_entries(folders: Sequence[Path], besides: Path | None = None) -> Entries:
    """Load every result below some folders except ``besides``; a bad file affects no other."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    notes: list[Problem] = []
    first: dict[str, Path] = {}
    for folder in folders:
        if not folder.exists():
            problems.append(Problem(folder, "does not exist"))
    for file in result_files(folders):
        if besides is not None and besides.resolve() in file.resolve().parents:
            continue
        try:
            entry = load_entry(file)
        except NoResult as error:
            what = error.what.removeprefix(str(file.parent)).strip()
            notes.append(Problem(file.parent, one_line(f"{what}; left out")))
            continue
        except FevbenchError as error:
            problems.append(Problem(file, one_line(str(error).removeprefix(str(file)))))
            continue
        if entry.id in first:
            problems.append(Problem(file, f"is the same run as {first[entry.id]} ({entry.id}); delete one"))
            continue
        first[entry.id] = file
        entries.append(entry)
    return Entries(tuple(entries), tuple(problems), tuple(notes))


def load_entry(file: Path) -> Entry:
    """Load one result.

    Raises:
        RunError: It does not follow the schema.
    """
    result = read_result(file)
    return Entry(file, result, run_id(result), find_small_clips(file.parent, file.stem))


def result_files(folders: Sequence[Path]) -> Iterator[Path]:
    """Yield every file that should be a result, sorted within each folder, each once.

    For an unfinished run, this is its settings file.
    """
    seen: set[Path] = set()
    for folder in folders:
        for file in sorted(folder.rglob("*.json")) if folder.is_dir() else [folder]:
            known = file.resolve()
            within = file.relative_to(folder).parts if folder.is_dir() else [file.name]
            hidden = any(part.startswith(".") for part in within)  # incomplete files
            other = file.name in OTHER_FILES and not _is_unfinished(file)
            if file.is_file() and not hidden and not other and known not in seen:
                seen.add(known)
                yield file


def _is_unfinished(file: Path) -> bool:
    return file.name == SETTINGS_FILE and not (file.parent / RESULT_FILE).exists()


def run_id(result: Result) -> str:
    """The id of a run: by its model, clips and values; not by date, machine or duration.

    It is the first 12 hex digits of the sha256 of these as canonical JSON.
    """
    dataset = result.dataset
    # The digest covers every clip's id, subject, label and pixels. The maps of them, which older results
    # lack, add nothing.
    known = {
        "model": [result.model.name, result.model.fingerprint],
        "dataset": [dataset.name, dataset.version, dataset.split, dataset.limit, dataset.digest],
        "protocol": result.protocol.model_dump(),
        "seed": result.seed,
        "metrics": {name: [metric.id, metric.value] for name, metric in result.metrics.items()},
    }
    canonical = json.dumps(known, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:ID_DIGITS]
