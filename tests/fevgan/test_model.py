"""The trained model as fevbench sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import tiny
import torch
from tiny import Cli, Outcome
from tiny_training import NARROW, POINTS, open_stand_in

from fevbench.data.clip import EXPRESSIONS
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import protocols
from fevbench.errors import ModelError
from fevbench.models.protocol import ModelSpec, VideoModel
from fevbench.models.registry import find_model, summary
from fevbench.training.export import read_exported, write_exported
from fevgan.config import Config
from fevgan.generator import build_generator
from fevgan.model import FEVGAN, FEVGANWarp

Make = Callable[..., FEVGAN]


WARP = replace(NARROW, composition="warp", anchor=True)
DIRECT = replace(NARROW, composition="direct", anchor=False)


def write(path: Path, config: Config = WARP, labels: tuple[str, ...] = EXPRESSIONS, **more: str) -> Path:
    torch.manual_seed(0)
    network = build_generator(config, len(labels))
    torch.nn.init.normal_(network.last.weight, std=0.3)
    name = "fev-gan-warp" if config.composition == "warp" else "fev-gan"
    about = {"model": name, "config": asdict(config), "labels": labels, "points": POINTS.tolist()}
    write_exported(path, network.state_dict(), {**about, **more})
    return path


def spec(protocol: str = "64x16", labels: tuple[str, ...] = EXPRESSIONS) -> ModelSpec:
    how = protocols.get(protocol)
    return ModelSpec(how.frames, how.size, labels, "cpu", Corpus(tiny.Tiny(), how, "test"))


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Build the model from made-up weights."""

    def call(protocol: str = "64x16", labels: tuple[str, ...] = EXPRESSIONS, config: Config = WARP) -> FEVGAN:
        kind = FEVGANWarp if config.composition == "warp" else FEVGAN
        return kind(spec(protocol, labels), write(tmp_path / "g.safetensors", config), open_stand_in())

    return call


def ask(model: FEVGAN, size: int = 64, seed: int = 3, label: int = 0) -> torch.Tensor:
    images = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        return model.generate(images, torch.tensor([label]), torch.Generator().manual_seed(seed))


def test_it_is_a_model_and_depends_on_its_generator_alone(make: Make) -> None:
    model = make()
    assert isinstance(model, VideoModel)
    video = ask(model)
    assert video.shape == (1, 16, 3, 64, 64)
    assert video.abs().max() <= 1
    assert torch.equal(video, ask(model))
    assert not torch.equal(video, ask(model, seed=4))
    assert model.notes == []


def test_another_data_set_than_it_was_trained_on_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "g.safetensors", WARP, dataset="fevsynth 1.0")
    model = FEVGANWarp(spec(), path, open_stand_in())
    assert model.notes == ["trained on fevsynth 1.0, not on tiny 1"]
    path = write(tmp_path / "g.safetensors", WARP, dataset="tiny 1")
    assert FEVGANWarp(spec(), path, open_stand_in()).notes == []


def test_labels_are_matched_by_name(make: Make) -> None:
    forwards, backwards = make(), make(labels=EXPRESSIONS[::-1])
    assert torch.equal(ask(forwards, label=0), ask(backwards, label=5))
    with pytest.raises(ModelError, match=r"trained on anger, disgust, .*, not on joy"):
        make(labels=("joy",))


@pytest.mark.parametrize("size", [32, 64, 100, 256])
def test_any_size_starts_at_the_input_itself(make: Make, size: int) -> None:
    model = make("128x32")
    video = ask(model, size=size)
    assert video.shape == (1, 32, 3, size, size)
    assert video.abs().max() <= 1
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert torch.equal(video[:, 0], image)


def test_another_size_is_said(make: Make) -> None:
    said = "trained at 64 px and 16 frames, not at 128 px and 32 frames: "
    assert make("128x32").notes == [f"{said}the input's own pixels move, and paint is as fine as 64 px"]
    painted = make("128x32", config=DIRECT)
    assert painted.notes == [f"{said}frames were resized"]
    assert ask(painted, size=128).shape == (1, 32, 3, 128, 128)


@pytest.mark.parametrize("config", [WARP, DIRECT], ids=["warp", "direct"])
def test_a_frame_shows_the_same_moment_in_every_protocol(make: Make, config: Config) -> None:
    """Of 64x32, every second frame is one of 64x16; between two it is between them; then it rests."""
    short, long = ask(make("64x16", config=config)), ask(make("64x32", config=config))
    assert (long[:, ::2] - short).abs().max() < 1e-5
    assert (long[:, 31] - short[:, 15]).abs().max() < 1e-5
    apart = (short[:, 1] - short[:, 2]).abs().mean()
    assert max((long[:, 3] - short[:, i]).abs().mean() for i in (1, 2)) < 0.95 * apart


def test_without_e_id_no_face_network_is_opened(tmp_path: Path) -> None:
    path = write(tmp_path / "g.safetensors", replace(DIRECT, identity_encoder=False))
    assert ask(FEVGAN(spec(), path)).shape == (1, 16, 3, 64, 64)


def test_what_version_0_1_called_fev_gan_runs_under_both_names(tmp_path: Path) -> None:
    path = write(tmp_path / "g.safetensors", WARP, model="fev-gan")
    assert read_exported(path, "fev-gan").about["model"] == "fev-gan-warp"
    now = FEVGANWarp(spec(), path, open_stand_in())
    then = FEVGAN(spec(), path, open_stand_in())
    assert now.notes == []
    assert then.notes == [
        "these weights are of fev-gan-warp, the name for what warps: ask for fev-gan-warp:PATH"
    ]
    assert torch.equal(ask(now), ask(then))


def test_the_old_file_does_not_serve_as_what_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "fevsynth-64x16.safetensors", WARP, model="fev-gan")
    monkeypatch.setattr(FEVGAN, "weights", path)
    with pytest.raises(ModelError, match=r"holds fev-gan-warp, not fev-gan: install it again"):
        FEVGAN(spec(), None, open_stand_in())


def test_a_model_takes_no_weights_of_the_other(tmp_path: Path) -> None:
    painted = write(tmp_path / "p.safetensors", DIRECT)
    with pytest.raises(ModelError, match="holds fev-gan, not fev-gan-warp"):
        FEVGANWarp(spec(), painted, open_stand_in())
    warped = write(tmp_path / "w.safetensors", WARP)
    with pytest.raises(ModelError, match="holds fev-gan-warp, not fev-gan"):
        FEVGAN(spec(), warped, open_stand_in())
    neither = write(tmp_path / "n.safetensors", DIRECT, model="fev-gan-warp")
    with pytest.raises(ModelError, match="with composition=direct, which warps nothing"):
        FEVGANWarp(spec(), neither, open_stand_in())


def test_weights_of_other_networks_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    about = {"model": "fev-gan", "config": asdict(DIRECT), "labels": EXPRESSIONS, "points": POINTS.tolist()}
    write_exported(path, build_generator(replace(DIRECT, style=4), 6).state_dict(), about)
    with pytest.raises(ModelError, match="the weights do not fit the networks of this version"):
        FEVGAN(spec(), path, open_stand_in())


def test_weights_of_ones_own_are_named_and_part_of_the_fingerprint(tmp_path: Path) -> None:
    folder = tmp_path / "my-training"
    folder.mkdir()
    with pytest.raises(ModelError, match=r"has no weights .*: give fev-gan:PATH a file or the folder"):
        find_model(f"fev-gan:{folder}")
    write(folder / "generator.safetensors")
    first = find_model(f"fev-gan:{folder}")
    assert first.name == "fev-gan:my-training"
    assert first.origin == find_model("fev-gan").origin
    assert first.networks == FEVGAN.networks
    write(folder / "generator.safetensors", replace(DIRECT, style=4))
    assert find_model(f"fev-gan:{folder / 'generator.safetensors'}").fingerprint != first.fingerprint
    with pytest.raises(ModelError, match="model 'copy' takes no other weights"):
        find_model(f"copy:{folder}")


def test_it_is_scored_as_any_model(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FEVGAN, "networks", ())
    path = write(tmp_path / "own.safetensors", replace(DIRECT, identity_encoder=False), tiny.LABELS)
    run = ("run", f"fev-gan:{path}", "tiny", "--metrics", "psnr", "--limit", "2", "--format", "json")
    outcome: Outcome = cli(*run, "--out", tmp_path / "run")
    assert outcome.code == 0, outcome
    assert outcome.result["model"]["name"] == "fev-gan:own"
    other = write(tmp_path / "own.safetensors", replace(DIRECT, identity_encoder=False, noise=2), tiny.LABELS)
    assert other == path
    changed = cli(*run, "--out", tmp_path / "run", "--overwrite").result
    assert changed["model"]["fingerprint"] != outcome.result["model"]["fingerprint"]


@pytest.mark.parametrize(("bits", "size"), [("16", 0.7), ("8", 0.5)])
def test_what_is_passed_on_may_stray_less_and_weigh_less(
    cli: Cli, tmp_path: Path, bits: str, size: float
) -> None:
    path, out = write(tmp_path / "g.safetensors", DIRECT), tmp_path / "shipped.safetensors"
    outcome = cli("export", "fev-gan", path, "--out", out, "--set", "truncation=0", "--bits", bits)
    assert outcome.code == 0, outcome
    assert out.stat().st_size < size * path.stat().st_size
    assert read_exported(out, "fev-gan").about["config"]["truncation"] == 0
    model = FEVGAN(spec(), out, open_stand_in())
    assert torch.equal(ask(model, seed=1), ask(model, seed=2)), "always the typical clip"


def test_the_first_line_says_what_it_is() -> None:
    assert "reimplemented from its published description" in summary("fev-gan")
    assert "fevbench's, with FEV-GAN's encoders" in summary("fev-gan-warp")
    assert find_model("fev-gan-warp").adapted
    assert not find_model("fev-gan").adapted


@pytest.mark.weights
def test_e_id_tells_people_apart() -> None:
    """Same person in two takes against different people, on FEVSynth's neutral images at 64 px."""
    import numpy as np

    from fevbench import weights
    from fevbench.data.datasets import open_dataset
    from fevbench.data.tensors import to_tensor
    from fevbench.fevsynth.adapter import FEVSynth
    from fevgan.faces import open_faces

    for name in FEVGAN.networks:
        weights.require(name)
    data = open_dataset("fevsynth")
    assert isinstance(data, FEVSynth)
    people = [subject.id for subject in data.subjects() if subject.split == "test"][:8]
    size = protocols.get("64x16")
    images = np.concatenate([size.resize(data.neutral(p, take)[None], p) for take in (0, 1) for p in people])
    faces = open_faces("cpu")
    points = faces.points(images)
    assert not np.isnan(points).any()
    with torch.inference_mode():
        codes = faces.codes(to_tensor(images), points)
    alike = codes @ codes.T
    same = alike.diagonal(len(people))
    different = alike[: len(people), : len(people)][~torch.eye(len(people), dtype=torch.bool)]
    assert same.min() > different.max()
