"""Other people's words do nothing but be read, wherever they are written."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fevbench.models.found import FoundModel
from fevbench.sanitise import (
    LONGEST,
    as_utf8,
    escape_csv,
    escape_latex,
    escape_markdown,
    for_terminal,
    one_line,
)

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\r\x00"
BIDI = "a\N{RIGHT-TO-LEFT OVERRIDE}b\N{ZERO WIDTH SPACE}c\ud800"


@given(st.text(st.characters()))
def test_a_line_is_one_line_that_prints(text: str) -> None:
    for made in (one_line(text), escape_markdown(text), escape_csv(text), escape_latex(text)):
        assert made.isprintable()


@given(st.text(st.characters()))
def test_a_terminal_gets_its_line_breaks_and_no_other_control(text: str) -> None:
    shown = for_terminal(text)
    assert shown.count("\n") == text.count("\n")
    assert shown.replace("\n", "").replace("\t", "").isprintable()


def test_what_commands_or_deceives_is_replaced_and_nothing_else_is() -> None:
    assert for_terminal(f"{ESCAPES}x").count("\N{REPLACEMENT CHARACTER}") == 7
    assert for_terminal(BIDI) == "a\ufffdb\ufffdc\ufffd"
    assert for_terminal("Zoë ↑\t1\u00a0000\nß") == "Zoë ↑\t1 000\nß"


def test_a_line_has_an_end() -> None:
    line = one_line("beginning " + "x" * 66_000_000 + " end")
    assert line.startswith("beginning ")
    assert line.endswith(" end")
    assert len(line) < LONGEST + 60
    assert f"{66_000_000 + 14 - LONGEST:,} characters left out" in line


MARKUP = [
    "**0.999**",
    "__x__ _y_",
    "*x*",
    "`x`",
    r"a\|b",
    "a|b",
    "[x](http://evil.example)",
    "![x](http://evil.example/x.png)",
    "<img src=x onerror=y>",
    "<http://evil.example>",
    "https://evil.example",
    "www.evil.example",
    "someone@evil.example",
    "&lt;b&gt;",
    "~~x~~",
    "# x",
    "> x",
    "- x",
    "1. x",
    "2023) x",
    "a\n\nb",
    "\\",
]


@pytest.mark.parametrize("text", MARKUP)
def test_markdown_has_the_words_and_nothing_else(text: str) -> None:
    """In a cell, in a list and at the beginning of a line; as a renderer reads them that makes all it can."""
    words = escape_markdown(text)
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for page in (f"| head | other |\n|---|---|\n| {words} | 1 |", f"* {words}", words):
        inline = [token for token in parser.parse(page) if token.type == "inline"]
        (found,) = [token for token in inline if token.content not in ("head", "other", "1")]
        assert {child.type for child in found.children or []} <= {"text", "text_special"}
        assert "".join(child.content for child in found.children or []) == one_line(text)


@pytest.mark.parametrize("text", ["https://evil.example", "www.evil.example", "a@evil.example"])
def test_no_renderer_finds_an_address_in_the_source(text: str) -> None:
    assert text not in escape_markdown(text)


def test_usual_names_stay_as_they_are_in_markdown() -> None:
    for name in ("fev-gan", "my_model_2", "videos:results", "gan, seed 0", "64x16@1: 48 clips (ceiling)"):
        assert escape_markdown(name) == name


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("http://evil","x")',
        "+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\N{FULLWIDTH EQUALS SIGN}1",
        "a;=1",
        "a|=1",
    ],
)
def test_a_spreadsheet_finds_no_formula(text: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerow([escape_csv(text)])
    for separator in ",;|":
        for row in csv.reader(io.StringIO(out.getvalue()), delimiter=separator):
            assert not any(cell.strip()[:1] in tuple("=+-@\N{FULLWIDTH EQUALS SIGN}") for cell in row if cell)
    assert escape_csv("fev-gan") == "fev-gan"


@pytest.mark.parametrize(("text", "row"), [("[x]", "{[}x{]}"), ("*x", "{*}x"), ("", "")])
def test_latex_takes_no_name_for_an_option_of_a_line_break(text: str, row: str) -> None:
    assert escape_latex(text) == row


def test_every_name_of_a_file_can_be_written_down() -> None:
    name = b"b\xfcd \xc3\xbc".decode("utf-8", "surrogateescape")
    assert as_utf8(name) == "b\\udcfcd ü"
    found = FoundModel(name, name, "f" * 64, False, lambda spec: None)  # type: ignore[arg-type, return-value]
    for text in (found.name, found.origin):
        text.encode("utf-8")
