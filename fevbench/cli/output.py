"""Where all text goes out: no control character reaches a terminal, and no encoding stops a command."""

from __future__ import annotations

import codecs
import json
import math
import os
import sys
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import click

from fevbench.sanitise import for_terminal, one_line

PLAIN = dict(
    zip(
        "↑↓→–—…·†‡≥≤×±≈“”\N{MINUS SIGN}\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}",
        "^v>--~.*!><x~~\"\"-''",
        strict=True,
    )
)
"""What stands for a character that an encoding lacks: one column for one, so that tables stay straight."""
_PLAIN_ERRORS = "fevbench-plain"
_PLAIN_ASCII = "fevbench-plain-ascii"


def make_streams_encodable() -> None:
    """Let standard output and error write plainer characters for those that their encoding lacks."""
    codecs.register_error(_PLAIN_ERRORS, _plainer)
    codecs.register(_ascii_codec)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None or not getattr(stream, "encoding", None):
            continue
        # click takes ASCII for a mistake and would write UTF-8; under another name it does not.
        is_ascii = codecs.lookup(stream.encoding).name == "ascii"
        reconfigure(errors=_PLAIN_ERRORS, **({"encoding": _PLAIN_ASCII} if is_ascii else {}))


def _plainer(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_stand_in, error.object[error.start : error.end])), error.end


def _stand_in(mark: str) -> str:
    """What is written for a character that cannot be: a letter without its accents, or a question mark."""
    bare = unicodedata.normalize("NFD", mark)[0]
    return PLAIN.get(mark) or (bare if bare.isascii() else "?")


def _ascii_codec(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "-") != _PLAIN_ASCII:
        return None
    ascii_ = codecs.lookup("ascii")
    return codecs.CodecInfo(*ascii_, ascii_.incrementalencoder, ascii_.incrementaldecoder, _PLAIN_ASCII)


def say(text: str, err: bool = False, nl: bool = True) -> None:
    """Write text to standard output, or to standard error; no control character in it reaches a terminal."""
    click.echo(for_terminal(text), nl=nl, err=err)


def note(text: str) -> None:
    """Write a line to standard error that somebody should read."""
    say(f"note: {one_line(text)}", err=True)


def say_json(content: object) -> None:
    """Write JSON to standard output, in ASCII: no terminal takes it for a command, and nothing is lost."""
    click.echo(json.dumps(content, indent=1))


def say_path(path: Path) -> None:
    """Write a path for a shell to take, byte for byte; a terminal gets no control characters of it."""
    if sys.stdout.isatty():
        say(str(path))
    else:
        click.echo(os.fsencode(path))


def show_usage(error: click.ClickException) -> None:
    """Show what was wrong in how a command was called, and how it is called."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        how = f"Try '{context.command_path} {context.help_option_names[-1]}' for help."
        say(f"{context.get_usage()}\n{how}\n", err=True)
    say(f"Error: {error.format_message()}", err=True)


SECONDS_BETWEEN_LINES = 30.0
"""Of a log file that tells how some work proceeds."""


def clock(seconds: float) -> str:
    """A span of time as hours, minutes and seconds; a question mark where nobody knows."""
    if math.isinf(seconds):
        return "?"
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


class LogLines:
    """Progress for a log file: a line when something begins, now and then, and when it ends."""

    def __init__(self, write: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self._write, self._now = write, now
        self._name = ""
        self._total: int | None = None
        self._done = 0
        self._began = self._said = 0.0
        self._unit, self._scale = "", 1.0

    def start(self, name: str, total: int | None, unit: str = "", scale: float = 1.0) -> None:
        """Begin something; what came before is at its end."""
        self.end()
        self._name, self._total, self._done = name, total, 0
        self._unit, self._scale = unit, scale
        self._began = self._said = self._now()
        self._write(f"{name}: {self._number(total)} to do" if total is not None else f"{name}: begun")

    def update(self, done: int, total: int | None = None) -> None:
        """Set how much is done in all, and how much there is to do if that has become known."""
        self._done = done
        self._total = self._total if total is None else total
        if self._name and self._now() - self._said >= SECONDS_BETWEEN_LINES and not self._is_over():
            self._said = self._now()
            self._write(f"{self._so_far()}, {clock(self._left())} left")
        elif self._name and self._is_over():
            self.end()

    def advance(self, count: int) -> None:
        """Count so much more as done."""
        self.update(self._done + count)

    def end(self) -> None:
        """Write the last line of what was begun."""
        if self._name:
            self._write(f"{self._so_far()} in {clock(self._now() - self._began)}")
        self._name = ""

    def cancel(self) -> None:
        """Write nothing more of what was begun: somebody else does."""
        self._name = ""

    def _is_over(self) -> bool:
        return self._total is not None and self._done >= self._total

    def _so_far(self) -> str:
        whole = "" if self._total is None else f" of {self._number(self._total)}"
        return f"{self._name}: {self._number(self._done)}{whole}"

    def _left(self) -> float:
        if self._total is None or not self._done:
            return math.inf
        return (self._now() - self._began) * (self._total - self._done) / self._done

    def _number(self, count: int) -> str:
        return f"{count / self._scale:.1f} {self._unit}" if self._unit else str(count)
