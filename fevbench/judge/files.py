"""Where the judge of a data set is found, and what is written with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fevbench import paths
from fevbench.data.clip import Dataset
from fevbench.data.protocol import Protocol
from fevbench.hashing import sha256_of
from fevbench.weights import LocalWeight

MODEL = "judge"
"""What its file says it holds, and what a result calls its weights."""
SHIPPED = Path(__file__).parent / "weights"
SHIPPED_LICENCE = "Apache-2.0 (trained by fevbench on FEVSynth)"
OWN_LICENCE = "trained by the user"


def file_name(dataset: Dataset, protocol: Protocol) -> str:
    """What the judge of a data set under a protocol is called: a name for each version of its clips."""
    stem = f"{dataset.name}-{dataset.version}-{protocol.sampling_id}"
    return re.sub(r"[^\w.+-]+", "-", stem) + ".safetensors"


def own_folder() -> Path:
    """Where ``fevbench train judge`` puts judges."""
    return paths.home() / "judges"


def find_judge(dataset: Dataset, protocol: Protocol) -> LocalWeight | None:
    """The judge of a data set under a protocol: the shipped one, else the user's own, else None.

    The shipped one comes first, so that numbers on shipped data mean the same everywhere.
    """
    for folder in (SHIPPED, own_folder()):
        path = folder / file_name(dataset, protocol)
        if path.is_file():
            sha256 = sha256_of(path)
            return LocalWeight(MODEL, path, sha256, verified=True)
    return None


def licence_of(judge: LocalWeight) -> str:
    """Under which terms a judge may be used."""
    return SHIPPED_LICENCE if judge.path.parent == SHIPPED else OWN_LICENCE


def missing(dataset: Dataset, protocol: Protocol) -> str:
    """Why there is no number where a judge is missing, and the way out."""
    how = f"fevbench train expression-classifier {dataset.name} --protocol {protocol.name}"
    data = f"{dataset.name} {dataset.version} at {protocol.id}"
    return f"no expression classifier of {data}; train one with `{how}`"


def about(dataset: Dataset, protocol: Protocol, digest: str, **found: Any) -> dict[str, Any]:
    """What is written with a judge: the data set and protocol it was trained on, and what was ``found``."""
    return {
        "model": MODEL,
        "dataset": f"{dataset.name} {dataset.version}",
        "protocol": protocol.sampling_id,
        "labels": list(dataset.labels),
        "digest": digest,
        **found,
    }
