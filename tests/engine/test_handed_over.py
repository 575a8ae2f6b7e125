"""Clips in another range or order of channels are an error; bad clips of honest models are a score."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny import Cli, Outcome

from fevbench.data.corpus import Corpus, balanced_clips
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import protocols
from fevbench.data.video import write_clip
from fevbench.engine.plausible import FEW, FirstClips, as_values

Write = Callable[[str], Path]
Change = Callable[[np.ndarray], np.ndarray]
Pairs = list[tuple[np.ndarray, np.ndarray]]
Run = Callable[..., Outcome]

MISTAKES: dict[str, tuple[Change, str]] = {
    "[0, 1]": (lambda y: (y + 1) / 2, "in [0, 1]"),
    "BGR": (lambda y: y[..., ::-1], "in the order BGR"),
    "both": (lambda y: (y[..., ::-1] + 1) / 2, "in [0, 1] and with channels in the order BGR"),
    "halves": (lambda y: y / 2, "in [-0.5, 0.5]"),
    "inverted": (lambda y: -y, "inverted"),
    "twice to [0, 1]": (lambda y: (y + 3) / 4, "in [0.5, 1]"),
    "twice to [-1, 1]": (lambda y: np.clip(2 * y - 1, -1, 1), "as 2x - 1"),
    "GBR": (lambda y: y[..., [1, 2, 0]], "in the order GBR"),
    "divided once more": (lambda y: (y + 1) / 510, "in [0, 1] divided by 255"),
    "upside down": (lambda y: y[:, ::-1], "upside down"),
    "transposed": (lambda y: y.swapaxes(1, 2), "with height and width exchanged"),
    "later frames alone": (lambda y: np.concatenate([y[:1], (y[1:] + 1) / 2]), "the later frames show"),
}


@pytest.fixture(scope="module")
def shown() -> Pairs:
    """True clips of FEVSynth: the input's pixels, and the clip's values."""
    corpus = Corpus(open_dataset("fevsynth"), protocols.get("64x16"), "test")
    few = balanced_clips(corpus.clips, corpus.dataset.labels, FEW)
    return [(corpus.frames(clip)[0], as_values(corpus.frames(clip))) for clip in few]


def look(faces: list[np.ndarray], made: list[np.ndarray]) -> FirstClips:
    seen = FirstClips()
    for face, values in zip(faces, made, strict=True):
        pixels = ((values + 1) * 127.5).clip(0, 255).round().astype(np.uint8)
        seen.add(as_values(face), pixels, values)
    return seen


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_from_the_input(shown: Pairs, name: str, noise: float) -> None:
    change, words = MISTAKES[name]
    rng = np.random.default_rng(0)
    made = [change(np.clip(y + noise * rng.standard_normal(y.shape), -1, 1)) for _, y in shown]
    assert words in look([face for face, _ in shown], made).mistake()


def honest() -> dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]]:
    return {
        "true": lambda y, rng: y,
        "grey": lambda y, rng: 0 * y,
        "black": lambda y, rng: 0 * y - 1,
        "white": lambda y, rng: 0 * y + 1,
        "pale": lambda y, rng: 0.2 + 0.05 * y,
        "without colours": lambda y, rng: y.mean(-1, keepdims=True).repeat(3, -1),
        "one colour": lambda y, rng: 0 * y + np.array([-0.6, 0.1, 0.5]),
        "noise": lambda y, rng: rng.uniform(-1, 1, y.shape),
        "faint noise": lambda y, rng: 0.01 * rng.standard_normal(y.shape),
        "noisy": lambda y, rng: (y + 0.5 * rng.standard_normal(y.shape)).clip(-1, 1),
        "blurred": lambda y, rng: y * 0 + y.mean((1, 2), keepdims=True),
        "dark": lambda y, rng: (y - 0.5).clip(-1, 1),
        "bright": lambda y, rng: (y + 0.5).clip(-1, 1),
        "low contrast": lambda y, rng: 0.75 * y,
        "tinted": lambda y, rng: (y + np.array([-0.3, 0.0, 0.3])).clip(-1, 1),
        "moved": lambda y, rng: np.roll(y, 6, axis=2),
    }


@pytest.mark.parametrize("name", honest())
@pytest.mark.parametrize("whose", ["theirs", "the next one's"])
def test_a_bad_model_is_no_mistake(shown: Pairs, name: str, whose: str) -> None:
    rng = np.random.default_rng(0)
    made = [honest()[name](y, rng) for _, y in shown]
    faces = [face for face, _ in shown]
    assert look(faces, made if whose == "theirs" else [*made[1:], made[0]]).mistake() == ""


def test_values_in_0_to_1_of_anybody_are_told(shown: Pairs) -> None:
    made = [(y + 1) / 2 for _, y in shown]
    assert "none below 0" in look([face for face, _ in shown], [*made[2:], *made[:2]]).mistake()


def test_strange_clips_are_named(shown: Pairs) -> None:
    faces = [face for face, _ in shown]
    assert list(look(faces, [shown[0][1]] * FEW).notes()) == [
        f"the first {FEW} clips are all the same, whatever the face and the label"
    ]
    assert [
        "no value below 0" in note for note in look(faces, [0.2 + 0.05 * y for _, y in shown]).notes()
    ] == [True]
    assert list(look(faces, [y for _, y in shown]).notes()) == []


MODEL = """
import sys, os, threading, asyncio, numpy
{top}
@register_model("model")
class Model{base}:
    {attributes}
    def __init__(self, spec):
        {init}
        self.spec = spec
    def generate(self, images, labels, generator):
        video = images[:, None].repeat(1, self.spec.frames, 1, 1, 1)
        {make}
"""


@pytest.fixture
def run(cli: Cli, plugin: Write, tmp_path: Path) -> Run:
    def call(
        make: str, init: str = "pass", attributes: str = "pass", top: str = "", base: str = "", *more: str
    ):
        file = plugin(MODEL.format(make=make, init=init, attributes=attributes, top=top, base=base))
        return cli(
            "run", "model", "tiny", "--plugin", file, "--out", tmp_path / "run", "--metrics", "psnr", *more
        )

    return call


def test_the_first_clips_of_a_mistake_are_not_kept(run: Run, tmp_path: Path) -> None:
    outcome = run("return (video + 1) / 2")
    assert outcome.code == 1
    assert (
        "model returned clips with a mistake: the first frames show the input in [0, 1]" in outcome.complaint
    )
    assert not list((tmp_path / "run" / "clips").iterdir())
    assert run("return video").code == 0, "the mended model needs no --overwrite"


def test_videos_in_another_order_of_channels_are_refused(cli: Cli, run: Run, tmp_path: Path) -> None:
    assert run("return video").code == 0
    from fevbench.data.video import read_clip

    for path in (tmp_path / "run" / "clips").iterdir():
        write_clip(tmp_path / "bgr" / path.name, np.ascontiguousarray(read_clip(path)[..., ::-1]), 12.5)
    outcome = cli("run", f"videos:{tmp_path / 'bgr'}", "tiny", "--metrics", "psnr", "--out", tmp_path / "two")
    assert "with channels in the order BGR" in outcome.complaint


NORM = "super().__init__(); self.bn = torch.nn.BatchNorm3d(3)"
NORMED = "return self.bn(video.movedim(1, 2)).movedim(1, 2).clamp(-1, 1)"


def test_a_network_in_training_mode_is_refused_if_that_matters(run: Run) -> None:
    assert "training mode" in run(NORMED, NORM, base="(torch.nn.Module)").complaint
    assert "BatchNorm3d" in run(NORMED, NORM, base="(torch.nn.Module)").complaint
    assert run(NORMED, NORM + ".eval()", base="(torch.nn.Module)").code == 0
    dropout = "self.net = [lambda x, d=torch.nn.Dropout(0.5): d(x)]"
    assert (
        "Dropout"
        in run("return self.net[0](video).clamp(-1, 1)", dropout, "pass", "", "", "--overwrite").complaint
    )


def test_a_network_in_training_mode_is_no_fault_where_it_changes_nothing_or_is_meant(run: Run) -> None:
    assert run("return self.net(video)", "self.net = torch.nn.Identity()").code == 0
    meant = run(
        NORMED, NORM, "training_mode = True", "", "(torch.nn.Module)", "--overwrite", "--format", "json"
    )
    assert meant.result["model"]["notes"] == [
        "made with networks in training mode, as the model says is meant"
    ]


@pytest.mark.parametrize(
    "make",
    [
        "return video.numpy()",
        "return video.numpy().astype('f2')",
        "return video.numpy().astype('>f8')",
        "return video.double().numpy()[:, :, :, ::-1][:, :, :, ::-1]",
        "return video.half()",
        "return video.requires_grad_()",
    ],
)
def test_floating_point_output_of_any_kind_is_taken(run: Run, make: str) -> None:
    outcome = run(make, "pass", "pass", "", "", "--format", "json")
    assert outcome.code == 0, outcome
    assert outcome.result["metrics"]["psnr"]["value"] > 5


def test_gradients_can_be_had_and_are_explained(run: Run) -> None:
    grad = "x = images.clone().requires_grad_(True); torch.autograd.grad((x * x).sum(), x)"
    assert run(f"with torch.enable_grad(): {grad}\n        return video").code == 0
    assert (
        "wrap what needs gradients in torch.enable_grad()"
        in run(f"{grad}\n        return video", "a = 1", "pass", "", "", "--overwrite").complaint
    )


RAISED = {
    "raise BaseException('x')": "failed on clip ann-anger (BaseException: x)",
    "raise asyncio.CancelledError()": "(CancelledError: )",
    "raise GeneratorExit()": "(GeneratorExit: )",
    "raise Silent()": "(Silent: it cannot be printed)",
    "raise ValueError('\\x1b[31m' + 'x' * 10**6)": "(ValueError: ?[31mxxx",
    "raise ValueError('\\udc80')": "(ValueError: \\udc80)",
    "t = threading.Thread(target=sys.exit, args=(3,)); t.start(); t.join(); return video": "(SystemExit: 3)",
    "t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join(); return video": "(ZeroDivisionError",
    "raise MemoryError()": "(MemoryError: ): give it more memory",
}


@pytest.mark.parametrize("make", RAISED)
def test_whatever_a_model_raises_is_one_line_with_its_clip(run: Run, make: str) -> None:
    silent = "class Silent(Exception):\n    def __str__(self): raise OSError"
    outcome = run(make, top=silent)
    assert outcome.code == 1
    assert "model model failed on clip ann-anger" in outcome.complaint
    assert RAISED[make] in outcome.complaint
    assert len(outcome.complaint) < 600
    assert "report the traceback" not in outcome.complaint


def test_missing_of_a_model_drops_no_clip(run: Run) -> None:
    outcome = run("return video", "self.missing = ['ann-joy']", "pass", "", "", "--format", "json")
    assert outcome.result["metrics"]["psnr"]["n"] == 9
    assert outcome.result["model"]["notes"] == []


def test_notes_that_break_late_lose_no_work(run: Run) -> None:
    outcome = run("self.notes = None; return video", "self.notes = ['a']", "pass", "", "", "--format", "json")
    assert outcome.result["model"]["notes"] == ["a", "attribute notes of model model is None"]


def test_all_that_is_printed_goes_to_the_log(plugin: Write, tmp_path: Path) -> None:
    prints = "print('py'); os.write(1, b'fd'); os.system('echo shell'); sys.__stdout__.write('under')"
    file = plugin(
        MODEL.format(
            make=f"{prints}; return video",
            init=prints + "; import atexit; atexit.register(print, 'at the end')",
            attributes="pass",
            top=prints,
            base="",
        )
    )
    here = Path(__file__).parents[1]
    words = ["run", "model", "tiny", "--plugin", str(file), "--metrics", "psnr", "--format", "json"]
    done = subprocess.run(
        [sys.executable, str(here / "tiny.py"), *words, "--limit", "1", "--out", str(tmp_path / "run")],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": f"{here}{os.pathsep}{here.parent}", "FEVBENCH_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"]["name"] == "model"
    log = (tmp_path / "run" / "model.log").read_text()
    for word in ("py", "fd", "shell", "under", "at the end"):
        assert word in log


def test_a_file_that_is_opened_only_to_make_clips_is_watched(run: Run, tmp_path: Path) -> None:
    late = tmp_path / "late.txt"
    make = f"return video * float(open({str(late)!r}).read())"
    late.write_text("1.0")
    assert run(make).code == 0
    late.write_text("0.2")
    again = run(make)
    assert "nothing to do" in again.err
    assert f"note: {late} has changed" in again.err.replace("\n", "")


@pytest.mark.parametrize("kind", ["fifo", "device", "lost"])
def test_videos_that_have_no_end_are_refused(cli: Cli, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    file = folder / "ann-anger.mkv"
    if kind == "fifo":
        os.mkfifo(file)
    else:
        file.symlink_to("/dev/zero" if kind == "device" else "/no/such")
    outcome = cli("run", f"videos:{folder}", "tiny", "--out", tmp_path / "run")
    assert f"{file} {'cannot be read' if kind == 'lost' else 'is not a regular file'}" in outcome.complaint


def test_counts_have_limits_with_reasons(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("data", "render", "fevsynth", "--frames", "1000000000", "--out", tmp_path / "set")
    assert outcome.code == 2
    assert "a clip lasts seconds" in " ".join(outcome.err.split())
