"""The run folder, the unit of resuming: its settings, its clips, its result.

runs/copy--fevsynth--64x16--test--seed0/
run.json      the settings; a command that continues must have the same
reads.json    files that the model opens only while it makes clips
clips/        the lossless clips
model.log     the output of the model's process, if any
outside/      the logs of an external program; see `fevbench.models.program_folder`
draws/N/      noise samples: some clips made again, for metrics that compare clips of one face and label
digests.npz   the digests of all clips and frames, under which their features are cached
result.json   written last
.lock         exists while a process works in the folder
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from fevbench import weights
from fevbench.atomic import write_text
from fevbench.data.clip import Dataset
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import protocols
from fevbench.data.video import LOSSLESS_SUFFIX
from fevbench.engine.noise import all_exist
from fevbench.engine.plan import Plan, Settings
from fevbench.errors import RunError, suggested_fix
from fevbench.extractors.backends import Precision
from fevbench.hashing import sha256_of
from fevbench.locks import locked
from fevbench.metrics.catalog import Metric
from fevbench.metrics.catalog import metrics as catalog
from fevbench.models.apart import LOG_FILE
from fevbench.models.files import files_of_dataset
from fevbench.models.program_folder import OUTSIDE_FOLDER
from fevbench.progress import Progress
from fevbench.records import Record
from fevbench.results.files import CLIPS_FOLDER, NOISE_FOLDER, file_name, other_clips, read_result
from fevbench.results.schema import RESULT_FILE, MetricResult, Result
from fevbench.version import VERSION

SETTINGS_FILE = "run.json"
READS_FILE = "reads.json"
RUNS_FOLDER = Path("runs")
DIGESTS_FILE = "digests.npz"
LOCK_FILE = ".lock"
_OWN_PART = re.compile(r"\.(run|result)\.\d+\.[^.]+\.part\.json")


def default_folder(settings: Settings, root: Path = RUNS_FOLDER, precision: Precision = "exact") -> Path:
    """``runs/MODEL--DATASET--PROTOCOL--SPLIT--seedN``, with the limit if there is one, and ``fast``.

    A protocol's newest version appears by name, an older one by id: two versions are two runs.
    """
    protocol = settings.protocol.partition("@")[0]
    if protocols.get(protocol).id != settings.protocol:
        protocol = settings.protocol
    parts = [settings.model, settings.dataset, protocol, settings.split, f"seed{settings.seed}"]
    if settings.limit is not None:
        parts.append(f"limit{settings.limit}")
    if precision != "exact":
        parts.append(precision)
    return root / "--".join(re.sub(r"[^\w.-]+", "-", part) for part in parts)


def holds_run(out: Path, settings: Settings | None) -> bool:
    """Whether a folder, which need not exist, holds a run with clips of these settings; None for any.

    Nothing is written: the disk may be read-only.

    Raises:
        RunError: The folder holds another run, or something else, or cannot be read.
    """
    file = out / SETTINGS_FILE
    try:
        if not out.exists():
            return False
        if not out.is_dir():
            raise RunError(f"{out} is a file", "give --out a folder")
        if not file.exists():
            if all(path.name == LOCK_FILE or _OWN_PART.fullmatch(path.name) for path in out.iterdir()):
                return False
            raise RunError(f"{out} is not empty and holds no run", "choose another --out")
        if settings is not None and _holds_work(out):
            _check_same(file, settings)
    except OSError as error:
        fix = suggested_fix(error, "check its permissions, or choose another --out")
        raise RunError(f"{out} cannot be read ({error.strerror})", fix) from error
    return True


class Claim:
    """A run folder, made if it does not exist, and locked for this process until the claim is released.

    With ``overwrite`` it may hold a run with other settings, until `start_over`. ``begun`` says whether it
    already held a run.

    Raises:
        RunError: Another process works in the folder; or it holds another run or something else, or cannot be
            written.
    """

    def __init__(self, out: Path, settings: Settings, overwrite: bool = False) -> None:
        self._out, self._settings = out, settings
        with ExitStack() as stack:
            try:
                out.mkdir(parents=True, exist_ok=True)
                if stack.enter_context(locked(out / LOCK_FILE, patience=0)) is False:
                    raise RunError(
                        f"another process is writing to {out}",
                        "wait until it is done, or choose another --out",
                    )
                self.begun = holds_run(out, None if overwrite else settings)
                if not self.begun or not _holds_work(out):
                    self._write_settings()
            except (FileExistsError, NotADirectoryError) as error:
                raise RunError(f"{out} is a file, or lies in one", "give --out a folder") from error
            except OSError as error:
                fix = suggested_fix(error, "choose another --out")
                raise RunError(f"{out} cannot be written ({error.strerror})", fix) from error
            self._held = stack.pop_all()

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let other processes work in the folder."""
        self._held.close()

    def holds_work(self) -> bool:
        """Whether the folder holds clips or a result."""
        return _holds_work(self._out)

    def start_over(self) -> None:
        """Delete from the folder what a run made, and nothing else."""
        for file in (RESULT_FILE, READS_FILE, DIGESTS_FILE, LOG_FILE):
            (self._out / file).unlink(missing_ok=True)
        for clip in _clips(self._out):
            clip.unlink()
        shutil.rmtree(self._out / OUTSIDE_FOLDER, ignore_errors=True)
        self._write_settings()

    def _write_settings(self) -> None:
        write_text(self._out / SETTINGS_FILE, self._settings.model_dump_json(indent=1) + "\n")


def _holds_work(out: Path) -> bool:
    """Whether the folder holds something that a run with other settings would lose or mix up."""
    return (out / RESULT_FILE).exists() or any(_clips(out))


def _clips(out: Path) -> list[Path]:
    folders = (CLIPS_FOLDER, f"{NOISE_FOLDER}/*")
    return sorted(clip for folder in folders for clip in out.glob(f"{folder}/*{LOSSLESS_SUFFIX}"))


def settings_of(out: Path) -> Settings:
    """The settings of the run in a folder.

    Raises:
        RunError: The folder holds no settings, or broken ones.
        OSError: The file cannot be read.
    """
    file = out / SETTINGS_FILE
    try:
        return Settings.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(f"{out} is not a run folder", "give a run folder") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise RunError(f"{file} is broken", "choose another --out, or start over with --overwrite") from error


def _check_same(file: Path, settings: Settings) -> None:
    before = settings_of(file.parent)
    if changed := changes(before, settings):
        raise RunError(
            f"{file.parent} holds a run with other settings ({'; '.join(changed)})",
            "choose another --out, or start over with --overwrite",
        )


def changes(before: Record, now: Record) -> list[str]:
    """The differences of two settings, in words."""
    old, new = before.model_dump(), now.model_dump()
    return [
        "the model's code or videos have changed, or files and weights it is built from"
        if key == "fingerprint"
        else f"{key.replace('_', ' ')} {old[key]} → {new[key]}"
        for key in old
        if old[key] != new[key]
    ]


class LateFiles:
    """Files that a model opened only while it made clips, and which its fingerprint therefore lacks."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / READS_FILE
        self._known: dict[str, str] = {}
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
            self._known = {str(path): str(digest) for path, digest in known.items()}
        except (OSError, ValueError, AttributeError):
            pass  # without the file, nothing is known

    def changed(self) -> Iterator[str]:
        """Yield a note for each file that has changed."""
        for path, digest in self._known.items():
            if _sha256(Path(path)) != digest:
                yield (
                    f"note: {path} has changed, and the model opens it while it makes clips: existing clips "
                    "may be from before the change; if it matters, start over with --overwrite"
                )

    def keep(self, files: Collection[Path], reads: Iterable[Path], dataset: Dataset) -> None:
        """Remember which ``reads`` were opened in this session for the first time.

        Left out are those of the fingerprint (``files``) and those of the data set, which its version covers.
        """
        opened = tuple(path for path in dict.fromkeys(reads) if path not in files and path.suffix != ".py")
        given = files_of_dataset(dataset, opened)
        fresh = {str(path): _sha256(path) for path in opened if path not in given}
        added = {path: digest for path, digest in fresh.items() if path not in self._known and digest}
        if added:
            self._known |= added
            write_text(self._file, json.dumps(self._known, indent=1) + "\n")


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path) if path.is_file() else ""
    except OSError:
        return ""


def earlier_result(plan: Plan, corpus: Corpus, progress: Progress) -> tuple[Result | None, Plan]:
    """The folder's result if it answers the plan, and the plan with the result's other metrics added."""
    if not (plan.out / RESULT_FILE).exists():
        return None, plan
    before = read_result(plan.out, of_its_clips=False)
    plan = _with_earlier_metrics(plan, before)
    if not _is_complete(plan, corpus, before):
        return None, plan
    progress.note(f"nothing to do: {plan.out} is complete")
    return before, plan


def _with_earlier_metrics(plan: Plan, before: Result) -> Plan:
    """Add the metrics of an earlier result to a plan, so that a request for fewer never loses a value."""
    names = {metric.name for metric in plan.evaluation.metrics} | set(before.metrics)
    metrics = tuple(catalog.get(name) for name in catalog if name in names)
    return replace(plan, evaluation=replace(plan.evaluation, metrics=metrics))


def _is_complete(plan: Plan, corpus: Corpus, result: Result) -> bool:
    """Whether a result answers the plan: same definitions, same weights, same code, its own clips in place.

    Missing weights do not matter: nothing would be computed with them. The backend matters only if it was
    requested by name. An older result without readings or without the clips' digests is scored again from
    its clips and cached features, to add them.
    """
    plan = plan.with_clips([clip for clip in corpus.clips if clip.id in result.dataset.labels_of])
    ids = {name: metric.id for name, metric in result.metrics.items()}
    hashes = {record.name: record.sha256 for record in result.weights}
    local = {name: weight for name in plan.evaluation.weights if (weight := weights.locate(name))}
    made = sum((plan.out / CLIPS_FOLDER / file_name(clip)).exists() for clip in corpus.clips)
    return (
        all(ids.get(metric.name) == metric.id for metric in plan.evaluation.metrics)
        and all(hashes.get(name) == weight.sha256 for name, weight in local.items())
        and result.environment.fevbench == VERSION
        and (plan.any_backend or _has_same_backends(plan, result))
        and made == result.dataset.clips == len(result.dataset.labels_of) == len(result.clips)
        and (plan.out / DIGESTS_FILE).exists()
        and not any(other_clips(plan.out, result))
        and all_exist(plan.out / NOISE_FOLDER, corpus.clips, plan.evaluation.noise_samples)
        and all(_holds_readings(metric, result.metrics[metric.name]) for metric in plan.evaluation.metrics)
    )


def _has_same_backends(plan: Plan, result: Result) -> bool:
    """Whether a result names no backend that differs from the plan's."""
    before = result.environment.ran_on
    return all(before.get(name, now) == now for name, now in plan.evaluation.ran_on(plan.device).items())


def _holds_readings(metric: Metric, found: MetricResult) -> bool:
    """Whether the result stores the labels that a classifier read."""
    reads = metric.kind == "clip" and metric.computation.accuracy
    return not reads or found.value is None or bool(found.ceiling_readings)
