"""``--precision fast``: other numbers under other names, kept apart from the exact ones everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiny
from tiny import Cli

from fevbench import weights
from fevbench.data.protocol import protocols
from fevbench.engine.plan import Evaluation
from fevbench.errors import FevbenchError
from fevbench.extractors.backends import OPENVINO, REFERENCE, Backend, at_precision
from fevbench.extractors.base import extractors
from fevbench.global_state import fixed_global_state
from fevbench.metrics.catalog import metrics
from fevbench.registry import load_target

ROUNDED = {"inception", "i3d", "i3d-tf", "lpips-alex", "lpips-alex-next", "lpips-alex-draws", "lpips-vgg"}


def test_only_metrics_of_rounded_features_have_other_ids() -> None:
    declared = [metrics.get(name) for name in metrics]
    changed = {metric.name: metric.at_precision("fast").id for metric in declared}
    assert {m.computation.extractor for m in declared if changed[m.name] != m.id} == ROUNDED
    assert changed["fid"] == "fid-inception2048-clean-noinput-bf16@1"
    assert len(set(changed.values())) == len(changed)
    for metric in declared:
        rounded = metric.at_precision("fast")
        assert rounded.at_precision("fast") == rounded
        assert metric.at_precision("exact") == metric


def test_ids_of_older_protocols_are_rounded_too() -> None:
    with_input = next(protocol for protocol in protocols.older if protocol.scores_input)
    evaluation = Evaluation((metrics.get("fid"),), tiny.Tiny(), with_input, precision="fast")
    assert evaluation.metrics[0].id == "fid-inception2048-clean-bf16@1"


@pytest.mark.parametrize("backend", [REFERENCE, OPENVINO])
def test_features_are_kept_apart(backend: Backend) -> None:
    for name in extractors:
        extractor = extractors.get(name)
        given = dict.fromkeys(extractor.weights, "0" * 64)
        exact, fast = extractor.on(backend), extractor.on(backend, "fast")
        if name == "face-mesh":
            continue  # its package need not be there
        assert (exact.fingerprint(given, "cpu") != fast.fingerprint(given, "cpu")) == (name in ROUNDED)
        assert (fast.runs_on("cpu").get("precision") == "bf16") == (name in ROUNDED)


def multiplies_bfloat16() -> bool:
    """Whether OpenVINO rounds on this processor; torch does on any."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@pytest.mark.weights
def test_rounded_features_are_near_the_exact_ones() -> None:
    """And nearer than another frame's; by both backends."""
    frames = tiny.squares(0, 1)[[0, 8, 16]]
    pairs = np.stack([frames, frames[[1, 2, 0]]], axis=1)
    extractor = extractors.get("lpips-vgg")
    files = {name: weights.require(name).path for name in extractor.weights}
    load = load_target(extractor.load)
    with fixed_global_state():
        exact = load("cpu", files)(pairs)
        for backend in (REFERENCE, OPENVINO):
            fast = load("cpu", files, at_precision(backend, "fast"))
            if backend is OPENVINO and not multiplies_bfloat16():
                with pytest.raises(FevbenchError, match="this processor cannot compute in bfloat16"):
                    fast(pairs)
                continue
            found = fast(pairs)
            assert found.dtype == np.float32
            assert 1e-5 < np.abs(found - exact).max() / exact.max() < 0.05


@pytest.mark.weights
def test_a_run_says_so_and_is_not_compared_with_an_exact_one(cli: Cli, tmp_path: Path) -> None:
    def run(precision: str, *more: str) -> tiny.Outcome:
        asked = ("--metrics", "lpips,psnr", "--precision", precision, "--device", "cpu", "--backend", "torch")
        return cli("run", "copy", "tiny", *asked, *more)

    results = {}
    for precision in ("exact", "fast"):
        assert run(precision, "--out", str(tmp_path / precision)).code == 0
        results[precision] = json.loads((tmp_path / precision / "result.json").read_text())["metrics"]
    exact, fast = results["exact"], results["fast"]
    assert fast["psnr"] == exact["psnr"]
    assert (exact["lpips"]["id"], fast["lpips"]["id"]) == (
        metrics.get("lpips").id, metrics.get("lpips").at_precision("fast").id
    )  # fmt: skip
    assert fast["lpips"]["value"] == pytest.approx(exact["lpips"]["value"], rel=0.05)
    assert fast["lpips"]["value"] != exact["lpips"]["value"]
    assert "nothing to do" in run("fast", "--out", str(tmp_path / "fast")).err
    refused = cli("compare", tmp_path / "exact", tmp_path / "fast")
    assert refused.code == 1
    assert "repeat one of them with the other's --precision" in refused.err
    again = cli("score", tmp_path / "fast", "--metrics", "lpips")
    assert again.code == 0, again
    assert json.loads((tmp_path / "fast" / "result.json").read_text())["metrics"]["lpips"] == fast["lpips"]
