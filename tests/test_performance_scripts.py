"""The scripts of `benchmarks` that write what docs/performance.md shows, as far as they go without a GPU."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def measured(out: Path, *arguments: str) -> dict[str, Any]:
    script = ROOT / "benchmarks" / "gpu.py"
    line = [sys.executable, str(script), "--device", "cpu", "--quick", "--out", str(out), *arguments]
    done = subprocess.run(line, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(out.read_text())
    return found


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module("page")
    del sys.modules["page"]


@pytest.mark.parametrize("script", ["training", "engine"])
def test_a_folder_without_a_checkout_is_not_measured(script: str, tmp_path: Path) -> None:
    """Python would import this checkout instead, and the script would print it as the other one."""
    line = [sys.executable, str(ROOT / "benchmarks" / f"{script}.py"), "--against", str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode != 0
    assert f"{tmp_path} holds no fevbench: name the folder of a checkout" in done.stderr


def test_the_page_shows_what_was_measured(page: ModuleType) -> None:
    """And nothing else: `make bench-page` would change nothing."""
    text = page.PAGE.read_text(encoding="utf-8")
    assert set(page.TABLES) == {found["name"] for found in page.TABLE.finditer(text)}
    assert page.refreshed(text) == text


def test_without_a_gpu_it_says_so(page: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("backends", "peers", "fast", "training"):
        (tmp_path / f"{name}.json").write_bytes((page.MEASURED / f"{name}.json").read_bytes())
    monkeypatch.setattr(page, "MEASURED", tmp_path)
    assert page.NO_GPU in page.refreshed(page.PAGE.read_text(encoding="utf-8"))


def test_the_script_for_gpus_measures_a_cpu(tmp_path: Path, page: ModuleType) -> None:
    """And the page can show it."""
    cheap = (
        "--model",
        "copy",
        "--metrics",
        "psnr",
        "motion",
        "fvd-videomae",
        "--networks",
        "judge",
        "--jobs",
        "1",
    )
    found = measured(
        tmp_path / "cpu.json", "--parts", "values", "networks", "suite", "--minutes", "5", *cheap
    )
    assert {row["metric"]: row["apart"] for row in found["values"]} == {"psnr": 0, "motion": 0}
    assert all(row["holds"] for row in found["values"])
    assert found["left_out"] == {"values: fvd-videomae": "no weights videomae-g-ssv2"}
    [network] = found["networks"]
    assert network["apart"] == 0
    assert network["speeds"][0]["samples_per_second"] > 0
    [suite] = found["suite"]
    assert suite["metrics"] == ["psnr", "motion"]
    assert suite["frames_per_second"] != 0
    assert suite["gpu_busy"] is None
    shown = page.gpu(found)
    assert f"| `judge` | clip | 2 | {network['speeds'][0]['samples_per_second']:.0f} | 0e+00 |" in shown
    assert "| `psnr` |" in shown
    assert "* Not measured: values: fvd-videomae: no weights videomae-g-ssv2" in shown


def test_where_time_is_over_it_says_so(tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "gpu.py"
    line = [sys.executable, str(script), "--device", "cpu", "--quick", "--minutes", "0", "--parts", "values"]
    done = subprocess.run([*line, "--out", str(tmp_path / "cpu.json")], capture_output=True, text=True)
    assert done.returncode == 1  # nothing was measured
    assert json.loads((tmp_path / "cpu.json").read_text())["left_out"] == {"values": "time was over"}


@pytest.mark.slow
@pytest.mark.weights
def test_the_script_for_gpus_trains(tmp_path: Path) -> None:
    found = measured(tmp_path / "cpu.json", "--parts", "training", "--methods", "vgan", "fev-gan-warp")
    assert found["left_out"] == {}
    assert [row["method"] for row in found["training"]] == ["vgan", "fev-gan-warp"]
    assert all(row["clips_per_second"] > 0 and row["steps"] >= 1 for row in found["training"])
