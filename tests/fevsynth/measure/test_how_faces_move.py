"""A blink is lids that close and open again; lids that stay low are none."""

from __future__ import annotations

import numpy as np

from fevbench.fevsynth.measure.composition import blinks


def test_only_lids_that_open_again_blink() -> None:
    time = np.arange(32)
    blink = np.maximum(0, 1 - np.abs(time - 12) / 3)
    low = np.clip((time - 3) / 10, 0, 1) * 0.6
    closures = np.stack([blink, low, low + 0.4 * blink, np.zeros(32), np.maximum(low / 2, blink)])
    assert blinks(closures).tolist() == [1, 0, 0, 0, 1]
