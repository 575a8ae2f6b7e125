"""The judge as an extractor: clips to logits over the data set's labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from fevbench.data.tensors import to_tensor
from fevbench.errors import WeightsError
from fevbench.extractors.inference import exact_inference
from fevbench.judge.files import MODEL
from fevbench.judge.network import Judge
from fevbench.training.export import read_exported

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames


class JudgeReading:
    """Clips to logits ``float32[N, labels]``, in the order of the data set's labels.

    Raises:
        ModelError: The file is no judge.
        WeightsError: It does not fit the network of this version.
    """

    def __init__(self, device: str, weights: Mapping[str, Path]) -> None:
        path = weights[MODEL]
        exported = read_exported(path, MODEL)
        network = Judge(len(exported.about["labels"]))
        try:
            network.load_state_dict(exported.state)
        except RuntimeError as error:
            raise WeightsError(f"{path} does not fit the judge of this version", "train it again") from error
        self._network = network.to(device).eval()
        self._device = device

    @exact_inference()
    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Logits of ``uint8[N, T, H, W, 3]``."""
        logits: torch.Tensor = self._network(to_tensor(batch, self._device))
        return cast("NDArray[np.float32]", logits.cpu().numpy())
