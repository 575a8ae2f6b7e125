"""What is published: a wheel and a source archive that hold what they should, and work outside a checkout.

The wheel is installed alone, beside the packages of this environment, so that nothing is fetched anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
PACKAGES = ("fevbench", "fevgan", "baselines", "leaderboard")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source archive, and the wheel built of it, from a copy without leftovers of other builds."""
    source, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / file, source / file)
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, source], check=True, cwd=dist
    )
    (archive,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    return archive, wheel


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment that holds the wheel, and sees what else is installed here."""
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    python = place / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    # A checkout on the path may look like an installation of this version.
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--ignore-installed", built[1]], check=True)
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "those_of_the_tests.pth").write_text(sysconfig.get_path("purelib"))
    return python


def call(python: Path, folder: Path, *words: str | Path) -> str:
    """What ``fevbench`` prints, called outside the checkout, with nothing of it on the path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python.with_name("fevbench"), *words], capture_output=True, text=True, env=environment, cwd=folder
    )
    assert done.returncode == 0, done
    return done.stdout


def shipped() -> set[str]:
    """Every file below the packages, but for what lies beside results."""
    files = {path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()}
    results = ROOT / "leaderboard" / "results"
    return {
        path.relative_to(ROOT).as_posix()
        for path in files
        if path.parent.name != "__pycache__"
        and (results not in path.parents or path.suffix in (".csv", ".json", ".jsonl", ".toml"))
    }


def test_the_wheel_holds_every_file_and_no_other(built: tuple[Path, Path]) -> None:
    archive, wheel = built
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == shipped()
    with tarfile.open(archive) as source:
        inside = {name.partition("/")[2] for name in source.getnames()}
    assert names | {"pyproject.toml", "README.md", "LICENSE"} <= inside


def test_what_is_imported_is_what_was_installed(installed: Path, tmp_path: Path) -> None:
    code = "import baselines, fevbench, fevgan, leaderboard; print(fevbench.__file__, leaderboard.__file__)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = subprocess.check_output([installed, "-c", code], text=True, env=environment, cwd=tmp_path)
    assert all(Path(file).is_relative_to(installed.parents[1]) for file in found.split())


def test_it_runs(installed: Path, tmp_path: Path) -> None:
    from fevbench.models.registry import models
    from fevbench.version import VERSION

    assert VERSION in call(installed, tmp_path, "--version")
    listed = call(installed, tmp_path, "list", "models")
    assert all(name in listed for name in models)
    words = ("--limit", "4", "--metrics", "psnr", "--out", "run")
    assert "psnr" in call(installed, tmp_path, "run", "copy", "fevsynth", *words)


def test_the_results_that_come_with_it_are_checked_and_shown(installed: Path, tmp_path: Path) -> None:
    assert ": 0 faults" in call(installed, tmp_path, "leaderboard", "check")
    call(installed, tmp_path, "leaderboard", "build")
    site = tmp_path / "leaderboard-site"
    assert (site / "index.html").is_file()
    assert (site / "history.html").is_file()
