from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_training
from tiny import Cli, Outcome

from fevbench.training.task import trainables

Train = Callable[..., Outcome]


@pytest.fixture
def train(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Call ``fevbench train`` for the narrow network on the moving squares."""
    monkeypatch.setattr(trainables, "_targets", dict(trainables._targets))
    tiny_training.register()

    def call(out: str, *options: str, steps: int = 6) -> Outcome:
        fixed = ("--steps", str(steps), "--checkpoint-every", "2", "--no-score", "--device", "cpu")
        return cli("train", "fev-gan", "tiny", "--out", tmp_path / out, *fixed, *options)

    return call
