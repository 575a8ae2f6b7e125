"""SSIM and MS-SSIM of a pair of frames of 256 px, both at once, in one thread."""

from __future__ import annotations

import cv2
import numpy as np
from clock import finish, of_this_thread, tell

from fevbench.extractors.pixels import Similarity

LIMIT_S = 0.03
SIZE, PAIRS = 256, 4

if __name__ == "__main__":
    cv2.setNumThreads(1)
    pairs = np.random.default_rng(0).integers(0, 256, (PAIRS, 2, SIZE, SIZE, 3), np.uint8)
    measure = Similarity("cpu", {})
    measure(pairs)  # makes its arrays
    what = f"SSIM and MS-SSIM of a pair of {SIZE} px"
    finish([tell(what, LIMIT_S, lambda: of_this_thread(lambda: measure(pairs)) / PAIRS)])
