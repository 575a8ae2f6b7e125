"""The command line: quick to answer, one line an error, and an exit code that says what happened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import torch
from tiny import Cli

import fevbench
from fevbench.cli.main import cli as group
from fevbench.cli.main import main

Write = Callable[[str], Path]
WHOLE = [sys.executable, "-m", "fevbench"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "cpy", "tiny"), "no model is called 'cpy': did you mean 'copy'?"),
        (("run", "copy", "tny"), "no data set is called 'tny': did you mean 'tiny'?"),
        (("run", "copy", "tiny", "--metrics", "psnr,csm"), "no metric is called 'csm': did you mean 'csim'"),
        (
            ("run", "copy", "tiny", "--metrics", "all,facial-moton"),
            "no metric is called 'facial-moton': did you mean 'facial-motion'",
        ),
        (
            ("run", "copy", "tiny", "--protocol", "64xl6"),
            "no protocol is called '64xl6': did you mean '64x16' or '64x32'?",
        ),
        (("run", "copy", "tiny", "--split", "val"), "tiny has no val clips: choose another --split"),
        (("run", "copy", "tiny", "--device", "abacus"), "'abacus' is not a device"),
        (("run", "copy", "tiny", "--device", "cuda:99"), "device 'cuda:99' is not available here"),
        (("compare", "/no/such/run"), "/no/such/run does not exist"),
    ],
)
def test_an_error_is_one_line_that_helps(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = cli(*arguments)
    assert outcome.code == 1
    assert outcome.out == ""
    assert words in outcome.complaint


@pytest.mark.parametrize(
    "arguments",
    [
        ("rum",),
        ("run",),
        ("run", "copy"),
        ("run", "copy", "tiny", "--limit", "0"),
        ("run", "copy", "tiny", "--split", "all"),
        ("list", "everything"),
        ("compare",),
        ("compare", "a", "--format", "xls"),
        ("compare", "a", "--format", "md", "--transpose"),
    ],
)
def test_wrong_usage_exits_with_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    outcome = cli(*arguments)
    assert outcome.code == 2
    assert "Usage: fevbench" in outcome.err
    assert "Traceback" not in outcome.err


FAILING = """
@register_model("failing")
class Failing:
    def __init__(self, spec): raise ArithmeticError("deep inside")
"""


@pytest.mark.parametrize("place", [0, 1, 3, 7])
def test_debug_shows_the_traceback_wherever_it_stands(
    cli: Cli, plugin: Write, tmp_path: Path, place: int
) -> None:
    words: list[str | Path] = [
        "run",
        "failing",
        "tiny",
        "--plugin",
        plugin(FAILING),
        "--out",
        tmp_path / "run",
    ]
    assert "Traceback" not in cli(*words, "--metrics", "psnr").err
    words.insert(place, "--debug")
    shown = cli(*words, "--metrics", "psnr")
    assert shown.code == 1
    assert 'raise ArithmeticError("deep inside")' in shown.err
    assert shown.err.splitlines()[-1].startswith("error: model failing could not be built")


def test_an_unforeseen_error_is_one_line_as_well(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise EOFError("no more\nbytes")

    monkeypatch.setattr("fevbench.report.comparable.select", fail)
    assert (
        cli("compare", "a").complaint
        == "error: a file ends too early (no more bytes): see where with --debug"
    )


def test_run_prints_a_table_for_eighty_columns_and_json_for_programs(cli: Cli, tmp_path: Path) -> None:
    run = ("run", "shuffled", "tiny", "--metrics", "psnr,csim", "--out", tmp_path / "run")
    shown = cli(*run)
    assert shown.code == 0, shown
    assert "psnr ↑ (dB)" in shown.out
    assert max(map(len, shown.out.replace(str(tmp_path), "").splitlines())) <= 80
    assert cli(*run, "--format", "json").result == json.loads((tmp_path / "run" / "result.json").read_text())


def test_comparing_runs_of_the_command(cli: Cli, tmp_path: Path) -> None:
    for name in ("copy", "shuffled"):
        assert cli("run", name, "tiny", "--metrics", "psnr", "--out", tmp_path / name).code == 0
    runs = (tmp_path / "copy", tmp_path / "shuffled" / "result.json")
    for form in ("table", "md", "csv", "latex", "json"):
        outcome = cli("compare", *runs, "--format", form)
        assert outcome.code == 0, outcome
        assert "copy" in outcome.out
        assert "shuffled" in outcome.out
    assert cli("compare", tmp_path / "copy").code == 0


def test_the_default_folder_says_what_the_run_is(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("run", "copy", "tiny", "--metrics", "psnr", "--limit", "1").code == 0
    assert [path.name for path in Path("runs").iterdir()] == ["copy--tiny--64x16--test--seed0--limit1"]


@pytest.mark.parametrize("what", ["models", "datasets", "metrics", "protocols"])
def test_lists(cli: Cli, what: str) -> None:
    rows = cli("list", what, "--format", "json").result
    shown = cli("list", what)
    assert shown.code == 0
    assert max(map(len, shown.out.splitlines())) <= 80
    assert len(rows) >= 2
    for row in rows:
        assert next(iter(row.values())).split()[0] in shown.out  # type: ignore[attr-defined]


def test_a_broken_data_set_does_not_break_the_list(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny.Tiny, "labels", ("joy",))
    outcome = cli("list", "datasets", "--format", "json")
    assert outcome.code == 0
    rows = {row["data set"]: row["what it is"] for row in outcome.result}  # type: ignore[index]
    assert rows["tiny"].startswith(
        "cannot be opened: tiny: clip dan-anger has the unknown label 'anger': use one of joy"
    )
    assert "fevsynth" in rows


QUICK = [
    ["--help"],
    ["run", "--help"],
    ["list", "metrics"],
    ["list", "models"],
    ["list", "protocols"],
    ["list", "datasets"],
    ["data", "--help"],
    ["data", "render", "--help"],
]


def test_no_help_of_a_command_imports_numpy_or_torch() -> None:
    code = """
import sys
import click
from fevbench.cli.main import cli, main

def paths(command, path):
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from paths(command.get_command(context, name), [*path, name])

seen = list(paths(cli, []))
assert len(seen) > 35, seen
for path in seen:
    try: main([*path, "--help"])
    except SystemExit as stop: assert stop.code == 0, path
    heavy = {"torch", "numpy", "pandas", "pydantic", "rich", "scipy", "matplotlib"} & set(sys.modules)
    assert not heavy, (path, heavy)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "fevbench leaderboard serve" in done.stdout


def test_help_lists_and_comparing_leave_torch_alone(cli: Cli, tmp_path: Path) -> None:
    """That is why they answer at once; how fast, `benchmarks/answers.py` measures."""
    assert cli("run", "copy", "tiny", "--metrics", "psnr", "--limit", "1", "--out", tmp_path / "r").code == 0
    commands = [*QUICK, ["compare", str(tmp_path / "r")]]
    code = (
        "import sys\nfrom fevbench.cli.main import main\n"
        f"for words in {commands!r}:\n"
        "    try: main(words)\n"
        "    except SystemExit as stop: assert stop.code == 0, words\n"
        "    heavy = {'torch', 'av', 'insightface', 'onnxruntime', 'numba'} & set(sys.modules)\n"
        "    assert not heavy, (words, heavy)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*WHOLE, "list", "metrics"], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert done.stderr == ""


def test_the_version(cli: Cli) -> None:
    assert cli("--version").out == f"fevbench, version {fevbench.__version__}\n"


@pytest.mark.parametrize(
    ("words", "goes_on"),
    [
        ("run copy fevsynth", True),
        ("--debug train fev-gan fevsynth", True),
        ("data prepare mug SRC --out DIR", True),
        ("train judge fevsynth", False),
        ("train expression-classifier fevsynth", False),
        ("cost fev-gan", False),
    ],
)
def test_who_is_stopped_is_told_the_truth(
    words: str, goes_on: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(group, "main", stopped)
    with pytest.raises(SystemExit) as exit_:
        main(words.split())
    assert exit_.value.code == 130
    said = capsys.readouterr().err
    assert ("the same command continues" in said) == goes_on
    assert ("starts again" in said) != goes_on


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("run copy tiny --protocol|", "--protocol"),
        ("run copy tiny --protocol=", "--protocol"),
        ("run copy tiny --out|", "--out"),
        ("run copy tiny --metrics|", "--metrics"),
        ("run copy tiny --device| ", "--device"),
        ("compare|", "an argument"),
        ("weights verify|", "an argument"),
        ("data prepare mug src --out x --split|", "--split"),
        ("data prepare mug src --out x --set|", "--set"),
        ("leaderboard submit x --out x.zip --contact|", "--contact"),
        ("train fev-gan tiny --config=", "--config"),
        ("show x --worst|", "--worst"),
    ],
)
def test_nothing_is_no_value(cli: Cli, words: str, option: str) -> None:
    """A shell's variable that was not set must not become the default, or the folder one is in."""
    start, bar, value = words.partition("|")
    outcome = cli(*start.split(), *([value] if bar else []))
    assert outcome.code == 2
    assert f"Error: {option} is empty: leave it out, or give it a value" in outcome.err


@pytest.mark.parametrize(
    "command", ["run copy tiny --metrics", "audit tiny --metrics", "compare x --metrics"]
)
def test_a_list_of_nothing_is_no_list(cli: Cli, command: str) -> None:
    outcome = cli(*command.split(), ",")
    assert outcome.code == 1
    assert "--metrics is empty" in outcome.complaint


@pytest.mark.parametrize(
    ("words", "error", "advice"),
    [
        (
            "run copy tiny --batch-size 8",
            MemoryError(),
            "a smaller --batch-size or fewer --jobs, which continues",
        ),
        ("run copy tiny", MemoryError(), "a smaller --batch-size or fewer --jobs, which continues"),
        (
            "run copy tiny --batch-size 1 --jobs 1",
            MemoryError(),
            "a machine with more, then repeat the command, which",
        ),
        (
            "run copy tiny --batch-size=1",
            torch.cuda.OutOfMemoryError("x"),
            "fewer --jobs or --device cpu, which continues",
        ),
        (
            "audit tiny",
            torch.cuda.OutOfMemoryError("x"),
            "a smaller --batch-size or fewer --jobs or --device cpu, which continues",
        ),
        ("data prepare mug x", MemoryError(), "repeat with fewer --jobs, which continues"),
        ("data prepare mug x --jobs 1", MemoryError(), "a machine with more"),
        ("train fev-gan tiny", MemoryError(), "a smaller --set batch_size=N and another --out"),
        (
            "train fev-gan tiny",
            RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
            "a smaller --set batch_size=N and another --out",
        ),
        ("train judge tiny", MemoryError(), "a machine with more, then repeat the command"),
        ("compare x", MemoryError(), "a machine with more, then repeat the command"),
        (
            "compare x",
            OSError(24, "Too many open files", "f"),
            "f: Too many open files: raise the limit of open files",
        ),
        ("compare x", OSError(28, "No space left", "f"), "the disk is full while writing f: free some space"),
        ("compare x", PermissionError(13, "Permission denied", "f"), "f: Permission denied: check its permi"),
    ],
)
def test_advice_is_what_the_command_can_do(
    words: str,
    error: Exception,
    advice: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(group, "main", fail)
    with pytest.raises(SystemExit) as exit_:
        main(words.split())
    assert exit_.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert advice in line


def test_a_set_that_is_not_broken_is_not_to_be_installed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from fevbench.data.datasets import open_dataset
    from fevbench.errors import DatasetError
    from fevbench.zips import StoredArchive

    def fail(self: StoredArchive, name: str) -> bytes:
        raise OSError(24, "Too many open files", name)

    data = open_dataset("fevsynth")
    clip = data.clips("test")[0]
    monkeypatch.setattr(StoredArchive, "read", fail)
    with pytest.raises(DatasetError, match=r"Too many open files.*: raise the limit of open files"):
        data.frames(clip)
