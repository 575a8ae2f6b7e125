"""Building a model, and the fingerprint of everything it was built from."""

from __future__ import annotations

import hashlib
import random
import sys
import types
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fevbench.data.clip import Dataset
from fevbench.data.corpus import Corpus
from fevbench.errors import ModelError
from fevbench.hashing import sha256_of
from fevbench.models.files import OpenedFiles, files_of_dataset, is_installed, texts
from fevbench.models.found import FoundModel, notes_of
from fevbench.models.plugin_environment import call_model
from fevbench.models.protocol import ClipSource, ModelSpec, VideoModel
from fevbench.progress import Progress

MOST_DEPTH = 8
"""Depth of the search for parts: an attribute of an attribute, an item of a list."""
MOST_OBJECTS = 100_000
"""Most objects that are searched; a model with more holds data."""
WEIGHT_SUFFIXES = frozenset(
    (
        *(".bin", ".caffemodel", ".ckpt", ".engine", ".gguf", ".h5", ".hdf5", ".joblib", ".keras", ".mat"),
        *(".model", ".msgpack", ".npy", ".npz", ".onnx", ".pb", ".pdparams", ".pickle", ".pkl", ".plan"),
        *(".pt", ".pt2", ".pth", ".safetensors", ".tar", ".tflite", ".torchscript", ".xml"),
    )
)
"""Suffixes of files that native code opens, unnoticed by Python."""
_PLAIN = (bytes, bytearray, int, float, complex, type(None), range, types.ModuleType)


_REGISTERED = ("_parameters", "_buffers", "_modules")


def held_objects(holder: object) -> Iterator[object]:
    """Yield an object and everything it holds, each once, in a fixed order.

    Attributes, items, closures, defaults, bound arguments and the class's own attributes are searched; what
    fevbench itself gives to a model (the true clips) is not.
    """
    seen: set[int] = set()
    todo: list[tuple[Any, int]] = [(holder, 0)]
    while todo and len(seen) < MOST_OBJECTS:
        part, depth = todo.pop()
        if id(part) in seen or isinstance(part, _PLAIN) or _is_of_fevbench(part):
            continue
        seen.add(id(part))
        yield part
        if depth < MOST_DEPTH and not isinstance(part, Tensor | np.ndarray | str):
            try:
                inside = _inside(part)
            except Exception:  # foreign attributes raise anything
                continue
            todo += [(inner, depth + 1) for inner in reversed(inside)]


def _is_of_fevbench(part: object) -> bool:
    kind = type(part).__module__
    return kind.startswith("fevbench.") and not isinstance(part, nn.Module)


def _inside(part: Any) -> list[Any]:
    """The parts of one object."""
    if isinstance(part, dict):
        return list(part.values())
    if isinstance(part, list | tuple):
        return list(part)
    if isinstance(part, nn.Module):  # also the parameters and buffers of its parts
        below = list(part.modules())
        held = [value for one in below for key, value in vars(one).items() if key not in _REGISTERED]
        return [*held, *map(type, below)]
    inside: list[Any] = []
    if isinstance(part, types.MethodType):
        inside += [part.__self__, part.__func__]
    if isinstance(part, types.FunctionType):
        inside += [*(part.__defaults__ or ()), *(part.__kwdefaults__ or {}).values()]
        for cell in part.__closure__ or ():
            try:
                inside.append(cell.cell_contents)
            except ValueError:  # it is empty
                continue
    if isinstance(part, type):
        return [] if _is_foreign(part) else [value for key, value in vars(part).items() if key[:2] != "__"]
    own = getattr(part, "__dict__", None)
    if isinstance(own, dict):
        inside += own.values()
    slots = [name for kind in type(part).__mro__ for name in _slots(kind)]
    inside += [getattr(part, name) for name in slots if hasattr(part, name)]
    if hasattr(part, "func") and hasattr(part, "args"):  # functools.partial
        inside += [part.func, *part.args, *getattr(part, "keywords", {}).values()]
    return [*inside, type(part)]


def _slots(kind: type) -> list[str]:
    named = vars(kind).get("__slots__", ())
    names = [named] if isinstance(named, str) else list(named)
    return [] if _is_foreign(kind) else [name for name in names if not name.startswith("__")]


def _is_foreign(kind: type) -> bool:
    """Whether a class is Python's or an installed package's, so that its attributes are not the model's."""
    if kind.__module__ == "__main__":  # of a notebook, for example; a class sent from there has no file
        return False
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return file is None or is_installed(Path(file).absolute())


def networks(holder: object) -> list[nn.Module]:
    """The torch networks an object holds, outermost ones only."""
    found = [part for part in held_objects(holder) if isinstance(part, nn.Module)]
    inner = {id(below) for network in found for below in list(network.modules())[1:]}
    return [network for network in found if id(network) not in inner]


def tensor_digest(holders: list[object]) -> str:
    """The sha256 of every parameter and buffer of the networks that objects hold, and of their other tensors.

    NumPy's arrays count as tensors. Scripted networks count with their code.
    """
    digest = hashlib.sha256()
    for part in held_objects(holders):
        if isinstance(part, nn.Module):
            for script in part.modules():
                if isinstance(script, torch.jit.ScriptModule) and hasattr(script, "forward"):
                    digest.update(str(script.code).encode())
            for name, tensor in [*part.named_parameters(), *part.named_buffers()]:
                digest.update(name.encode())
                _add_tensor(digest, tensor)
        elif isinstance(part, Tensor):
            _add_tensor(digest, part)
        elif isinstance(part, np.ndarray) and part.dtype != object:
            digest.update(f"{part.dtype}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def _add_tensor(digest: Any, tensor: Tensor) -> None:
    digest.update(f"{tensor.dtype}{tensor.layout}".encode())
    try:
        plain = tensor.detach()
        plain = plain.dequantize() if plain.is_quantized else plain
        plain = plain.to_dense() if plain.layout != torch.strided else plain
        plain = torch.view_as_real(plain) if plain.is_complex() else plain
        digest.update(f"{tuple(plain.shape)}".encode())
        bits = plain.resolve_neg().resolve_conj().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(bits.numpy().data)
    except Exception:  # one without data: a parameter that is not made yet, a meta tensor
        digest.update(b"no data")


def named_files(holders: list[object], folders: list[Path]) -> list[Path]:
    """Files of weights that objects hold the names of, absolute or relative to one of some folders."""
    found: dict[Path, None] = {}
    for part in held_objects(holders):
        name = getattr(part, "_model_path", part)  # an onnxruntime session
        if not isinstance(name, str | Path) or len(str(name)) > 4096 or "\0" in str(name):
            continue
        if Path(name).suffix.lower() in WEIGHT_SUFFIXES:
            at = [Path(folder, name) for folder in folders]
            found.update((path, None) for path in at if path.is_file() and not is_installed(path))
    return list(found)


@dataclass(frozen=True)
class BuiltModel:
    """A model that is ready to make clips.

    Attributes:
        fingerprint: The sha256 of its code, of the files that were opened while it was loaded and built, and
            of the parameters and buffers of its networks.
        files: These files.
        untracked: What it used that fevbench cannot check for changes.
    """

    found: FoundModel
    model: VideoModel | ClipSource
    fingerprint: str
    files: tuple[Path, ...] = ()
    untracked: tuple[str, ...] = ()


def build(found: FoundModel, corpus: Corpus, device: str, progress: Progress) -> BuiltModel:
    """Build a model for the clips of a corpus.

    The global random number generators start from the same seed every time, so that a randomly initialised
    network is the same in the next session.

    Raises:
        ModelError: It cannot be built, has no method that makes clips, or has an invalid attribute.
    """
    how = corpus.protocol
    spec = ModelSpec(how.frames, how.size, corpus.dataset.labels, device, corpus, progress)
    seed_globals(0)
    opened_files = OpenedFiles()
    listening: AbstractContextManager[object] = (
        nullcontext() if found.fingerprint_is_complete else opened_files
    )
    with listening:
        model = call_model(found.name, found.environment, "could not be built", lambda: found.factory(spec))
    if not isinstance(model, VideoModel | ClipSource):
        raise ModelError(
            f"model {found.name} has no generate method",
            "give it one: generate(self, images, labels, generator)",
        )
    notes_of(model, found.name)
    if found.fingerprint_is_complete:
        return BuiltModel(found, model, found.fingerprint)
    untracked = tuple(dict.fromkeys((*found.untracked, *opened_files.untracked)))
    files = _files(found, model, opened_files, corpus.dataset)
    return BuiltModel(found, model, _fingerprint(found, model, files), files, untracked)


def seed_globals(seed: int) -> None:
    """Seed the global generators, so that a model that uses them is reproducible, too."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - models in the wild use the legacy generator
    torch.manual_seed(seed)


def _files(found: FoundModel, model: object, opened_files: OpenedFiles, dataset: Dataset) -> tuple[Path, ...]:
    """The files a model was read from, code included."""
    opened = (*found.files, *opened_files.files)
    code = [file for file in opened if file.suffix == ".py" and not is_installed(file)]
    folders = [found.environment.folder, *{file.parent for file in code}]
    holders = [*found.globals(), model, [text for file in code for text in texts(file)]]
    named = named_files(holders, folders)
    files = tuple(dict.fromkeys((*opened, *named)))
    given = files_of_dataset(dataset, files)
    return tuple(file for file in files if file not in given)


def _fingerprint(found: FoundModel, model: object, files: tuple[Path, ...]) -> str:
    """The fingerprint of a model; paths count without their folders, so that a project can be moved."""
    digest = hashlib.sha256(found.fingerprint.encode())
    try:
        hashes = sorted({(file.name, sha256_of(file)) for file in files if file.is_file()})
    except OSError as error:
        raise ModelError(
            f"{error.filename}, which model {found.name} opened, cannot be read ({error.strerror})",
            "repeat the command",
        ) from error
    digest.update(repr(hashes).encode())
    digest.update(tensor_digest([*found.globals(), model]).encode())
    return digest.hexdigest()
