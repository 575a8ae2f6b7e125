"""Networks that onnxruntime runs: on what it really runs them, and insightface's, ready to run."""

from __future__ import annotations

import contextlib
import functools
import io
import warnings
from pathlib import Path
from typing import Any

from fevbench.errors import FevbenchError

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
_IDENTITY = bytes.fromhex(
    "08083a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080112040a020801"
    "620f0a0179120a0a08080112040a02080142040a00100d"
)
"""The smallest ONNX network: y = x, one float32."""


def onnx_providers(device: str) -> list[str]:
    """What onnxruntime runs a network on, best first: a GPU if the device is one and onnxruntime can.

    Args:
        device: The torch device.
    """
    return [CUDA, CPU] if device.startswith("cuda") and _runs_on_gpu() else [CPU]


def _runs_on_gpu() -> bool:
    """Whether a network ends up on a GPU: onnxruntime falls back to the CPU if it lacks a library for one."""
    import onnxruntime

    return CUDA in onnxruntime.get_available_providers() and _first_provider() == CUDA


@functools.cache
def _first_provider() -> str:
    """What a network is run on by an onnxruntime that was asked for a GPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # that it falls back is what is asked here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = onnxruntime.InferenceSession(_IDENTITY, options, providers=[CUDA, CPU])
    return str(session.get_providers()[0])


def load_onnx(device: str, path: Path, **settings: Any) -> Any:
    """One of insightface's networks, ready to run.

    Args:
        device: The torch device; a GPU is used if onnxruntime can.
        path: The network's file.
        settings: What its ``prepare`` takes.

    Raises:
        FevbenchError: onnxruntime runs it on something else than it says it can.
    """
    # insightface prints what it loads; standard output belongs to results.
    with contextlib.redirect_stdout(io.StringIO()):
        from insightface.model_zoo import get_model

        providers = onnx_providers(device)
        network = get_model(str(path), providers=providers)
        network.prepare(0 if len(providers) > 1 else -1, **settings)
    check_provider(network.session, device, path)
    return network


def check_provider(session: Any, device: str, path: Path) -> None:
    """See that a network runs where its features are said to come from.

    Args:
        session: onnxruntime's.
        device: The torch device.
        path: The network's file.

    Raises:
        FevbenchError: It runs elsewhere.
    """
    wanted, used = onnx_providers(device)[0], session.get_providers()[0]
    if used != wanted:
        raise FevbenchError(
            f"onnxruntime runs {path.name} with {used} instead of {wanted}",
            "install the CUDA libraries that it needs, or repeat with --device cpu",
        )
