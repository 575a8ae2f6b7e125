from __future__ import annotations

from collections.abc import Callable

import pytest
import tiny
import torch
from narrow_baselines import METHODS, config

from baselines.task import BaselineTask
from fevbench.data.protocol import protocols
from fevbench.progress import Silent
from fevbench.training.data import TrainingSet, open_training_set
from fevbench.training.devices import Updates, open_accelerator
from fevbench.training.sampling import BatchShare, draw_batch

CPU = torch.device("cpu")
History = list[dict[str, float]]


@pytest.fixture
def squares(tiny_data: None) -> TrainingSet:
    return open_training_set(tiny.Tiny(), protocols.get("64x16"), "test", Silent())


@pytest.fixture
def steps(squares: TrainingSet) -> Callable[..., tuple[BaselineTask, History, list[str]]]:
    """Take steps; returns the task, the losses of each, and the order of its last step's updates."""

    def call(name: str, count: int, **changes: object) -> tuple[BaselineTask, History, list[str]]:
        chosen = config(name, **changes)
        torch.manual_seed(0)
        task = METHODS[name].task(chosen, squares, CPU, Silent())
        updates = Updates(open_accelerator("cpu", "fp32"), task.optimisers)
        history: History = []
        order: list[str] = []

        def update(network: str, loss: torch.Tensor) -> None:
            order.append(network)
            updates(network, loss)

        for step in range(1, count + 1):
            order.clear()
            batch, draws = draw_batch(squares, chosen, 0, step, BatchShare(), CPU)
            losses = task.step(batch, draws, update)
            history.append({loss: float(value.detach()) for loss, value in losses.items()})
        assert isinstance(task, BaselineTask)
        return task, history, order

    return call
