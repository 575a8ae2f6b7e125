"""The environment of a model's code: its imports, its working folder and its threads.

A plug-in may import modules from its folder, add to ``sys.path`` and change the working folder. These changes
hold only while its code runs. So neither fevbench nor another plug-in ever imports a `utils` or `lpips`
beside a plug-in instead of the package of that name.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, TypeVar

from fevbench.errors import FevbenchError, ModelError, Terminated, is_out_of_memory
from fevbench.models.files import OURS
from fevbench.sanitise import exception_line

T = TypeVar("T")


class PluginEnvironment:
    """The environment of one model, or of all models of a plug-in.

    Modules are first searched in ``folder``. ``failure`` is the exception that ended a thread of the model
    during the last block.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._first = [str(folder)] if folder else []
        self._path: list[str] | None = None
        self._modules: dict[str, ModuleType] = {}
        self._works_in: str | None = None
        self._depth = 0
        self.failure: BaseException | None = None

    @property
    def folder(self) -> Path:
        """The model's working folder."""
        return Path(self._works_in or Path.cwd())

    def __enter__(self) -> PluginEnvironment:
        self._depth += 1
        if self._depth > 1:
            return self
        self.failure = None
        self._before = (list(sys.path), _working_folder(), threading.excepthook)
        self._known = set(sys.modules)
        sys.path[:] = self._path or [*self._first, *sys.path]
        self._covered = {name: sys.modules[name] for name in self._modules if name in sys.modules}
        sys.modules.update(self._modules)
        if self._works_in:
            _work_in(self._works_in)
        threading.excepthook = self._on_thread_end
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth:
            return
        path, folder, hook = self._before
        self._path, self._works_in = list(sys.path), _working_folder()
        added = {os.path.realpath(entry) for entry in self._path if entry not in path}
        kept = self._modules.keys() | {
            name for name in sys.modules.keys() - self._known if _is_in(name, added)
        }
        self._modules = {name: sys.modules.pop(name) for name in kept if name in sys.modules}
        sys.modules.update(self._covered)
        sys.path[:] = path
        if folder and folder != self._works_in:
            _work_in(folder)
        threading.excepthook = hook

    def _on_thread_end(self, ended: Any) -> None:
        """Record the exception that ended a thread of the model."""
        self.failure = self.failure or ended.exc_value or ended.exc_type()


def call_model(name: str, environment: PluginEnvironment, doing: str, work: Callable[[], T]) -> T:
    """Run ``work``, code of model ``name``; ``doing`` is the text of an error, as ``failed on clip 7``.

    Raises:
        ModelError: It or one of its threads raised anything.
    """
    try:
        with environment as around:
            done = work()
        if around.failure is not None:
            raise around.failure
    except (FevbenchError, KeyboardInterrupt, Terminated):
        raise
    except BaseException as error:  # foreign code raises anything: SystemExit, CancelledError, its own
        raise failed(name, doing, error) from error
    return done


def failed(name: str, what: str, error: BaseException) -> ModelError:
    """The `ModelError` for an exception of a model."""
    if is_out_of_memory(error):
        fix = "give it more memory, or make it smaller"
    elif "does not require grad" in exception_line(error):
        fix = "wrap what needs gradients in torch.enable_grad()"
    else:
        fix = "see the traceback with --debug"
    return ModelError(f"model {name} {what} ({exception_line(error)})", fix)


def _is_in(name: str, folders: set[str]) -> bool:
    """Whether a module or its package lies directly in one of some folders, and is not ours."""
    top = sys.modules.get(name.partition(".")[0])
    if top is None or top.__name__ in OURS:
        return False
    places = [Path(place).parent for place in getattr(top, "__path__", ())]
    file = getattr(top, "__file__", None)
    if file and not places:
        places = [Path(file).parent]
    return any(os.path.realpath(place) in folders for place in places)


def _working_folder() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:  # it was deleted
        return None


def _work_in(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        raise ModelError(
            f"the working folder {folder} cannot be used ({error.strerror})", "check the model"
        ) from error
