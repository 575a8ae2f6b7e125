"""Kill processes of runs at random moments: does a resumed run end with the same bytes?

    python benchmarks/kills.py                          # 20 kills with two workers, 10 on Ray
    python benchmarks/kills.py --kills 40 20 --each 4 --seed 1

A run of ``copy`` on FEVSynth with pixel metrics is started. At random moments one of its processes, chosen
at random, is killed (SIGKILL): the command itself, a worker, the model's process, or one of Ray's. If the
command has ended, it is started again. After ``--each`` kills it may finish, and its files, except for times,
are compared byte for byte with those of an undisturbed run in one process. Needs Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
RUN = ("run", "copy", "fevsynth", "--metrics", "psnr,ssim,motion", "--offline")
TIMES = ("created", "stages", "environment")
"""Of a result: what differs between two equal runs."""
NAMES = {
    "ray::": "Ray's worker",
    "default_worker": "Ray's worker",
    "raylet": "raylet",
    "gcs_server": "gcs_server",
    "/ray/": "Ray's others",
    "forkserver": "the model's",
    "resource_tracker": "resource tracker",
    "spawn_main": "a worker",
}
"""What the command line of a process says of it, the first that is in it."""
OF_RAY = {"Ray's worker", "raylet", "gcs_server", "Ray's others"}
TRACKER = re.compile(r"Traceback [^\n]*\n  File [^\n]*resource_tracker\.py\".*?\n(?! )[^\n]*\n", re.DOTALL)
"""What Python's own resource tracker prints if the one before it was killed."""
MOST_TRIES = 60
"""Of a command that ends because of a kill."""


def begin(out: Path, home: Path, limit: int, *more: str) -> subprocess.Popen[bytes]:
    """A run in a process of its own."""
    command = [sys.executable, "-m", "fevbench", *RUN, "--limit", str(limit), "--out", str(out), *more]
    env = {**os.environ, "PYTHONPATH": str(HERE), "FEVBENCH_HOME": str(home), "OMP_NUM_THREADS": "1"}
    env["RAY_worker_niceness"] = "0"  # Ray's workers would give way to whatever else runs here
    with said_by(out).open("wb") as errors:  # no pipe: what outlives a kill would hold it open
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=env, cwd=out.parent)


def said_by(out: Path) -> Path:
    """The file with what the last run into a folder wrote to standard error."""
    return out.with_suffix(".err")


def family(pid: int) -> list[int]:
    """A process and all that it began, and they began."""
    try:
        lists = [task.read_text().split() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [pid, *(other for children in lists for child in children for other in family(int(child)))]


def name_of(pid: int, main: int) -> str:
    """What a process is, for the tally."""
    if pid == main:
        return "the command"
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "gone"
    return next((name for mark, name in NAMES.items() if mark in words), "others")


def content(out: Path) -> dict[str, bytes]:
    """What a run leaves, but for its times."""
    found = {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".log"
    }
    result = json.loads(found["result.json"])
    found["result.json"] = json.dumps({k: v for k, v in result.items() if k not in TIMES}).encode()
    return found


def differences(found: dict[str, bytes], wanted: dict[str, bytes]) -> list[str]:
    """The files that differ, and the fields of the result that do."""
    names = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
    if "result.json" in names:
        one, other = (json.loads(content["result.json"]) for content in (found, wanted))
        names += [
            f"{key}: {one.get(key)!r:.300}" for key in {**one, **other} if one.get(key) != other.get(key)
        ]
    return names


def undisturbed(out: Path, home: Path, limit: int, more: tuple[str, ...]) -> float:
    """A run without a kill; returns its seconds."""
    begun = time.monotonic()
    if begin(out, home, limit, *more).wait():
        raise SystemExit(f"error: the undisturbed run failed: {said_by(out).read_text()[-600:]}")
    return time.monotonic() - begun


def disturbed(
    out: Path,
    home: Path,
    limit: int,
    more: tuple[str, ...],
    kills: int,
    seconds: float,
    chance: random.Random,
) -> Counter[str]:
    """A run with so many kills; returns of what processes."""
    tally: Counter[str] = Counter()
    for _ in range(MOST_TRIES):
        running = begin(out, home, limit, *more)
        seen: set[int] = set()
        while sum(tally.values()) < kills:
            until = time.monotonic() + chance.uniform(0, seconds / 2)  # so that several kills fit in
            while running.poll() is None and time.monotonic() < until:
                seen |= set(family(running.pid))
                time.sleep(0.05)
            if running.poll() is not None:
                break
            victim = chance.choice(family(running.pid) or [running.pid])
            name = name_of(victim, running.pid)
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                continue
            tally[name] += 1
        running.wait()
        said = said_by(out).read_text(errors="replace")
        for pid in seen:  # what Ray left behind, if its driver was killed
            if name_of(pid, running.pid) in OF_RAY:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if running.returncode == 0:
            return tally
        said = TRACKER.sub("", said)
        # A kill ends a run in one line, or without a word.
        if "Traceback" in said:
            raise SystemExit(f"error: a killed run printed a traceback:\n{said[-3000:]}")
    raise SystemExit(f"error: a run did not end after {MOST_TRIES} tries: {said[-600:]}")


def main() -> int:
    """Kill and compare; returns 1 where a result differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, nargs=2, default=[20, 10], help="with two workers, and on Ray")
    parser.add_argument("--each", type=int, default=5, help="kills in one run")
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="fevbench-kills-") as name:
        scratch = Path(name)
        undisturbed(scratch / "alone", scratch / "home", arguments.clips, ("--jobs", "1"))
        wanted = content(scratch / "alone")
        ways = {"two workers": ("--jobs", "2"), "Ray": ("--engine", "ray", "--jobs", "2")}
        for (way, more), kills in zip(ways.items(), arguments.kills, strict=True):
            if not kills:
                continue
            total: Counter[str] = Counter()
            runs = equal = 0
            whole = scratch / f"{way[:3]}-whole"
            seconds = undisturbed(whole, scratch / f"home-{way[:3]}", arguments.clips, more)
            failed |= content(whole) != wanted
            while sum(total.values()) < kills:
                runs += 1
                out, home = scratch / f"{way[:3]}-{runs}", scratch / f"home-{way[:3]}-{runs}"
                some = min(arguments.each, kills - sum(total.values()))
                total += disturbed(out, home, arguments.clips, more, some, seconds, chance)
                wrong = differences(content(out), wanted)
                equal += not wrong
                for what in wrong:
                    print(f"    differs: {what}", flush=True)
                print(f"  {way}: {dict(total)}, {equal} of {runs} results identical", flush=True)
            print(f"{way}: {sum(total.values())} kills in {runs} runs, {equal} results identical", flush=True)
            failed |= equal != runs
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
