"""Finding the expression classifier of a data set, and its description."""

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
"""Its name in its file and in the weights of a result."""
SHIPPED = Path(__file__).parent / "weights"
SHIPPED_LICENCE = "Apache-2.0 (trained by fevbench on FEVSynth)"
OWN_LICENCE = "trained by the user"


def file_name(dataset: Dataset, protocol: Protocol) -> str:
    """The file name of the classifier of a data set under a protocol, one per version of its clips."""
    stem = f"{dataset.name}-{dataset.version}-{protocol.sampling_id}"
    return re.sub(r"[^\w.+-]+", "-", stem) + ".safetensors"


def own_folder() -> Path:
    """The folder in which ``fevbench train expression-classifier`` stores classifiers."""
    return paths.home() / "judges"


def find_judge(dataset: Dataset, protocol: Protocol) -> LocalWeight | None:
    """The classifier of a data set under a protocol: the included one, else the user's own, else None.

    The included one comes first, so that results on included data mean the same everywhere.
    """
    for folder in (SHIPPED, own_folder()):
        path = folder / file_name(dataset, protocol)
        if path.is_file():
            sha256 = sha256_of(path)
            return LocalWeight(MODEL, path, sha256, verified=True)
    return None


def licence_of(judge: LocalWeight) -> str:
    """The licence of a classifier."""
    return SHIPPED_LICENCE if judge.path.parent == SHIPPED else OWN_LICENCE


def missing(dataset: Dataset, protocol: Protocol) -> str:
    """The reason for a missing value without a classifier, and what to do."""
    how = f"fevbench train expression-classifier {dataset.name} --protocol {protocol.name}"
    data = f"{dataset.name} {dataset.version} at {protocol.id}"
    return f"no expression classifier of {data}; train one with `{how}`"


def about(dataset: Dataset, protocol: Protocol, digest: str, **found: Any) -> dict[str, Any]:
    """The description of a classifier: the data set and protocol it was trained on, and ``found`` values."""
    return {
        "model": MODEL,
        "dataset": f"{dataset.name} {dataset.version}",
        "protocol": protocol.sampling_id,
        "labels": list(dataset.labels),
        "digest": digest,
        **found,
    }
