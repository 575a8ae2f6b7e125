"""A model that was found: what it is made of, and how to build it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fevbench.models.protocol import ClipSource, ModelSpec, VideoModel

VIDEOS_PREFIX = "videos:"

Model = VideoModel | ClipSource
Factory = Callable[[ModelSpec], Model]


@dataclass(frozen=True)
class FoundModel:
    """A model that was found but not yet built.

    Attributes:
        name: What the user called it.
        origin: Where it came from: a distribution and version, a file, or a folder.
        fingerprint: The sha256 of the code or the videos it is made of.
        control: Whether it reads the true clips, so that it is a control and not a model.
        factory: Builds it.
    """

    name: str
    origin: str
    fingerprint: str
    control: bool
    factory: Factory
