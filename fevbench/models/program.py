"""A model that is a program: the TOML file that says how it is called, and calling it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, StrictStr, ValidationError

from fevbench.errors import ModelError, UnknownName, suggested_fix
from fevbench.hashing import sha256_of, sha256_of_repr
from fevbench.records import Record
from fevbench.sanitise import one_line
from fevbench.toml import read_toml

OF_A_CLIP = ("image", "label", "out", "seed", "id")
"""Placeholders whose value differs between clips."""
OF_A_RUN = ("frames", "size", "fps")
"""Placeholders whose value is the same for all clips."""
MANIFEST = "manifest"
PLACEHOLDERS = (*OF_A_CLIP, *OF_A_RUN, MANIFEST)


class _Fields(Record):
    command: StrictStr | list[StrictStr]
    cwd: StrictStr = "."
    env: dict[StrictStr, StrictStr | StrictInt] = {}
    timeout: Annotated[float, Field(strict=True, gt=0, le=1e6, allow_inf_nan=False)] | None = None
    watch: list[StrictStr] = []
    adapted: StrictBool = False


class CommandFile:
    """A checked command line; nothing is started.

    Args:
        path: A TOML file. Paths in it are relative to its folder.

    Attributes:
        env: The whole environment of the program: that of this process and the file's additions.
        timeout: Seconds per clip; None for no limit.
        watch: Files that count as part of the model.
        adapted: Whether the method was changed; see `fevbench.models.found.FoundModel`.
        at_once: Whether one call makes all clips of a manifest, and not one clip.
        seeded: Whether the program gets a seed.
        fingerprint: The sha256 of the file and of the files it watches.

    Raises:
        ModelError: The file does not exist, has an invalid value, or names a missing file.
        UnknownName: A field or placeholder is unknown; the message suggests similar ones.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        fields = _read(path)
        folder = path.absolute().parent
        self.cwd = folder / Path(fields.cwd).expanduser()
        if not self.cwd.is_dir():
            raise ModelError(f"{path}: cwd {self.cwd} is not a folder", "name the folder of the program")
        self.env = {**os.environ, **{key: str(value) for key, value in fields.env.items()}}
        self.timeout = fields.timeout
        self.adapted = fields.adapted
        self._words = self._check_command(fields.command)
        named = {name for word in self._words for name in self._names(word)}
        self.at_once = MANIFEST in named
        self.seeded = self.at_once or "seed" in named
        _check_placeholders(path, named)
        for text in (*self._words, *fields.env, *self.env.values()):
            if "\0" in text:
                raise ModelError(f"{path} holds a NUL character", "remove it")
        for key in fields.env:
            if not key or "=" in key:
                raise ModelError(f"{path}: {key!r} cannot be the name of a variable", "correct it in env")
        self._check_program()
        self.watch = tuple(folder / Path(file).expanduser() for file in fields.watch)
        self.fingerprint = self._digest()

    def words(self, values: Mapping[str, object]) -> list[str]:
        """The arguments of the command, with placeholders filled in."""
        return [word.format_map({key: str(value) for key, value in values.items()}) for word in self._words]

    def _check_command(self, command: str | list[str]) -> list[str]:
        try:
            words = shlex.split(command) if isinstance(command, str) else command
        except ValueError as error:
            raise ModelError(f"{self.path}: command cannot be split ({error})", "close its quotes") from error
        if not words or not words[0]:
            raise ModelError(f"{self.path}: command is empty", "say how the program is called")
        return [str(Path(words[0]).expanduser()) if words[0][:1] == "~" else words[0], *words[1:]]

    def _names(self, word: str) -> list[str]:
        """The placeholders in a word."""
        try:
            parts = list(Formatter().parse(word))
        except ValueError as error:
            raise ModelError(
                f"{self.path}: {word!r} cannot be filled in ({error})",
                "write a literal brace as {{ or }}",
            ) from error
        for _, name, form, conversion in parts:
            if name is not None and name not in PLACEHOLDERS:
                doubled = f"{self.path}: write a literal brace as {{{{ or }}}}"
                raise UnknownName("placeholder", name, PLACEHOLDERS, doubled)
            if form or conversion:
                raise ModelError(f"{self.path}: {word!r} has a format", f"write {{{name}}} alone")
        return [name for _, name, _, _ in parts if name is not None]

    def _check_program(self) -> None:
        program = self._words[0]
        if self._names(program):
            raise ModelError(f"{self.path}: its program is {program!r}", "name the program itself")
        place = str(self.cwd / program) if os.sep in program else program
        if shutil.which(place, path=self.env.get("PATH")) is None:
            raise ModelError(
                f"{self.path}: there is no program {program!r}"
                + (f" in {self.cwd}" if os.sep in program and not Path(program).is_absolute() else ""),
                "give its path, and make sure that it is executable",
            )

    def _digest(self) -> str:
        """The digest of the file and of watched files; folders do not count, so a project can be moved."""
        digests: list[tuple[str, str]] = []
        for file in (self.path, *self.watch):
            what = f"{self.path} watches {file}, which" if digests else str(file)
            if not file.is_file():
                said = "is not a file" if file.exists() else "does not exist"
                raise ModelError(f"{what} {said}", "name existing files")
            try:
                digests.append((file.name, sha256_of(file)))
            except OSError as error:
                fix = suggested_fix(error, "repeat the command")
                raise ModelError(f"{what} cannot be read ({error.strerror})", fix) from error
        (_, own), *watched = digests
        return sha256_of_repr((own, sorted(watched)))


def _read(path: Path) -> _Fields:
    if not path.is_file():
        said = "is not a file" if path.exists() else "does not exist"
        raise ModelError(
            f"{path} {said}", "give command:FILE.toml the file that says how to call the program"
        )
    try:
        content = read_toml(path)
    except OSError as error:
        fix = suggested_fix(error, "check the path")
        raise ModelError(f"{path} cannot be read ({error.strerror})", fix) from error
    except ValueError as error:
        raise ModelError(
            f"{path} is not valid TOML ({error})", "see docs/integrations.md for examples"
        ) from error
    for key in content:
        if key not in _Fields.model_fields:
            raise UnknownName("field", key, _Fields.model_fields, f"correct {path}")
    try:
        return _Fields.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        what = "is missing" if first["type"] == "missing" else f"is not valid: {first['msg']}"
        raise ModelError(f"{path}: {field} {what}", f"make {field} {_WANTED[field]}") from error


_WANTED = {
    "command": 'a text or a list of texts, for example ["python", "make.py", "{image}", "{label}", "{out}"]',
    "cwd": "the path of a folder",
    "env": 'a table of texts, for example { CUDA_VISIBLE_DEVICES = "0" }',
    "timeout": "seconds for one clip, more than 0 and at most 1000000",
    "watch": "a list of paths",
    "adapted": "true or false",
}


def _check_placeholders(path: Path, named: set[str]) -> None:
    """Check that the command has a path for its output, and no placeholder per clip beside a manifest."""
    of_one = [f"{{{name}}}" for name in OF_A_CLIP if name in named]
    if MANIFEST in named and of_one:
        raise ModelError(
            f"{path}: command mixes {{{MANIFEST}}} (all clips at once) with {', '.join(of_one)} (one clip)",
            "use one or the other",
        )
    if MANIFEST not in named and "out" not in named:
        raise ModelError(
            f"{path}: command names neither {{out}} nor {{{MANIFEST}}}",
            "tell the program where to write a clip",
        )


GRACE = 5.0
"""Seconds that a program has to end before it is killed; clients of containers need them."""
TAIL = 4096
"""Bytes at the end of a program's output in which its last line is looked for."""
LONGEST_LINE = 200
"""Most characters of this line that are shown."""


@dataclass(frozen=True)
class Ending:
    """The end of a call: its exit status, negative for a signal, None if it took too long; its last line."""

    status: int | None
    last: str

    def __str__(self) -> str:
        if self.status is None:
            how = "it took too long"
        elif self.status < 0:
            how = f"ended by signal {-self.status}"
        else:
            how = f"exit status {self.status}"
        return f"{how}: {self.last}" if self.last else how


def run_program(
    words: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path, about: str, timeout: float | None
) -> Ending:
    """Run a program to its end, with all processes it started, or end it after ``timeout`` seconds.

    ``env`` is its whole environment; ``log`` gets ``about`` (what the call is for), the command
    and all output.

    Raises:
        ModelError: It cannot be started.
    """
    with log.open("ab") as out:
        out.write(f"== {about}: {shlex.join(words)}\n".encode("utf-8", "backslashreplace"))
        out.flush()
        begin = out.tell()
        try:
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that all it starts can be ended with it
            )
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or str(error)
            fix = suggested_fix(error, "make sure that it can be executed")
            raise ModelError(f"{words[0]} cannot be started ({said})", fix) from error
        try:
            status: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end(process)
    return Ending(status, _last_line(log, begin))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program if it still runs, and all processes it left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(begin, size - TAIL))
        lines = file.read().decode("utf-8", "replace").replace("\r", "\n").split("\n")
    lines = [line for line in lines if line.strip()]
    return one_line(lines[-1], LONGEST_LINE) if lines else ""
