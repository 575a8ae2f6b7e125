"""What a terminal, a pipe or a log file gets: whatever its encoding, its width, and what results hold."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from made_up_results import made_up, scored
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text
from tiny import Cli

import fevbench.cli
from fevbench.cli.console import ProgressDisplay, download_bars, fit_to_width
from fevbench.cli.output import SECONDS_BETWEEN_LINES, LogLines
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.difference import differ
from fevbench.report.rows import compare
from fevbench.report.terminal import comparison_table, difference_table, result_table
from fevbench.results.files import write_result

ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31mEVIL\nnote: all is well"
PLAIN_LOCALE = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def _fevbench(environment: dict[str, str], *words: str | Path) -> subprocess.CompletedProcess[bytes]:
    known = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "PYTHONIO"))}
    command = [sys.executable, "-m", "fevbench", *map(str, words)]
    return subprocess.run(command, capture_output=True, env={**known, **environment}, check=False)


@pytest.mark.parametrize(
    ("environment", "encoding"),
    [
        ({"PYTHONIOENCODING": "cp1252"}, "cp1252"),
        ({"PYTHONIOENCODING": "ascii"}, "ascii"),
        ({"PYTHONIOENCODING": "latin-1:strict"}, "latin-1"),
        (PLAIN_LOCALE, "ascii"),
    ],
    ids=["cp1252", "ascii", "latin-1", "posix"],
)
def test_an_encoding_that_lacks_characters_gets_plainer_ones(
    environment: dict[str, str], encoding: str, tmp_path: Path
) -> None:
    write_result(tmp_path / "a", made_up("Zoë–日本", {"csim": 0.5}))
    write_result(tmp_path / "b", made_up("b", {"csim": 0.4}))
    for form in ("table", "md", "csv", "latex", "json"):
        done = _fevbench(environment, "compare", tmp_path / "a", tmp_path / "b", "--format", form)
        assert done.returncode == 0, done
        shown = done.stdout.decode(encoding)
        if form == "json":
            assert json.loads(shown)["names"][0] == "Zoë–日本"
        else:
            assert "Zo" in shown
            assert "0.500" in shown.replace("0.5,", "0.500,")
        if form in ("table", "md"):
            assert "csim ^" in shown
    for words in (("show", "--help"), ("compare",), ("compare", tmp_path / "ü")):
        said = _fevbench(environment, *words)
        (said.stdout + said.stderr).decode(encoding)
        assert b"Traceback" not in said.stderr


def test_an_escape_in_a_strangers_result_reaches_no_terminal(cli: Cli, tmp_path: Path) -> None:
    clips = {f"p{i}-{ESCAPE}": 0.1 * i for i in range(3)}
    mine = scored("a", {"csim": clips})
    labels = {"labels": [ESCAPE, "x"], "labels_of": dict.fromkeys(clips, ESCAPE)}
    theirs = scored(ESCAPE, {"csim": dict.fromkeys(clips, 0.0)}, model__notes=[ESCAPE])
    none = theirs.metrics["csim"].model_copy(update={"value": None, "reason": ESCAPE, "id": ESCAPE})
    other = made_up(ESCAPE, {"csim": 0.1}, dataset__name=ESCAPE, protocol__id=ESCAPE)
    read = {"readings": dict.fromkeys(clips, ESCAPE), "ceiling_readings": dict.fromkeys(clips, ESCAPE)}
    reader = scored("r", {"accuracy": dict.fromkeys(clips, 1.0)})
    accuracy = reader.metrics["accuracy"].model_copy(update=read)
    results = {
        "a": mine,
        "b": theirs,
        "none": theirs.model_copy(update={"metrics": {"csim": none}}),
        "other": other,
        "reader": reader.model_copy(
            update={"metrics": {"accuracy": accuracy}, "dataset": reader.dataset.model_copy(update=labels)}
        ),
    }
    for name, result in results.items():
        write_result(tmp_path / name, result)
    (tmp_path / f"{ESCAPE}.json".replace("\n", " ")).write_text("{")
    a = tmp_path / "a"
    for words in (
        *(("diff", a, tmp_path / name) for name in results),
        ("diff", a, tmp_path / "b", "--metric", "csim"),
        *(("compare", a, tmp_path / name) for name in results),
        *(("compare", tmp_path / "b", "--format", form) for form in ("md", "csv", "latex", "json")),
        *(("confusion", tmp_path / "reader", "--format", form) for form in ("table", "csv", "json")),
        ("confusion", tmp_path / "b"),
        ("compare", *tmp_path.glob("*EVIL*")),
        ("compare", a, f"--{ESCAPE}"),
        ("run", ESCAPE, ESCAPE),
        ("leaderboard", "check", tmp_path / "b" / "result.json"),
        ("leaderboard", "build", "--results", *tmp_path.glob("*EVIL*"), "--out", tmp_path / "site"),
    ):
        outcome = cli(*words)
        said = outcome.out + outcome.err
        assert "EVIL" in said or words[-1] in (a, tmp_path / "reader"), words
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", said), words
        assert not re.search(r"^note: all is well", said, re.MULTILINE), words


def test_all_text_goes_out_in_one_place() -> None:
    folder = Path(fevbench.cli.__path__[0])
    for file in folder.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        if file.name != "output.py":
            assert not re.search(r"click\.echo\(|(?<![\w.])print\(|sys\.std(out|err)\.write", text), file
        if file.name != "console.py":
            assert "Console(" not in text, file


def test_an_error_is_never_longer_than_a_page(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps({"schema_version": "9" * 20_000_000}))
    complaint = cli("compare", tmp_path / "x.json").complaint
    assert len(complaint) < 2100
    assert complaint.startswith(f"error: {tmp_path / 'x.json'} has schema version 99")
    assert complaint.endswith("result.json")


EVERYTHING: dict[str, float | None] = dict.fromkeys(catalog, 12.3456)


def _widths(renderable: RenderableType, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(fit_to_width(renderable, width))
    return out.getvalue()


@pytest.mark.parametrize("width", [1, 10, 20, 30, 40, 60, 80, 100, 160])
def test_no_width_of_a_terminal_loses_a_name_or_a_number(width: int) -> None:
    one, other = made_up("some-model", EVERYTHING), made_up("another", EVERYTHING)
    for shown in (
        result_table(one),
        comparison_table(compare([one, other]), width),
        difference_table(differ(one, other), None, width),
    ):
        lines = _widths(shown, width).splitlines()
        assert max(map(len, lines)) <= max(width, 2)
        text = re.sub(r"[^\w.\[\]<>-]", "", "".join(lines))
        if width >= 40:
            for name in catalog:
                # Folded in a table, a name is in its column, line below line.
                assert name in text or name[:10] in text, (name, width)
            assert "some-model" in text or "A:some-model" in text
        assert text.count("12.3") >= len(EVERYTHING)
        assert "…" not in text


def test_a_row_that_does_not_fit_is_lines_with_the_headings() -> None:
    table = Table(title="what")
    table.add_column("metric", overflow="fold")
    table.add_column("value", no_wrap=True)
    table.add_column("why")
    table.add_row("facial-motion", "12345678901234567890", Text("because"))
    table.add_row("[b]", "", Text("[x]"))
    assert fit_to_width(table, 80) is table
    lines = _widths(Group(table, Text("end")), 30).splitlines()
    assert lines[:3] == ["what", "facial-motion", "  value: 12345678901234567890"]
    assert lines[-2:] == ["  why: [x]", "end"]


class _Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def test_a_log_gets_a_line_now_and_then_and_at_every_end() -> None:
    lines: list[str] = []
    now = _Clock()
    log = LogLines(lines.append, now)
    log.start("generate", 100)
    for _ in range(100):
        now.time += 1.0
        log.advance(1)
    log.start("score", 3)
    log.advance(1)
    log.end()
    log.advance(1)
    assert lines == [
        "generate: 100 to do",
        "generate: 30 of 100, 0:01:10 left",
        "generate: 60 of 100, 0:00:40 left",
        "generate: 90 of 100, 0:00:10 left",
        "generate: 100 of 100 in 0:01:40",
        "score: 3 to do",
        "score: 1 of 3 in 0:00:00",
    ]


def test_a_log_of_a_download_tells_megabytes() -> None:
    out = io.StringIO()
    with download_bars(Console(file=out, width=80)) as report:
        report("net", 0, None)
        report("net", 1_000_000, 2_000_000)
        report("net", 2_000_000, 2_000_000)
    assert out.getvalue().splitlines() == ["pull net: begun", "pull net: 2.0 MB of 2.0 MB in 0:00:00"]


def test_an_environment_that_claims_a_terminal_makes_no_bars_in_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = io.StringIO()
    with ProgressDisplay(Console(file=out, width=80)) as display:
        display.start("decode", 2)
        display.advance(2)
    assert "\x1b" not in out.getvalue()
    assert out.getvalue().splitlines()[0] == "decode: 2 to do"
    assert SECONDS_BETWEEN_LINES == 30.0
