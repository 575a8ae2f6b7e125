"""A model in a separate process, seen from the process that requests its clips.

A crash, ``sys.exit``, a signal, lack of memory, an endless loop, output, torch's settings, the working folder
or the environment of the model's process affect this one only by a one-line error that names the clip.
`fevbench.models.within` runs there.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing import forkserver
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import send_handle
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
import numpy as np

from fevbench.errors import ModelError
from fevbench.models.found import COMMAND_PREFIX, VIDEOS_PREFIX, FoundModel, Model
from fevbench.models.registry import find_model, is_of_a_package
from fevbench.processes import without_ctrl_c
from fevbench.progress import Progress, Silent
from fevbench.sanitise import exception_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Clip, Frames
    from fevbench.data.corpus import Corpus
    from fevbench.models.asked import Maker, Training

LOG_FILE = "model.log"
"""The file in the run folder with the output of the model's process."""
STARTS, PAUSE = 3, 0.2
"""How often a process is tried to be started, and the seconds in between."""
GRACE = 5.0
"""Seconds that a process has to end before it is killed."""
TICK = 1.0
"""Seconds between checks whether the process is alive: its children may keep the connection open."""


class ModelProcess:
    """A process for one model; it starts with the first request. See `Maker`.

    Args:
        name: The model's name as the user gave it.
        fresh: Whether to start a new interpreter, as measuring memory needs, instead of forking one that has
            already imported torch.
    """

    source: Model | None = None

    def __init__(self, name: str, fresh: bool = False) -> None:
        self.found: FoundModel
        self.fingerprint, self.looks_up = "", False
        self.files: tuple[Path, ...] = ()
        self.untracked: tuple[str, ...] = ()
        self._name = name
        self.registers = frozenset[str]()
        # A fork of a process that has loaded macOS's own libraries is not safe.
        self._method = "forkserver" if sys.platform == "linux" and not fresh else "spawn"
        self._process: Any = None
        self._log: Path | None = None
        self._is_loaded = self._is_busy = self._is_named = False
        self._again = "repeat the command" if fresh else "repeat the command, which continues"
        self._reads: dict[Path, None] = {}
        self._notes: list[str] = []
        self._progress: Progress = Silent()
        self._seconds: float | None = None

    @property
    def opened_files(self) -> tuple[Path, ...]:  # noqa: D102 - see `Maker`
        return tuple(self._reads)

    def find(self, name: str, plugin: Path | None) -> FoundModel:
        """Load the model's code in the process; see `fevbench.models.registry.find_model`.

        Raises:
            ModelError: There is none of this name, or its code fails.
        """
        fields, self.registers = self._call("while it was loaded", "find", name, plugin and plugin.absolute())
        self._is_loaded = True
        return FoundModel(**fields, factory=_elsewhere, process=self)

    def build(
        self,
        found: FoundModel,
        corpus: Corpus,
        device: str,
        progress: Progress,
        seconds: float | None = None,
        threads: int | None = None,
    ) -> None:
        """Build the model for the clips of a corpus; see `fevbench.models.built.build`.

        ``seconds`` limits the time per clip; None for no limit. ``threads`` is how many torch and NumPy use;
        None for as many as in this process.

        Raises:
            ModelError: The model cannot be built, or cannot be sent to the process.
        """
        from fevbench.models.within import shared

        self.load(found)
        at, how = "while it was built", corpus.protocol
        self._progress, self._seconds, self._protocol = progress, seconds, how
        what = f"data set {corpus.dataset.name}, which model {found.name} gets,"
        content = packed(corpus, what, "define its class in a module that can be imported")
        memory = _memory()
        self._ask(at, "build", content, device, threads)
        with self._raising_if_ended(at):
            send_handle(self._connection, memory, self._process.pid)
        facts = self._answer(at)
        size = (how.size, how.size, 3)
        self._output, self._faces = shared(memory, (how.frames, *size), (found.batch, *size))
        self.found, self.fingerprint, self.looks_up = found, facts.fingerprint, facts.looks_up
        self.files, self.untracked, self._notes = facts.files, facts.untracked, facts.notes

    def load(self, found: FoundModel) -> None:
        """Load the model's code in the process if the model was found in this one."""
        if self._is_loaded:
            return
        if found.plugin:
            self.find(found.asked, found.plugin)
            return
        from fevbench.models.within import described

        fix = "define its class in a file, and register that with --plugin or as a package"
        content = packed((described(found), found.factory), f"model {found.name}", fix)
        self._call("while it was loaded", "adopt", content)
        self._is_loaded = True

    def notes(self) -> list[str]:
        """The model's notes; the last known ones if its process has ended.

        All clips are made by then, so an end changes nothing in the result: the same as without it.

        Raises:
            ModelError: The model's code fails.
        """
        if self._process is not None:
            try:
                self._notes = self._call("after its last clip", "notes")
            except ModelError:
                if self._process is not None:
                    raise
        return self._notes

    def training(self) -> Training:  # noqa: D102
        training: Training = self._call("after its first clip", "training")
        return training

    def make(  # noqa: D102
        self, clips: Sequence[Clip], faces: Frames, seed: int, evaluating: bool = False
    ) -> Iterator[NDArray[Any]]:
        from fevbench.models.asked import which

        ids = [clip.id for clip in clips]
        at, seconds = f"on {which(ids)}", self._seconds and self._seconds * len(ids)
        self._faces[: len(faces)] = faces
        self._call(at, "make", ids, seed, evaluating, seconds=seconds)
        for place in range(len(ids)):
            yield self._take(at, place)

    def _take(self, at: str, place: int) -> NDArray[Any]:
        """One of the made clips, from the shared memory."""
        self._call(at, "hand_over", place)
        frames, size, output = self._protocol.frames, self._protocol.size, self._output
        if self.looks_up:
            pixels: Frames = output[: output.size // 4].reshape(frames, size, size, 3).copy()
            return pixels
        values: NDArray[np.float32] = output.view(np.float32).reshape(frames, 3, size, size).copy()
        return values

    def log_to(self, file: Path) -> None:
        """Write the past and future output of the process to a file."""
        before = self._log
        self._call("before its first clip", "log_to", file)
        self._log = file
        if before is not None:
            with file.open("ab") as log:
                log.write(before.read_bytes())
            before.unlink()

    def carry_out(self, work: Callable[..., Any], *arguments: object) -> Any:
        """Call a function in the process, with a `fevbench.models.within.Inside` and ``arguments``.

        Raises:
            ModelError: It fails, or the process ends.
        """
        content = packed((work, arguments), f"what model {self._name} gets", "define its classes in modules")
        return self._call("while it was measured", "carry_out", content)

    def close(self) -> None:
        """End the process, after a grace period, and remove its log if it is empty."""
        if self._process is not None:
            self._connection.close()
            if not self._is_busy:
                self._process.join(GRACE)
            self._end()
        if self._log is not None and not (self._printed and (self._is_named or self._log.name == LOG_FILE)):
            with contextlib.suppress(OSError):
                self._log.unlink()

    def _start(self) -> None:
        """Start the process; again if what starts it is killed.

        Raises:
            ModelError: That happened `STARTS` times.
        """
        for left in reversed(range(STARTS)):
            try:
                self._try_to_start()
                return
            except (EOFError, ConnectionError) as error:  # Python's fork server was killed: it starts another
                self._connection.close()  # which ends a process that was forked, but is not known here
                self._alive.close()
                if self._log is not None:
                    self._log.unlink()
                    self._log = None
                if not left:
                    what = f"the process of model {self._name} cannot be started ({exception_line(error)})"
                    raise ModelError(what, self._again) from error
                time.sleep(PAUSE)  # until the system knows that it is gone

    def _try_to_start(self) -> None:
        context: Any = multiprocessing.get_context(self._method)
        self._connection, theirs = context.Pipe()
        listens, self._alive = context.Pipe(duplex=False)
        if self._method == "forkserver":  # it imports torch at the same time as this process
            context.set_forkserver_preload(["fevbench.models.within"])
            with without_ctrl_c():
                forkserver.ensure_running()
        import torch

        from fevbench.models.within import serve

        handle, log = tempfile.mkstemp(prefix="fevbench-model-", suffix=".log")
        os.close(handle)
        self._log = Path(log)
        arguments = (theirs, listens, self._log, dict(os.environ), torch.get_num_threads())
        process = context.Process(target=serve, args=arguments)
        with theirs, listens, _without_main(), without_ctrl_c():
            process.start()
        self._process = process
        self._end_process = Finalize(self, _kill, (process,), exitpriority=10)

    def _call(self, at: str, work: str, *arguments: object, seconds: float | None = None) -> Any:
        self._ask(at, work, *arguments)
        return self._answer(at, seconds)

    def _ask(self, at: str, work: str, *arguments: object) -> None:
        if self._process is None:
            self._start()
        self._is_busy = True
        with self._raising_if_ended(at):
            self._connection.send((work, arguments))

    def _answer(self, at: str, seconds: float | None = None) -> Any:
        until = time.monotonic() + seconds if seconds else None
        while True:
            kind, *content = self._receive(at, until)
            if kind == "progress":
                listener, *arguments = content
                getattr(self._progress, listener)(*arguments)
                continue
            value, opened_files = content
            self._is_busy = False
            self._reads.update(dict.fromkeys(opened_files))
            if kind == "stopped":
                raise KeyboardInterrupt
            if kind == "failed":
                what, fix, trace = value
                if not what:  # not an error of the model's code: it broke its process
                    what, fix = f"model {self._name} broke its process {at} ({fix})", self._again
                raise ModelError(what, self._with_log(fix)) from _RemoteTraceback(trace)
            return value

    def _receive(self, at: str, until: float | None) -> tuple[Any, ...]:
        """The next message."""
        with self._raising_if_ended(at):
            while until is None or time.monotonic() < until:
                left = TICK if until is None else min(TICK, max(0.0, until - time.monotonic()))
                ready = wait([self._connection, self._process.sentinel], left)
                if self._connection in ready:
                    message: tuple[Any, ...] = self._connection.recv()
                    return message
                if self._process.exitcode is not None:
                    raise EOFError
        self._end()
        what = f"model {self._name} took more than {self._seconds:g} s {at} and was stopped"
        raise ModelError(what, self._with_log(f"raise --clip-timeout, or make it faster; {self._again}"))

    @contextlib.contextmanager
    def _raising_if_ended(self, at: str) -> Iterator[None]:
        """Turn the end of the process during the block into an error that says how it ended."""
        try:
            yield
        except (EOFError, OSError) as error:
            self._process.join(TICK)
            status = self._process.exitcode
            self._end()
            how = f"model {self._name} {_ending(status)} {at}"
            advice = "give it more memory, or make it smaller" if status == -signal.SIGKILL else "correct it"
            raise ModelError(how, self._with_log(f"{advice}; {self._again}")) from error

    @property
    def _printed(self) -> bool:
        return self._log is not None and self._log.exists() and self._log.stat().st_size > 0

    def _with_log(self, fix: str) -> str:
        """What to do, preceded by the log file if the process printed anything."""
        if not self._printed:
            return fix
        self._is_named = True
        return "; ".join(filter(None, (f"see {self._log}", fix)))

    def _end(self) -> None:
        """End the process now, and all that it started."""
        self._end_process()
        self._process = None


class _RemoteTraceback(Exception):
    """The traceback of the other process, for ``--debug``."""


@contextlib.contextmanager
def find_apart(name: str, plugin: Path | None = None, allow_missing: bool = False) -> Iterator[FoundModel]:
    """Find a model as `find_model` does, running no code of others in this process.

    Yields the model, with its process, which ends with the block and starts only when it is needed.

    Raises:
        FevbenchError: As `find_model`.
    """
    if name.startswith((VIDEOS_PREFIX, COMMAND_PREFIX)):
        yield find_model(name, plugin, allow_missing)
        return
    process = ModelProcess(name)
    try:
        if plugin is not None or is_of_a_package(name):
            yield process.find(name, plugin)
        else:
            yield replace(find_model(name), process=process)
    finally:
        process.close()


def threads_of_a_run() -> int:
    """The number of threads that a run's model computes with: 1, or what ``OMP_NUM_THREADS`` says.

    Another number changes clips in their last bits. So it depends neither on the cores of the machine nor on
    the number of workers.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(asked)) if asked.isdecimal() else 1


def open_maker(
    found: FoundModel,
    corpus: Corpus,
    device: str,
    progress: Progress,
    seconds: float | None = None,
    threads: int | None = None,
) -> Maker:
    """Build a model, in a separate process unless it reads videos or calls a program.

    See `ModelProcess.build` for ``seconds`` and ``threads``.

    Raises:
        ModelError: It cannot be built.
    """
    if found.is_outside or not found.can_resample:
        if seconds:
            fix = "leave it out; the file of a command has a timeout of its own"
            raise ModelError(
                f"--clip-timeout does not apply to {found.name}, which runs in no process of fevbench", fix
            )
        from fevbench.models.asked import LocalMaker
        from fevbench.models.built import build

        return LocalMaker(build(found, corpus, device, progress), corpus, device)
    process = found.process or ModelProcess(found.name)
    process.build(found, corpus, device, progress, seconds, threads)
    return process


def _elsewhere(_: object) -> Model:
    raise AssertionError("this model is built in a process of its own")


def packed(what: object, name: str, fix: str) -> bytes:
    """An object pickled for another process, with its class if that is in no module.

    Raises:
        ModelError: It cannot be pickled.
    """
    try:
        content: bytes = cloudpickle.dumps(what)
    except Exception as error:  # foreign objects raise anything
        raise ModelError(
            f"{name} cannot be sent to another process ({exception_line(error)})", fix
        ) from error
    return content


def _memory() -> int:
    """An empty unnamed file, in memory if the system allows that; it cannot be left behind."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("fevbench")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _ending(status: int | None) -> str:
    """How a process ended, in words."""
    if status is None:
        return "closed its connection to fevbench"
    if status >= 0:
        return f"ended its process with exit status {status}"
    if status == -signal.SIGKILL:
        return "was killed (SIGKILL), perhaps for lack of memory,"
    names = {one.value: f" ({one.name})" for one in signal.Signals}
    return f"was ended by signal {-status}{names.get(-status, '')}"


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Keep a new process from running the main script again, which might start another one."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _kill(process: BaseProcess) -> None:
    """End a process, and whatever it left running."""
    assert process.pid is not None
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.exitcode is None:
        process.kill()
    process.join()
