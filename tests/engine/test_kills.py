"""Kills at random moments, as ``benchmarks/kills.py`` does many of; here are a few."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import apart
import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_kills_at_random_moments_change_nothing(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    ran = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "kills.py"), "--kills", "4", "2", "--each", "2"],
        capture_output=True,
        text=True,
        env=apart.process_environment(ROOT),
        cwd=tmp_path,
        timeout=1200,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "two workers: 4 kills in" in ran.stdout
    assert "Ray: 2 kills in" in ran.stdout
