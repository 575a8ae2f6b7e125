"""The main loop of a model's process: it answers requests one after the other until the connection closes.

`fevbench.models.apart` is the other end. A request is the name of a method of `Inside` with its arguments;
the answer is its return value, or an error message. Frames are sent through shared memory.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import fcntl
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from mmap import mmap
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from fevbench.data.corpus import Corpus
from fevbench.errors import FevbenchError
from fevbench.models.asked import LocalMaker, Training
from fevbench.models.built import build
from fevbench.models.found import FoundModel
from fevbench.models.registry import find_model, load_plugin
from fevbench.sanitise import as_utf8, exception_line

DONE, FAILED, STOPPED, PROGRESS = "done", "failed", "stopped", "progress"
"""Kinds of messages: an answer, an error, an interruption of the model, progress."""


@dataclass(frozen=True)
class Facts:
    """The facts of a built model; see `fevbench.models.built.BuiltModel`."""

    fingerprint: str
    files: tuple[Path, ...]
    untracked: tuple[str, ...]
    looks_up: bool
    notes: list[str]


class Messenger:
    """Sends messages to the requesting process, from any thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, *message: object) -> None:
        """Send one message."""
        with self._lock:
            self._connection.send(message)

    def start(self, stage: str, total: int) -> None:
        """See `fevbench.progress.Progress`."""
        self.send(PROGRESS, "start", str(stage), int(total))

    def advance(self, count: int) -> None:
        """See `fevbench.progress.Progress`."""
        self.send(PROGRESS, "advance", int(count))

    def note(self, text: str) -> None:
        """See `fevbench.progress.Progress`."""
        self.send(PROGRESS, "note", str(text))


class Inside:
    """The model and its last clips."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.messenger = Messenger(connection)
        self._found: FoundModel | None = None
        self._asked: LocalMaker | None = None
        self._faces = self._output = np.empty(0, np.uint8)
        self._made: list[np.ndarray[Any, Any]] = []

    def find(self, name: str, plugin: Path | None) -> tuple[dict[str, Any], frozenset[str]]:
        """Load a model's code; returns what can be sent of its `FoundModel`, and its plug-in's kinds."""
        kinds = frozenset[str]() if plugin is None else load_plugin(plugin).kinds
        self._found = find_model(name, plugin, is_loaded=True)
        return described(self._found), kinds

    def adopt(self, content: bytes) -> None:
        """Take over a model that the other process found: its `FoundModel` and its class."""
        fields, factory = pickle.loads(content)
        self._found = FoundModel(**fields, factory=factory)

    def build(self, content: bytes, device: str, threads: int | None) -> Facts:
        """Build the model for the clips of a corpus."""
        if threads is not None:
            torch.set_num_threads(threads)
            threadpool_limits(threads)  # those of NumPy's products
        memory = recv_handle(self._connection)
        corpus: Corpus = pickle.loads(content)
        how = corpus.protocol
        built = build(self.found, corpus, device, self.messenger)
        self._asked = LocalMaker(built, corpus, device)
        size = (how.size, how.size, 3)
        self._output, self._faces = shared(memory, (how.frames, *size), (built.found.batch, *size))
        self._clips = {clip.id: clip for clip in corpus.pool}
        return Facts(
            built.fingerprint, built.files, built.untracked, self._asked.looks_up, self._asked.notes()
        )

    def make(self, ids: list[str], seed: int, evaluating: bool) -> None:
        """Make clips of the faces in the shared memory; `hand_over` returns them one by one."""
        faces = self._faces[: len(ids)].copy()
        self._made = list(self.asked.make([self._clips[one] for one in ids], faces, seed, evaluating))

    def hand_over(self, place: int) -> None:
        """Put the clip of one face into the shared memory."""
        made = self._made[place]
        self._output[: made.nbytes] = np.ascontiguousarray(made).reshape(-1).view(np.uint8)

    def training(self) -> Training:
        """See `LocalMaker.training`."""
        return self.asked.training()

    def notes(self) -> list[str]:
        """See `LocalMaker.notes`."""
        return self.asked.notes()

    def log_to(self, file: Path) -> None:
        """Append all further output to a file."""
        _print_to(file)

    def carry_out(self, content: bytes) -> Any:
        """Call a function with this object and its arguments."""
        work, arguments = pickle.loads(content)
        return work(self, *arguments)

    @property
    def found(self) -> FoundModel:
        """The model, after `find` or `adopt`."""
        assert self._found is not None
        return self._found

    @property
    def asked(self) -> LocalMaker:
        """The model, after `build`."""
        assert self._asked is not None
        return self._asked

    def opened_files(self) -> tuple[Path, ...]:
        """The files that the model opened since the last call."""
        return self._asked.opened.take() if self._asked else ()


def described(found: FoundModel) -> dict[str, Any]:
    """A `FoundModel` without what only its own process can use."""
    left_out = ("factory", "surroundings", "process")
    return {key: value for key, value in vars(found).items() if key not in left_out}


def shared(
    handle: int, clip: tuple[int, ...], faces: tuple[int, ...]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The shared memory, in the file ``handle``: a clip of float32 as bytes, and faces."""
    of_clip, of_faces = 4 * int(np.prod(clip)), int(np.prod(faces))
    os.ftruncate(handle, of_clip + of_faces)
    memory = np.frombuffer(mmap(handle, of_clip + of_faces), np.uint8)
    os.close(handle)
    return memory[:of_clip], memory[of_clip:].reshape(faces)


def serve(
    connection: Connection, alive: Connection, log: Path, environment: Mapping[str, str], threads: int
) -> None:
    """The whole life of the process.

    ``alive`` closes when the requesting process ends; ``log`` is the file for all output. Environment and
    number of torch's threads are those of the requesting process.
    """
    os.setsid()  # so that Ctrl-C does not reach it, and its child processes can be ended with it
    _end_with(alive)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _print_to(log)
    os.environ.clear()
    os.environ.update(environment)
    torch.set_num_threads(threads)
    inside = Inside(connection)
    with contextlib.suppress(EOFError, OSError):  # the requesting process ended
        while True:
            work, arguments = connection.recv()
            inside.messenger.send(*_answer(inside, work, arguments), inside.opened_files())
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
        sys.stdout.flush()


def _answer(inside: Inside, work: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    try:
        return DONE, getattr(inside, work)(*arguments)
    except KeyboardInterrupt:
        return STOPPED, None
    except BaseException as error:
        said = (error.what, error.fix) if isinstance(error, FevbenchError) else ("", exception_line(error))
        trace = "".join(traceback.format_exception(error))
        return FAILED, tuple(as_utf8(str(text)) for text in (*said, trace))
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()


def _print_to(file: Path) -> None:
    """Append all output of this process to a file, also of C code, and close its standard input."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    for path, flags, numbers in (
        (os.devnull, os.O_RDONLY, (0,)),
        (str(file), os.O_WRONLY | os.O_APPEND | os.O_CREAT, (1, 2)),
    ):
        opened = os.open(path, flags, 0o666)
        for number in numbers:
            os.dup2(opened, number)
        os.close(opened)
    # Without a terminal Python would buffer output; write each line at once.
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = open(number, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    faulthandler.enable(sys.stderr)


def _end_with(alive: Connection) -> None:
    """Let this process and its children end when the requesting process ends for any reason.

    On Linux the kernel does it. Elsewhere a thread does it, which code that never releases the interpreter
    can delay.
    """
    try:
        fcntl.fcntl(alive, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(alive, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(alive, fcntl.F_SETFL, fcntl.fcntl(alive, fcntl.F_GETFL) | os.O_ASYNC)
    except (AttributeError, OSError):
        threading.Thread(target=_wait_for_end, args=(alive,), daemon=True).start()
    if alive.poll():  # it has already ended
        os.killpg(0, signal.SIGKILL)


def _wait_for_end(alive: Connection) -> None:
    alive.poll(None)
    os.killpg(0, signal.SIGKILL)
