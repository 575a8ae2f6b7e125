"""Mean motion as fevbench sees it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tiny
import torch
from square_mesh import MESH, find_square
from tiny import Cli

import baselines.mean_motion.model as model_module
from baselines.mean_motion.learn import learn
from baselines.mean_motion.learned import read_learned
from baselines.mean_motion.mesh import Mesh, open_mesh
from baselines.mean_motion.model import SHIPPED, MeanMotion
from fevbench.data.clip import EXPRESSIONS
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import protocols
from fevbench.data.tensors import to_pixels, to_tensor
from fevbench.errors import MissingPackage
from fevbench.extractors.face_mesh import LANDMARKER, Landmarker
from fevbench.fevsynth import VERSION
from fevbench.models.protocol import ModelSpec, VideoModel
from fevbench.models.registry import find_model
from fevbench.progress import Silent

if TYPE_CHECKING:
    from fevbench.data.clip import Dataset, Frames

pytestmark = pytest.mark.usefixtures("tiny_data")
needs_mediapipe = pytest.mark.skipif(
    importlib.util.find_spec("mediapipe") is None, reason="needs fevbench[faces]"
)


def spec(data: Dataset | None = None, protocol: str = "64x16") -> ModelSpec:
    data, how = data or tiny.Tiny(), protocols.get(protocol)
    return ModelSpec(how.frames, how.size, data.labels, "cpu", Corpus(data, how, "test"))


def ask(model: MeanMotion, image: Frames, label: int) -> Frames:
    with torch.inference_mode():
        return to_pixels(model.generate(to_tensor(image[None]), torch.tensor([label]), torch.Generator())[0])


def spot(size: int = 64) -> Frames:
    """A picture in which a square can move a little without meeting the border."""
    return tiny.squares(0, 0, 1, size)[0]


def test_a_face_moves_as_its_label_does() -> None:
    model = MeanMotion(spec(), mesh=MESH)
    assert isinstance(model, VideoModel)
    assert model.notes == ["moves as 3 train clips of 1 people of tiny 1 do on average"]
    image = spot()
    for label, (right, down) in enumerate([(0, -1), (1, 0), (2, 1)]):
        video = ask(model, image, label)
        assert video.shape == (16, 64, 64, 3)
        assert np.array_equal(video[0], image), "the input itself"
        corner = 64 * find_square(video[[0, 4]])[:, 4]
        assert np.allclose(corner[1] - corner[0], (4 * right, 4 * down), atol=2), tiny.LABELS[label]
        assert np.array_equal(video, ask(model, image, label))


def test_where_no_face_is_found_the_average_place_moves() -> None:
    blind = Mesh(lambda frames: np.full_like(find_square(frames), np.nan), "square")
    model = MeanMotion(spec(), mesh=MESH)
    sighted = ask(model, spot(), 1)
    model._mesh = blind
    video = ask(model, spot(), 1)
    assert np.array_equal(video[0], spot())
    # The train person's square starts where everybody's does, so that the average place is the right one.
    assert np.abs(video.astype(int) - sighted).max() <= 1


def test_motion_keeps_its_pace_at_another_rate(tmp_path: Path) -> None:
    path = tmp_path / "slow.safetensors"
    learn(tiny.Tiny(), protocols.get("64x16"), MESH, Silent()).write(path)
    slow, fast = MeanMotion(spec(), path, MESH), MeanMotion(spec(protocol="64x32"), path, MESH)
    for label in range(3):
        few, many = ask(slow, spot(), label), ask(fast, spot(), label)
        assert np.abs(many[:31:2].astype(int) - few).max() <= 1
    assert slow.notes == fast.notes[:1]
    assert fast.notes[1:] == ["the motion is known for 1.20 s, and the face stands still after that"]


def test_what_ships_is_of_the_data_set_that_ships() -> None:
    learned = read_learned(SHIPPED)
    expected = {"labels": list(EXPRESSIONS), "fps": 25.0, "dataset": "fevsynth", "version": VERSION,
                "protocol": "128x32@1", "people": 64, "clips": 768, "left_out": 0}  # fmt: skip
    assert expected.items() <= dict(learned.about).items()
    assert learned.motion.shape == (6, 32, 478, 2)
    assert not learned.motion[:, 0].any()
    assert SHIPPED.stat().st_size < 400_000
    # Upper and lower lip (13 and 14) part most in surprise, and corners of the mouth (61, 291) in a smile.
    apart = learned.motion[:, :, 14, 1] - learned.motion[:, :, 13, 1]
    wide = learned.motion[:, :, 291, 0] - learned.motion[:, :, 61, 0]
    assert EXPRESSIONS[apart.max(axis=1).argmax()] == "surprise"
    assert EXPRESSIONS[wide.max(axis=1).argmax()] == "happiness"


@pytest.mark.usefixtures("in_this_process")
def test_it_is_scored_as_a_model(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MeanMotion, "networks", ())
    monkeypatch.setattr(model_module, "open_mesh", lambda: MESH)
    words = ("--metrics", "psnr", "--limit", "2", "--out", tmp_path / "run", "--format", "json")
    outcome = cli("run", "mean-motion", "tiny", *words)
    assert outcome.code == 0, outcome
    assert outcome.result["model"]["control"] is False
    assert outcome.result["model"]["notes"] == ["moves as 3 train clips of 1 people of tiny 1 do on average"]
    assert "find points" in outcome.err
    own = tmp_path / "own.safetensors"
    learn(tiny.Tiny(), protocols.get("64x16"), MESH, Silent()).write(own)
    found = find_model(f"mean-motion:{own}")
    assert found.fingerprint != find_model("mean-motion").fingerprint


def test_without_mediapipe_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(MissingPackage, match=r"model 'mean-motion' needs mediapipe.*'fevbench\[faces\]'"):
        Landmarker({}, "model 'mean-motion'")


@needs_mediapipe
@pytest.mark.weights
def test_a_real_face_performs_the_motion(monkeypatch: pytest.MonkeyPatch) -> None:
    """The points of what was made are where they were meant to go, as MediaPipe finds them again."""
    from fevbench import weights
    from fevbench.data.datasets import open_dataset

    monkeypatch.delenv("FEVBENCH_HOME")
    weights.require(LANDMARKER)
    data = open_dataset("fevsynth")
    mesh = open_mesh()
    model = MeanMotion(spec(data), mesh=mesh)
    image = protocols.get("64x16").sample(data.frames(data.clips("test")[0]), "a clip")[0]
    for label in ("happiness", "surprise"):
        video = ask(model, image, EXPRESSIONS.index(label))
        before, after = 64 * mesh.points(video[[0, 12]])
        moved = after - before
        wanted = 64 * model._motions[EXPRESSIONS.index(label)][12]
        along = float((moved * wanted).sum() / (wanted**2).sum())
        assert 0.6 < along < 1.4, label


@needs_mediapipe
@pytest.mark.weights
def test_a_photograph_moves_as_the_shipped_motion_says(
    cli: Cli, photograph: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    monkeypatch.delenv("FEVBENCH_HOME")
    Image.fromarray(photograph).save(tmp_path / "face.png")
    words = ("--expression", "surprise", "--out", tmp_path / "clip.png", "--scale", "1", "--size", "96")
    outcome = cli("generate", "mean-motion", "--image", tmp_path / "face.png", *words)
    assert outcome.code == 0, outcome
    assert "moves as 768 train clips of 64 people of fevsynth 1.0 do on average" in outcome.err
    with Image.open(tmp_path / "clip.png") as strip:
        first, last = (np.asarray(strip).astype(int)[:96, 98 * i : 98 * i + 96] for i in (0, 15))
    assert np.abs(last - first)[30:90, 24:72].mean() > 3
    assert np.abs(last - first)[:, :2].max() <= 1, "the background stays"
