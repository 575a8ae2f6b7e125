"""``command:FILE.toml``: a program makes the clips, whatever becomes of it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from PIL import Image
from tiny import Cli

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "outside"
IDS = [clip.id for clip in tiny.Tiny().clips("test")]
PROGRAM = """
import json, os, sys, time
from pathlib import Path
import numpy as np
from PIL import Image

def write(image, label, out, frames=16, size=64, seed=0):
    face = Image.open(image).convert("RGB").resize((size, size))
    Path(out).mkdir()
    for i in range(frames):
        moved = np.roll(np.asarray(face), i * len(label) // 8, axis=0)
        Image.fromarray(moved).save(Path(out, f"{i}.png"))

def one():
    return sys.argv[1:4]

def clips():
    return json.loads(Path(sys.argv[1]).read_text())["clips"]

"""
ONE = '"{image}", "{label}", "{out}"'
MANY = '"{manifest}"'
ALL = """
    for clip in clips():
        write(clip["image"], clip["label"], clip["out"])
"""


class Outside:
    """A program that can be rewritten, its file, and runs of it."""

    def __init__(self, cli: Cli, folder: Path) -> None:
        self._cli, self.folder, self.toml = cli, folder, folder / "mine.toml"

    def program(self, code: str, placeholders: str = ONE, more: str = "") -> None:
        (self.folder / "program.py").write_text(PROGRAM + textwrap.dedent(code))
        self.says(f'command = ["{sys.executable}", "program.py", {placeholders}]\n{more}')

    def says(self, text: str) -> None:
        self.toml.write_text(text)

    def run(self, *more: str, out: str = "run") -> tiny.Outcome:
        return self._cli("run", f"command:{self.toml}", "tiny", "--metrics", "psnr", "--format", "json",
                         "--out", self.folder / out, *more)  # fmt: skip

    @property
    def made(self) -> list[str]:
        return sorted(path.stem for path in (self.folder / "run" / "clips").glob("*.mkv"))

    @property
    def log(self) -> str:
        return (self.folder / "run" / "outside" / "log.txt").read_text()


@pytest.fixture
def outside(cli: Cli, tmp_path: Path) -> Outside:
    return Outside(cli, tmp_path)


def clips_of(run: Path) -> dict[str, str]:
    """The digests of a run's clips."""
    content: dict[str, str] = json.loads((run / "result.json").read_text())["clips"]
    return content


def test_the_example_runs_in_another_interpreter(cli: Cli, tmp_path: Path) -> None:
    program = tmp_path / "elsewhere"
    shutil.copytree(EXAMPLE, program)
    digests = []
    for name in ("sway", "sway-all"):
        file = program / f"{name}.toml"
        file.write_text(file.read_text().replace('"python3"', f'"{sys.executable}"'))
        out = tmp_path / name
        wanted = ("--limit", "6", "--metrics", "psnr", "--format", "json", "--out", out)
        outcome = cli("run", f"command:{file}", "fevsynth", *wanted)
        assert outcome.code == 0, outcome
        model = outcome.result["model"]
        assert model["name"] == f"command:{name}"
        assert "cannot be seen" in model["notes"][0]
        assert "sway" in model["notes"][0]
        assert "checked for damage: 6 of 6 clips by the checksums of their format" in model["notes"]
        assert "cannot see whether the program outside changes" in outcome.err
        assert not list((out / "outside").glob("work-*"))
        digests.append(clips_of(out))
    # One clip a call or all at once: the same inputs, labels and seeds, so the same clips.
    assert digests[0] == digests[1]
    assert len(set(digests[0].values())) == 6


def test_inputs_made_elsewhere_score_as_the_program_does(outside: Outside, cli: Cli, tmp_path: Path) -> None:
    outside.program(ALL.replace("\n    ", "\n"), MANY)
    assert outside.run().code == 0
    inputs = tmp_path / "inputs"
    outcome = cli("data", "inputs", "tiny", "--out", inputs)
    assert outcome.code == 0, outcome
    assert f"fevbench run videos:{inputs}/clips tiny" in outcome.out
    subprocess.run([sys.executable, tmp_path / "program.py", "manifest.json"], cwd=inputs, check=True)
    outcome = cli("run", f"videos:{inputs}/clips", "tiny", "--metrics", "psnr", "--out", tmp_path / "videos")
    assert outcome.code == 0, outcome
    assert clips_of(tmp_path / "videos") == clips_of(tmp_path / "run")
    manifest = json.loads((inputs / "manifest.json").read_text())
    assert [clip["id"] for clip in manifest["clips"]] == IDS
    assert (manifest["frames"], manifest["size"], manifest["labels"]) == (16, 64, list(tiny.LABELS))


def test_placeholders_environment_and_folder_reach_the_program(outside: Outside) -> None:
    (outside.folder / "deep er").mkdir()
    outside.program(
        """
        image, label, out = one()
        assert Path.cwd().name == "deep er" and os.environ["MINE"] == "7"
        assert sys.argv[4:] == [Path(out).name, "16/64/12.5", "{}", "$HOME *"], sys.argv
        write(image, label, out)
        """
    )
    outside.says(
        f"command = '{sys.executable} ../program.py {{image}} {{label}} {{out}} {{id}} "
        '{frames}/{size}/{fps} {{}} "$HOME *"\'\ncwd = "deep er"\nenv = { MINE = 7 }\n'
    )
    outcome = outside.run("--limit", "2")
    assert outcome.code == 0, outcome
    assert "== clip " in outside.log


@pytest.mark.parametrize(
    ("code", "placeholders", "more", "words"),
    [
        ("print('no CUDA'); sys.exit(3)", ONE, "", ["failed on clip", "exit status 3: no CUDA", "log.txt"]),
        ("os.kill(os.getpid(), 9)", ONE, "", ["failed on clip", "signal 9"]),
        ("time.sleep(60)", ONE, "timeout = 0.3", ["took more than 0.3 s at clip", "raise timeout"]),
        ("print('done')", ONE, "", ["wrote nothing for clip", "it said: done"]),
        ("Path(one()[2]).mkdir()", ONE, "", ["wrote nothing for clip"]),
        ("write(*one(), frames=12)", ONE, "", ["clip", "has 12 frames, protocol 64x16@2 scores 16"]),
        ("write(*one(), frames=40)", ONE, "", ["has 17 frames or more", "scores 16"]),
        ("Path(one()[2] + '.mp4').write_bytes(b'x')", ONE, "", ["clip", "cannot be decoded"]),
        (
            "i, l, o = one(); Path(o).mkdir(); [Path(o, n).write_bytes(b'x') for n in ('a.mp4', 'b.mp4')]",
            ONE,
            "",
            ["2 clips were written (a.mp4, b.mp4)"],
        ),
        ("sys.exit('no CUDA')", MANY, "", ["4 of 4 clips were not made", "exit status 1: no CUDA"]),
        ("time.sleep(60)", MANY, "timeout = 0.1", ["4 of 4 clips", "took more than 0.1 s per clip"]),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_one_line_that_names_the_clip(
    outside: Outside, code: str, placeholders: str, more: str, words: list[str]
) -> None:
    outside.program(code, placeholders, more)
    outcome = outside.run()
    assert outcome.code == 1
    assert all(word in outcome.complaint for word in words), outcome.complaint
    assert "command:mine" in outcome.complaint
    assert any(name in outcome.complaint for name in IDS)
    assert not outside.made


def test_the_wrong_size_is_refused_or_resized_as_for_videos(outside: Outside) -> None:
    outside.program("write(*one(), size=32 if 'bob' in sys.argv[1] else 48)")
    outcome = outside.run()
    assert outcome.code == 1
    assert "32x32, other clips are 48x48" in outcome.complaint or "48x48, other" in outcome.complaint
    assert outside.made
    outside.program("write(*one(), size=48)")
    outcome = outside.run("--overwrite")
    assert outcome.code == 0, outcome
    assert "clips were resized from 48x48 to 64x64" in outcome.result["model"]["notes"]


@pytest.mark.parametrize("placeholders", [ONE, MANY])
def test_what_was_made_is_kept_and_the_same_command_continues(outside: Outside, placeholders: str) -> None:
    whole = "write(*one())" if placeholders == ONE else ALL.replace("\n    ", "\n")
    outside.program(whole, placeholders)
    assert outside.run(out="whole").code == 0
    broken = f"""
if Path("broken").exists() and "cem" in sys.argv[1]:
    sys.exit(1)
{whole}"""
    if placeholders == MANY:
        broken = """
for clip in clips():
    if not ("cem" in clip["id"] and Path("broken").exists()):
        write(clip["image"], clip["label"], clip["out"])
"""
    outside.program(broken, placeholders)
    (outside.folder / "broken").touch()
    first = outside.run()
    assert first.code == 1
    assert "cem" in first.complaint
    kept = outside.made
    assert 0 < len(kept) < len(IDS)
    assert not any("cem" in name for name in kept)
    (outside.folder / "broken").unlink()
    dates = {name: (outside.folder / "run" / "clips" / f"{name}.mkv").stat().st_mtime_ns for name in kept}
    outcome = outside.run()
    assert outcome.code == 0, outcome
    assert all(
        (outside.folder / "run" / "clips" / f"{name}.mkv").stat().st_mtime_ns == date
        for name, date in dates.items()
    )
    assert clips_of(outside.folder / "run") == clips_of(outside.folder / "whole")
    # Said of all clips, those of the first session included.
    assert any("checked for damage: 9 of 9 clips" in note for note in outcome.result["model"]["notes"])


def test_a_program_that_fails_after_all_clips_are_made_is_noted(outside: Outside) -> None:
    outside.program(ALL.replace("\n    ", "\n") + "\nsys.exit('while cleaning up')", MANY)
    outcome = outside.run()
    assert outcome.code == 0, outcome
    assert "exit status 1: while cleaning up; clips that are whole are kept" in outcome.err


def test_a_manifest_that_fails_for_a_few_makes_the_others(outside: Outside) -> None:
    outside.program("""
    for clip in clips():
        if clip["id"] not in ("ann-joy", "bob-joy", "cem-joy"):
            write(clip["image"], clip["label"], clip["out"])
    """, MANY)  # fmt: skip
    outcome = outside.run()
    assert outcome.code == 1
    assert "wrote nothing for clip" in outcome.complaint


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_clips_done_before_a_kill_stay(outside: Outside, process: Start, how: signal.Signals) -> None:
    outside.program("""
    for number, clip in enumerate(clips()):
        if len(clips()) == 5 and number == 3 and Path("slow").exists():
            Path("slow").write_text(str(os.getpid()))
            time.sleep(60)
        write(clip["image"], clip["label"], clip["out"])
        Path("calls").open("a").write(clip["id"] + "\\n")
    """, MANY)  # fmt: skip
    (outside.folder / "slow").touch()
    words = ("run", f"command:{outside.toml}", "tiny", "--metrics", "psnr", "--out", outside.folder / "run")
    running = process(*words)
    deadline = time.monotonic() + 60
    while not (outside.folder / "slow").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(how)
    running.communicate(timeout=30)
    program = int((outside.folder / "slow").read_text())
    if how == signal.SIGTERM:  # nothing it started is left
        assert not Path(f"/proc/{program}").exists() or "Z" in Path(f"/proc/{program}/stat").read_text()
    else:
        subprocess.run(["kill", "-9", str(program)], check=True)
    (outside.folder / "slow").unlink()
    assert len(outside.made) == 4
    outcome = outside.run()
    assert outcome.code == 0, outcome
    calls = (outside.folder / "calls").read_text().split()
    # Seven were made before, of which the last written is not trusted.
    assert len(calls) == 7 + 3
    assert sorted(set(calls)) == sorted(IDS)
    assert not list((outside.folder / "run" / "outside").glob("work-*"))


@pytest.mark.parametrize("placeholders", [ONE, MANY])
def test_channels_in_another_order_are_seen_in_the_first_clips(
    outside: Outside, cli: Cli, placeholders: str
) -> None:
    outside.program(
        """
        def bgr(image, label, out):
            write(image, label, out)
            for file in Path(out).iterdir():
                Image.fromarray(np.asarray(Image.open(file))[..., ::-1]).save(file)

        if len(sys.argv) == 2:
            for clip in clips():
                bgr(clip["image"], clip["label"], clip["out"])
        else:
            bgr(*one())
        """,
        placeholders,
    )
    wanted = ("--limit", "6", "--metrics", "psnr", "--out", outside.folder / "run")
    outcome = cli("run", f"command:{outside.toml}", "fevsynth", *wanted)
    assert outcome.code == 1
    assert "with channels in the order BGR" in outcome.complaint
    assert not outside.made
    assert outside.log.count("== ") == (1 if placeholders == MANY else 4)


def test_a_photograph_can_be_animated(outside: Outside, cli: Cli, tmp_path: Path) -> None:
    outside.program("write(*one())")
    Image.new("RGB", (64, 64), "tan").save(tmp_path / "me.png")
    words = ("--image", tmp_path / "me.png", "--framed", "--expression", "fear", "--out", tmp_path / "me.gif")
    outcome = cli("generate", f"command:{outside.toml}", *words)
    assert outcome.code == 0, outcome
    assert (tmp_path / "me.gif").exists()


def test_identity_is_the_file_and_what_it_watches(outside: Outside) -> None:
    outside.program("write(*one())", more='watch = ["program.py"]\n')
    assert outside.run("--limit", "2").code == 0
    (outside.folder / "program.py").write_text((outside.folder / "program.py").read_text() + "# new\n")
    outcome = outside.run("--limit", "2")
    assert outcome.code == 1
    assert "code or videos have changed" in outcome.complaint
    outcome = outside.run("--limit", "2", "--overwrite")
    assert outcome.code == 0, outcome
    outside.toml.write_text(outside.toml.read_text() + "timeout = 9\n")
    assert outside.run("--limit", "2").code == 1


GOOD = 'command = ["true", "{out}"]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('comand = ["true"]', ["no field is called 'comand'", "did you mean 'command'"]),
        (GOOD + "timout = 3", ["did you mean 'timeout'"]),
        (GOOD + "timeout = -1", ["timeout is not valid", "more than 0"]),
        (GOOD + 'timeout = "3"', ["timeout is not valid"]),
        (GOOD + "timeout = nan", ["timeout is not valid"]),
        (GOOD + 'env = ["A=1"]', ["env is not valid", "a table"]),
        (GOOD + "env = { \"A=B\" = \"1\" }", ["'A=B' cannot be the name"]),
        (GOOD + 'cwd = "nowhere"', ["cwd", "is not a folder"]),
        (GOOD + 'watch = ["weights.pth"]', ["weights.pth", "does not exist"]),
        (GOOD + 'watch = ["."]', ["is not a file"]),
        ("timeout = 3", ["command is missing"]),
        ("command = 3", ["command is not valid", "a list of texts"]),
        ("command = []", ["command is empty"]),
        ("command = \"true '{out}\"", ["cannot be split"]),
        ('command = ["true"]', ["neither {out} nor {manifest}"]),
        ('command = ["true", "{imge}", "{out}"]', ["is called 'imge'", "did you mean 'image'"]),
        ('command = ["true", "{out.name}"]', ["no placeholder"]),
        ('command = ["true", "{}", "{out}"]', ["no placeholder", "{{"]),
        ('command = ["true", "{out"]', ["cannot be filled in"]),
        ('command = ["true", "{seed:05}", "{out}"]', ["has a format"]),
        ('command = ["true", "{manifest}", "{label}"]', ["one or the other"]),
        ('command = ["no-such-program", "{out}"]', ["there is no program 'no-such-program'"]),
        ('command = ["./no-such-program", "{out}"]', ["there is no program './no-such-program' in"]),
        ('command = ["{image}", "{out}"]', ["name the program itself"]),
        ('command = ["true", "a\\u0000", "{out}"]', ["NUL"]),
        ("command = ", ["is not valid TOML"]),
    ],
)  # fmt: skip
def test_a_file_that_says_what_cannot_be_is_one_line(outside: Outside, text: str, words: list[str]) -> None:
    outside.says(text)
    outcome = outside.run()
    assert outcome.code == 1
    assert all(word in outcome.complaint for word in words), outcome.complaint
    assert "mine.toml" in outcome.complaint
    assert not (outside.folder / "run").exists()


def test_a_file_that_is_not_there_and_cost_are_one_line(outside: Outside, cli: Cli) -> None:
    assert "does not exist" in outside.run().complaint
    assert "has no file" in cli("run", "command:", "tiny").complaint
    outside.program("write(*one())")
    assert "cannot be measured: it is an external program" in cli("cost", f"command:{outside.toml}").complaint


def read(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


def test_inputs_continue_and_overwrite_nothing(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "inputs"
    assert cli("data", "inputs", "tiny", "--out", out, "--limit", "4").code == 0
    first = tiny.tree(out)
    assert len(read(out)["clips"]) == 4
    (out / "manifest.json").unlink()
    (out / "images" / f"{read_ids(first)[0]}.png").unlink()
    (out / "clips" / "mine.txt").write_text("mine")
    outcome = cli("data", "inputs", "tiny", "--out", out, "--limit", "4")
    assert outcome.code == 0, outcome
    assert "1 written" in outcome.out
    assert tiny.tree(out) == {**first, "clips/mine.txt": b"mine"}
    changed = cli("data", "inputs", "tiny", "--out", out, "--limit", "5")
    assert "limit 4 → 5" in changed.complaint
    picture = out / "images" / f"{read_ids(first)[0]}.png"
    Image.new("RGB", (64, 64)).save(picture)
    before = picture.read_bytes()
    outcome = cli("data", "inputs", "tiny", "--out", out, "--limit", "4")
    assert "is not what was written" in outcome.complaint
    assert picture.read_bytes() == before
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").touch()
    assert "holds no inputs" in cli("data", "inputs", "tiny", "--out", full).complaint
    assert "is a file" in cli("data", "inputs", "tiny", "--out", full / "mine.txt").complaint


def read_ids(files: dict[str, bytes]) -> list[str]:
    return sorted(Path(name).stem for name in files if name.startswith("images/"))
