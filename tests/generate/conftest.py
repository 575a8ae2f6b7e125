import numpy as np
import pytest


@pytest.fixture(scope="session")
def photograph() -> np.ndarray:
    """``uint8[256, 256, 3]``: Eileen Collins, smiling; NASA, public domain, by way of scikit-image."""
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[:256, 96:352])
