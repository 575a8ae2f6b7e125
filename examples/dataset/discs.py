"""discs: a data set that is computed, of discs that grow or shrink; each subject has its own colour."""

from pathlib import Path

import numpy as np

from fevbench.data.clip import Clip, Subject

FRAMES, SIZE = 32, 64


class Discs:
    """Twelve subjects in three splits, two labels."""

    name, version, title = "discs", "1", "growing and shrinking discs"
    licence, citation = "CC0-1.0", "none"
    fps, labels = 25.0, ("grow", "shrink")

    def subjects(self):
        splits = ["train"] * 6 + ["val"] * 2 + ["test"] * 4
        return tuple(Subject(f"s{i:02}", split) for i, split in enumerate(splits))

    def clips(self, split):
        return tuple(
            Clip(f"{subject.id}-{label}", subject.id, label, split, Path(__file__))
            for subject in self.subjects()
            if subject.split == split
            for label in self.labels
        )

    def frames(self, clip):
        colour = np.array([80, 20 * int(clip.subject[1:]), 200], np.uint8)
        y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
        step = 0.4 if clip.label == "grow" else -0.4
        radius = 16 + step * np.arange(FRAMES)[:, None, None]
        return np.where((np.hypot(y, x) < radius)[..., None], colour, np.uint8(30))
