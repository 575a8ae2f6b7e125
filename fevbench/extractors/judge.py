"""The expression classifier as an extractor: clips to logits over the data set's labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from fevbench.data.clip import Frames
from fevbench.data.tensors import to_tensor
from fevbench.extractors.backends import REFERENCE, Backend, run_by
from fevbench.extractors.networks import exact_inference
from fevbench.judge.files import MODEL
from fevbench.judge.network import Judge
from fevbench.training.export import read_exported


class JudgeReading:
    """Clips to logits ``float32[N, labels]``, in the order of the data set's labels.

    `Judge` runs on the backend.

    Raises:
        ModelError: The file is not an expression classifier, or one of another version.
    """

    def __init__(self, device: str, weights: Mapping[str, Path], backend: Backend = REFERENCE) -> None:
        exported = read_exported(weights[MODEL], MODEL)
        network = Judge(len(exported.about["labels"]))
        exported.load_into(network)
        self._run = run_by(backend, network.to(device).eval())
        self._device = device

    @exact_inference()
    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Logits of ``uint8[N, T, H, W, 3]``."""
        return cast("NDArray[np.float32]", self._run(to_tensor(batch, self._device)).cpu().numpy())
