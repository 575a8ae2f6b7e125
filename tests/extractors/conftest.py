from pathlib import Path

import pytest

from fevbench import weights


@pytest.fixture(scope="session")
def weight_paths() -> dict[str, Path]:
    """Every pretrained file, pulled if it is not here."""
    return {name: weights.require(name).path for name in weights.load_registry()}
