"""What features are kept under: everything that can change them, and what they were really computed on."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import onnxruntime
import pytest

from fevbench import packages
from fevbench.errors import FevbenchError, MissingPackage
from fevbench.extractors import onnx
from fevbench.extractors.backends import OPENVINO
from fevbench.extractors.base import Extractor, extractors

Change = Callable[..., None]

FACES = {"arcface", "arcface-r50", "face-points", "fer-xception", "face-api", "hsemotion"}
CLIPS = {"i3d", "i3d-tf", "videomae", "vjepa", "judge"}
LPIPS = {"lpips-alex", "lpips-alex-next", "lpips-alex-draws", "lpips-vgg"}
READERS = {"fer-xception", "face-api", "hsemotion"}
PIXELS = {"squared-error", "similarity", "frame-difference", "warping", "brisque"}
ALL = FACES | CLIPS | LPIPS | PIXELS | {"inception", "face-mesh"}
DEPENDS = {
    "numpy": ALL,
    "torch": CLIPS | LPIPS | READERS | {"inception"},
    "torchvision": {"inception"},
    "pytorch-fid": {"inception"},
    "pillow": FACES | {"inception", "face-mesh"},
    "mediapipe": {"face-mesh"},
    **dict.fromkeys(packages.BUILDS["onnxruntime"], FACES),
    **dict.fromkeys(packages.BUILDS["opencv-python"], FACES | PIXELS),
    "insightface": {"arcface", "arcface-r50"},
    "scikit-image": {"arcface", "arcface-r50"},
    "openvino": set(),
    "av": set(),
    "click": set(),
}
"""Distribution to the extractors whose features it can change, run by the reference.

Decoding comes before them.
"""
RUNTIMES = ("base", "backends", "onnx")
"""Modules for what networks run on, which is in the fingerprint for itself."""
BY_OPENVINO = ALL - PIXELS - {"face-points", "face-mesh", "arcface-r50", "hsemotion", "videomae", "vjepa"}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Change:
    """Pretend that distributions have these versions; None for one that is not installed."""
    real = importlib.metadata.version

    def change(**versions: str | None) -> None:
        named = {name.replace("_", "-"): version for name, version in versions.items()}

        def version(name: str) -> str:
            if name in named:
                found = named[name]
                if found is None:
                    raise importlib.metadata.PackageNotFoundError(name)
                return found
            return real(name)

        monkeypatch.setattr(importlib.metadata, "version", version)

    return change


def fingerprint(extractor: Extractor, device: str = "cpu") -> str:
    return extractor.fingerprint(dict.fromkeys(extractor.weights, "0" * 64), device)


def fingerprints(device: str = "cpu") -> dict[str, str]:
    return {name: fingerprint(extractors.get(name), device) for name in extractors}


def test_every_extractor_is_looked_at() -> None:
    assert set(extractors) == ALL


@pytest.mark.parametrize("package", DEPENDS)
def test_a_package_changes_the_fingerprints_of_what_it_can_change(package: str, installed: Change) -> None:
    installed(mediapipe="0.10.31")
    before = fingerprints()
    installed(**{"mediapipe": "0.10.31", package: "99.9"})
    after = fingerprints()
    assert {name for name in before if before[name] != after[name]} == DEPENDS[package]


def test_weights_and_the_kind_of_device_change_it() -> None:
    extractor = extractors.get("i3d")
    weights = {"i3d-kinetics-400": "0" * 64}
    one = extractor.fingerprint(weights, "cpu")
    assert one == extractor.fingerprint(weights, "cpu")
    assert one != extractor.fingerprint({"i3d-kinetics-400": "1" * 64}, "cpu")
    assert one != extractor.fingerprint(weights, "cuda")
    assert extractor.fingerprint(weights, "cuda:0") == extractor.fingerprint(weights, "cuda:1")


def _sources(module: str, seen: set[str]) -> Iterator[ast.Module]:
    """The source of a module among the extractors, and of those there that it imports."""
    spec = importlib.util.find_spec(module)
    if module in seen or spec is None or spec.origin is None:
        return
    seen.add(module)
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    yield tree
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fevbench.extractors."):
            yield from _sources(str(node.module), seen)


def _imports(module: str) -> set[str]:
    """The packages of others that a module's code calls."""
    found: set[str] = set()
    for tree in _sources(module, {f"fevbench.extractors.{name}" for name in RUNTIMES}):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"fevbench"}


@pytest.mark.parametrize("name", list(extractors))
def test_all_that_an_extractor_imports_is_declared(name: str) -> None:
    extractor = extractors.get(name)
    distributions = {
        "PIL": "pillow", "cv2": "opencv-python", "pytorch_fid": "pytorch-fid", "skimage": "scikit-image"
    }  # fmt: skip
    imported = {distributions.get(module, module) for module in _imports(extractor.load.partition(":")[0])}
    innocent = {"h5py", "safetensors"}  # they read weights, whose bytes are in the fingerprint
    if name == "face-mesh":  # it takes the canvas from the module of the detector, and not the detector
        innocent.add("opencv-python")
    assert imported - innocent <= set(extractor.packages)
    assert imported, "an extractor is more than fevbench's own code"


def test_a_backend_and_its_version_change_the_fingerprints_of_what_it_runs(installed: Change) -> None:
    def fast() -> dict[str, str]:
        return {name: fingerprint(extractors.get(name).on(OPENVINO)) for name in extractors}

    installed(mediapipe="0.10.31", openvino="2026.4")
    reference, before = fingerprints(), fast()
    assert {name for name in ALL if before[name] != reference[name]} == BY_OPENVINO
    assert extractors.get("inception").on(OPENVINO).runs_on("cpu") == {"torch": "cpu", "openvino": "CPU"}
    installed(mediapipe="0.10.31", openvino="99.9")
    assert {name for name in ALL if before[name] != fast()[name]} == BY_OPENVINO


def test_the_build_of_onnxruntime_for_gpus_will_do(installed: Change) -> None:
    both = fingerprint(extractors.get("arcface"))
    installed(onnxruntime=None, onnxruntime_gpu="1.20")
    assert extractors.get("arcface").versions()["onnxruntime-gpu"] == "1.20"
    assert fingerprint(extractors.get("arcface")) != both


def test_a_build_that_no_distribution_names_is_asked_itself(installed: Change) -> None:
    installed(**dict.fromkeys(packages.BUILDS["onnxruntime"]))
    assert extractors.get("arcface").versions()["onnxruntime"] == onnxruntime.__version__
    installed(insightface=None)
    with pytest.raises(MissingPackage, match="needs insightface"):
        extractors.get("arcface").versions()


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """An onnxruntime that lists a GPU, and runs networks with a provider when asked for it."""

    def pretend(provider: str) -> None:
        onnx._first_provider.cache_clear()
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [onnx.CUDA, onnx.CPU])
        session = SimpleNamespace(get_providers=lambda: [provider])
        monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: session)

    yield pretend  # type: ignore[misc]
    onnx._first_provider.cache_clear()


def test_features_are_kept_under_the_provider_that_computes_them(gpu: Callable[[str], None]) -> None:
    """Without CUDA in onnxruntime, faces are found on the CPU, whatever torch does."""
    on_cpu, without = fingerprints("cpu"), fingerprints("cuda")
    alone = FACES - READERS
    assert all(without[name] == on_cpu[name] for name in alone | PIXELS | {"face-mesh"})
    assert all(without[name] != on_cpu[name] for name in ALL - alone - PIXELS - {"face-mesh"})
    gpu(onnx.CUDA)
    assert onnx.onnx_providers("cuda:0") == [onnx.CUDA, onnx.CPU]
    assert onnx.onnx_providers("cpu") == [onnx.CPU]
    within = fingerprints("cuda")
    assert {name for name in ALL if within[name] != without[name]} == FACES


def test_an_onnxruntime_that_falls_back_is_one_on_the_cpu(gpu: Callable[[str], None]) -> None:
    """It lists CUDA, lacks one of its libraries, and says nothing."""
    gpu(onnx.CPU)
    assert onnx.onnx_providers("cuda") == [onnx.CPU]
    assert fingerprints("cuda")["arcface"] == fingerprints("cpu")["arcface"]


def test_the_network_that_is_asked_runs() -> None:
    assert onnx._first_provider() in onnxruntime.get_available_providers()


def test_a_network_that_ends_up_elsewhere_is_refused(gpu: Callable[[str], None], tmp_path: Path) -> None:
    gpu(onnx.CUDA)
    elsewhere = SimpleNamespace(get_providers=lambda: [onnx.CPU])
    with pytest.raises(FevbenchError, match=r"runs net\.onnx with CPUExecutionProvider instead of CUDA"):
        onnx.check_provider(elsewhere, "cuda", tmp_path / "net.onnx")
    onnx.check_provider(elsewhere, "cpu", tmp_path / "net.onnx")
