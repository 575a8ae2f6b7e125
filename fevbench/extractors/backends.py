"""Backends: faster ways to run a network than the reference, which defines the features.

Every network has one implementation, the reference: a module that torch runs, or an ONNX graph that
onnxruntime runs. A backend computes the same layers with the same weights faster; the code before and after
the network stays the same. Each extractor declares the backends that may run it. Tests check that their
features agree to 1e-5 of a feature's length on real frames (``tests/extractors/test_backends.py``).

OpenVINO runs networks on the CPU, in float32, with torch's number of threads, without files on disk.

In the fast precision, products are rounded to bfloat16, on any backend. That changes values in their second
or third digit, so the metrics have other ids.
"""

from __future__ import annotations

import platform
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fevbench.errors import FevbenchError, MissingPackage
from fevbench.packages import installed

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import nn

    Arrays = Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]
    """A network on arrays: ``float32[N, ...]`` to its outputs."""

Precision = Literal["exact", "fast"]
Backend = Literal["torch", "openvino", "torch-bf16", "openvino-bf16"]
REFERENCE: Backend = "torch"
"""torch, and onnxruntime for ONNX graphs."""
OPENVINO: Backend = "openvino"
BF16 = "bf16"
EXTRA = "fast"
"""The extra of fevbench that installs OpenVINO."""
_TELEMETRY = "openvino_telemetry"
_WAY_OUT = "repeat with --backend torch"


def choose_backend(name: str, device: str) -> Backend:
    """Resolve ``auto``: OpenVINO if it is installed and the CPU is x86, where it was measured; else torch.

    Args:
        name: ``auto``, or a backend.
        device: The torch device.

    Raises:
        FevbenchError: The backend does not run on this device, or is not installed.
    """
    if name == "auto":
        fits = device == "cpu" and platform.machine() in ("x86_64", "AMD64")
        return OPENVINO if fits and installed(OPENVINO) else REFERENCE
    if name == REFERENCE:
        return REFERENCE
    if device != "cpu":
        raise FevbenchError(
            f"--backend openvino runs networks on the CPU, and the device is {device}",
            f"{_WAY_OUT}, or with --device cpu",
        )
    if not installed(OPENVINO):
        raise MissingPackage("--backend openvino", OPENVINO, EXTRA)
    return OPENVINO


def at_precision(backend: Backend, precision: Precision) -> Backend:
    """The backend that runs a network at this precision."""
    rounded: dict[Backend, Backend] = {"torch": "torch-bf16", "openvino": "openvino-bf16"}
    return rounded[backend] if precision == "fast" else backend


def runs_on_openvino(backend: Backend) -> bool:
    """Whether the backend is OpenVINO."""
    return backend.startswith(OPENVINO)


def rounds(backend: Backend) -> bool:
    """Whether products are rounded to bfloat16."""
    return backend.endswith(BF16)


def run_by(backend: Backend, network: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """A torch network, run by a backend: itself, or a function of the same tensors with the same outputs.

    The network is in eval mode, from one tensor ``[N, ...]`` to one ``[N, ...]``. Its operations may depend
    on a sample's shape, never on its values or on other samples in the batch.
    """
    if runs_on_openvino(backend):
        return _TorchOnOpenVINO(network, BF16 if rounds(backend) else "f32")
    return partial(_rounded, network) if rounds(backend) else network


def _rounded(network: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    """The output of a network with torch's products in bfloat16."""
    import torch

    with torch.autocast(batch.device.type, torch.bfloat16):
        found: torch.Tensor = network(batch)
    return found.float()


class _TorchOnOpenVINO:
    """A torch module that is compiled for each new shape of a sample."""

    def __init__(self, network: nn.Module, precision: str) -> None:
        self._network, self._precision = network, precision
        self._compiled: dict[tuple[int, ...], Arrays] = {}

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        import torch

        batch = batch.contiguous()
        shape = tuple(batch.shape[1:])
        if shape not in self._compiled:
            name = type(self._network).__name__
            self._compiled[shape] = _compiled(
                name, lambda core: self._converted(batch[:1]), shape, self._precision
            )
        return torch.from_numpy(self._compiled[shape](batch.numpy())[0])

    def _converted(self, sample: torch.Tensor) -> Any:
        """OpenVINO's graph, converted from torch's trace of one forward pass."""
        import torch
        from openvino.frontend import FrontEndManager
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

        with torch.no_grad(), warnings.catch_warnings():
            # It warns that TorchScript is deprecated and sizes become constants: each shape has its graph.
            warnings.simplefilter("ignore")
            traced: Any = torch.jit.trace(self._network, sample, check_trace=False)  # type: ignore[no-untyped-call]
            decoder = TorchScriptPythonDecoder(
                traced
            )  # its tensors are the graph's: it must outlive `convert`
            reader = FrontEndManager().load_by_framework("pytorch")
            return reader.convert(reader.load(decoder))


def run_onnx(path: Path) -> Arrays:
    """An ONNX graph of one input, run by OpenVINO."""
    return _compiled(path.name, lambda core: core.read_model(str(path)))


def _compiled(
    name: str, read: Callable[[Any], Any], shape: Sequence[int] | None = None, precision: str = "f32"
) -> Arrays:
    """A graph of one input, for batches of any size; ``shape`` is that of a sample if the graph lacks it.

    ``precision`` is given because OpenVINO's default is bfloat16 where possible.
    """
    import torch

    core = _import_openvino().Core()
    try:
        model = read(core)
        declared = model.inputs[0].partial_shape
        model.reshape([-1, *(list(declared)[1:] if shape is None else shape)])
        compiled = core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": precision,
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                "NUM_STREAMS": 1,
                "ENABLE_CPU_PINNING": False,  # else parallel processes would all use the first cores
            },
        )
    except Exception as error:  # OpenVINO's errors have no common base
        reason = " ".join(str(error).split())[-200:]
        raise FevbenchError(f"openvino cannot run {name} ({reason})", _WAY_OUT) from error
    if precision == BF16 and "bf" not in str(compiled.get_property("INFERENCE_PRECISION_HINT")):
        raise FevbenchError(
            "this processor cannot compute in bfloat16",
            "repeat without --precision fast, or with --backend torch",
        )
    return lambda batch: list(compiled(batch).values())


def _import_openvino() -> Any:
    """The module, imported without the package that reports its use; it has a replacement for that."""
    hidden = _TELEMETRY not in sys.modules
    if hidden:
        # Python's way to say that there is no such module.
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        import openvino
    except ImportError as error:
        raise FevbenchError(f"openvino cannot be loaded ({error})", f"reinstall it, or {_WAY_OUT}") from error
    finally:
        if hidden:
            del sys.modules[_TELEMETRY]
    return openvino
