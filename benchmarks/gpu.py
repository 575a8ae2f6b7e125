"""fevbench on a GPU: its values compared with those of the CPU, and its speed, in one JSON file.

    bash benchmarks/gpu.sh WHEELS                      # a machine that can reach nothing
    python benchmarks/gpu.py --out measured.json       # where fevbench is installed
    python benchmarks/gpu.py --device cpu --quick      # the parts that need no GPU, with a few clips

There are four parts, until `--minutes` are over: `values`, every metric of the clips of one run, on the CPU
and on the device; `networks`, the speed of each at several batch sizes, and its features compared with the
CPU's; `suite`, whole commands with several numbers of workers, and how busy the GPU is; `training`, every
method. What could not be measured is listed under `left_out` with the reason. The script fails if a
difference from the CPU exceeds its bound.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
from clock import forget, new_file

FEATURE_BOUND = 1e-4
"""By how much of its length a feature of the device may differ from the CPU's: float32, other algorithms."""
FACE_BOUND = 1e-2
"""The same behind the detector: a point that moves by 1e-5 px changes a grey level of the crop by one."""
VALUE_BOUND = 1e-3
"""Of a metric's value, or, where that is less than 1, of 1."""
DATASET = "fevsynth"
SAMPLES_A_CLIP = 16
BUSY_EVERY_MS = 100
COMPARED = 8
"""Samples whose features are compared."""
BATCHES = {"clip": (2, 8, 32)}
OTHER_BATCHES = (32, 128, 512)
ROUNDS = 4
"""Batches of each network that are timed, after one that is not."""


class Measuring:
    """What was measured so far, and how much time is left.

    Args:
        given: The command line.
        room: A folder to work in.
    """

    def __init__(self, given: argparse.Namespace, room: Path) -> None:
        self.given, self.room = given, room
        self.device: str = given.device
        self.left_out: dict[str, str] = {}
        self._end = time.monotonic() + 60 * given.minutes
        self.environment = {**os.environ, "FEVBENCH_WEIGHTS_DIR": str(_all_weights(room / "weights"))}

    def left(self) -> float:
        """Seconds."""
        return max(0.0, self._end - time.monotonic())

    def command(self, home: str, *words: object) -> tuple[dict[str, Any], float]:
        """The JSON that a command of fevbench prints, and the seconds it took.

        Args:
            home: The name of fevbench's own folder, which decides what features are kept already.
            words: Its arguments.

        Raises:
            RuntimeError: It failed, or time is over.
        """
        line = [sys.executable, "-m", "fevbench", *map(str, words), "--format", "json", "--offline"]
        environment = {**self.environment, "FEVBENCH_HOME": str(self.room / home)}
        began = time.monotonic()
        try:
            done = subprocess.run(
                line, cwd=self.room, env=environment, capture_output=True, text=True, timeout=self.left() or 1
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError("time was over") from None
        if done.returncode:
            raise RuntimeError((done.stderr.strip().splitlines() or ["it said nothing"])[-1])
        return json.loads(done.stdout), time.monotonic() - began


def _all_weights(folder: Path) -> Path:
    """A folder of links to all pretrained files that are here, with their pins."""
    from fevbench import weights

    folder.mkdir()
    for name in weights.load_registry():
        if found := weights.locate(name):
            for file in found.path.parent.glob(f"{found.path.name}*"):
                (folder / file.name).unlink(missing_ok=True)
                (folder / file.name).symlink_to(file.absolute())
    return folder


def machine(device: str) -> dict[str, Any]:
    """What it is measured on."""
    import onnxruntime
    import torch

    found = {
        "device": device,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "onnxruntime": f"{onnxruntime.__version__} ({', '.join(onnxruntime.get_available_providers())})",
        "cores": len(os.sched_getaffinity(0)),
    }
    if device != "cpu":
        properties = torch.cuda.get_device_properties(device)
        found |= {"gpu": properties.name, "gpu_bytes": properties.total_memory, "cuda": torch.version.cuda}
    return found


def can_be_had(wanted: Sequence[str] = ()) -> tuple[list[str], dict[str, str]]:
    """The metrics, or those wanted, whose packages and weights are here, and what the others lack."""
    from fevbench.errors import FevbenchError
    from fevbench.extractors.base import extractors
    from fevbench.metrics.catalog import metrics

    able, lacking = [], {}
    for name in wanted or metrics:
        extractor = extractors.get(metrics.get(name).computation.extractor)
        try:
            extractor.versions()
        except FevbenchError as error:
            lacking[name] = str(error)
            continue
        if short := _missing_weights(extractor):
            lacking[name] = f"no weights {', '.join(short)}"
        else:
            able.append(name)
    return able, lacking


def _missing_weights(extractor: Any) -> list[str]:
    from fevbench import weights

    return [] if extractor.of_dataset else [name for name in extractor.weights if not weights.locate(name)]


def values(measuring: Measuring) -> list[dict[str, Any]]:
    """Every metric of the same clips, on the CPU and on the device."""
    able, lacking = can_be_had(measuring.given.metrics)
    measuring.left_out |= {f"values: {name}": reason for name, reason in lacking.items()}
    clips = measuring.given.clips
    asked = ("--limit", clips, "--metrics", ",".join(able), "--backend", "torch")
    jobs = max(1, min(len(os.sched_getaffinity(0)), clips // 4))
    on_cpu = ("--device", "cpu", "--jobs", jobs, "--out", measuring.room / "made")
    expected, _ = measuring.command("home-cpu", "run", measuring.given.model, DATASET, *asked, *on_cpu)
    videos = f"videos:{measuring.room / 'made' / 'clips'}"
    again = ("--device", measuring.device, "--out", measuring.room / "again")
    found, _ = measuring.command("home-device", "run", videos, DATASET, *asked, *again)
    rows = []
    for name in able:
        one, other = (result["metrics"].get(name, {}) for result in (expected, found))
        if one.get("value") is None or other.get("value") is None:
            reason = other.get("reason") or one.get("reason") or "not computed"
            measuring.left_out[f"values: {name}"] = reason
            continue
        apart = abs(other["value"] - one["value"]) / max(1.0, abs(one["value"]))
        rows.append(
            {"metric": name, "cpu": one["value"], "device": other["value"], "apart": apart,
             "bound": VALUE_BOUND, "holds": apart <= VALUE_BOUND}
        )  # fmt: skip
    return rows


def batches(unit: str, count: int) -> np.ndarray:
    """``count`` samples of a unit, of FEVSynth's test split, each once more where there are too few."""
    from fevbench.data.corpus import Corpus
    from fevbench.data.datasets import open_dataset
    from fevbench.data.protocol import protocols
    from fevbench.engine.samples import HashedClip, samples

    clips = 1 + min(48, count if unit == "clip" else count // (SAMPLES_A_CLIP - 1))
    corpus = Corpus(open_dataset(DATASET), protocols.get("64x16"), "test", limit=clips)
    found: list[np.ndarray] = []
    for one, other in zip(corpus.clips, corpus.clips[1:] + corpus.clips[:1], strict=True):
        pair = (HashedClip(corpus.frames(clip)) for clip in (one, other))
        found += [sample.pixels for sample in samples("true pair" if unit == "noise pair" else unit, *pair)]
    return np.stack([found[i % len(found)] for i in range(count)])


def networks(measuring: Measuring) -> Iterator[dict[str, Any]]:
    """Each network's features beside the CPU's, and samples a second at several batch sizes."""
    from fevbench import weights
    from fevbench.data.datasets import open_dataset
    from fevbench.data.protocol import protocols
    from fevbench.errors import FevbenchError
    from fevbench.extractors.base import DETECTOR, extractors
    from fevbench.global_state import fixed_global_state
    from fevbench.judge.files import find_judge
    from fevbench.registry import load_target

    judge = find_judge(open_dataset(DATASET), protocols.get("64x16"))
    for name in measuring.given.networks or extractors:
        extractor = extractors.get(name)
        if not {"torch", "onnxruntime"} & set(extractor.packages):
            continue  # it never runs on a GPU
        if measuring.left() == 0:
            measuring.left_out[f"networks: {name}"] = "time was over"
            continue
        try:
            extractor.versions()
            if short := _missing_weights(extractor):
                raise FevbenchError(f"no weights {', '.join(short)}")
            own = {"judge": judge.path} if judge else {}
            files = {w: own.get(w) or weights.require(w).path for w in extractor.weights}
            loader: Any = load_target(extractor.load)
            with fixed_global_state():
                few = batches(extractor.unit, COMPARED)
                expected, network = loader("cpu", files)(few), loader(measuring.device, files)
                found = network(few)
        except FevbenchError as error:
            measuring.left_out[f"networks: {name}"] = str(error)
            continue
        lengths = np.linalg.norm(expected, axis=1)
        apart = float(np.nanmax(np.linalg.norm(found - expected, axis=1) / np.maximum(lengths, 1e-12)))
        bound = FACE_BOUND if set(DETECTOR.weights) <= set(extractor.weights) else FEATURE_BOUND
        same_faces = bool(np.array_equal(np.isnan(expected), np.isnan(found)))
        row = {"extractor": name, "unit": extractor.unit, "runs_on": extractor.runs_on(measuring.device)}
        row |= {"apart": apart, "bound": bound, "holds": same_faces and apart <= bound, "speeds": []}
        for size in BATCHES.get(extractor.unit, OTHER_BATCHES)[: 1 if measuring.given.quick else None]:
            if measuring.left() == 0:
                break
            row["speeds"].append(_speed(network, extractor.unit, size, measuring))
        yield row


def _speed(network: Any, unit: str, size: int, measuring: Measuring) -> dict[str, Any]:
    """Samples a second of batches of a size, with their way to the device and back, and the memory taken."""
    import torch

    from fevbench.global_state import fixed_global_state

    batch, on_gpu = batches(unit, size), measuring.device != "cpu"
    rounds = 1 if measuring.given.quick else ROUNDS
    try:
        with fixed_global_state():
            network(batch)
            if on_gpu:
                torch.cuda.reset_peak_memory_stats()
            began = time.perf_counter()
            for _ in range(rounds):
                forget(network)
                network(batch)  # it ends with features in this process's memory, so nothing is left running
            seconds = time.perf_counter() - began
    except RuntimeError as error:  # the GPU's memory
        return {"batch": size, "failed": str(error).partition("\n")[0]}
    memory = torch.cuda.max_memory_allocated() if on_gpu else None
    return {"batch": size, "samples_per_second": rounds * size / seconds, "gpu_bytes": memory}


def suite(measuring: Measuring) -> Iterator[dict[str, Any]]:
    """The whole command for the default metrics, with nothing kept from before.

    Frames a second are of the difference of two runs, so that the start of processes and networks, which does
    not grow with the clips, is told apart.
    """
    able, _ = can_be_had(measuring.given.metrics or _default_metrics())
    most = measuring.given.suite_clips
    for jobs in measuring.given.jobs:
        taken = {}
        for clips in (most // 4, most):
            home = f"home-suite-{jobs}-{clips}"
            asked = (
                "--limit",
                clips,
                "--metrics",
                ",".join(able),
                "--jobs",
                jobs,
                "--device",
                measuring.device,
            )
            with busy(measuring.device) as shares:
                result, taken[clips] = measuring.command(
                    home,
                    "run",
                    measuring.given.model,
                    DATASET,
                    *asked,
                    "--out",
                    measuring.room / home / "run",
                )
            shutil.rmtree(measuring.room / home)
        frames = SAMPLES_A_CLIP * (most - most // 4)
        at_work = shares[next((i for i, share in enumerate(shares) if share), 0) :]
        yield {
            "jobs": jobs,
            "clips": most,
            "metrics": able,
            "seconds": taken[most],
            "frames_per_second": frames / (taken[most] - taken[most // 4]),
            "gpu_busy": float(np.mean(at_work)) / 100 if at_work else None,
            "stages": {name: stage["seconds"] for name, stage in result["stages"].items()},
        }


def _default_metrics() -> list[str]:
    from fevbench.metrics.catalog import metrics

    return [name for name in metrics if metrics.get(name).selected_by == "default"]


@contextmanager
def busy(device: str) -> Iterator[list[float]]:
    """Percent of time in which the GPU computed, every tenth of a second of the block; none on a CPU."""
    shares: list[float] = []
    if device == "cpu":
        yield shares
        return
    number = device.partition(":")[2] or "0"
    with tempfile.TemporaryFile("w+") as log:
        asked = ["--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-i", number]
        watching = subprocess.Popen(["nvidia-smi", *asked, "-lms", str(BUSY_EVERY_MS)], stdout=log)
        try:
            yield shares
        finally:
            watching.terminate()
            watching.wait()
            log.seek(0)
            shares += [float(line) for line in log if line.strip().replace(".", "").isdigit()]


def training(measuring: Measuring) -> Iterator[dict[str, Any]]:
    """Clips a second of every method, in a process of its own each."""
    known = sorted(entry.name for entry in entry_points(group="fevbench.trainable"))
    methods = measuring.given.methods or known
    for i, method in enumerate(methods):
        share = measuring.left() / (len(methods) - i)
        line = [sys.executable, __file__, "--train", method, "--steps", str(measuring.given.steps)]
        line += ["--minutes", str(share / 60), "--device", measuring.device]
        try:
            done = subprocess.run(
                line, cwd=measuring.room, env=measuring.environment, capture_output=True, text=True,
                timeout=share + 20,
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError((done.stderr.strip().splitlines() or ["it said nothing"])[-1])
            yield json.loads(done.stdout.splitlines()[-1])
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            measuring.left_out[f"training: {method}"] = str(error)


def train_one(method: str, steps: int, minutes: float, device: str) -> None:
    """Train a method for a few steps, and print as JSON how many clips a second it sees after the first."""
    from dataclasses import asdict

    import torch

    from fevbench.data.datasets import open_dataset
    from fevbench.progress import Silent
    from fevbench.training.folder import Settings
    from fevbench.training.loop import TrainingPlan, train
    from fevbench.training.task import trainables

    class Times(Silent):
        """When each step was done."""

        def __init__(self) -> None:
            self.at: list[float] = []

        def losses(self, step: int, losses: Mapping[str, float], clips_per_second: float) -> None:
            """A step is done, and its losses are in this process's memory."""
            self.at.append(time.perf_counter())

    task, data = trainables.get(method), open_dataset(DATASET)
    name, config = next(iter(task.configs.items()))
    settings = Settings(
        model=method, dataset=data.name, dataset_version=data.version, config_name=name,
        config=asdict(config), seed=0,
    )  # fmt: skip
    times = Times()
    with tempfile.TemporaryDirectory() as folder:
        plan = TrainingPlan(
            settings, task, config, data, Path(folder, "run"), steps, minutes, steps + 1, steps + 1, device
        )
        if train(plan, times) is None or len(times.at) < 2:
            sys.exit(f"{method}: fewer than two steps in {60 * minutes:.0f} s")
    warm = min(len(times.at) // 3, 20)
    counted = len(times.at) - 1 - warm
    print(
        json.dumps(
            {
                "method": method,
                "steps": counted,
                "clips_per_second": counted * config.batch_size / (times.at[-1] - times.at[warm]),
                "gpu_bytes": torch.cuda.max_memory_allocated() if device != "cpu" else None,
            }
        )
    )


PARTS = {"values": values, "networks": networks, "suite": suite, "training": training}


def main() -> None:
    """Measure, write, and fail where a bound does not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu")
    parser.add_argument("--out", type=new_file, default=Path("gpu.json"))
    parser.add_argument("--minutes", type=float, default=7.0)
    parser.add_argument("--quick", action="store_true", help="A few clips, one batch size, three steps.")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--model", default="fev-gan-warp", help="Model whose clips are scored.")
    parser.add_argument("--metrics", nargs="*", help="Measure only these metrics.")
    parser.add_argument("--networks", nargs="*", help="Measure only these extractors.")
    parser.add_argument("--methods", nargs="*", help="Train only these.")
    parser.add_argument("--jobs", nargs="*", type=int, default=[1, 4, 8], help="Workers of the suite.")
    parser.add_argument("--clips", type=int, help="Clips whose metrics are compared.  [48]")
    parser.add_argument("--suite-clips", type=int, help="Clips of the largest run of the suite.  [288]")
    parser.add_argument("--steps", type=int, help="Steps of each training.  [120]")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    given = parser.parse_args()
    for name, usual, quick in (("clips", 48, 4), ("suite_clips", 288, 4), ("steps", 120, 3)):
        if getattr(given, name) is None:
            setattr(given, name, quick if given.quick else usual)
    if given.train:
        train_one(given.train, given.steps, given.minutes, given.device)
        return
    import torch

    if given.device != "cpu" and not torch.cuda.is_available():
        sys.exit("error: torch finds no GPU: repeat with --device cpu, for the parts that need none")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as room:
        measuring = Measuring(given, Path(room))
        found: dict[str, Any] = {"machine": machine(given.device), **{part: [] for part in given.parts}}
        for part in given.parts:
            if measuring.left() == 0:
                measuring.left_out[part] = "time was over"
                continue
            try:
                for row in PARTS[part](measuring):
                    found[part].append(row)
                    print(part, json.dumps(row), file=sys.stderr, flush=True)
            except RuntimeError as error:
                measuring.left_out[part] = str(error)
    found |= {"left_out": measuring.left_out, "seconds": time.monotonic() - began}
    given.out.write_text(json.dumps(_rounded(found), indent=1) + "\n", encoding="utf-8")
    wrong = [row for part in ("values", "networks") for row in found.get(part, []) if not row["holds"]]
    for row in wrong:
        print(f"error: {row} exceeds its bound", file=sys.stderr)
    sys.exit(bool(wrong) or not any(found[part] for part in given.parts))


def _rounded(value: Any) -> Any:
    """Six digits of every number: more are noise."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    main()
