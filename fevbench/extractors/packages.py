"""What is installed of a package that comes under several names, and what onnxruntime really runs on."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import warnings

MODULES = {"onnxruntime": "onnxruntime", "opencv-python": "cv2"}
"""Distributions that have others in their place, to the module that all of them install."""
BUILDS = {
    "onnxruntime": (
        "onnxruntime",
        "onnxruntime-gpu",
        "onnxruntime-directml",
        "onnxruntime-openvino",
        "onnxruntime-rocm",
        "onnxruntime-silicon",
    ),
    "opencv-python": (
        "opencv-python",
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
}
"""The builds of a distribution, which all install the same module; there may be several at once."""
CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
_IDENTITY = bytes.fromhex(
    "08083a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080112040a020801"
    "620f0a0179120a0a08080112040a02080142040a00100d"
)
"""The smallest ONNX network: y = x, one float32."""


def installed(package: str) -> dict[str, str]:
    """The distributions that are installed as a package, with their versions; empty if there are none.

    Args:
        package: A distribution's name; for one that has several builds, that of any.
    """
    found = {}
    for name in BUILDS.get(package, (package,)):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    if not found and package in MODULES:  # built from source, or by another package manager
        found = _of_module(MODULES[package])
    return found


def _of_module(name: str) -> dict[str, str]:
    try:
        return {name: str(importlib.import_module(name).__version__)}
    except (ImportError, AttributeError):
        return {}


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
