"""Train every method of the tables in the same way, or resume training; ship them; draw the learning curves.

    python benchmarks/models.py train --clips 48000      # two at a time, one core each; can be killed
    python benchmarks/models.py train --clips 1000000 --device cuda --minutes 8
    python benchmarks/models.py train --clips 52000 --init shipped --seed 1      # go on from what is shipped
    python benchmarks/models.py export                   # put what was trained in place of what is shipped
    python benchmarks/models.py curves                   # score kept generators on val subjects, and draw

Every method sees the same clips in the same order, in batches of 16. Each has a folder in ``trainings/``.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click

from leaderboard.site.curves import COLUMNS, CURVES_FILE

METHODS = ("fev-gan", "imaginator", "vgan", "mocogan-i2v", "mocogan", "tgan", "g3an", "fev-gan-warp")
BATCH = 16
DATASET = "fevsynth"
SCORES = ("ssim", "csim", "accuracy", "fvd")
POLL, SAY = 2.0, 60.0
"""Seconds between looks at the trainings, and between lines where there is no terminal."""


class Point(NamedTuple):
    """A line of the table of learning curves; ``low`` and ``high`` are empty without an interval."""

    model: str
    protocol: str
    clips: int
    metric: str
    value: float
    low: float | str
    high: float | str
    n: int | str


@click.group()
def main() -> None:
    """Train every method in the same way, and draw the learning curves."""


@main.command()
@click.option(
    "--clips", type=click.IntRange(min=BATCH), default=48_000, show_default=True, help="Per method."
)
@click.option("--minutes", type=click.FloatRange(0, 1e5, min_open=True), help="Stop all after this time.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--jobs", type=click.IntRange(min=1), help="Trainings at a time.  [default: 2; all on a GPU]")
@click.option(
    "--every", type=click.IntRange(min=BATCH), default=6_000, show_default=True, help="Clips between samples."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("trainings"), show_default=True)
@click.option("--precision", type=click.Choice(["auto", "fp32", "bf16"]), default="auto", show_default=True)
@click.option(
    "--init", metavar="FOLDER", help="Start from NAME.safetensors in a folder, or from what is shipped."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.argument("methods", nargs=-1, type=click.Choice(METHODS))
def train(
    clips: int,
    minutes: float | None,
    device: str,
    jobs: int | None,
    every: int,
    out: Path,
    precision: str,
    init: str | None,
    seed: int,
    methods: tuple[str, ...],
) -> None:
    """Train METHODS, or all methods. Stopped trainings are resumed.

    With --init FOLDER or --init shipped, --clips counts those of the new trainings alone.
    """
    how = [
        *("--precision", precision, "--device", device, "--seed", str(seed)),
        *(("--minutes", str(minutes)) if minutes is not None else ()),
    ]
    wanted = methods or METHODS
    jobs = jobs or (len(wanted) if device == "cuda" else 2)
    steps = clips // BATCH
    cores = deque(range(os.cpu_count() or 1))
    waiting, running = deque(wanted), dict[str, tuple[subprocess.Popen[bytes], int]]()
    failed = []
    with _ended_with_us(running), _Lines(wanted, steps, out) as lines:
        while waiting or running:
            while waiting and len(running) < jobs:
                method, core = waiting.popleft(), cores[0]
                cores.rotate(-1)
                start = () if init is None else ("--init", _init_file(init, method))
                process = _start(method, steps, every, [*how, *start], device == "cpu", out, core)
                running[method] = process, core
            time.sleep(POLL)
            lines.look()
            for method, (process, core) in list(running.items()):
                if process.poll() is None:
                    continue
                del running[method]
                cores.remove(core)
                cores.appendleft(core)
                if process.returncode:
                    failed.append(method)
                    click.echo(f"{method}: {_last_line(out / f'{method}.log')}", err=True)
    if failed:
        sys.exit(
            f"error: {', '.join(failed)} stopped: see {out}/NAME.log; the same command goes on with the rest"
        )


def _init_file(init: str, method: str) -> str:
    """What a training of a method starts from, for ``fevbench train``."""
    return init if init == "shipped" else str(Path(init, f"{method}.safetensors"))


def _start(
    method: str, steps: int, every: int, how: Sequence[str], on_cpu: bool, out: Path, core: int
) -> subprocess.Popen[bytes]:
    """A training as a process: on a CPU of one thread, on a core of its own, after all other work."""
    command = [
        sys.executable, "-m", "fevbench", "train", method, DATASET, "--steps", str(steps),
        "--out", str(out / method), "--sample-every", str(every // BATCH), "--checkpoint-every", "100",
        "--no-score", *how,
    ]  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)

    def alone() -> None:
        os.sched_setaffinity(0, {core})
        os.nice(19)

    environment = {**os.environ, **({"OMP_NUM_THREADS": "1"} if on_cpu else {})}
    with (out / f"{method}.log").open("ab") as log:
        return subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, start_new_session=True,
            preexec_fn=alone if on_cpu and hasattr(os, "sched_setaffinity") else None,
        )  # fmt: skip


@contextmanager
def _ended_with_us(running: dict[str, tuple[subprocess.Popen[bytes], int]]) -> Iterator[None]:
    """Stop the trainings, which keep what they have, when this process is stopped."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        for process, _ in running.values():
            process.terminate()
        for process, _ in running.values():
            process.wait()


class _Lines:
    """A line a method: bars on a terminal, else all of them now and then.

    Args:
        methods: Their names.
        steps: Of each.
        out: Where their folders are.
    """

    def __init__(self, methods: Sequence[str], steps: int, out: Path) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._quiet, self._said, self._out, self._steps = not console.is_terminal, 0.0, out, steps
        self._bars = Progress(
            TextColumn("{task.description:>12}"), BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(),
            console=console, disable=self._quiet,
        )  # fmt: skip
        self._tasks = {method: self._bars.add_task(method, total=steps) for method in methods}

    def __enter__(self) -> _Lines:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def look(self) -> None:
        """See how far each is."""
        done = {method: _steps_done(self._out / method) for method in self._tasks}
        for method, task in self._tasks.items():
            self._bars.update(task, completed=done[method])
        if self._quiet and time.monotonic() - self._said > SAY:
            self._said = time.monotonic()
            click.echo(
                "  ".join(f"{name} {100 * n / self._steps:.0f} %" for name, n in done.items()), err=True
            )


def _steps_done(folder: Path) -> int:
    """The last step in ``losses.csv``, as far as it is on the disk."""
    last = _last_line(folder / "losses.csv").partition(",")[0]
    return int(last) if last.isdecimal() else 0


def _last_line(path: Path) -> str:
    """The last whole line of a file, or nothing."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


@main.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("trainings"), show_default=True)
@click.argument("methods", nargs=-1, type=click.Choice(METHODS))
def export(out: Path, methods: tuple[str, ...]) -> None:
    """Put the trained generators of METHODS, or of all, in place of the shipped ones, with 8 bits a weight.

    benchmarks/tables.py then scores them.
    """
    from fevbench.models.found import weights_of
    from fevbench.models.registry import models

    wanted = methods or METHODS
    if lacking := [method for method in wanted if not (out / method / "generator.safetensors").exists()]:
        sys.exit(
            f"error: {out} holds no finished training of {', '.join(lacking)}: train, or name the others"
        )
    for method in wanted:
        shipped = weights_of(models.get(method), method)
        command = ["export", method, str(out / method), "--bits", "8", "--out", str(shipped)]
        subprocess.run([sys.executable, "-m", "fevbench", *command], check=True)


@main.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("trainings"), show_default=True)
@click.option("--limit", type=click.IntRange(min=12), default=48, show_default=True, help="Val clips.")
@click.option(
    "--points", type=click.IntRange(min=1), default=4, show_default=True, help="Per method, evenly spread."
)
@click.option("--metrics", default=",".join(SCORES), show_default=True)
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    default=Path("leaderboard/results/fevsynth-1.0") / CURVES_FILE,
    show_default=True,
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    default=Path("docs/images/learning-curves.png"),
    show_default=True,
)
@click.argument("methods", nargs=-1, type=click.Choice(METHODS))
def curves(
    out: Path, limit: int, points: int, metrics: str, table: Path, picture: Path, methods: tuple[str, ...]
) -> None:
    """Score generators of METHODS, or all, kept during training, on val subjects, and draw their curves.

    The leaderboard shows these curves. In the table stay the rows of methods without a training here, and
    those of the training whose generator one here started from.
    """
    from fevbench.training.export import read_exported

    rows: list[Point] = []
    begun: dict[str, int] = {}
    for method in methods or METHODS:
        kept = sorted((out / method / "generators").glob("step-*.safetensors"))
        final = out / method / "generator.safetensors"
        kept += [final] if final.exists() else []
        chosen = kept[:: -(-len(kept) // points)] if kept else []
        for path in dict.fromkeys([*chosen, *kept[-1:]]):
            generator = read_exported(path, method)
            begun[method] = generator.clips - generator.about["step"] * BATCH
            rows += _score(method, path, generator.clips, limit, metrics, out / "val")
    rows += [row for row in _points(table) if row.model not in begun or row.clips <= begun[row.model]]
    if not rows:
        sys.exit(f"error: {out} holds no trained generator: train first, or give another --out")
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    _draw(rows, picture)
    click.echo(f"{table} and {picture}")


def _score(method: str, weights: Path, clips: int, limit: int, metrics: str, out: Path) -> list[Point]:
    """A generator's scores; a run that is there already is not repeated."""
    run = out / f"{method}-{clips:07d}"
    subprocess.run(
        [sys.executable, "-m", "fevbench", "run", f"{method}:{weights}", DATASET, "--split", "val",
         "--limit", str(limit), "--metrics", metrics, "--out", str(run)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    points = []
    for name, row in result["metrics"].items():
        if row["value"] is not None:
            ends = row["interval"] or {"low": "", "high": ""}
            numbers = row["value"], ends["low"], ends["high"], row["n"]
            points.append(Point(method, result["protocol"]["id"], clips, name, *numbers))
    return points


def _points(table: Path) -> list[Point]:
    """What an earlier table holds; nothing if there is none."""
    if not table.exists():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        rows = [Point(**row) for row in csv.DictReader(file)]
    return [row._replace(clips=int(row.clips), value=float(row.value)) for row in rows]


def _draw(rows: Sequence[Point], picture: Path) -> None:
    """One panel a metric, one line a method."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row.metric for row in rows))
    figure = Figure(figsize=(3.2 * max(1, len(names)), 3.0), layout="constrained")
    FigureCanvasAgg(figure)
    for i, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), i + 1)
        for place, method in enumerate(METHODS):
            points = sorted(
                (row.clips, row.value) for row in rows if (row.model, row.metric) == (method, name)
            )
            if points:
                x, y = zip(*points, strict=True)
                axes.plot([c / 1000 for c in x], y, marker=".", color=f"C{place}", label=method)
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("thousand clips seen", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    if names:
        figure.legend(*figure.axes[-1].get_legend_handles_labels(), loc="outside right center", fontsize=8)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=120)


if __name__ == "__main__":
    main()
