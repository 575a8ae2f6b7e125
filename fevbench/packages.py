"""What is installed of a package, which may come under several names."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util

from fevbench.errors import MissingPackage

MODULES = {"onnxruntime": "onnxruntime", "opencv-python": "cv2"}
"""Distributions that have others in their place, to the module that all of them install."""
BUILDS = {
    "onnxruntime": (
        "onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-rocm",
        "onnxruntime-silicon",
    ),
    "opencv-python": (
        "opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless",
    ),
}  # fmt: skip
"""The builds of a distribution, which all install the same module; there may be several at once."""


def need_drawing(what: str) -> None:
    """Check that pictures can be drawn before hours are spent.

    Raises:
        MissingPackage: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingPackage(what, "matplotlib", "train")


def installed(package: str) -> dict[str, str]:
    """The distributions that are installed as a package, with their versions; empty if there are none."""
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
