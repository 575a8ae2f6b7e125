"""Protocols of your own: ``256x64``, ``256x64@2``, or a TOML file.

A name is ``SIZExFRAMES-RULE``, with ``-centre`` at its end if clips are cropped. The rule is one of

* ``uniform``: spread evenly from the first native frame to the last;
* ``strideN``: every N-th native frame from the first;
* ``fpsN``: N frames for each second, the nearest native ones.

Equal protocols have equal names, however they were written. A name says everything that determines a sampled
clip, so a result can be read, compared and scored again without the TOML file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from fevbench.data.clip import Split
from fevbench.errors import FevbenchError, suggested_fix
from fevbench.records import Record, first_fault
from fevbench.toml import read_toml

VERSION = 1
"""Increased whenever a clip sampled under one of these names could change."""
LEAST_SIZE = 48
"""Least size in pixels: the coarsest scale of ms-ssim has a window of 11 at a quarter of the size."""
MOST_FRAMES = 1000
"""Most frames of a scored clip, which must fit into memory."""
_NAME = re.compile(r"(\d+)x(\d+)-(?:(uniform)|stride(\d+)|fps(\d+(?:\.\d+)?))(-centre)?(?:@(\d+))?", re.ASCII)
_SHORT = re.compile(r"(\d+)x(\d+)(?:@(\d+))?", re.ASCII)


class OwnProtocol(Record):
    """The fields of a TOML file; a name holds all but split and seed."""

    size: Annotated[int, Field(ge=LEAST_SIZE, le=1024)]
    """Height and width of a scored frame, in pixels."""
    frames: Annotated[int, Field(ge=2, le=MOST_FRAMES)]
    """Frames in a scored clip."""
    rule: Literal["uniform", "stride", "fps"] = "uniform"
    """Which native frames are taken."""
    stride: Annotated[int, Field(ge=1, le=1000)] | None = None
    """For the rule ``stride``: every how many native frames one is taken."""
    fps: Annotated[float, Field(gt=0, le=1000)] | None = None
    """For the rule ``fps``: frames taken per second."""
    crop: Literal["none", "centre"] = "none"
    """How frames that are not square are handled: refused, or cropped to the square in the middle."""
    split: Split = "test"
    """The default split to score."""
    seed: Annotated[int, Field(ge=0)] = 0
    """The default seed of generation."""

    @model_validator(mode="after")
    def _check_rule(self) -> OwnProtocol:
        for rule in ("stride", "fps"):
            if (getattr(self, rule) is None) == (self.rule == rule):
                what = "needs" if self.rule == rule else "has no"
                raise ValueError(f"the rule {self.rule} {what} {rule}")
        return self

    @property
    def name(self) -> str:
        """The protocol's name, which says everything that determines a sampled clip."""
        number = {"uniform": "", "stride": f"{self.stride}", "fps": f"{self.fps or 0:.12g}"}[self.rule]
        return f"{self.size}x{self.frames}-{self.rule}{number}" + "-centre" * (self.crop == "centre")


def parse(text: str) -> OwnProtocol | None:
    """The protocol of a name, an id, or a short form; None if the text is no such name.

    Args:
        text: For example ``256x64-fps25``, ``256x64-fps25@1``, ``256x64`` for ``256x64-uniform``, or
            ``256x64@2`` for ``256x64-stride2``.

    Raises:
        FevbenchError: A number in it is too small or too large.
    """
    if found := _NAME.fullmatch(text):
        size, frames, uniform, stride, fps, crop, version = found.groups()
        if version not in (None, str(VERSION)):
            return None
        rule = "uniform" if uniform else "stride" if stride else "fps"
    elif found := _SHORT.fullmatch(text):
        size, frames, stride = found.groups()
        fps = crop = None
        rule = "stride" if stride else "uniform"
    else:
        return None
    said = {
        "size": size,
        "frames": frames,
        "rule": rule,
        "stride": stride,
        "fps": fps,
        "crop": "centre" if crop else "none",
    }
    try:
        return OwnProtocol.model_validate(said)
    except ValidationError as error:
        raise FevbenchError(
            f"protocol {text} is not possible ({first_fault(error)})", "choose another"
        ) from error


def read_protocol(path: Path) -> OwnProtocol:
    """The protocol that a TOML file describes.

    Raises:
        FevbenchError: It cannot be read, is not valid TOML, or does not describe a protocol.
    """
    try:
        return OwnProtocol.model_validate(read_toml(path), strict=True)
    except FileNotFoundError:
        raise FevbenchError(f"protocol {path} does not exist", "check the path given to --protocol") from None
    except OSError as error:
        fix = suggested_fix(error, "check the path given to --protocol")
        raise FevbenchError(f"protocol {path} cannot be read ({error.strerror})", fix) from error
    except ValidationError as error:
        raise FevbenchError(
            f"{path} is not a protocol ({first_fault(error)})", "see docs/protocols.md"
        ) from error
    except ValueError as error:
        raise FevbenchError(f"{path} is not valid TOML ({error})", "see docs/protocols.md") from error
