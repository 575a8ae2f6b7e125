"""One training step: who learns from what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from tiny_training import NARROW, POINTS, find_points, open_stand_in

from fevbench.data.protocol import protocols
from fevbench.progress import Silent
from fevbench.training.data import TrainingSet, open_training_set
from fevbench.training.devices import Updates, open_accelerator
from fevbench.training.guard import TrainingError
from fevbench.training.sampling import BatchShare, draw_batch
from fevgan.faces import Faces
from fevgan.identity import MobileFaceNet
from fevgan.step import FEVGANTask

CPU = torch.device("cpu")


@pytest.fixture
def data(tiny_data: None) -> TrainingSet:
    return open_training_set(tiny.Tiny(), protocols.get("64x16"), "test", Silent())


@pytest.fixture
def take(data: TrainingSet) -> Callable[..., tuple[FEVGANTask, dict[str, float], set[str]]]:
    """Take a step; returns the task, its losses, and the networks that changed."""

    def call(step: int = 2, **changes: Any) -> tuple[FEVGANTask, dict[str, float], set[str]]:
        config = replace(NARROW, **changes)
        faces = open_stand_in()
        torch.manual_seed(0)
        task = FEVGANTask(config, data, CPU, Silent(), faces)
        everything = {**task.networks, "identity": faces.identity}
        before = {name: [p.clone() for p in net.parameters()] for name, net in everything.items()}
        batch, draws = draw_batch(data, config, 0, step, BatchShare(), CPU)
        losses = task.step(batch, draws, Updates(open_accelerator("cpu", "fp32"), task.optimisers))
        changed = {
            name
            for name, net in everything.items()
            if any(not torch.equal(a, b) for a, b in zip(before[name], net.parameters(), strict=True))
        }
        assert all(p.requires_grad for p in task.discriminator.parameters())
        return task, {name: float(loss.detach()) for name, loss in losses.items()}, changed

    return call


Take = Callable[..., tuple[FEVGANTask, dict[str, float], set[str]]]


def test_all_but_e_id_learn(take: Take) -> None:
    _, losses, changed = take()
    assert changed == {"generator", "discriminator", "posterior"}
    assert losses["identity"] > 0
    weighted = (
        NARROW.reconstruction_weight * losses["reconstruction"]
        + NARROW.difference_weight * losses["difference"]
        + NARROW.posterior_weight * max(losses["posterior"], NARROW.posterior_free)
        + NARROW.adversarial_weight * losses["adversarial"]
        + NARROW.identity_weight * NARROW.identity_every * losses["identity"]
    )
    assert losses["total"] == pytest.approx(weighted, rel=1e-5)


def test_what_is_switched_off_does_not_learn(take: Take) -> None:
    task, losses, changed = take(adversarial_weight=0.0, posterior=False)
    assert changed == {"generator"}
    assert "adversarial" not in losses
    assert task.floors == {}


def test_identity_is_looked_at_every_so_many_steps(take: Take) -> None:
    assert take(step=1)[1]["identity"] == 0
    assert take(step=1, identity_every=1)[1]["identity"] > 0


def test_a_face_that_is_not_found_is_where_faces_are_on_average(data: TrainingSet) -> None:
    def find(frames: np.ndarray) -> np.ndarray:
        points = find_points(frames)
        points[:2] = np.nan
        return points

    faces = Faces(find, MobileFaceNet(), "some-missing")
    task = FEVGANTask(NARROW, data, CPU, Silent(), faces)
    np.testing.assert_allclose(task.about()["points"], POINTS, atol=1e-5)
    assert torch.isfinite(task.sample(task.generator, data, [0, 4])).all()
    blind = Faces(lambda frames: np.full((len(frames), 10), np.nan, np.float32), MobileFaceNet(), "blind")
    with pytest.raises(TrainingError, match="no face was found in any clip"):
        FEVGANTask(NARROW, data, CPU, Silent(), blind)
