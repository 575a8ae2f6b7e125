"""``--precision fast`` compared with exact: speed, features and metric values, on FEVSynth.

    python benchmarks/fast.py --out benchmarks/measured/fast.json

The generated clips are the true ones, blurred as `fevbench audit` blurs them. CPU time of one thread is
measured, with the backend that a run would use here. Every second frame is used.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
import torch
from clock import new_file

from fevbench import weights
from fevbench.audit.damages import damage_inputs, damages
from fevbench.data.corpus import Corpus
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import protocols
from fevbench.engine.samples import HashedClip, samples
from fevbench.engine.score import ClipSet, measure
from fevbench.extractors.backends import Precision, choose_backend
from fevbench.extractors.base import extractors
from fevbench.global_state import fixed_global_state
from fevbench.initial_state import remember_initial_state
from fevbench.metrics.catalog import metrics
from fevbench.registry import load_target
from fevbench.results.provenance import environment

WANTED = ("fid", "kid", "fvd", "kvd", "precision", "recall", "lpips")
CLIPS = 37
"""The least that fid can be computed of at every other frame."""
STEP = 2
DAMAGE, STRENGTH = "blur", 3
EXACT: Precision = "exact"
FAST: Precision = "fast"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=CLIPS)
    parser.add_argument(
        "--out", type=new_file, help="Write what was measured as JSON, for `make bench-page`."
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    remember_initial_state()
    corpus = Corpus(open_dataset("fevsynth"), protocols.get("64x16"), "test", limit=given.clips)
    damage, backend = damages.get(DAMAGE), choose_backend("auto", "cpu")
    true = {clip: HashedClip(corpus.frames(clip)) for clip in corpus.clips}
    made = {one.clip: HashedClip(damage.apply(one, STRENGTH)) for one in damage_inputs(corpus, damage.name)}
    features: dict[Precision, tuple[dict[str, Any], dict[str, Any]]] = {EXACT: ({}, {}), FAST: ({}, {})}
    networks, values = [], []
    for name in dict.fromkeys(metrics.get(metric).computation.extractor for metric in WANTED):
        row: dict[str, Any] = {"extractor": name}
        for precision, sides in features.items():
            extractor = extractors.get(name).on(backend, precision)
            files = {weight: weights.require(weight).path for weight in extractor.weights}
            network: Any = load_target(extractor.load)("cpu", files, extractor.backend)
            row["runs_on"] = extractor.runs_on("cpu")
            batches = [
                [
                    np.stack([s.pixels for s in samples(extractor.unit, of[clip], true[clip])[::STEP]])
                    for of in (made, true)
                ]
                for clip in corpus.clips
            ]
            with fixed_global_state():
                network(batches[0][0])  # the first call is the slowest
                began = time.process_time()
                for clip, both in zip(corpus.clips, batches, strict=True):
                    for side, batch in zip(sides, both, strict=True):
                        side.setdefault(name, {})[clip.id] = network(batch)
                taken = time.process_time() - began
            row[f"{precision}_ms"] = 1000 * taken / sum(len(batch) for both in batches for batch in both)
        exact, fast = (np.concatenate(list(features[p][0][name].values())) for p in (EXACT, FAST))
        apart = np.linalg.norm(fast - exact, axis=1) / np.linalg.norm(exact, axis=1)
        networks.append({**row, "apart": float(np.median(apart)), "most": float(apart.max())})
        print(networks[-1], flush=True)
    for name in WANTED:
        found = {}
        for precision, sides in features.items():
            both = (ClipSet(corpus.dataset.labels, corpus.protocol.frames, side) for side in sides)
            with fixed_global_state():
                found[precision] = measure(metrics.get(name), corpus.clips, *both).value
        if found[EXACT] is None or found[FAST] is None:
            continue
        apart = abs(found[FAST] - found[EXACT]) / abs(found[EXACT]) if found[EXACT] else None
        values.append(
            {"metric": name, "id": metrics.get(name).at_precision(FAST).id, **found, "apart": apart}
        )
        print(values[-1], flush=True)
    if given.out:
        about = {
            "machine": environment("cpu").device,
            "clips": given.clips,
            "networks": networks,
            "values": values,
        }
        given.out.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
