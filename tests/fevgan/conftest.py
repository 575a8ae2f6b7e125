import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """On networks this small, threads that wait for each other cost more than all the rest."""
    torch.set_num_threads(1)
