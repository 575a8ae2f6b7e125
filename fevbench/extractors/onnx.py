"""Networks that are ONNX graphs: opening them, and checking what onnxruntime really runs them on."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fevbench.errors import FevbenchError
from fevbench.extractors.backends import REFERENCE, Backend, run_onnx

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
CUDA_OPTIONS = {
    "use_tf32": "0",  # products of float32 numbers are rounded nowhere, as in torch
    "cudnn_conv_algo_search": "HEURISTIC",  # the default takes the fastest algorithm of a trial
}
"""onnxruntime's options for a GPU: part of the fingerprint of features computed there."""
_IDENTITY = bytes.fromhex(
    "08083a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080112040a020801"
    "620f0a0179120a0a08080112040a02080142040a00100d"
)
"""The smallest ONNX network: y = x, one float32."""


def onnx_providers(device: str) -> list[str]:
    """Providers of onnxruntime for a network, best first: a GPU if the device is one and it can use it."""
    return [CUDA, CPU] if device.startswith("cuda") and _runs_on_gpu() else [CPU]


def _runs_on_gpu() -> bool:
    """Whether networks really run on a GPU: onnxruntime uses the CPU if it lacks a library for the GPU."""
    import onnxruntime

    return CUDA in onnxruntime.get_available_providers() and _first_provider() == CUDA


def _with_options(device: str, providers: Sequence[str]) -> list[str | tuple[str, dict[str, str]]]:
    """Providers with options, including the number of the GPU, for a session."""
    number = device.partition(":")[2] or "0"
    return [(one, {**CUDA_OPTIONS, "device_id": number}) if one == CUDA else one for one in providers]


@functools.cache
def _first_provider() -> str:
    """The provider that onnxruntime really uses when a GPU is requested."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # no warning: whether it falls back is the question here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = onnxruntime.InferenceSession(
            _IDENTITY, options, providers=_with_options("cuda", [CUDA, CPU])
        )
    return str(session.get_providers()[0])


@dataclass(frozen=True)
class Graph:
    """An ONNX graph with one input, ready to run.

    Attributes:
        takes: The declared shape of the input; a name stands for any size.
        gives: The same for each output.
        run: From ``float32[N, ...]`` to the outputs ``float32[N, ...]``, in the graph's order.
    """

    takes: tuple[int | str, ...]
    gives: tuple[tuple[int | str, ...], ...]
    run: Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]


def load_onnx(device: str, path: Path, backend: Backend = REFERENCE) -> Graph:
    """Open a graph for batches of any size; on a GPU if the device is one and onnxruntime can.

    Many exports declare batches of one but compute any, and onnxruntime warns at every larger one. So the
    declaration is changed in memory.

    Raises:
        FevbenchError: It runs on something else than the backend should use.
    """
    import onnx

    model = onnx.load(str(path))
    del model.graph.value_info[:]  # the declarations in between, which are inferred again
    [source], targets = model.graph.input, model.graph.output
    for value in (source, *targets):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    takes, *gives = (_declared(value) for value in (source, *targets))
    run = _session(device, path, model) if backend == REFERENCE else run_onnx(path)
    return Graph(takes, tuple(gives), run)


def _declared(value: Any) -> tuple[int | str, ...]:
    return tuple(dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim)


def _session(
    device: str, path: Path, model: Any
) -> Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """A graph, run by onnxruntime with torch's number of threads, which do not spin while they wait."""
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=_with_options(device, onnx_providers(device))
    )
    check_provider(session, device, path)
    name = session.get_inputs()[0].name
    return lambda batch: list(session.run(None, {name: batch}))


def check_provider(session: Any, device: str, path: Path) -> None:
    """Check that a network runs on the device that its features' fingerprint names.

    Raises:
        FevbenchError: It runs elsewhere.
    """
    wanted, used = onnx_providers(device)[0], session.get_providers()[0]
    if used != wanted:
        raise FevbenchError(
            f"onnxruntime runs {path.name} with {used} instead of {wanted}",
            "install the CUDA libraries that it needs, or repeat with --device cpu",
        )
