"""``fevbench data render``: a set that can be scored on, resumed anywhere, and never mixed with another."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apart import process_environment
from tiny import Cli, Outcome, tree

from fevbench.data.protocol import Protocol, protocols

FAKES = Path(__file__).parent.parent / "fevsynth"
SMALL = ("--frames", "8", "--size", "32", "--jobs", "2")
ONE_SUBJECT = ("data", "render", "fevsynth", "--subjects", "1", "--repetitions", "1", *SMALL)


@pytest.fixture
def render(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Call ``fevbench data render fevsynth`` with fake faces."""
    monkeypatch.syspath_prepend(str(FAKES))
    import fake_faces

    from fevbench.cli import data_fevsynth
    from fevbench.fevsynth.render import assets

    monkeypatch.setattr(data_fevsynth, "_renderer", data_fevsynth._renderer)
    monkeypatch.setattr(assets, "locate", assets.locate)
    fake_faces.install()
    return lambda *words: cli("data", "render", "fevsynth", *words)


def pictures(folder: Path) -> dict[Path, int]:
    """Every clip and neutral image, and when it was written."""
    return {
        path: path.stat().st_mtime_ns for kind in ("clips", "neutral") for path in (folder / kind).iterdir()
    }


def test_a_set_is_rendered_and_can_be_scored_on(
    render: Callable[..., Outcome], cli: Cli, tmp_path: Path
) -> None:
    out = tmp_path / "mine"
    outcome = render("--people", "3", "--takes", "2", "--frames", "32", "--size", "32", "--out", out)
    assert outcome.code == 0, outcome
    assert f"{out}: 3 subjects, 36 clips (24 train, 12 test), " in outcome.out
    assert outcome.out.endswith(f"score a model on it: fevbench run copy fevsynth:{out}\n")
    run = ("--metrics", "psnr", "--format", "json")
    for control in ("other-person", "other-expression"):
        scored = cli("run", control, f"fevsynth:{out}", "--split", "train", *run, "--out", tmp_path / control)
        assert scored.code == 0, scored
        dataset = scored.result["dataset"]
        assert (dataset["name"], dataset["clips"], dataset["subjects"]) == ("fevsynth:mine", 24, 2)
        assert dataset["version"].startswith("1.0+")


def test_a_set_too_short_or_too_long_for_a_protocol_is_not_offered_to_one(
    render: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ("--people", "1", "--takes", "1")
    assert "fevbench run" not in render(*one, *SMALL, "--out", tmp_path / "a").out
    longer = (*one, "--frames", "48", "--size", "32", "--jobs", "2", "--out", tmp_path / "b")
    for whole in (False, True):
        monkeypatch.setitem(protocols._targets, "64x16", Protocol("64x16", 9, 64, 16, 2, reads_to_end=whole))
        assert ("fevbench run" in render(*longer).out) == whole


def test_nothing_is_rendered_twice_and_what_is_damaged_once_more(
    render: Callable[..., Outcome], tmp_path: Path
) -> None:
    words = ("--people", "1", "--takes", "1", *SMALL, "--out", tmp_path / "set")
    assert "49 frames rendered, " in render(*words).out
    before, whole = pictures(tmp_path / "set"), tree(tmp_path / "set")
    again = render(*words)
    assert again.code == 0
    assert "all was there" in again.out
    assert pictures(tmp_path / "set") == before
    damaged = tmp_path / "set" / "clips" / "p000-fear-0.mkv"
    damaged.write_bytes(b"")
    mended = render(*words)
    assert "continuing: 6 of 7 files are there" in mended.err
    assert "8 frames rendered, " in mended.out
    assert {path for path, when in pictures(tmp_path / "set").items() if when != before[path]} == {damaged}
    assert tree(tmp_path / "set") == whole


def test_a_set_grows_to_what_it_would_have_been(render: Callable[..., Outcome], tmp_path: Path) -> None:
    grown, at_once = tmp_path / "grown", tmp_path / "at-once"
    assert render("--people", "1", "--takes", "1", *SMALL, "--out", grown).code == 0
    before = pictures(grown)
    assert render("--people", "2", "--takes", "2", *SMALL, "--out", grown).code == 0
    assert before.items() <= pictures(grown).items()
    assert render("--people", "2", "--takes", "2", *SMALL, "--out", at_once).code == 0
    assert tree(grown) == tree(at_once)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "64"), "holds a set with other settings (size 32, not 64): give the same ones"),
        (("--seed", "9"), "holds a set with other settings (seed 1, not 9): give the same ones"),
        (("--takes", "1"), "holds a larger set (takes 2, not 1): give at least as many"),
    ],
)
def test_another_set_is_refused_in_one_line(
    render: Callable[..., Outcome], tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    settings = {"renderer": "1.0", "people": 1, "takes": 2, "frames": 8, "size": 32, "seed": 1}
    (tmp_path / "render.json").write_text(json.dumps(settings))
    outcome = render("--people", "1", "--takes", "2", *SMALL, *words, "--out", tmp_path)
    assert outcome.code == 1
    assert f"{tmp_path} {said}" in outcome.complaint


def test_a_folder_that_cannot_be_written_is_one_line(render: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written" in render("--out", tmp_path / "file" / "set").complaint


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--out", "a", "--people", "0"),
        ("--out", "a", "--people", "100001"),
        ("--out", "a", "--takes", "0"),
        ("--out", "a", "--frames", "7"),
        ("--out", "a", "--size", "31"),
        ("--out", "a", "--seed", "-1"),
        ("--out", "a", "--jobs", "0"),
        ("--out", __file__),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(cli: Cli, words: tuple[str, ...]) -> None:
    outcome = cli("data", "render", "fevsynth", *words)
    assert outcome.code == 2
    assert "Usage: fevbench data render" in outcome.err


def test_without_numba_the_error_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['numba'] = None; from fevbench.cli.main import main; "
        f"main(['data', 'render', 'fevsynth', '--out', {str(tmp_path / 'set')!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    expected = "error: rendering needs numba, which is not installed: pip install 'fevbench[render]'\n"
    assert done.stderr == expected
    assert not (tmp_path / "set").exists()


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the command with fake faces in a process group of its own, as a terminal does."""
    begun: list[subprocess.Popen[str]] = []

    def start(*words: str | Path, seconds: float = 0.3, limit: int | None = None) -> subprocess.Popen[str]:
        def prepare() -> None:
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        begun.append(
            subprocess.Popen(
                [sys.executable, FAKES / "fake_faces.py", str(seconds), *map(str, words)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=process_environment(FAKES),
                start_new_session=True,
                preexec_fn=prepare,
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        if _anybody_left(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _anybody_left(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_killed_anywhere_it_leaves_nobody_behind_and_continues(
    start: Start, tmp_path: Path, how: signal.Signals, code: int
) -> None:
    """Ctrl-C goes to the whole group, the other signals to the command alone."""
    out = tmp_path / "set"
    first = start(*ONE_SUBJECT, "--out", out)
    _wait(lambda: len(list((out / "truth").glob("p*.npz"))) >= 2)
    os.killpg(first.pid, how) if how == signal.SIGINT else os.kill(first.pid, how)
    _, complaint = first.communicate(timeout=300)
    assert first.returncode == code
    assert "Traceback" not in complaint
    if how != signal.SIGKILL:
        assert (
            complaint.splitlines()[-1] == "stopped; what was finished is kept, and the same command continues"
        )
    _wait(lambda: not _anybody_left(first.pid))
    kept = {
        path: when for path, when in pictures(out).items() if (out / "truth" / f"{path.stem}.npz").exists()
    }
    assert 2 <= len(kept) < 7
    assert not (out / "manifest.json").exists()

    second = start(*ONE_SUBJECT, "--out", out, seconds=0)
    _, complaint = second.communicate(timeout=300)
    assert second.returncode == 0, complaint
    assert kept.items() <= pictures(out).items()
    undisturbed = start(*ONE_SUBJECT, "--out", tmp_path / "other", seconds=0)
    undisturbed.communicate(timeout=300)
    assert tree(out) == tree(tmp_path / "other")


def test_a_full_disk_is_one_line_and_no_reason_to_start_anew(start: Start, tmp_path: Path) -> None:
    full = start(*ONE_SUBJECT, "--out", tmp_path / "set", seconds=0, limit=4000)
    _, complaint = full.communicate(timeout=300)
    assert full.returncode == 1
    assert [line for line in complaint.splitlines() if line.startswith("error: the disk is full")], complaint
    assert "Traceback" not in complaint
    more = start(*ONE_SUBJECT, "--out", tmp_path / "set", seconds=0)
    _, complaint = more.communicate(timeout=300)
    assert more.returncode == 0, complaint
