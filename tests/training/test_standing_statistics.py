"""The average's batch norms have statistics of its own maps while it is used."""

from __future__ import annotations

import torch
from torch import nn

from fevbench.training.checkpoint import standing_statistics


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).eval()


def test_it_normalises_its_own_maps() -> None:
    net, x = network(), 5 + 3 * torch.randn(64, 3)
    assert net(x).mean(0).abs().max() > 0.3, "the statistics at hand are others'"
    with standing_statistics(net, lambda: (net(x[:32]), net(x[32:]))):
        made = net(x)
        assert not net[1].training
        torch.testing.assert_close(made.mean(0), torch.zeros(4), atol=1e-5, rtol=0)
        # The mean over batches of their variances leaves out how far the batches' means are apart.
        torch.testing.assert_close(made.std(0), torch.ones(4), atol=0.15, rtol=0)


def test_afterwards_all_is_as_it_was() -> None:
    net, x = network(), torch.randn(8, 3)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    wanted = net(x)
    try:
        with standing_statistics(net, lambda: net(5 * x)):
            raise KeyError
    except KeyError:
        pass
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert torch.equal(net(x), wanted)
    assert net[1].momentum == 0.1


def test_without_batch_norm_nothing_is_run() -> None:
    def never() -> None:
        raise AssertionError

    with standing_statistics(nn.Linear(2, 2), never):
        pass
