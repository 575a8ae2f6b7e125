"""Scoring many clips: does memory grow with them?

    python benchmarks/scoring.py                     # 100 and 10,000 clips, 256 features per frame
    python benchmarks/scoring.py --features 2048     # Inception's; minutes, and 8 GB of disk

Features are random, and arrive as from workers, eight clips at a time. They are scored by fid and csim.
Memory is the peak of the process without mapped files (Linux); each size is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

MOST_MORE = 300e6
"""Bytes that the largest set may take beyond the smallest."""
FRAMES, SUBJECTS, PART = 16, 24, 8
LABELS = ("joy", "fear")


def child(clips: int, features: int) -> None:
    """Score so many clips; prints what it took."""
    import numpy as np

    from fevbench.data.clip import Clip
    from fevbench.engine.rows import RowsOnDisk
    from fevbench.engine.score import clip_set, score
    from fevbench.engine.work import Found
    from fevbench.metrics.catalog import metrics

    peak, over = [0], threading.Event()
    threading.Thread(target=_watch, args=(peak, over), daemon=True).start()
    every = tuple(Clip(f"{i}", f"s{i % SUBJECTS}", LABELS[i % 2], "test", Path(f"{i}")) for i in range(clips))
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as scratch:
        found, disk = Found(), RowsOnDisk(Path(scratch))
        for start in range(0, clips, PART):
            part = Found()
            for name in ("inception", "arcface"):
                rows = rng.standard_normal((PART, 2, FRAMES, features), np.float32)
                part.features[name] = {
                    clip.id: (made, true)
                    for clip, (made, true) in zip(every[start : start + PART], rows, strict=False)
                }
            found.add(part, disk.keep)
        began = time.process_time()
        made, true = (clip_set(LABELS, FRAMES, found.features, side, Path(scratch)) for side in (0, 1))
        values = {name: score(metrics.get(name), every, made, true).value for name in ("fid", "csim")}
        seconds = time.process_time() - began
    over.set()
    print(json.dumps({"memory": peak[0], "seconds": seconds, "values": values}))


def _watch(peak: list[int], over: threading.Event) -> None:
    while not over.is_set():
        for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Anon:"):
                peak[0] = max(peak[0], 1024 * int(line.split()[1]))
        time.sleep(0.05)


def main() -> int:
    """Measure each size; returns 1 where the largest takes too much more memory than the smallest."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--features", type=int, default=256, help="features per frame")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.clips[0], arguments.features)
        return 0
    memory = []
    for clips in arguments.clips:
        command = [sys.executable, __file__, "--child", "--clips", str(clips)]
        ran = subprocess.run(
            [*command, "--features", str(arguments.features)], capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise SystemExit(f"error: {clips} clips were not scored: {ran.stderr[-600:]}")
        found = json.loads(ran.stdout)
        memory.append(found["memory"])
        size = clips * FRAMES * arguments.features * 4 / 1e6
        print(
            f"{clips} clips, {size:.0f} MB of features per network, generated or true: "
            f"{found['memory'] / 1e6:.0f} MB, {found['seconds']:.1f} s of CPU time",
            flush=True,
        )
    more = memory[-1] - memory[0]
    print(f"growth: {more / 1e6:+.0f} MB, limit {MOST_MORE / 1e6:+.0f} MB")
    return int(more > MOST_MORE)


if __name__ == "__main__":
    sys.exit(main())
