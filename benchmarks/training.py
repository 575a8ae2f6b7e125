"""Training clips per second of processor time of every method, by this checkout and by another one in turns.

    python benchmarks/training.py                       # this checkout
    python benchmarks/training.py --against CHECKOUT    # and version 0.1, for example
    python benchmarks/training.py --precisions fp32 bf16 --methods tgan --against CHECKOUT

Each training is a process of its own on the CPU, with one thread and the default settings; ``--precisions``
are for this checkout alone. The seconds of a short one are subtracted from those of a longer one, so that the
start does not count. A GPU is measured by gpu.py.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clock import new_file, of_children, other_checkout, weights_folder

HERE = Path(__file__).resolve().parents[1]
METHODS = ("fev-gan-warp", "imaginator", "vgan", "tgan", "g3an", "mocogan", "mocogan-i2v")
"""The methods of version 0.1 by today's names."""
NAMES_BEFORE = {"fev-gan-warp": "fev-gan"}
"""Their names in version 0.1, where they differ."""
SHORT_CLIPS = 48
"""Clips of the short training."""
NOTHING_BESIDE = ("--device", "cpu", "--sample-every", "100000", "--checkpoint-every", "100000", "--no-score")
"""Options that leave out everything but steps on the CPU."""
RATIO = 1.5
"""How many times faster than version 0.1 each method should train."""


def seconds(checkout: Path, home: Path, method: str, steps: int, *more: str) -> tuple[float, int]:
    """Seconds of processor time of a whole training, and the clips of a step."""
    with tempfile.TemporaryDirectory() as room:
        out = Path(room) / "training"
        command = [sys.executable, "-m", "fevbench", "train", method, "fevsynth", "--steps", str(steps)]
        command += [*NOTHING_BESIDE, *more, "--out", str(out)]
        env = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", "FEVBENCH_HOME": str(home)}

        def train() -> None:
            done = subprocess.run(command, env=env, cwd=room, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"error: {method} of {checkout}: {done.stderr.strip()[-600:]}")

        taken = of_children(train)
        settings = json.loads((out / "train.json").read_text(encoding="utf-8"))
        return taken, settings["config"]["batch_size"]


def clips_per_second(checkout: Path, home: Path, method: str, clips: int, *more: str) -> float:
    """Of a method with its default settings and ``more`` options."""
    _, batch = seconds(checkout, home, method, 1, *more)  # which also prepares the clips
    few, many = max(1, SHORT_CLIPS // batch), max(2, (SHORT_CLIPS + clips) // batch)
    short, long = (seconds(checkout, home, method, steps, *more)[0] for steps in (few, many))
    return (many - few) * batch / (long - short)


def measure(
    methods: Sequence[str], clips: int, precisions: Sequence[str], against: Path | None
) -> list[dict[str, Any]]:
    """One row per method."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        here, there = Path(name) / "here", Path(name) / "there"
        for home in (here, there):
            home.mkdir()
            (home / "weights").symlink_to(weights_folder())
        for method in methods:
            row: dict[str, Any] = {"method": method}
            if against:
                known = NAMES_BEFORE.get(method, method)
                row["before"] = clips_per_second(against, there, known, clips)
            row["now"] = {
                precision: clips_per_second(HERE, here, method, clips, "--precision", precision)
                for precision in precisions
            }
            print(row, flush=True)
            rows.append(row)
    return rows


def main() -> int:
    """Measure and print; returns 1 if a method is not faster by `RATIO` than in the other checkout."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--against", type=other_checkout, help="another checkout, measured in turn with this one"
    )
    parser.add_argument("--methods", nargs="*", default=METHODS)
    parser.add_argument("--precisions", nargs="+", default=["auto"], help="auto, fp32 or bf16")
    parser.add_argument(
        "--clips", type=int, default=240, help="clips of the longer training beyond the short one's"
    )
    parser.add_argument("--out", type=new_file, help="write what was measured as JSON, for `make bench-page`")
    given = parser.parse_args()
    rows = measure(given.methods, given.clips, given.precisions, given.against)
    if given.out:
        from fevbench.results.provenance import environment

        about = {"machine": environment("cpu").device, "clips": given.clips, "rows": rows}
        given.out.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return int(any(max(row["now"].values()) < RATIO * row.get("before", 0) for row in rows))


if __name__ == "__main__":
    sys.exit(main())
