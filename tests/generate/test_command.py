"""``fevbench generate``: any model, any photograph, any of the formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from tiny import Cli, Outcome

from fevbench.data.video import read_clip

Write = Callable[[str], Path]
Ask = Callable[..., Outcome]
BRIGHTER = """
@register_model("brighter")
class Brighter:
    def __init__(self, spec): self.spec = spec
    def generate(self, images, labels, generator):
        ramp = torch.linspace(0, 0.1 * float(labels[0]), self.spec.frames)[None, :, None, None, None]
        return (images[:, None] + ramp).clamp(-1, 1)
"""


@pytest.fixture
def ask(cli: Cli, plugin: Write, tmp_path: Path) -> Ask:
    picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "face.png")
    file = plugin(BRIGHTER)

    def call(out: str, expression: str = "surprise", *options: str, model: str = "brighter") -> Outcome:
        words = ("--image", tmp_path / "face.png", "--expression", expression, "--out", tmp_path / out)
        return cli("generate", model, "--plugin", file, "--framed", *words, *options)

    return call


def test_a_clip_of_each_format(ask: Ask, tmp_path: Path) -> None:
    outcome = ask("clip.mp4")
    assert outcome.code == 0, outcome
    assert "surprise; 16 frames of 64 px, shown 4 times as large" in outcome.out
    assert "16 frames of 256 px" in ask("large.mp4", "surprise", "--size", "256").out
    assert read_clip(tmp_path / "large.mp4").shape == (16, 256, 256, 3)
    video = read_clip(tmp_path / "clip.mp4")
    assert video.shape == (16, 256, 256, 3)
    assert video[-1].mean() > video[0].mean() + 20
    assert ask("clip.gif", "surprise", "--scale", "1").code == 0
    with Image.open(tmp_path / "clip.gif") as gif:
        assert gif.size == (64, 64)
    assert ask("strip.png", "fear", "--scale", "1", "--protocol", "128x32", "--size", "32").code == 0
    with Image.open(tmp_path / "strip.png") as strip:
        assert strip.size == (32 * 34, 34)


def test_all_six_in_one_grid(ask: Ask, tmp_path: Path) -> None:
    for name, shape in (("all.mp4", (2 * 82, 3 * 66)), ("all.png", (6 * 84, 16 * 66))):
        outcome = ask(name, "all", "--scale", "1")
        assert outcome.code == 0, outcome
        if name.endswith("mp4"):
            assert read_clip(tmp_path / name).shape[1:3] == shape
        else:
            with Image.open(tmp_path / name) as grid:
                assert grid.size == shape[::-1]


@pytest.mark.parametrize(
    ("arguments", "model", "words"),
    [
        (
            ("clip.mp4", "happyness"),
            "brighter",
            "no expression is called 'happyness': did you mean 'happiness'",
        ),
        (
            ("clip.webp",),
            "brighter",
            "clip.webp has no known format: give a name that ends in .mp4, .gif, .png",
        ),
        (("clip.mp4",), "real", "real finds clips and generates none"),
        (("clip.mp4",), "brigter", "did you mean 'brighter'?"),
        (("clip.mp4", "fear", "--protocol", "64"), "brighter", "no protocol is called '64'"),
        (("clip.mp4", "fear", "--paste"), "brighter", "--framed detects no face, but --paste needs one"),
        (("clip.mp4", "fear", "--face", "1"), "brighter", "--framed detects no face, but --face needs one"),
    ],
)
def test_an_error_is_one_line_that_helps(
    ask: Ask, arguments: tuple[str, ...], model: str, words: str
) -> None:
    outcome = ask(*arguments, model=model)
    assert outcome.code == 1
    assert words in outcome.complaint


def test_a_face_moves_in_its_photograph(
    cli: Cli, plugin: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in finds the face; the network that reads expressions is not here, which is said."""
    from fevbench import weights
    from fevbench.data.framing import FRAMING, FoundFace
    from fevbench.errors import WeightsError
    from fevbench.generate import photograph as reading

    def only_the_detector(names: list[str], **_: object) -> dict[str, object]:
        if "face-api" in names:
            raise WeightsError("face-api is not on this machine", "pull it")
        return {name: SimpleNamespace(path=tmp_path) for name in names}

    points = (FRAMING * 80 + [60, 30]).astype(np.float32)
    face = FoundFace((80.0, 50.0, 120.0, 100.0), points)
    monkeypatch.setattr(reading, "find_faces", lambda picture, detector: [face])
    monkeypatch.setattr(weights, "require_all", only_the_detector)
    photograph = np.random.default_rng(0).integers(0, 150, (160, 240, 3), np.uint8)
    Image.fromarray(photograph).save(tmp_path / "whole.png")
    words = ("--image", tmp_path / "whole.png", "--expression", "surprise", "--out", tmp_path / "out.png")
    outcome = cli("generate", "brighter", "--plugin", plugin(BRIGHTER), "--paste", *words)
    assert outcome.code == 0, outcome
    assert "16 frames of 80 px, put into the photograph" in outcome.out
    assert "not checked whether the face is neutral (face-api is not on this machine)" in outcome.err
    with Image.open(tmp_path / "out.png") as strip:
        frames = np.asarray(strip)[:160].reshape(160, 16, 242, 3)[:, :, :240].astype(int)
    assert np.array_equal(frames[:, 15, :50], photograph[:, :50]), "away from the face nothing changes"
    middle = (slice(60, 80), slice(90, 110))
    assert (frames[:, 15][middle] - frames[:, 0][middle]).mean() > 40
    assert np.abs(frames[:, 0] - photograph)[middle].mean() < 3


@pytest.mark.weights
def test_a_photograph_is_framed(
    cli: Cli, photograph: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FEVBENCH_HOME")
    Image.fromarray(photograph).save(tmp_path / "one.jpg")
    Image.fromarray(np.concatenate([photograph, photograph], 1)).save(tmp_path / "two.jpg")
    Image.new("RGB", (200, 200), "grey").save(tmp_path / "none.jpg")

    def call(image: str, *options: str) -> Outcome:
        words = ("--expression", "fear", "--out", tmp_path / "clip.png", *options)
        return cli("generate", "copy", "--image", tmp_path / image, *words)

    assert call("one.jpg").code == 0
    both = call("two.jpg")
    assert both.code == 0
    assert "two.jpg shows 2 faces: taken is" in both.err
    assert call("two.jpg", "--face", "2").code == 0
    assert "no face was found in" in call("none.jpg").complaint
