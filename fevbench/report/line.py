"""Other people's words on a line of ours."""

from __future__ import annotations


def one_line(text: str) -> str:
    """A text as one printable line.

    Names and notes in results are other people's words: a line break would end a table's row or a comment,
    and an escape would command the terminal.
    """
    marks = " ".join(text.split())
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in marks)
