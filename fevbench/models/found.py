"""A model that was found: what it is made of, and how to build it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fevbench.errors import ModelError
from fevbench.foreign import as_text
from fevbench.models.protocol import ClipSource, ModelSpec, VideoModel
from fevbench.models.surroundings import Surroundings

VIDEOS_PREFIX = "videos:"
COMMAND_PREFIX = "command:"
WEIGHTS_FILE = "generator.safetensors"
"""What a trained generator is called in the folder of its training."""

Model = VideoModel | ClipSource
Factory = Callable[[ModelSpec], Model]


@dataclass(frozen=True)
class FoundModel:
    """A model that was found but not yet built.

    Attributes:
        name: What the user called it.
        origin: Where it came from: a distribution and version, a file, or a folder.
        fingerprint: The sha256 of the code or the videos it is made of, as far as that is known before it is
            built; see `whole`.
        control: Whether it reads the true clips, so that it is a control and not a model.
        factory: Builds it.
        networks: Pretrained networks it runs, by their names in the weights registry. Whoever builds it sees
            that they are there.
        adapted: Whether it is not as published: the method takes no face or no label and was made to, or was
            changed in another way that its card tells.
        whole: Whether the fingerprint says all there is to say: of models that come with fevbench, and of
            videos. Of others, what they open and hold is added when they are built (`fevbench.models.built`).
        surroundings: Where its code lives.
        files: The files of its code, and those that were opened while it was loaded.
        unseen: What it used while it was loaded, of which nobody can tell whether it changed.
        modules: Names of the modules that are its code.
    """

    name: str
    origin: str
    fingerprint: str
    control: bool
    factory: Factory
    networks: tuple[str, ...] = ()
    adapted: bool = False
    whole: bool = False
    surroundings: Surroundings = field(default_factory=Surroundings, compare=False)
    files: tuple[Path, ...] = ()
    unseen: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    def globals(self) -> list[dict[str, Any]]:
        """The variables of its modules, those beside a plug-in included."""
        with self.surroundings:
            loaded = [vars(sys.modules[name]) for name in self.modules if name in sys.modules]
        return [{key: value for key, value in one.items() if key[:2] != "__"} for one in loaded]

    def __post_init__(self) -> None:
        # Names of files may hold bytes that are no character, and a result must hold both.
        object.__setattr__(self, "name", as_text(self.name))
        object.__setattr__(self, "origin", as_text(self.origin))

    @property
    def redraws(self) -> bool:
        """Whether it can be asked for a clip again: clips made elsewhere are what they are."""
        return not self.name.startswith(VIDEOS_PREFIX)

    @property
    def is_outside(self) -> bool:
        """Whether it is a program of its own, and not code that runs in this process."""
        return self.name.startswith(COMMAND_PREFIX)

    def check_generates(self) -> None:
        """See that it makes clips, before anything is pulled or built.

        Raises:
            ModelError: It looks clips up.
        """
        if not self.redraws or hasattr(self.factory, "clip"):
            raise ModelError(f"{self.name} looks clips up and makes none", "name a model that generates")
