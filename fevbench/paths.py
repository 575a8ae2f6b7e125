"""Where fevbench keeps what it can fetch or compute again: weights, extracted features, decoded clips."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """Return fevbench's folder: ``FEVBENCH_HOME``, or the platform's cache folder for ``fevbench``.

    It holds ``weights/``, ``features/``, ``training/``, ``judges/``, ``mean-motion/``, ``models/`` and
    ``datasets.json``, which remembers where prepared data sets are, with locks beside them, and nothing else.
    It is not created here.
    """
    named = os.environ.get("FEVBENCH_HOME")
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("fevbench"))
