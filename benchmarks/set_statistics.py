"""fid with its interval: seconds and memory from moments, and with each distance computed anew.

    python benchmarks/set_statistics.py                                       # small, as `make bench` does
    python benchmarks/set_statistics.py --rows 40000 80000 --features 2048    # Inception's features
    python benchmarks/set_statistics.py --rows 320000 --features 2048 --alone  # without the plain way

Features are random, stored on disk, and form twelve groups of subjects. The plain way holds them in memory
and computes thirteen distances, each from its own samples, with singular values; one is measured, and its
time multiplied by thirteen. Memory is the growth of a process during the work, without mapped files (Linux).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from clock import finish

from fevbench.metrics import frechet
from fevbench.stats import moments

GROUPS = 12
BLOCK = 4096
LEAST_RATIO = 2.0
"""How many times faster it must be than the plain way."""
EQUAL = 1e-9
"""How near its number must be, relatively."""


def write(path: Path, rows: int, features: int, seed: int) -> None:
    """Correlated features whose variances fall off over three magnitudes, ``float32[rows, features]``."""
    mixing = np.random.default_rng(0).normal(size=(features, features)) / np.sqrt(features)
    mixing = (mixing * np.exp(-3.5 * np.arange(features) / features)[:, None]).astype(np.float32)
    rng = np.random.default_rng(seed)
    with path.open("wb") as file:
        for start in range(0, rows, BLOCK):
            noise = rng.standard_normal((min(BLOCK, rows - start), features), np.float32)
            (noise @ mixing + np.float32(0.4 + 0.01 * seed)).tofile(file)


def plain(made: Any, true: Any) -> float:
    """The distance of two sets, all in memory."""
    x, y = (np.asarray(features, np.float64) for features in (made, true))
    distance = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
    factors = []
    for samples in (x, y):
        centred = (samples - samples.mean(axis=0)) / np.sqrt(len(samples) - 1)
        covariance = centred.T @ centred
        distance += covariance.trace()
        factors.append(np.linalg.cholesky(covariance))
    return float(distance - 2 * np.linalg.svd(factors[0].T @ factors[1], compute_uv=False).sum())


def own_memory() -> int:
    """Bytes that this process holds beside mapped files."""
    status = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


def measured(work: Callable[[], Any]) -> dict[str, Any]:
    """What comes of it, its seconds of processor and on the clock, and the most memory it held."""
    before, most, done = own_memory(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], own_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    seconds, clock = time.process_time(), time.perf_counter()
    try:
        found = work()
    finally:
        done.set()
        watcher.join()
    return {
        "found": found,
        "seconds": time.process_time() - seconds,
        "clock": time.perf_counter() - clock,
        "megabytes": (most[0] - before) / 1e6,
    }


def one(way: str, folder: Path, rows: int, features: int) -> dict[str, Any]:
    """Measure one way, in a process of its own."""
    files = (folder / name for name in ("made", "true"))
    made, true = (np.memmap(file, np.float32, "r", shape=(rows, features)) for file in files)
    if way == "plain":
        return measured(lambda: plain(made, true))
    passes: list[float] = []
    read = moments.moments_of_groups

    def timed(*arguments: Any) -> Any:
        start = time.process_time()
        found = read(*arguments)
        passes.append(time.process_time() - start)
        return found

    vars(frechet)["moments_of_groups"] = timed
    groups = np.arange(rows) * GROUPS // rows
    found = measured(lambda: frechet.frechet_jackknife(made, true, groups)[0])
    return {**found, "reading": sum(passes)}


def compare(rows: int, features: int, alone: bool) -> bool:
    """Measure both, or the new one alone, and tell."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "made", rows, features, 0)
        write(folder / "true", rows, features, 1)
        new, *others = (
            json.loads(
                subprocess.run(
                    [sys.executable, __file__, "--one", way, name, str(rows), str(features)],
                    check=True,
                    stdout=subprocess.PIPE,
                ).stdout
            )
            for way in ("moments", *(() if alone else ("plain",)))
        )
    about = (
        f"fid of {rows} x {features} features with its interval: {new['seconds']:.1f} s of CPU time ("
        f"{new['reading']:.1f} s moments, {new['seconds'] - new['reading']:.1f} s distances; "
        f"{new['clock']:.1f} s of wall-clock time), {new['megabytes']:.0f} MB"
    )
    if not others:
        print(about)
        return True
    (old,) = others
    thirteen = (GROUPS + 1) * old["seconds"]
    apart = abs(new["found"] - old["found"]) / old["found"]
    ratio = thirteen / new["seconds"]
    fine = bool(ratio > LEAST_RATIO and apart < EQUAL)
    print(
        f"{about}; thirteen plain distances: {thirteen:.1f} s, {old['megabytes']:.0f} MB; "
        f"speed-up {ratio:.1f}, memory ratio {old['megabytes'] / new['megabytes']:.1f}; "
        f"relative difference {apart:.0e}{'' if fine else ': TOO MUCH'}"
    )
    return fine


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[4000, 8000])
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--alone", action="store_true", help="leave the plain way out")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        way, folder, *sizes = arguments.one
        print(json.dumps(one(way, Path(folder), *map(int, sizes))))
    else:
        finish([compare(rows, arguments.features, arguments.alone) for rows in arguments.rows])
