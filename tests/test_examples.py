"""The example packages: each is found by its entry points, works, and cannot take a built-in name."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import apart
import pytest
from tiny import Cli

from fevbench.data.datasets import datasets
from fevbench.data.protocol import protocols
from fevbench.extractors.base import extractors
from fevbench.metrics.catalog import metrics
from fevbench.models.registry import models
from fevbench.training.task import trainables

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EXAMPLES = Path(__file__).parent.parent / "examples"
KINDS = ("metric", "extractor", "dataset", "protocol", "trainable")
ALL = (datasets, protocols, extractors, metrics, models, trainables)


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for registry in ALL:
        monkeypatch.setattr(registry, "_targets", dict(registry._targets))  # type: ignore[attr-defined]
        monkeypatch.setattr(registry, "_origins", dict(registry._origins))
        monkeypatch.setattr(registry, "_announced", None)


@pytest.fixture
def installed(clean: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The packages, as pip would leave them: modules and entry points on the path."""
    ours = set(apart.OURS)
    modules = []
    for kind in KINDS:
        project = tomllib.loads((EXAMPLES / kind / "pyproject.toml").read_text())
        (module,) = project["tool"]["setuptools"]["py-modules"]
        modules.append(module)
        (tmp_path / f"{module}.py").write_text((EXAMPLES / kind / f"{module}.py").read_text())
        name, version = project["project"]["name"], project["project"]["version"]
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(
            "".join(
                f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
                for group, entries in project["project"]["entry-points"].items()
            )
        )
        ours.add(name)
    monkeypatch.setattr(apart, "OURS", ours)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for module in modules:
        sys.modules.pop(module, None)


def test_each_is_found_scored_and_shown_with_its_interval(installed: None, cli: Cli, tmp_path: Path) -> None:
    words = ("--metrics", "csim-p10,csim-min,lightness-error", "--out", tmp_path / "run", "--format", "json")
    outcome = cli("run", "real", "discs", "--protocol", "short-64", "--split", "train", *words)
    assert outcome.code == 0, outcome
    assert (outcome.result["protocol"]["id"], outcome.result["dataset"]["name"]) == ("short-64@1", "discs")
    error = outcome.result["metrics"]["lightness-error"]
    assert (error["value"], error["interval"]["high"], error["subjects"]) == (0, 0, 6)
    values = outcome.result["metrics"]
    assert -1 <= values["csim-min"]["value"] <= values["csim-p10"]["value"] <= 1
    table = cli("compare", tmp_path / "run", "--format", "md")
    assert "csim-p10 ↑" in table.out
    assert "csim-p10" in cli("list", "metrics").out


def test_one_is_audited(installed: None, cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    outcome = cli("audit", "discs", "--protocol", "short-64", "--metrics", "lightness-error", "--damages",
                  "blur", "--limit", "4", "--out", tmp_path / "audit")  # fmt: skip
    assert outcome.code == 0, outcome


@pytest.mark.parametrize(
    ("example", "lines", "page"),
    [("metric/low_csim.py", 20, "python.md"), ("trainable/drift.py", 80, "training.md")],
)
def test_one_is_short_and_quoted_whole(example: str, lines: int, page: str) -> None:
    code = (EXAMPLES / example).read_text()
    assert len([line for line in code.splitlines() if line.strip()]) <= lines
    assert code.strip() in (EXAMPLES.parent / "docs" / page).read_text()


def test_a_method_of_ones_own_is_trained_exported_and_scored(
    installed: None, cli: Cli, tmp_path: Path
) -> None:
    pytest.importorskip("accelerate")
    out, file = tmp_path / "training", tmp_path / "drift.safetensors"
    settings = ("--set", "batch_size=4", "--set", "learning_rate=0.01", "--device", "cpu", "--no-score")
    trained = cli("train", "drift", "tiny", "--steps", "20", "--out", out, *settings)
    assert trained.code == 0, trained
    losses = [float(row["l1"]) for row in csv.DictReader((out / "losses.csv").open())]
    assert len(losses) == 20
    assert losses[-1] < losses[0] / 2
    assert (out / "samples" / "step-000020.mp4").exists()
    assert cli("export", "drift", out, "--bits", "16", "--out", file).code == 0
    words = ("--metrics", "motion,psnr", "--format", "json", "--device", "cpu")
    for place in (out, file):
        scored = cli("run", f"drift:{place}", "tiny", "--out", tmp_path / f"{place.stem}-run", *words)
        assert scored.code == 0, scored
        assert scored.result["metrics"]["motion"]["value"] > 0
    assert "drift comes without weights" in cli("run", "drift", "tiny", "--out", tmp_path / "none").complaint
    other = cli("run", f"drift:{out}", "tiny", "--protocol", "64x32", "--out", tmp_path / "other")
    assert "makes 16 frames, not 32" in other.complaint


PLUGIN = """
from fevbench import register_metric, register_protocol
from dataclasses import replace
from fevbench.data.protocol import Protocol
from fevbench.metrics.catalog import metrics

register_metric(replace(metrics.get("psnr"), name={name!r}))
register_protocol(Protocol({protocol!r}, 1, 64, 8, 1, reads_to_end=True))
"""


def test_the_metric_is_a_plugin_file_too(clean: None, cli: Cli, tmp_path: Path) -> None:
    file = EXAMPLES / "metric" / "low_csim.py"
    words = ("--metrics", "csim-p10", "--out", tmp_path / "run", "--format", "json")
    outcome = cli("run", "copy", "tiny", "--plugin", file, *words)
    assert outcome.code == 0, outcome
    assert outcome.result["metrics"]["csim-p10"]["value"] == pytest.approx(1)


def test_a_plugin_file_brings_them_before_names_are_looked_up(clean: None, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN.format(name="my-psnr", protocol="mine"))
    words = ("--metrics", "my-psnr,psnr", "--protocol", "mine", "--format", "json")
    for run in ("a", "b"):  # loaded again, it is the same
        outcome = cli("run", "copy", "tiny", "--plugin", path, "--out", tmp_path / run, *words)
        assert outcome.code == 0, outcome
        assert outcome.result["protocol"]["id"] == "mine@1"
        values = outcome.result["metrics"]
        assert values["my-psnr"]["value"] == values["psnr"]["value"]
    pytest.importorskip("matplotlib")
    audited = ("--metrics", "my-psnr", "--damages", "noise", "--limit", "3", "--out", tmp_path / "audit")
    audit = cli("audit", "tiny", "--plugin", path, *audited)
    assert "my-psnr must notice noise: too few subjects for an interval" in audit.complaint


@pytest.mark.parametrize(
    ("name", "protocol", "says"),
    [
        ("ssim", "mine-2", "the metric 'ssim' is registered already by fevbench"),
        ("my-psnr-2", "64x16", "the protocol '64x16' is registered already by fevbench"),
        ("my-psnr-3", "256x64-uniform", "'256x64-uniform' is reserved"),
    ],
)
def test_no_plugin_takes_a_built_in_name(
    clean: None, cli: Cli, tmp_path: Path, name: str, protocol: str, says: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN.format(name=name, protocol=protocol))
    outcome = cli("run", "copy", "tiny", "--plugin", path, "--metrics", "psnr", "--out", tmp_path / "run")
    assert outcome.code == 1
    assert says in outcome.complaint
