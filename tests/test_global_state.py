"""Whatever a model sets, features and metrics are computed in one state, and the model gets its own back."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tiny
import torch
from PIL import ImageFile
from tiny import Cli
from torch import backends

from fevbench.extractors.base import extractors
from fevbench.extractors.networks import exact_inference
from fevbench.global_state import KNOWN, fixed_global_state
from fevbench.initial_state import remember_initial_state

pytestmark = pytest.mark.filterwarnings("ignore:torch.*autocast:DeprecationWarning")

NEW = hasattr(torch._C, "_set_fp32_precision_setter")
"""Whether torch has a precision for each backend and operation."""


@dataclass(frozen=True)
class Flag:
    """Something global.

    Attributes:
        name: What to call it.
        get: Reads it.
        put: Sets it.
        others: What a model may set it to.
        known: What it is while features are computed.
    """

    name: str
    get: Callable[[], Any]
    put: Callable[[Any], Any]
    others: tuple[Any, ...]
    known: Any


def attribute(holder: Any, name: str, others: tuple[Any, ...], known: Any) -> Flag:
    where = getattr(holder, "__name__", type(holder).__name__)
    label = f"{where}.{getattr(holder, 'op', '')}.{name}"
    return Flag(label, lambda: getattr(holder, name), lambda v: setattr(holder, name, v), others, known)


def attention(name: str) -> Flag:
    cuda = backends.cuda
    return Flag(
        name, getattr(cuda, f"{name}_sdp_enabled"), getattr(cuda, f"enable_{name}_sdp"), (False,), True
    )


def set_errors(how: dict[str, Any]) -> None:
    np.seterr(**how)


FLAGS = [
    Flag("matmul precision", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision,
         ("medium", "high"), "highest"),
    attribute(backends.cuda.matmul, "allow_tf32", (True,), False),
    attribute(backends.cudnn, "allow_tf32", (True, False), False),
    attribute(backends.cudnn, "enabled", (False,), True),
    attribute(backends.cudnn, "benchmark", (True,), False),
    attribute(backends.cudnn, "deterministic", (False,), True),
    attribute(backends.mkldnn, "enabled", (False,), True),
    attribute(backends.opt_einsum, "enabled", (False,), True),
    attention("flash"),
    attention("mem_efficient"),
    attention("math"),
    Flag("mha", backends.mha.get_fastpath_enabled, backends.mha.set_fastpath_enabled, (False,), True),
    Flag("nnpack", torch._C._get_nnpack_enabled, backends.nnpack.set_flags, (False,), True),
    Flag("default dtype", torch.get_default_dtype, torch.set_default_dtype, (torch.float64, torch.bfloat16),
         torch.float32),
    Flag("default device", lambda: torch.empty(0).device.type, torch.set_default_device, ("meta",), "cpu"),
    Flag("deterministic", torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms,
         (True,), False),
    Flag("denormals", lambda: float(torch.tensor(1e-40, dtype=torch.float32, device="cpu") * 1) == 0,
         torch.set_flush_denormal, (True,), False),
    Flag("gradients", torch.is_grad_enabled, torch.set_grad_enabled, (True, False), False),
    Flag("autocast", torch.is_autocast_cpu_enabled, torch.set_autocast_cpu_enabled, (True,), False),
    Flag("numpy errors", np.geterr, set_errors, ({"all": "raise"}, {"all": "ignore"}),
         {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}),
    Flag("numpy prints", lambda: np.get_printoptions()["precision"],
         lambda digits: np.set_printoptions(precision=digits), (2,), 8),
    Flag("numpy buffer", np.getbufsize, np.setbufsize, (16,), 8192),
    attribute(ImageFile, "LOAD_TRUNCATED_IMAGES", (True,), False),
    Flag("opencv", cv2.useOptimized, cv2.setUseOptimized, (False,), True),
    *([
        attribute(backends, "fp32_precision", ("tf32",), "ieee"),
        attribute(backends.mkldnn.matmul, "fp32_precision", ("bf16", "tf32"), "ieee"),
        attribute(backends.mkldnn.conv, "fp32_precision", ("bf16", "tf32"), "ieee"),
        attribute(backends.mkldnn.rnn, "fp32_precision", ("bf16",), "ieee"),
        attribute(backends.cuda.matmul, "fp32_precision", ("tf32",), "ieee"),
        attribute(backends.cudnn.conv, "fp32_precision", ("tf32",), "ieee"),
    ] if NEW else []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("flag", "other"),
    [pytest.param(flag, other, id=f"{flag.name}-{other}") for flag in FLAGS for other in flag.others],
)
def test_a_flag_is_known_inside_and_the_models_own_outside(flag: Flag, other: Any) -> None:
    before = flag.get()
    flag.put(other)
    try:
        set_to = flag.get()
        with fixed_global_state():
            assert flag.get() == flag.known
            with fixed_global_state(), exact_inference():
                assert flag.get() == flag.known
            assert flag.get() == flag.known
        assert flag.get() == set_to
        with pytest.raises(ZeroDivisionError), fixed_global_state():
            raise ZeroDivisionError
        assert flag.get() == set_to
    finally:
        flag.put(before)


@pytest.mark.skipif(not NEW, reason="this torch has one precision for all")
def test_precisions_that_contradict_each_other_come_back_as_they_were() -> None:
    """Then torch refuses to say what the older switch is."""
    places = [("generic", "all"), *((b, op) for b in ("mkldnn", "cuda") for op in ("all", "matmul", "conv"))]
    get, put = torch._C._get_fp32_precision_getter, torch._C._set_fp32_precision_setter
    before = {place: get(*place) for place in places}
    try:
        torch.set_float32_matmul_precision("high")
        put("generic", "all", "tf32")
        put("mkldnn", "matmul", "bf16")
        with pytest.raises(RuntimeError):
            torch.get_float32_matmul_precision()
        mixed = {place: get(*place) for place in places}
        with fixed_global_state():
            assert torch.get_float32_matmul_precision() == "highest"
            assert {get(*place) for place in places} == {"ieee"}
        assert {place: get(*place) for place in places} == mixed
        put("generic", "all", "none")  # what was inherited is inherited still
        assert get("mkldnn", "conv") == before["mkldnn", "conv"]
    finally:
        torch.set_float32_matmul_precision("highest")
        for place, value in before.items():
            put(*place, value)


def test_one_thread_and_the_warnings_of_before_the_model() -> None:
    threads = torch.get_num_threads()
    try:
        remember_initial_state()
        torch.set_num_threads(2)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("error", "of a model's own")
            own = list(warnings.filters)
            with fixed_global_state():
                assert torch.get_num_threads() == 1
                warnings.filterwarnings("ignore", "something")
                warnings.warn("something is deprecated", FutureWarning, stacklevel=1)
            assert warnings.filters == own
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
        remember_initial_state()


def test_random_numbers_repeat_inside_and_go_on_outside() -> None:
    def drawn() -> list[float]:
        return [random.random(), float(np.random.random()), float(torch.rand(()))]  # noqa: NPY002

    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    undisturbed = [drawn(), drawn()]
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    first = drawn()
    with fixed_global_state():
        one = drawn()
    with fixed_global_state():
        other = drawn()
    assert one == other
    assert [first, drawn()] == undisturbed


def test_gradients_that_a_model_left_off_altogether() -> None:
    with torch.inference_mode(), fixed_global_state():
        assert not torch.is_inference_mode_enabled()
        torch.nn.Linear(2, 2).requires_grad_(True)  # of inference tensors, this cannot be said


def test_switches_that_were_frozen_are_set_all_the_same() -> None:
    frozen = (
        "import torch; torch.backends.cudnn.benchmark = True; torch.backends.disable_global_flags()\n"
        "from fevbench.global_state import fixed_global_state\n"
        "with fixed_global_state(): assert not torch.backends.cudnn.benchmark\n"
        "assert torch.backends.cudnn.benchmark"
    )
    done = subprocess.run([sys.executable, "-c", frozen], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_state_is_part_of_every_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in extractors:
        extractor = replace(extractors.get(name), packages=())
        hashes = dict.fromkeys(extractor.weights, "0" * 64)
        before = extractor.fingerprint(hashes, "cpu")
        for key in KNOWN:
            with monkeypatch.context() as patch:
                patch.setitem(KNOWN, key, "something else")
                assert extractor.fingerprint(hashes, "cpu") != before, key
        json.dumps(KNOWN)


class StateNetwork:
    """Features that tell in which state they were computed, of whatever picture."""

    def __init__(self, device: str, weights: dict[str, Path]) -> None:
        self._product = torch.nn.Linear(48, 8).requires_grad_(False)  # of random weights

    def __call__(self, batch: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        pixels = torch.tensor(batch[:, :16, :1].reshape(len(batch), 48)) / 255  # of the default dtype
        of_product = self._product(pixels).numpy()
        state = [torch.get_num_threads(), float(np.random.random()), torch.is_grad_enabled()]  # noqa: NPY002
        state += [backends.mkldnn.enabled, torch.get_float32_matmul_precision() == "highest"]
        with np.errstate():
            state.append(float(np.nan_to_num(np.float32(1) / np.float32(0), posinf=7)))
        rows = np.concatenate([of_product, np.tile(state, (len(batch), 1))], axis=1)
        return np.pad(rows, ((0, 0), (0, 512 - rows.shape[1]))).astype(np.float32)


POISON = """
import random
import warnings
import numpy as np

def poison():
    torch.set_float32_matmul_precision("medium")
    torch.backends.mkldnn.enabled = False
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(3)
    torch.manual_seed(5)
    np.random.seed(5)
    np.seterr(all="raise")
    warnings.simplefilter("error")

poison()

@register_model("usual")
class Usual:
    "The input, frozen; and all that training code sets."
    def __init__(self, spec):
        self.frames = spec.frames
        poison()
    def generate(self, images, labels, generator):
        poison()
        return images[:, None].repeat(1, self.frames, 1, 1, 1)
"""
CLEAN = """
@register_model("usual")
class Usual:
    "The input, frozen."
    def __init__(self, spec): self.frames = spec.frames
    def generate(self, images, labels, generator):
        return images[:, None].repeat(1, self.frames, 1, 1, 1)
"""


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_plug_in_changes_no_number_and_no_cache(
    cli: Cli, plugin: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same pixels score the same, before, while and after a model has set everything there is."""
    network = replace(extractors.get("arcface"), packages=(), load=f"{__name__}:StateNetwork", backends=())
    monkeypatch.setitem(extractors._targets, "arcface", network)
    state = [(flag, flag.get()) for flag in FLAGS if flag.name != "numpy errors"]
    errors, filters = np.geterr(), list(warnings.filters)
    found = []
    try:
        for home, code in (("one", CLEAN), ("two", POISON), ("two", CLEAN)):
            monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path / home))
            out = tmp_path / f"run{len(found)}"
            metrics = "csim,acd,psnr,ssim,motion"
            done = cli("run", "usual", "tiny", "--plugin", plugin(code), "--metrics", metrics, "--out", out)
            assert done.code == 0, done
            found.append(tiny.comparable(out / "result.json"))
    finally:
        warnings.filters[:] = filters  # type: ignore[index]
        np.seterr(**errors)
        for flag, value in state:
            flag.put(value)
    assert found[0]["metrics"] == found[1]["metrics"] == found[2]["metrics"]
    assert found[0]["metrics"]["csim"]["value"] is not None
