"""The nearest person's clip is found, of the label that was asked for, among train people alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tiny
import torch
from tiny import Cli
from tiny_training import find_points

import baselines.nearest
from baselines.nearest import Jump, Nearest, apex_frame
from fevbench.data.clip import Clip, Split
from fevbench.data.corpus import Corpus
from fevbench.data.datasets import datasets
from fevbench.data.protocol import protocols
from fevbench.data.tensors import to_pixels, to_tensor
from fevbench.errors import DatasetError, ModelError
from fevbench.models.protocol import ModelSpec, VideoModel
from fevgan.faces import Faces

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

pytestmark = pytest.mark.usefixtures("tiny_data")
PROTOCOL = protocols.get("64x16")


class Colours(torch.nn.Module):
    """In place of E_Id: a face's mean colour, as a direction."""

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(faces.mean(dim=(2, 3)) + 0.2)


def stand_in(device: object = "cpu") -> Faces:
    return Faces(find_points, Colours(), "colours")  # type: ignore[arg-type]


class Takes(tiny.Tiny):
    """The moving squares with two train people, who perform twice, in light that differs a little."""

    def clips(self, split: Split) -> tuple[Clip, ...]:
        if split != "train":
            return super().clips(split)
        return tuple(
            Clip(f"{person}-{label}-{take}", person, label, split, Path(person, label, str(take)))
            for take in (0, 1)
            for person in ("dan", "eve")
            for label in self.labels
        )

    def frames(self, clip: Clip) -> Frames:
        person = [*tiny.PEOPLE, "eve"].index(clip.subject)
        frames = tiny.squares(person, self.labels.index(clip.label))
        frames[..., 2] += np.uint8(4 * int(clip.path.name == "1"))
        return frames


def spec(data: tiny.Tiny | None = None, split: Split = "test") -> ModelSpec:
    data = data or Takes()
    return ModelSpec(16, 64, data.labels, "cpu", Corpus(data, PROTOCOL, split))


def ask(model: Nearest, image: Frames, label: int) -> Frames:
    with torch.inference_mode():
        return to_pixels(model.generate(to_tensor(image[None]), torch.tensor([label]), torch.Generator())[0])


def sampled(data: tiny.Tiny, split: Split) -> dict[str, Frames]:
    return {clip.id: PROTOCOL.sample(data.frames(clip), clip.id) for clip in data.clips(split)}


def test_somebody_who_is_in_train_is_found_with_the_very_take() -> None:
    model = Nearest(spec())
    assert isinstance(model, VideoModel)
    for clip in Takes().clips("train"):
        true = PROTOCOL.sample(Takes().frames(clip), clip.id)
        assert np.array_equal(ask(model, true[0], Takes.labels.index(clip.label)), true), clip.id


def test_whoever_asks_sees_a_train_clip_of_the_label() -> None:
    model, train = Nearest(spec()), sampled(Takes(), "train")
    names = {frames.tobytes(): name for name, frames in train.items()}
    for frames in sampled(Takes(), "test").values():
        for i, label in enumerate(tiny.LABELS):
            assert names[ask(model, frames[0], i).tobytes()].split("-")[1] == label


def test_labels_are_matched_by_name() -> None:
    backwards = ModelSpec(16, 64, tiny.LABELS[::-1], "cpu", spec().corpus)
    image = sampled(Takes(), "test")["ann-joy"][0]
    assert np.array_equal(ask(Nearest(backwards), image, 0), ask(Nearest(spec()), image, 2))


def test_the_person_is_nearest_and_not_a_single_clip() -> None:
    """One odd frame of somebody far away does not make that person near."""
    codes = np.array([[0, 1], [1, 0], [1, 0], [0.8, 0.6]], np.float32)
    subjects = ["far", "far", "far", "near"]
    persons = baselines.nearest._codes_of_persons(codes, subjects)
    assert np.allclose(np.linalg.norm(persons, axis=1), 1)
    assert np.array_equal(persons[0], persons[1])
    code = np.array([0, 1], np.float32)
    assert (codes @ code).argmax() == 0
    assert (persons @ code).argmax() == 3


def test_jump_is_the_input_then_the_apex_of_the_nearest_clip() -> None:
    near, jump = Nearest(spec()), Jump(spec())
    for frames in sampled(Takes(), "test").values():
        for label in range(3):
            clip, made = ask(near, frames[0], label), ask(jump, frames[0], label)
            assert np.array_equal(made[0], frames[0])
            assert np.array_equal(made[1:], np.broadcast_to(clip[apex_frame(clip)], made[1:].shape))
            assert len({frame.tobytes() for frame in made}) == 2


def test_the_apex_is_the_frame_that_differs_most() -> None:
    clip = np.zeros((6, 8, 8, 3), np.uint8)
    for t, width in enumerate((0, 1, 4, 6, 5, 2)):
        clip[t, :, :width] = 200
    assert apex_frame(clip) == 3
    assert apex_frame(255 - clip) == 3, "darker is as far as lighter"
    assert apex_frame(clip[:1].repeat(4, axis=0)) == 0


def test_what_was_looked_up_is_said_and_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    image = sampled(Takes(), "test")["bob-joy"][0]
    first = Nearest(spec())
    assert first.notes == ["looks up 12 train clips of 2 people of tiny 1"]
    monkeypatch.setattr(Colours, "forward", None)  # codes of train clips were kept
    again = Nearest(spec())
    monkeypatch.undo()
    again._faces = stand_in()
    assert np.array_equal(ask(first, image, 1), ask(again, image, 1))


def test_people_who_are_scored_are_not_looked_up() -> None:
    with pytest.raises(
        ModelError, match=r"train split of tiny holds train people.*: score it on --split val"
    ):
        Nearest(spec(split="train"))


def test_without_train_people_or_clips_of_a_label_it_says_so() -> None:
    class NoTrain(tiny.Tiny):
        def clips(self, split: Split) -> tuple[Clip, ...]:
            return super().clips(split) if split == "test" else ()

    class NoJoy(tiny.Tiny):
        def clips(self, split: Split) -> tuple[Clip, ...]:
            return tuple(c for c in super().clips(split) if split == "test" or c.label != "joy")

    with pytest.raises(ModelError, match="tiny has no train people, whose clips this model looks up: score"):
        Jump(spec(NoTrain()))
    with pytest.raises(DatasetError, match="no train clip of tiny shows joy"):
        Jump(spec(NoJoy()))


@pytest.fixture(autouse=True)
def without_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Nearest, "networks", ())
    monkeypatch.setattr(baselines.nearest, "open_faces", stand_in)


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("name", ["nearest", "jump"])
def test_it_is_scored_as_a_model_and_not_a_control(
    cli: Cli, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(datasets._targets, "tiny", Takes)
    out = ("--out", tmp_path / "run", "--metrics", "psnr", "--limit", "2", "--format", "json")
    outcome = cli("run", name, "tiny", *out)
    assert outcome.code == 0, outcome
    assert outcome.result["model"]["control"] is False
    assert outcome.result["model"]["notes"][0] == "looks up 12 train clips of 2 people of tiny 1"
    assert "identity codes" in outcome.err


def test_a_photograph_has_no_train_people(cli: Cli, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (64, 64), "grey").save(tmp_path / "face.png")
    words = (
        "--image",
        tmp_path / "face.png",
        "--framed",
        "--expression",
        "fear",
        "--out",
        tmp_path / "a.png",
    )
    assert "photograph has no train people" in cli("generate", "nearest", *words).complaint


@pytest.mark.weights
def test_e_id_finds_a_person_by_another_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real networks, on eight people of FEVSynth: the input is a picture apart from every clip."""
    from fevbench.fevsynth.adapter import FEVSynth
    from fevgan.faces import open_faces

    class Few(FEVSynth):
        def clips(self, split: Split) -> tuple[Clip, ...]:
            return tuple(c for c in super().clips(split) if c.label == "anger" and c.id.endswith("-0"))[:8]

    monkeypatch.delenv("FEVBENCH_HOME")
    faces = open_faces("cpu")
    monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path / "home"))
    data = Few()
    model = Nearest(ModelSpec(16, 64, data.labels, "cpu", Corpus(data, PROTOCOL, "test")), faces)
    for clip in data.clips("train"):
        image = PROTOCOL.resize(data.neutral(clip.subject, 1)[None], clip.id)[0]
        assert np.array_equal(ask(model, image, 0), PROTOCOL.sample(data.frames(clip), clip.id)), clip.id
