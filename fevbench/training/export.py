"""A trained generator as a safetensors file: weights, and their description in the metadata. Runs no code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from fevbench.atomic import replacing
from fevbench.data.clip import Dataset
from fevbench.errors import ModelError

FORMAT, FORMAT_8_BITS = "fevbench-generator-1", "fevbench-generator-2"
"""Without and with weights of 8 bits, which versions before 0.2 cannot read."""
SCALES = "/scales"
"""Behind the name of a weight of 8 bits: the name of its rows' scales."""
NETWORK = "network:"
"""Before the names of weights of the training's other networks: ``network:NAME:``."""
LARGEST = 127
"""Of the whole numbers of 8 bits that weights become; -128 is not used."""


@dataclass(frozen=True)
class Exported:
    """A generator read from a file.

    Attributes:
        about: Its description (``model``, ``labels``, …).
        state: Its weights.
        others: The weights of the other networks of its training, by their names, if they were exported, too.
    """

    about: Mapping[str, Any]
    state: Mapping[str, Tensor]
    others: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)

    @property
    def clips(self) -> int:
        """How many clips it has seen, including those of the generator that its training started from."""
        # Older files do not say: nothing could start from a generator.
        return int(self.about.get("clips") or self.about["step"] * self.about["config"]["batch_size"])

    def places(self, labels: Sequence[str]) -> list[int]:
        """The indices of labels among those it was trained on.

        Raises:
            ModelError: It was not trained on all of them.
        """
        known: list[str] = self.about["labels"]
        unknown = [label for label in labels if label not in known]
        if unknown:
            raise ModelError(
                f"{self.about['model']} was trained on {', '.join(known)}, not on {', '.join(unknown)}",
                "train it on this data set",
            )
        return [known.index(label) for label in labels]

    def trained_elsewhere(self, dataset: Dataset) -> list[str]:
        """The note for a reader if it was trained on another data set than the scored one."""
        here, there = f"{dataset.name} {dataset.version}", self.about.get("dataset", "")
        return [f"trained on {there}, not on {here}"] if there not in ("", here) else []

    def load_into(self, network: nn.Module) -> None:
        """Load the weights into a network.

        Raises:
            ModelError: The weights belong to another network.
        """
        try:
            network.load_state_dict(self.state)
        except RuntimeError as error:
            raise ModelError("the weights do not fit the networks of this version", "train again") from error


def write_exported(
    path: Path, state: Mapping[str, Tensor], about: Mapping[str, Any], half: bool = False
) -> None:
    """Write a generator: its weights by name, and its description as JSON.

    With ``half``, kernels and matrices are rounded to half precision, for half the bytes. Vectors stay
    in full precision: they are small, and statistics of batch norm can exceed the range of half precision.
    """

    def rounded(value: Tensor) -> Tensor:
        if not value.is_floating_point():
            return value
        return value.to(torch.float16 if half and value.dim() > 1 else torch.float32)

    plain = {name: rounded(value).cpu().contiguous() for name, value in state.items()}
    form = FORMAT_8_BITS if any(name.endswith(SCALES) for name in plain) else FORMAT
    text = json.dumps({**about, "format": form}, sort_keys=True)
    with replacing(path) as part:
        save_file(plain, part, metadata={"about": text})


def in_8_bits(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Round kernels and matrices to 8 bits, for `write_exported`: a quarter of the bytes.

    Each row (index of the first dimension) becomes whole numbers from -127 to 127 and one scale. Vectors
    stay as they are, as in half precision.
    """
    stored: dict[str, Tensor] = {}
    for name, value in state.items():
        if value.dim() < 2 or not value.is_floating_point():
            stored[name] = value
            continue
        rows = value.float().flatten(1)
        scales = (rows.abs().amax(1) / LARGEST).clamp_min(torch.finfo(torch.float32).tiny)  # 0 / 0 is NaN
        stored[name] = (rows / scales[:, None]).round().to(torch.int8).reshape(value.shape)
        stored[name + SCALES] = scales
    return stored


def _in_full(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights in full precision, as far as they were floating-point numbers."""
    full: dict[str, Tensor] = {}
    for name, value in state.items():
        if name.endswith(SCALES):
            continue
        scales = state.get(name + SCALES)
        if scales is not None:
            value = value * scales.reshape(-1, *[1] * (value.dim() - 1))
        full[name] = value.float() if value.is_floating_point() else value
    return full


def read_exported(path: Path, model: str) -> Exported:
    """Read a generator of a model, by its current or former name.

    Raises:
        ModelError: It is missing, broken, or of another model.
    """
    if not path.is_file():
        raise ModelError(
            f"{path} does not exist: {model} has no weights there",
            f"train it (fevbench train {model} fevsynth) and use {model}:DIR with its folder",
        )
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["about"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ModelError(
            f"{path} is not an exported generator ({error})", "export or copy it again"
        ) from error
    written, about = about.get("model"), _renamed(about)
    if about.get("format") not in (FORMAT, FORMAT_8_BITS) or model not in (about.get("model"), written):
        raise ModelError(f"{path} holds {about.get('model')}, not {model}", "give another file")
    own: dict[str, Tensor] = {}
    others: dict[str, dict[str, Tensor]] = {}
    for name, value in _in_full(state).items():
        if name.startswith(NETWORK):
            network, _, weight = name.removeprefix(NETWORK).partition(":")
            others.setdefault(network, {})[weight] = value
        else:
            own[name] = value
    return Exported(about, own, others)


def with_networks(
    state: Mapping[str, Tensor], others: Mapping[str, Mapping[str, Tensor]]
) -> dict[str, Tensor]:
    """The weights of a generator and of the other networks of its training, for one file."""
    named = {
        f"{NETWORK}{name}:{weight}": value for name, own in others.items() for weight, value in own.items()
    }
    return {**state, **named}


def _renamed(about: dict[str, Any]) -> dict[str, Any]:
    """Rename generators that version 0.1 called ``fev-gan`` and that warp: they are ``fev-gan-warp`` now."""
    config = about.get("config")
    warps = isinstance(config, dict) and config.get("composition") == "warp"
    return {**about, "model": "fev-gan-warp"} if about.get("model") == "fev-gan" and warps else about
