"""A trained baseline as fevbench sees it."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import tiny
import torch
from narrow_baselines import METHODS, MODELS, config
from tiny import Cli

from baselines.generated import Generated
from fevbench.data.clip import EXPRESSIONS
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import protocols
from fevbench.errors import ModelError
from fevbench.models.protocol import ModelSpec, VideoModel
from fevbench.models.registry import find_model, models, summary
from fevbench.training.export import write_exported

IGNORE_FACES = {"mocogan"}
WITHOUT_NOISE = {"vgan"}
SHIPPED_AT_MOST = 8e6
"""Bytes of an exported generator in half precision."""


def write(path: Path, name: str, labels: tuple[str, ...] = EXPRESSIONS) -> Path:
    torch.manual_seed(0)
    chosen = config(name)
    network = METHODS[name].build(chosen, len(labels), torch.device("cpu")).networks["generator"]
    for norm in network.modules():  # as if it had been trained: other statistics than those of the start
        if isinstance(norm, torch.nn.modules.batchnorm._BatchNorm):
            torch.nn.init.uniform_(norm.running_var, 0.01, 0.1)
    write_exported(path, network.state_dict(), {"model": name, "config": asdict(chosen), "labels": labels})
    return path


def make(
    folder: Path, name: str, protocol: str = "64x16", labels: tuple[str, ...] = EXPRESSIONS
) -> Generated:
    how = protocols.get(protocol)
    spec = ModelSpec(how.frames, how.size, labels, "cpu", Corpus(tiny.Tiny(), how, "test"))
    return MODELS[name](spec, write(folder / f"{name}.safetensors", name))


def ask(model: Generated, size: int = 64, seed: int = 3, label: int = 0, face: int = 0) -> torch.Tensor:
    images = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(face)) * 2 - 1
    with torch.inference_mode():
        return model.generate(images, torch.tensor([label]), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", MODELS)
def test_a_clip_depends_on_face_label_and_seed(tmp_path: Path, name: str) -> None:
    model = make(tmp_path, name)
    assert isinstance(model, VideoModel)
    video = ask(model)
    assert video.shape == (1, 16, 3, 64, 64)
    assert video.dtype == torch.float32
    assert video.abs().max() <= 1
    assert torch.equal(video, ask(model))
    assert not torch.equal(video, ask(model, label=1))
    assert torch.equal(video, ask(model, face=1)) == (name in IGNORE_FACES)
    assert torch.equal(video, ask(model, seed=4)) == (name in WITHOUT_NOISE)
    assert ("it does not see the input: it makes up the subject" in model.notes) == (name in IGNORE_FACES)
    backwards = make(tmp_path, name, labels=EXPRESSIONS[::-1])
    assert torch.equal(video, ask(backwards, label=5)), "labels are matched by name"


@pytest.mark.parametrize("name", MODELS)
def test_another_size_is_resized_and_said(tmp_path: Path, name: str) -> None:
    model = make(tmp_path, name, "128x32")
    assert ask(model, size=128).shape == (1, 32, 3, 128, 128)
    (note,) = [note for note in model.notes if "trained at" in note]
    assert note == "trained at 64 px and 16 frames, not at 128 px and 32 frames: clips were resized"


@pytest.mark.parametrize("name", MODELS)
def test_it_is_scored_as_any_model(cli: Cli, tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "own.safetensors", name, tiny.LABELS)
    run = ("run", f"{name}:{path}", "tiny", "--metrics", "psnr", "--limit", "1", "--format", "json")
    outcome = cli(*run, "--out", tmp_path / "run")
    assert outcome.code == 0, outcome
    assert outcome.result["model"]["name"] == f"{name}:own"


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("name", MODELS)
def test_without_weights_it_says_so(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(MODELS[name], "weights", tmp_path / "lost.safetensors")
    outcome = cli("run", name, "tiny", "--metrics", "psnr", "--limit", "1", "--out", tmp_path / "run")
    assert outcome.code == 1
    assert f"{name} has no weights there: train it (fevbench train {name} fevsynth)" in outcome.complaint


@pytest.mark.parametrize("name", MODELS)
def test_shared_code_is_part_of_the_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = find_model(name).fingerprint
    read = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda self: read(self) + (b"#" if self.name == "conditioning.py" else b"")
    )
    assert find_model(name).fingerprint != before


@pytest.mark.parametrize("name", MODELS)
def test_the_default_configuration_is_small_enough_to_ship(name: str) -> None:
    default, *_ = METHODS[name].configs.values()
    with torch.device("meta"):
        network = MODELS[name].network(default, len(EXPRESSIONS))
    numbers = sum(value.numel() for value in network.state_dict().values())
    assert 2 * numbers < SHIPPED_AT_MOST


@pytest.mark.parametrize("name", MODELS)
def test_other_frames_than_the_papers_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="protocol 128x32: the paper's layers make 64 px"):
        replace(config(name), protocol="128x32")


@pytest.mark.parametrize("name", MODELS)
def test_the_first_line_says_what_it_is(name: str) -> None:
    assert "reimplemented from its published description" in summary(name)
    assert models.get(name) is MODELS[name]
    assert MODELS[name].name == name


def test_weights_of_another_method_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "own.safetensors", "imaginator")
    spec = ModelSpec(16, 64, EXPRESSIONS, "cpu", Corpus(tiny.Tiny(), protocols.get("64x16"), "test"))
    other = type("Other", (MODELS["imaginator"],), {"name": "other"})
    with pytest.raises(ModelError, match="holds imaginator, not other"):
        other(spec, path)
