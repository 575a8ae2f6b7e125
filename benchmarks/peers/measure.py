"""fevbench compared with the packages that people use today: the same clips, one thread, in turns.

    python benchmarks/peers/measure.py                               # all parts, 48 clips
    python benchmarks/peers/measure.py --clips 1 --only ssim lpips
    python benchmarks/peers/measure.py --clips 2 --out benchmarks/measured/peers.json

Needs `pip install 'fevbench[parity,fast,faces]'`. Seconds are CPU time of all threads of this process.
Networks are loaded beforehand. What takes less than a fifth of a second is repeated for that long, and the
mean counts: one call of a millisecond measures what else the processor did just then. The speed-up is the
ratio of the two times of one round; the median over rounds, the smallest and the largest are printed. The
script fails if two packages that compute the same number do not agree.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from parts import PARTS, Part, Work, read_clips
from threadpoolctl import threadpool_limits

from fevbench.initial_state import remember_initial_state
from fevbench.results.provenance import environment

WHOLE = "all parts in sequence"
NUMBERED = re.compile(r"^(?:cpu )?(family|model)\s*: (\d+)", re.MULTILINE)
LEAST = 0.2
"""Seconds of processor that a measurement takes."""


def seconds(work: Work) -> tuple[float, np.ndarray]:
    """Of processor for one call, and what was computed; what is printed meanwhile is not shown."""
    said = io.StringIO()
    calls, taken = 0, 0.0
    start = time.process_time()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        while taken < LEAST:
            found = work()
            calls, taken = calls + 1, time.process_time() - start
    return taken / calls, found


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference as a part of the largest number; infinite where not the same is missing."""
    ours, theirs = ours.reshape(len(ours), -1), theirs.reshape(len(theirs), -1)
    if ours.shape[1] != theirs.shape[1]:  # SSIM and MS-SSIM in one row, and one of both
        ours = ours[:, :1]
    if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
        return float("inf")
    return float(np.nanmax(np.abs(ours - theirs)) / np.nanmax(np.abs(theirs)))


def measure(part: Part, rounds: int) -> list[dict[str, Any]]:
    """A row for each peer, with the seconds of every round."""
    expected = part.ours()
    rows: list[dict[str, Any]] = []
    for peer in part.peers:
        _, found = seconds(peer.work)
        difference = None if peer.bound is None else apart(expected, found)
        rows.append(
            {"part": part.name, "unit": part.unit, "samples": part.samples, "peer": peer.package,
             "version": version(peer.package), "apart": difference, "bound": peer.bound, "why": peer.why,
             "in_whole": part.whole == peer.package, "ours": [], "theirs": []}
        )  # fmt: skip
    threadpool_limits(1)  # NumPy's and SciPy's own, which torch does not set: all are loaded by now
    for _ in range(rounds):
        mine, _ = seconds(part.ours)
        for row, peer in zip(rows, part.peers, strict=True):
            theirs, _ = seconds(peer.work)
            row["ours"].append(mine)
            row["theirs"].append(theirs)
    if part.close:
        part.close()
    return [with_ratio(row) for row in rows]


def with_ratio(row: dict[str, Any]) -> dict[str, Any]:
    """A row with milliseconds per sample and the speed-up of fevbench, instead of seconds per round."""
    ratios = [theirs / mine for theirs, mine in zip(row["theirs"], row["ours"], strict=True)]
    each = {side: statistics.median(row[side]) / row["samples"] * 1000 for side in ("ours", "theirs")}
    return {**row, "ours_ms": each["ours"], "theirs_ms": each["theirs"], "ratio": statistics.median(ratios),
            "least": min(ratios), "most": max(ratios)}  # fmt: skip


def whole(rows: list[dict[str, Any]], clips: int) -> dict[str, Any]:
    """All parts of the usual metrics, one package for each."""
    counted = [row for row in rows if row["in_whole"]]
    sums = {side: [sum(times) for times in zip(*(row[side] for row in counted), strict=True)]
            for side in ("ours", "theirs")}  # fmt: skip
    peers = ", ".join(row["peer"] for row in counted)
    return with_ratio({"part": WHOLE, "unit": "clip", "samples": clips, "peer": peers, "version": "",
                       "apart": None, "bound": None, "why": "", "in_whole": False, **sums})  # fmt: skip


def kind_of_processor() -> str:
    """Its family and model, as Linux numbers them: one name can stand for several generations."""
    with contextlib.suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return "".join(f", {found[1]} {found[2]}" for found in [*NUMBERED.finditer(text)][:2])
    return ""


def main() -> None:
    """Measure, print, and fail where two that compute the same do not agree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=48)
    parser.add_argument("--frames", type=int, default=16, help="Per clip, for parts that measure frames.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, help="Write what was measured as JSON.")
    given = parser.parse_args()
    if given.out and not given.out.parent.is_dir():
        parser.error(f"--out {given.out} cannot be written: name a file in an existing folder")
    torch.set_num_threads(1)
    import cv2

    cv2.setNumThreads(1)
    remember_initial_state()
    rows = []
    with tempfile.TemporaryDirectory() as room:
        images = Path(room, "images")
        images.mkdir()
        clips = read_clips(given.clips, given.frames, images)
        for name in given.only:
            for row in measure(PARTS[name](clips, Path(room)), given.runs):
                rows.append(row)
                show(row)
    if set(given.only) == set(PARTS):
        rows.append(whole(rows, given.clips))
        show(rows[-1])
    if given.out:
        about = environment("cpu")
        kept = [{key: value for key, value in row.items() if key not in ("ours", "theirs")} for row in rows]
        machine = about.device + kind_of_processor()
        found = {"machine": machine, "packages": about.packages, "clips": given.clips,
                 "frames": given.frames, "runs": given.runs, "rows": kept}  # fmt: skip
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    wrong = [row for row in rows if row["bound"] is not None and not row["apart"] <= row["bound"]]
    for row in wrong:
        print(f"error: {row['part']}: {row['peer']} differs by {row['apart']:.0e}", file=sys.stderr)
    sys.exit(bool(wrong))


def show(row: dict[str, Any]) -> None:
    """Print a row."""
    agrees = "" if row["apart"] is None else f", difference {row['apart']:.0e}"
    ratio = f"{row['ratio']:.2f} ({row['least']:.2f} to {row['most']:.2f})"
    print(
        f"{row['part']}: fevbench {row['ours_ms']:.2f} ms per {row['unit']}, {row['peer']} "
        f"{row['theirs_ms']:.2f} ms; speed-up {ratio}{agrees}",
        flush=True,
    )


if __name__ == "__main__":
    main()
