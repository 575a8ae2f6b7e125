"""Untrusted text, made harmless for what it is written into: one function a kind of output.

Names, labels, notes and reasons of a result, ids of clips, names of files, what an archive or a server says:
none of them are ours. In HTML the templates escape all of them by themselves; in JSON, `json` does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 2000
"""Characters of a line at most."""
LONGEST_NAME = 200
"""Characters of a name at most."""
LONGEST_REASON = 300
"""Characters of an exception's message at most."""
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def one_line(text: str, longest: int = LONGEST) -> str:
    """Sanitise untrusted text to one printable line; of a long text the beginning and the end are kept.

    A line break would end a table's row or a comment, an escape sequence would control the terminal, and
    marks that change the writing direction would show another text than is there.
    """
    if len(text) > longest:
        end = longest // 4
        left_out = f" … ({len(text) - longest:,} characters left out) … "
        text = text[: longest - end] + left_out + text[-end:]
    return _printable(" ".join(text.split()))


def for_terminal(text: str) -> str:
    """A text of several lines as a terminal may show it: line breaks and tabs stay, other controls do not."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "\n".join("\t".join(map(_printable, line.split("\t"))) for line in text.split("\n"))


def as_utf8(text: str) -> str:
    """A text that UTF-8 can hold: bytes of a file's name that are no character are written as numbers."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def exception_line(error: BaseException) -> str:
    """An exception in one line that can be printed, whatever it is."""
    try:
        text = str(error)
    except BaseException:
        text = "it cannot be printed"
    line = as_utf8(text.strip().partition("\n")[0])
    shown = "".join(letter if letter.isprintable() else "?" for letter in line[:LONGEST_REASON])
    return f"{type(error).__name__}: {shown}" + ("…" if len(line) > LONGEST_REASON else "")


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else _instead(mark) for mark in text)


def _instead(mark: str) -> str:
    return " " if unicodedata.category(mark).startswith("Z") else _UNKNOWN


_MARKDOWN = re.compile(
    r"""[\\`*\[\]|~$]          # markup, columns, formulas
      | (?<![^\W_])_ | _(?![^\W_])  # emphasis; not within a word
      | :(?=//) | (?<=www)\. | (?<!\w)@ | @(?=[\w-]+\.\w)  # what many renderers make links of
      | ^[#>+=-]                    # headings, quotes, lists, rules
    """,
    re.VERBOSE | re.IGNORECASE,
)


def escape_markdown(text: str) -> str:
    """A text as words of Markdown: no column, no markup, no link and no picture of its own."""
    text = re.sub(r"&(?=#?\w+;)", "&amp;", one_line(text))
    text = _MARKDOWN.sub(r"\\\g<0>", text).replace("<", "&lt;")
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", text)  # a numbered list


def markdown_row(cells: Iterable[str]) -> str:
    """A row of a Markdown table, of cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"


_FORMULA = re.compile(r"(^|[;,|]\s*)([=+\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
                      r"\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}])")  # fmt: skip


def escape_csv(text: str) -> str:
    """A text as words in a cell of CSV: spreadsheets carry out no formula in it.

    An apostrophe goes before whatever would begin one; also after what other countries separate cells by.
    """
    return _FORMULA.sub(r"\1'\2", one_line(text))


_LATEX = str.maketrans(
    {
        **{mark: rf"\{mark}" for mark in "&%$#_{}"},
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
        "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
        # At the start of a row, they would belong to the line break before it.
        "[": "{[}", "]": "{]}", "*": "{*}",
    }
)  # fmt: skip


def escape_latex(text: str) -> str:
    """A text as words of LaTeX."""
    return one_line(text).translate(_LATEX)
