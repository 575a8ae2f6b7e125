"""Every network that a backend can run, with the reference and with OpenVINO in turns, on FEVSynth's frames.

Times are medians over rounds, in milliseconds of CPU time per sample, with one thread, so that they do not
depend on how many cores are free.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from clock import finish, forget, new_file
from torch.utils.flop_counter import FlopCounterMode

from fevbench import weights
from fevbench.data.corpus import Corpus
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import protocols
from fevbench.engine.samples import HashedClip, samples
from fevbench.extractors.backends import OPENVINO, REFERENCE
from fevbench.extractors.base import Network, extractors
from fevbench.global_state import fixed_global_state
from fevbench.initial_state import remember_initial_state
from fevbench.judge.files import find_judge
from fevbench.registry import load_target
from fevbench.results.provenance import environment

CLIPS = 4
FRAMES = 32
SIDE = 2048
"""Rows and columns of the matrices whose product is timed."""
KIND = {"clip": "clips", "frame": "frames", "true pair": "pairs", "next pair": "pairs", "noise pair": "pairs"}
"""What the samples of a unit are."""


def processor_seconds(work: Callable[[], object]) -> float:
    """Seconds of processor that ``work`` takes in all threads of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def batches() -> dict[str, np.ndarray]:
    """A batch of the test split for each unit: clips, frames, and frames beside their next."""
    corpus = Corpus(open_dataset("fevsynth"), protocols.get("64x16"), "test", limit=CLIPS)
    clips = [corpus.frames(clip) for clip in corpus.clips]
    hashed = [HashedClip(clip) for clip in clips]
    pairs = [np.stack([pair.pixels for pair in samples("next pair", clip, clip)]) for clip in hashed]
    found = {"clip": np.stack(clips), "frame": np.concatenate(clips), "next pair": np.concatenate(pairs)}
    return {unit: batch if unit == "clip" else batch[:FRAMES] for unit, batch in found.items()}


def load(name: str) -> tuple[Network, Network]:
    """The network by the reference, and by OpenVINO."""
    extractor = extractors.get(name)
    judge = find_judge(open_dataset("fevsynth"), protocols.get("64x16"))
    own = {judge.name: judge.path} if judge else {}
    files = {file: own.get(file) or weights.require(file).path for file in extractor.weights}
    loader = load_target(extractor.load)
    return loader("cpu", files, REFERENCE), loader("cpu", files, OPENVINO)  # type: ignore[operator]


def billions(network: Network, sample: np.ndarray) -> float:
    """Billions of multiplications and additions of a torch network for one sample."""
    with FlopCounterMode(display=False) as counter:
        network(sample[None])
    return counter.get_total_flops() / 1e9


def product_rate() -> float:
    """Billions of operations per second of a product of two float32 matrices, the best of ten."""
    one, other = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    return 2 * SIDE**3 / min(processor_seconds(lambda: one @ other) for _ in range(10)) / 1e9


def main() -> None:
    """Measure, print, and fail where the backend is slower."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--out", type=new_file, help="Write what was measured as JSON, for `make bench-page`."
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    remember_initial_state()
    known, faster, rows = batches(), [], []
    for name in extractors:
        extractor = extractors.get(name)
        if not extractor.backends or name in ("i3d-tf", "lpips-alex", "lpips-alex-draws"):
            continue  # the others run these networks, too
        batch = known["next pair" if "pair" in extractor.unit else extractor.unit]
        with fixed_global_state():
            both = load(name)
            expected, found = (network(batch) for network in both)  # the first call is the slowest
            apart = np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)
            taken: list[list[float]] = [[], []]
            for _ in range(given.rounds):
                for network, times in zip(both, taken, strict=True):
                    forget(network)
                    times.append(processor_seconds(lambda: network(batch)) / len(batch) * 1000)  # noqa: B023
        ratios = [one / other for one, other in zip(*taken, strict=True)]
        reference, fast = map(statistics.median, taken)
        row = {
            "extractor": name, "samples": len(batch), "unit": KIND[extractor.unit], "torch_ms": reference,
            "openvino_ms": fast, "ratio": statistics.median(ratios), "least": min(ratios),
            "most": max(ratios), "apart": float(np.nanmax(apart)),
        }  # fmt: skip
        if name in ("inception", "i3d"):
            row["billions"] = billions(both[0], batch[0])
        rows.append(row)
        print(row, flush=True)
        faster.append(fast < reference)
    if given.out:
        about = {"machine": environment("cpu").device, "rounds": given.rounds, "rows": rows}
        about["product_rate"] = product_rate()
        given.out.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    finish(faster)


if __name__ == "__main__":
    main()
