"""Make the committed tables anew: repeat the runs behind leaderboard/results, file them, draw their sheets.

    python benchmarks/tables.py --list        # models whose code or weights have changed since
    python benchmarks/tables.py               # score and file them; can be killed and repeated
    python benchmarks/tables.py vgan tgan     # these, changed or not
    python benchmarks/tables.py --pictures    # sheets of clips in docs/images

Each run has the protocol, metrics and seed of the committed result, and is kept in ``runs/tables``. Commit
the code first: results of code with uncommitted changes are refused. Then ``make pages`` writes the tables.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from PIL import Image

from fevbench.errors import FevbenchError
from fevbench.models.registry import find_model
from fevbench.results.files import read_result

RESULTS = Path("leaderboard/results/fevsynth-1.0")
RUNS = Path("runs/tables")
PICTURES = Path("docs/images")
SHOWN = (
    "fev-gan-warp", "fev-gan", "imaginator", "vgan", "tgan", "g3an", "mocogan-i2v", "mocogan",
    "mean-motion", "nearest", "jump",
)  # fmt: skip
"""Models of the sheets, from the top."""
SHEETS = {
    "methods": (SHOWN, ("--clips", "1")),
    "methods-sheet": (SHOWN, ("--clips", "3")),
    "fev-gan-warp-test": (("copy", "fev-gan-warp"), ("--clips", "6")),
    "fev-gan-warp-failures": (("fev-gan-warp",), ("--clips", "4", "--worst", "ssim")),
}
"""Picture to its models and options of ``fevbench show``."""
SHEETS_TABLE = "64x16-test"


@dataclass(frozen=True)
class Row:
    """A committed result, and the model's fingerprint of today."""

    file: Path
    model: str
    options: tuple[str, ...]
    before: str
    today: str

    @property
    def run(self) -> Path:
        """Its run folder; other code has another one."""
        return RUNS / self.file.parent.name / f"{self.file.stem}-{self.today[:8]}"


def rows() -> list[Row]:
    """The rows of all committed tables."""
    found = []
    for file in sorted(RESULTS.glob("*/*.json")):
        result = read_result(file)
        options = (
            "--protocol", result.protocol.id.partition("@")[0], "--split", result.dataset.split,
            "--metrics", ",".join(result.metrics), "--seed", str(result.seed),
        )  # fmt: skip
        name = result.model.name
        found.append(Row(file, name, options, result.model.fingerprint, find_model(name).fingerprint))
    return found


@click.command()
@click.argument("models", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="Say what would be scored.")
@click.option("--pictures", is_flag=True, help="Draw the sheets; runs that are missing are made.")
def main(models: tuple[str, ...], only_list: bool, pictures: bool) -> None:
    """Score MODELS, or those that have changed, as the committed results were, and file them."""
    try:
        known = rows()
    except FevbenchError as error:
        sys.exit(f"error: {error}")
    if not known:
        sys.exit(f"error: {RESULTS} holds no results: run this in the root of a checkout")
    if unknown := set(models) - {row.model for row in known}:
        sys.exit(f"error: {RESULTS} has no result of {', '.join(sorted(unknown))}: add the first by hand")
    if pictures:
        _draw([row for row in known if row.file.parent.name == SHEETS_TABLE])
        return
    chosen = [row for row in known if (row.model in models if models else row.before != row.today)]
    if not chosen:
        click.echo("no model has changed since its result")
    if only_list:
        for row in chosen:
            click.echo(f"{row.file}: {row.before[:8]} -> {row.today[:8]}")
        return
    for row in chosen:
        _score(row, row.run)
    for row in chosen:  # only now: filing changes committed files
        _fevbench("leaderboard", "add", str(row.run), "--replace")


def _score(row: Row, out: Path, *changes: str) -> None:
    """Repeat a row's run, with later options in place of its own."""
    _fevbench("run", row.model, "fevsynth", *row.options, *changes, "--out", str(out))


def _draw(table: Sequence[Row]) -> None:
    shown = {model for models, _ in SHEETS.values() for model in models}
    runs = {row.model: _clips(row) for row in table if row.model in shown}
    for name, (models, options) in SHEETS.items():
        out = PICTURES / f"{name}.png"
        folders = [str(runs[model]) for model in models]
        _fevbench("show", *folders, *options, "--scale", "1", "--out", str(out))
        shrink(out)


def shrink(file: Path) -> None:
    """Save a picture with 256 colours: a quarter to a third of the bytes."""
    with Image.open(file) as picture:
        few = picture.convert("RGB").quantize(256)
    few.save(file, optimize=True)


def _clips(row: Row) -> Path:
    """The run behind a row, or one with the only metric that sheets need."""
    if (row.run / "result.json").exists():
        return row.run
    run = RUNS / "sheets" / row.run.name
    _score(row, run, "--metrics", "ssim")
    return run


def _fevbench(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "fevbench", *words], check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
