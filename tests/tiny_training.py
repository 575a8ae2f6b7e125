"""FEV-GAN with narrow networks and a face network of random weights, on the moving squares.

``python tiny_training.py train fev-gan tiny …`` is ``fevbench`` with them, for tests that must kill it or
start two.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from fevbench.training.task import trainables
from fevgan.config import WarpConfig
from fevgan.faces import Faces
from fevgan.identity import MobileFaceNet
from fevgan.step import FEVGANTrainable

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

POINTS = np.array([[0.37, 0.45], [0.64, 0.45], [0.51, 0.6], [0.4, 0.73], [0.61, 0.73]], np.float32)
"""Where faces are in FEVSynth's frames, as parts of the side; squares have none."""

NARROW = replace(
    WarpConfig(),
    spatial_widths=(4, 4, 8, 8),
    decoder_widths=(8, 8, 8, 8),
    critic_widths=(4, 4, 8, 8),
    style=8,
    noise=4,
    batch_size=4,
    critic_clips=2,
    identity_every=2,
)


def find_points(frames: Frames) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """The same points in every frame, in pixels."""
    return np.tile(POINTS.ravel() * np.float32(frames.shape[2]), (len(frames), 1))


def open_stand_in(device: torch.device | str = "cpu") -> Faces:
    """E_Id's architecture with random weights, always the same ones."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        identity = MobileFaceNet()
    return Faces(find_points, identity.to(device), "stand-in")


def register() -> None:
    """Let ``fev-gan`` be the narrow one."""
    trainables._targets["fev-gan"] = FEVGANTrainable(open_stand_in, (), {"narrow": NARROW})


def losses(folder: Path) -> list[str]:
    """The rows of a training's losses, the names first."""
    return (folder / "losses.csv").read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    import tiny

    from fevbench.cli.main import main

    tiny.register()
    torch.set_num_threads(1)
    import tiny_training

    tiny_training.register()
    main()
