"""The global state that numbers depend on: known while features and metrics are computed.

One usual line of training code, such as ``torch.set_float32_matmul_precision("medium")``, changes what every
network after it in the same process computes. A run's model has a process of its own, but a notebook may hold
such a line, and `fevbench generate` and a training ask models in their own process. So features and metrics
are computed in `fixed_global_state`, which sets all such state to what `KNOWN` says and gives it back
afterwards as the model left it. `KNOWN` is part of the fingerprint under which features are kept.

torch computes with one thread: another number would change features in their last bits. More cores are used
by more workers (`fevbench.engine.local`). Which warnings are shown is known by what it was before a model's
code was first run, which `fevbench.initial_state` notes.
"""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import ImageFile
from torch import backends

from fevbench.initial_state import initial_filters

SEED = 0
"""Of every global generator of random numbers: what draws from one repeats."""
FULL = "ieee"
"""torch's name for products of float32 numbers that are rounded nowhere."""
PRECISION_PARENTS = (("generic", "all"), ("mkldnn", "all"), ("cuda", "all"))
"""Backend and operation of the precisions that others inherit, the most general first."""
PRECISIONS = tuple((backend, op) for backend in ("mkldnn", "cuda") for op in ("matmul", "conv", "rnn"))
ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn", "call": None}
PRINTED: dict[str, Any] = {
    "precision": 8, "threshold": 1000, "edgeitems": 3, "linewidth": 75, "suppress": False, "nanstr": "nan",
    "infstr": "inf", "sign": "-", "formatter": None, "floatmode": "maxprec", "legacy": False,
}  # fmt: skip
"""How NumPy prints arrays unless told otherwise."""


@dataclass(frozen=True)
class Setting:
    """One switch."""

    name: str
    known: Any
    get: Callable[[], Any]
    put: Callable[[Any], Any]


def _attribute(name: str, holder: object, attribute: str, known: Any) -> list[Setting]:
    """A switch that is an attribute; none where this version has no such attribute."""
    if getattr(holder, attribute, None) is None:
        return []
    get, put = partial(getattr, holder, attribute), partial(setattr, holder, attribute)
    return [Setting(name, known, get, put)]


def _attention(name: str, known: bool) -> list[Setting]:
    """One of torch's ways to compute attention."""
    get, put = (getattr(backends.cuda, f, None) for f in (f"{name}_sdp_enabled", f"enable_{name}_sdp"))
    return [Setting(f"torch.sdp.{name}", known, get, put)] if get and put else []


def _nnpack() -> list[Setting]:
    get = getattr(torch._C, "_get_nnpack_enabled", None)
    put: Any = backends.nnpack.set_flags
    return [Setting("torch.nnpack.enabled", True, get, put)] if get else []


def _blas() -> list[Setting]:
    """Which of a GPU's libraries multiplies matrices."""
    known = getattr(getattr(torch._C, "_BlasBackend", None), "Default", None)
    choose: Any = getattr(backends.cuda, "preferred_blas_library", None)
    return [Setting("torch.cuda.blas", known, choose, choose)] if known is not None and choose else []


def _torch_settings() -> list[Setting]:
    put_deterministic = torch.use_deterministic_algorithms
    return [
        Setting("torch.default_dtype", torch.float32, torch.get_default_dtype, torch.set_default_dtype),
        Setting("torch.num_threads", 1, torch.get_num_threads, torch.set_num_threads),
        Setting("torch.flush_denormal", False, _flushes, torch.set_flush_denormal),
        Setting(
            "torch.deterministic_algorithms",
            (False, False),
            lambda: (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            ),
            lambda both: put_deterministic(both[0], warn_only=both[1]),
        ),
        *_attribute("torch.cudnn.enabled", backends.cudnn, "enabled", True),
        *_attribute("torch.cudnn.benchmark", backends.cudnn, "benchmark", False),
        *_attribute("torch.cudnn.benchmark_limit", backends.cudnn, "benchmark_limit", 10),
        *_attribute("torch.cudnn.deterministic", backends.cudnn, "deterministic", True),
        *_attribute("torch.cudnn.depthwise_kernel", backends.cudnn, "depthwise_kernel", "auto"),
        *_attribute("torch.mkldnn.enabled", backends.mkldnn, "enabled", True),
        *_attribute("torch.mkldnn.deterministic", backends.mkldnn, "deterministic", False),
        *_attribute("torch.opt_einsum.enabled", backends.opt_einsum, "enabled", True),
        *_attribute("torch.opt_einsum.strategy", backends.opt_einsum, "strategy", "auto"),
        *_nnpack(),
        *_blas(),
        Setting(
            "torch.mha.fastpath", True, backends.mha.get_fastpath_enabled, backends.mha.set_fastpath_enabled
        ),
        *_attention("flash", True),
        *_attention("mem_efficient", True),
        *_attention("math", True),
        *_attention("cudnn", True),
    ]


def _flushes() -> bool:
    """Whether numbers too small to be normal count as zero in this thread, of which torch does not tell."""
    return float(torch.tensor(1e-40, dtype=torch.float32, device="cpu") * 1) == 0


SETTINGS = (
    *_torch_settings(),
    *_attribute("PIL.LOAD_TRUNCATED_IMAGES", ImageFile, "LOAD_TRUNCATED_IMAGES", False),
    Setting("numpy.bufsize", 8192, np.getbufsize, np.setbufsize),
)
"""The switches that are read and set one by one."""

KNOWN: dict[str, Any] = {
    **{setting.name: str(setting.known) for setting in SETTINGS},
    "torch.float32_precision": FULL,
    "torch.autocast": False,
    "torch.grad": False,
    "torch.default_device": "cpu",
    "numpy.errors": ERRORS,
    "numpy.printoptions": PRINTED,
    "cv2.optimized": True,
    "seed": SEED,
}
"""The state in `fixed_global_state`, in words that can be hashed."""


@contextmanager
def fixed_global_state() -> Iterator[None]:
    """Compute as `KNOWN` says, whatever a model set; give everything back as it was.

    Gradients are off. Calls may be nested.
    """
    with ExitStack() as stack:
        for part in (_unfrozen, _settings, _precision, _modes, _generators, _numpy_words, _opencv, _warnings):
            stack.enter_context(part())
        yield


def _unfrozen() -> AbstractContextManager[None]:
    """Allow torch's flags to be set even after ``torch.backends.disable_global_flags``."""
    allow: Callable[[], AbstractContextManager[None]] = getattr(
        backends, "__allow_nonbracketed_mutation", nullcontext
    )
    return allow()


@contextmanager
def _settings() -> Iterator[None]:
    before = [(setting, setting.get()) for setting in SETTINGS]
    try:
        for setting, found in before:
            if found != setting.known:
                setting.put(setting.known)
        yield
    finally:
        for setting, found in before:
            if setting.get() != found:
                setting.put(found)


@contextmanager
def _precision() -> Iterator[None]:
    """Multiply float32 numbers in full, by each of torch's several ways to say so.

    Since 2.9, torch has a precision for each backend and operation beside the older switches, which complain
    when they are read and the two disagree. So the newer ones are read and made to agree first.
    """
    get = getattr(torch._C, "_get_fp32_precision_getter", None)
    put = getattr(torch._C, "_set_fp32_precision_setter", None)
    fine: dict[tuple[str, str], str] = {}
    if get and put:
        for parent in PRECISION_PARENTS:  # without what they inherit, their own values show
            fine[parent] = get(*parent)
            put(*parent, "none")
        fine |= {place: get(*place) for place in PRECISIONS}
    products, convolutions = _agreed(put)
    try:
        torch.set_float32_matmul_precision("highest")
        backends.cudnn.allow_tf32 = False
        if put:
            for place in (*PRECISION_PARENTS, *PRECISIONS):
                put(*place, FULL)
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        backends.cudnn.allow_tf32 = convolutions
        if put:
            for place in (*PRECISIONS, *reversed(PRECISION_PARENTS)):
                put(*place, fine[place])


def _agreed(put: Callable[[str, str, str], None] | None) -> tuple[str, bool]:
    """The older switches, read after the newer ones were set so that the two agree."""
    if put is None:
        return torch.get_float32_matmul_precision(), bool(backends.cudnn.allow_tf32)
    put("mkldnn", "matmul", "none")
    put("cuda", "matmul", "none")
    products = torch.get_float32_matmul_precision()
    for own in ("tf32", "none"):
        put("cuda", "conv", own)
        put("cuda", "rnn", own)
        try:
            return products, bool(backends.cudnn.allow_tf32)
        except RuntimeError:
            continue
    return products, True


@contextmanager
def _modes() -> Iterator[None]:
    """Neither gradients nor automatic casts, and new tensors on the CPU unless told otherwise."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.no_grad())
        for device in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(device, enabled=False))
        if torch.empty(0).device.type != "cpu":  # asked first, because the mode slows every call a little
            stack.enter_context(torch.device("cpu"))
        yield


@contextmanager
def _generators() -> Iterator[None]:
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - models use it
    has_gpus: Callable[[], bool] = torch.cuda.is_initialized
    on_gpus = torch.cuda.get_rng_state_all() if has_gpus() else []
    try:
        random.seed(SEED)
        np.random.seed(SEED)  # noqa: NPY002
        torch.default_generator.manual_seed(SEED)
        if on_gpus:
            torch.cuda.manual_seed_all(SEED)
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.set_rng_state(before[2])
        if on_gpus:
            torch.cuda.set_rng_state_all(on_gpus)


@contextmanager
def _numpy_words() -> Iterator[None]:
    with np.errstate(**ERRORS), np.printoptions(**PRINTED):  # type: ignore[arg-type]
        yield


@contextmanager
def _opencv() -> Iterator[None]:
    """OpenCV's faster code, which rounds otherwise than its plain code; only where it is in use."""
    cv2: Any = sys.modules.get("cv2")
    if cv2 is None or not hasattr(cv2, "useOptimized"):
        yield
        return
    before = cv2.useOptimized()
    try:
        cv2.setUseOptimized(True)
        yield
    finally:
        cv2.setUseOptimized(before)


@contextmanager
def _warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.filters[:] = initial_filters()  # type: ignore[index]
        yield
