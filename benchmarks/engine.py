"""A whole run by this checkout, and by another one for comparison: reads of clips, seconds and memory.

    python benchmarks/engine.py                                    # 24 clips of 64 px, cheap metrics
    python benchmarks/engine.py --clips 100 1000 10000             # does memory grow with the clips?
    python benchmarks/engine.py --clips 20 --frames 64 --size 256 --metrics default --against CHECKOUT
    python benchmarks/engine.py --clips 64 --metrics default --jobs 1 2

Clips are moving faces of FEVSynth, enlarged, as FFV1 files that are read anew each time they are asked for;
the model is ``copy``. Each run is a process of its own, with empty caches. Reads of true and of generated
clips are counted, except those of several workers; seconds are wall-clock time; those in networks and pixel
measures are what the result says of its stages; memory is the peak of the
process and its children together (Linux), sampled up to ten times per second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from clock import other_checkout, weights_folder

HERE = Path(__file__).resolve().parents[1]
CHEAP = "psnr,motion"
SUBJECTS = 24
LEAST_CLIPS = 24
OTHER_STAGES = {"generate", "decode", "draws", "score"}
"""Stages of a result that are no network and no pixel measure."""
CHECKOUTS = {"here": "this checkout", "there": "the other checkout"}
MOST_READS = 1.2
"""Reads of a true clip that one run may take; a few are read once more, to make the first clips."""


def write(folder: Path, clips: int, frames: int, size: int) -> None:
    """Clips ``SUBJECT-NUMBER.mkv``; few different ones, as many files as there are clips."""
    import cv2
    import numpy as np

    from fevbench.data.video import write_clip
    from fevbench.fevsynth.adapter import FEVSynth

    data = FEVSynth()
    kinds = data.clips("test")[:SUBJECTS]
    for i in range(min(clips, SUBJECTS)):
        pixels = data.frames(kinds[i])
        when = np.linspace(0, len(pixels) - 1, frames).round().astype(int)
        large = [cv2.resize(pixels[t], (size, size), interpolation=cv2.INTER_CUBIC) for t in when]
        write_clip(folder / f"{i}.mkv", np.stack(large), 25)
    for i in range(SUBJECTS, clips):
        (folder / f"{i}.mkv").hardlink_to(folder / f"{i % SUBJECTS}.mkv")


def child(arguments: argparse.Namespace, folder: Path) -> None:
    """One run; prints what it took."""
    try:
        import fevbench.engine.generate as generation
    except ImportError:  # version 0.1
        import fevbench.run.generate as generation  # type: ignore
    from fevbench.data.clip import Clip, Subject
    from fevbench.data.datasets import datasets
    from fevbench.data.video import read_written

    reads = {"true": 0, "made": 0}
    count = arguments.clips[0]

    class Files:
        """The clips in the folder."""

        name, version, title, licence, citation = "files", "1", "files", "CC0-1.0", "none"
        fps, labels = 25.0, ("joy", "fear")

        def subjects(self) -> tuple[Subject, ...]:
            return tuple(Subject(f"s{i}", "test") for i in range(min(count, SUBJECTS)))

        def clips(self, split: str) -> tuple[Clip, ...]:
            if split != "test":
                return ()
            return tuple(
                Clip(f"{i}", f"s{i % SUBJECTS}", self.labels[i % 2], "test", folder / f"{i}.mkv")
                for i in range(count)
            )

        def frames(self, clip: Clip) -> Any:
            reads["true"] += 1
            return read_written(clip.path)

    def counted(path: Path) -> Any:
        reads["made"] += 1
        return read_written(path)

    datasets._targets["files"] = Files
    if hasattr(generation, "read_written"):
        generation.read_written = counted  # type: ignore[attr-defined]

    from fevbench.cli.main import main
    from fevbench.data.protocol import Protocol, protocols

    name = f"files-{arguments.size}x{arguments.frames}"
    protocols._targets[name] = Protocol(name, 1, arguments.size, arguments.frames, 1)
    metrics = [] if arguments.metrics == "default" else ["--metrics", arguments.metrics]
    jobs = ["--jobs", str(arguments.jobs[0])] if arguments.jobs else []
    command = [
        "run",
        "copy",
        "files",
        "--protocol",
        name,
        "--offline",
        "--out",
        str(folder / "run"),
        *metrics,
        *jobs,
    ]
    began = time.perf_counter()
    try:
        main(command)
    except SystemExit as end:
        code = int(end.code or 0)
    found = {"code": code, "seconds": time.perf_counter() - began, "networks": 0.0, **reads}
    if code == 0:
        stages = json.loads((folder / "run" / "result.json").read_text(encoding="utf-8"))["stages"]
        found["networks"] = sum(one["seconds"] for name, one in stages.items() if name not in OTHER_STAGES)
    print(json.dumps(found), file=sys.stderr)


def measure(checkout: Path, arguments: argparse.Namespace, clips: int, jobs: int | None) -> dict[str, float]:
    """A run of a checkout in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "clips"
        folder.mkdir()
        write(folder, clips, arguments.frames, arguments.size)
        home = Path(scratch) / "home"
        home.mkdir()
        (home / "weights").symlink_to(weights_folder())
        more = ["--jobs", str(jobs)] if jobs else []
        command = [
            sys.executable, __file__, "--child", str(folder), "--clips", str(clips), "--frames",
            str(arguments.frames), "--size", str(arguments.size), "--metrics", arguments.metrics, *more,
        ]  # fmt: skip
        env = {**os.environ, "PYTHONPATH": str(checkout), "FEVBENCH_HOME": str(home)}
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env
        )
        peak = [0]
        watch = threading.Thread(target=_watch, args=(process, peak), daemon=True)
        watch.start()
        _, said = process.communicate()
        last = said.strip().splitlines()[-1]
        found: dict[str, float] = json.loads(last) if last.startswith("{") else {"code": 1}
        if found["code"]:
            raise SystemExit(f"error: the run of {checkout} failed: {said[-600:]}")
        found["memory"] = peak[0]
        return found


def _watch(process: subprocess.Popen[str], peak: list[int]) -> None:
    while process.poll() is None:
        began = time.perf_counter()
        peak[0] = max(peak[0], sum(_own(pid) for pid in _family(process.pid)))
        time.sleep(max(0.1, 50 * (time.perf_counter() - began)))  # the kernel counts pages: 0.1 s for 2 GB


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(other for child in children for other in _family(int(child)))]


def _own(pid: int) -> int:
    """Bytes that a process holds for itself: without mapped files, and its share of what several hold."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    sizes = {line.split()[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
    return 1024 * sizes.get("Pss_Anon:", 0)


def main() -> int:
    """Measure what is asked for; returns 1 where a true clip is read too often."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, nargs="+", default=[LEAST_CLIPS])
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--metrics", default=CHEAP, help="names with commas, or default")
    parser.add_argument("--jobs", type=int, nargs="+", default=[])
    parser.add_argument(
        "--against", type=other_checkout, help="another checkout, measured in turn with this one"
    )
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments, arguments.child)
        return 0
    worst = 0.0
    for clips in arguments.clips:
        for jobs in arguments.jobs or [None]:
            both = {"here": measure(HERE, arguments, clips, jobs)}
            if arguments.against:
                both["there"] = measure(arguments.against, arguments, clips, None)
            for where, found in both.items():
                print(
                    f"{clips} clips of {arguments.frames} frames of {arguments.size} px, "
                    f"{f'{jobs} workers, ' if jobs and where == 'here' else ''}{CHECKOUTS[where]}: "
                    f"{found['seconds']:.1f} s ({found['networks']:.1f} s in networks and pixel measures, "
                    f"summed over workers), "
                    f"{found['memory'] / 1e6:.0f} MB, reads per clip: {found['true'] / clips:.2f} true, "
                    f"{found['made'] / clips:.2f} generated",
                    flush=True,
                )
            if arguments.against:
                ratio = both["there"]["seconds"] / both["here"]["seconds"]
                print(f"  time of the other checkout / time of this one: {ratio:.2f}", flush=True)
            if jobs in (None, 1):
                worst = max(worst, both["here"]["true"] / clips)
    return int(worst > MOST_READS)


if __name__ == "__main__":
    sys.exit(main())
