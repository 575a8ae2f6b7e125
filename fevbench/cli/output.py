"""Where all text goes out: no control character reaches a terminal, and no encoding stops a command."""

from __future__ import annotations

import codecs
import json
import os
import sys
import unicodedata
from pathlib import Path

import click

from fevbench.foreign import on_terminal, one_line

PLAIN = {
    "↑": "^",
    "↓": "v",
    "→": ">",
    "–": "-",
    "—": "-",
    "…": "~",
    "·": ".",
    "†": "*",
    "‡": "!",
    "≥": ">",
    "≤": "<",
    "×": "x",
    "\N{MINUS SIGN}": "-",
    "±": "~",
    "≈": "~",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "“": '"',
    "”": '"',
}
"""What stands for a character that an encoding lacks: one column for one, so that tables stay straight."""
_PLAIN_ERRORS = "fevbench-plain"
_PLAIN_ASCII = "fevbench-plain-ascii"


def settle_streams() -> None:
    """See that whatever is written from here on can be written, in plainer characters if need be."""
    codecs.register_error(_PLAIN_ERRORS, _plain)
    codecs.register(_plain_ascii)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None or not getattr(stream, "encoding", None):
            continue
        # click takes ASCII for a mistake and would write UTF-8; under another name it does not.
        is_ascii = codecs.lookup(stream.encoding).name == "ascii"
        reconfigure(errors=_PLAIN_ERRORS, **({"encoding": _PLAIN_ASCII} if is_ascii else {}))


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_stand_in, error.object[error.start : error.end])), error.end


def _stand_in(mark: str) -> str:
    """What is written for a character that cannot be: a letter without its accents, or a question mark."""
    bare = unicodedata.normalize("NFD", mark)[0]
    return PLAIN.get(mark) or (bare if bare.isascii() else "?")


def _plain_ascii(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "-") != _PLAIN_ASCII:
        return None
    ascii_ = codecs.lookup("ascii")
    return codecs.CodecInfo(
        ascii_.encode,
        ascii_.decode,
        ascii_.streamreader,
        ascii_.streamwriter,
        ascii_.incrementalencoder,
        ascii_.incrementaldecoder,
        _PLAIN_ASCII,
    )


def say(text: str, err: bool = False, nl: bool = True) -> None:
    """Write text to standard output, or to standard error.

    Args:
        text: One line or several; other people's words in it command no terminal.
        err: Whether it is for standard error.
        nl: Whether a line break comes after it.
    """
    click.echo(on_terminal(text), nl=nl, err=err)


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
