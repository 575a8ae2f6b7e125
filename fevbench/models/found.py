"""A model that was found: its origin, its attributes, how to build it."""

from __future__ import annotations

import inspect
import os
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fevbench.errors import ModelError
from fevbench.models.plugin_environment import PluginEnvironment
from fevbench.models.protocol import ClipSource, ModelSpec, VideoModel
from fevbench.sanitise import as_utf8, exception_line

if TYPE_CHECKING:
    from fevbench.models.apart import ModelProcess

MOST_BATCH = 1024
"""Most clips per call."""
MOST_NOTES = 50
LONGEST_NOTE = 1000
"""Most characters of a note, which is printed below a table."""


def flag(factory: object, name: str, attribute: str) -> bool:
    """An attribute that is True or False; False if it is missing."""
    value = _get(factory, name, attribute, False)
    if not isinstance(value, bool):
        raise _wrong(name, attribute, value, "True or False")
    return value


def batch_of(factory: object, name: str) -> int:
    """The number of clips a model makes per call; 1 if it does not set it."""
    value = _get(factory, name, "batch", 1)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_BATCH:
        raise _wrong(name, "batch", value, f"a whole number from 1 to {MOST_BATCH}")
    return value


def weights_of(factory: object, name: str) -> Path | None:
    """The path of a model's own weights, if it sets one."""
    value = _get(factory, name, "weights", None)
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise _wrong(name, "weights", value, "a pathlib.Path, of a file")
    return Path(value)


def networks_of(factory: object, name: str) -> tuple[str, ...]:
    """The pretrained networks of the weights registry that a model needs."""
    value = _get(factory, name, "networks", ())
    if not isinstance(value, tuple | list) or not all(isinstance(one, str) for one in value):
        raise _wrong(name, "networks", value, 'a tuple of names, for example ("scrfd-500m",)')
    if value:
        from fevbench import weights

        known = weights.load_registry()
        for one in value:
            if one not in known:
                raise ModelError(
                    f"model {name} needs the network {one!r}, which is not registered",
                    "choose one of `fevbench weights list`",
                )
    return tuple(value)


def notes_of(model: object, name: str) -> list[str]:
    """A model's notes for the reader of the result.

    Raises:
        ModelError: They are not a list of texts, or too many or too long.
    """
    value = _get(model, name, "notes", [])
    wanted = f"a list of at most {MOST_NOTES} texts of at most {LONGEST_NOTE} characters"
    if not isinstance(value, list | tuple) or len(value) > MOST_NOTES:
        raise _wrong(name, "notes", value, wanted)
    if any(not isinstance(note, str) or len(note) > LONGEST_NOTE for note in value):
        raise _wrong(name, "notes", value, wanted)
    return [" ".join(note.encode("utf-8", "backslashreplace").decode().split()) for note in value]


def _get(holder: object, name: str, attribute: str, default: Any) -> Any:
    try:
        return getattr(holder, attribute, default)
    except BaseException as error:  # a property raises anything
        if isinstance(error, KeyboardInterrupt):
            raise
        raise ModelError(
            f"attribute {attribute} of model {name} cannot be read ({exception_line(error)})",
            "correct or remove it",
        ) from error


def _wrong(name: str, attribute: str, value: object, wanted: str) -> ModelError:
    try:
        shown = repr(value)
    except Exception:
        shown = type(value).__name__
    shown = shown if len(shown) <= 60 and shown.isprintable() else type(value).__name__
    return ModelError(f"attribute {attribute} of model {name} is {shown}", f"make it {wanted}")


VIDEOS_PREFIX = "videos:"
COMMAND_PREFIX = "command:"
WEIGHTS_FILE = "generator.safetensors"
"""The file name of a generator in the folder of its training."""


def weights_at(path: Path) -> Path:
    """The generator's file, where a path may be that of its training's folder."""
    return path / WEIGHTS_FILE if path.is_dir() else path


Model = VideoModel | ClipSource
Factory = Callable[[ModelSpec], Model]


@dataclass(frozen=True)
class FoundModel:
    """A model that was found but not yet built.

    Attributes:
        name: The name the user gave.
        origin: Where it came from: a distribution and version, a file, or a folder.
        fingerprint: The sha256 of its code or videos, as far as it is known before the model is built; see
            `fingerprint_is_complete`.
        control: Whether it reads the true clips, so that it is a control and not a model.
        networks: Pretrained networks it runs, by their names in the weights registry. They must be present
            before it is built.
        adapted: Whether it differs from the publication: the method took no face or no label, or was changed
            in another way that its card describes.
        fingerprint_is_complete: Whether the fingerprint is final, as for models that come with fevbench and
            for videos. For others, opened files and held weights are added when they are built
            (`fevbench.models.built`).
        files: The files of its code, and those opened while it was loaded.
        untracked: What it used while it was loaded that fevbench cannot check for changes.
        modules: Names of the modules that are its code.
        batch: Clips per call.
        asked: The arguments of `fevbench.models.registry.find_model`, to find it again.
        plugin: The plug-in file that registers it, if any.
        process: The process in which it was found, if not this one.
    """

    name: str
    origin: str
    fingerprint: str
    control: bool
    factory: Factory
    networks: tuple[str, ...] = ()
    adapted: bool = False
    fingerprint_is_complete: bool = False
    environment: PluginEnvironment = field(default_factory=PluginEnvironment, compare=False)
    files: tuple[Path, ...] = ()
    untracked: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    batch: int = 1
    asked: str = ""
    plugin: Path | None = None
    process: ModelProcess | None = field(default=None, compare=False)

    def globals(self) -> list[dict[str, Any]]:
        """The variables of its modules, those beside a plug-in included.

        A class that was sent from another process brings only the variables that its functions use.
        """
        with self.environment:
            loaded = [vars(sys.modules[name]) for name in self.modules if name in sys.modules]
        module = getattr(self.factory, "__module__", "")
        for part in getattr(self.factory, "__dict__", {}).values():
            own = inspect.unwrap(part).__globals__ if isinstance(part, types.FunctionType) else {}
            if own.get("__name__") == module and all(own is not other for other in loaded):
                loaded.append(own)
        return [{key: value for key, value in one.items() if key[:2] != "__"} for one in loaded]

    def __post_init__(self) -> None:
        # File names may hold bytes that are no characters; a result must hold such names, too.
        object.__setattr__(self, "name", as_utf8(self.name))
        object.__setattr__(self, "origin", as_utf8(self.origin))

    @property
    def can_resample(self) -> bool:
        """Whether it can make a clip again with other noise; clips made elsewhere cannot be made again."""
        return not self.name.startswith(VIDEOS_PREFIX)

    @property
    def is_outside(self) -> bool:
        """Whether it is an external program."""
        return self.name.startswith(COMMAND_PREFIX)

    def check_generates(self) -> None:
        """Check that it generates clips, before anything is downloaded or built.

        Raises:
            ModelError: It only finds clips.
        """
        if not self.can_resample or hasattr(self.factory, "clip"):
            raise ModelError(f"{self.name} finds clips and generates none", "choose a model that generates")
