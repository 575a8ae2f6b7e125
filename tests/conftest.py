"""What every test may use: the tiny data set, a home of its own, and the command in this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apart
import numpy as np
import pytest

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "fixed")
PRETRAINED = apart.set_apart()  # before anything reads the environment

import tiny  # noqa: E402
import torch  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402
from scripts import load_script  # noqa: E402

from fevbench.data.datasets import datasets  # noqa: E402
from fevbench.extractors.base import extractors  # noqa: E402

# The same examples at every run, so that a failure is the change's; `make search` looks for new ones.
# How long one takes says more about the machine than about the code.
settings.register_profile(
    "fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile(PROFILE)

# A shell starts its background jobs with Ctrl-C ignored, and the tests may be one; processes inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ``FEVBENCH_HOME``; pretrained files are there only for tests marked with ``weights``."""
    monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path / "home"))
    if request.node.get_closest_marker("weights") is None:
        monkeypatch.delenv("FEVBENCH_WEIGHTS_DIR")
    return tmp_path / "home"


@pytest.fixture
def tiny_data(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tiny data set is registered."""
    monkeypatch.setattr(datasets, "_targets", dict(datasets._targets))
    monkeypatch.setattr(extractors, "_targets", dict(extractors._targets))
    tiny.register()
    # On tensors this small, threads that wait for each other cost more than all the rest.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    tiny.forget_plugins()


@pytest.fixture
def cli(tiny_data: None, capsys: pytest.CaptureFixture[str]) -> tiny.Cli:
    """Call ``fevbench`` in this process."""
    from fevbench.cli.main import main

    def call(*arguments: str | Path) -> tiny.Outcome:
        tiny.forget_plugins()
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return tiny.Outcome(int(exit_.value.code or 0), out, err)

    return call


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of runs are built in this process and not in their own, for tests that replace a part of one."""
    from fevbench.models.asked import LocalMaker
    from fevbench.models.built import build

    def here(found: Any, corpus: Any, device: str, progress: Any, *limits: object) -> LocalMaker:
        return LocalMaker(build(found, corpus, device, progress), corpus, device)

    monkeypatch.setattr("fevbench.engine.execute.open_maker", here)


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[[str], Path]:
    """Write a plug-in file; ``spec``, ``torch`` and ``register_model`` are there."""

    def write(code: str, name: str = "plugin.py") -> Path:
        path = tmp_path / name
        head = "import torch\nfrom fevbench.models.registry import register_model\n"
        path.write_text(head + textwrap.dedent(code), encoding="utf-8")
        return path

    return write


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start ``fevbench`` with the tiny data set in a process that can be killed."""

    def start(*arguments: str | Path) -> subprocess.Popen[str]:
        here = Path(__file__).parent
        return subprocess.Popen(
            [sys.executable, str(here / "tiny.py"), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=apart.process_environment(here, here.parent, OMP_NUM_THREADS="1"),
            cwd=tmp_path,
        )

    return start


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Chromium of the distribution, for tests marked ``browser``; skips without Playwright."""
    pytest.importorskip("playwright.sync_api")
    with load_script("chromium").opened() as browser:
        yield browser


@pytest.fixture(scope="session")
def photograph() -> np.ndarray:
    """``uint8[256, 256, 3]``: Eileen Collins, smiling; NASA, public domain, by way of scikit-image."""
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[:256, 96:352])
