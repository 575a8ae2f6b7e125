"""Full disks, damaged caches and faces that are not there: one clear line, and nothing finished is lost."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from apart import process_environment
from tiny import Cli

from fevbench import weights
from fevbench.extractors.base import extractors

Write = Callable[[str], Path]

BLANK = """
@register_model("blank")
class Blank:
    "Black frames{sometimes}: no face anywhere."
    def __init__(self, spec): self.spec = spec
    def generate(self, images, labels, generator):
        video = images[:, None].repeat(1, self.spec.frames, 1, 1, 1)
        return torch.where({where}, -1.0, video)
"""


def test_a_model_without_faces_has_no_identity_score(cli: Cli, plugin: Write, tmp_path: Path) -> None:
    file = plugin(BLANK.format(sometimes="", where="torch.tensor(True)"))
    run = ("run", "blank", "tiny", "--plugin", file, "--metrics", "csim,acd,face-rate")
    shown = cli(*run, "--out", tmp_path / "run")
    assert shown.code == 0, shown
    assert "note: no csim, acd: no face in any frame" in shown.out
    metrics = cli(*run, "--out", tmp_path / "run", "--format", "json").result["metrics"]
    for name in ("csim", "acd"):
        assert metrics[name]["value"] is None
        assert metrics[name]["missing"] == 9
        assert metrics[name]["interval"] is None
        assert set(metrics[name]["per_clip"].values()) == {None}
    assert metrics["face-rate"]["value"] == 0


def test_clips_without_faces_make_a_model_look_worse(cli: Cli, plugin: Write, tmp_path: Path) -> None:
    results = []
    for name, where in (("never", "torch.tensor(False)"), ("joy", "labels == 1")):
        file = plugin(BLANK.format(sometimes=name, where=where))
        outcome = cli("run", "blank", "tiny", "--plugin", file, "--metrics", "csim,acd-i",
                      "--out", tmp_path / name, "--format", "json")  # fmt: skip
        assert outcome.code == 0, outcome
        results.append(outcome.result["metrics"])
    whole, lossy = results
    assert lossy["csim"]["missing"] == lossy["acd-i"]["missing"] == 3
    assert lossy["csim"]["n"] == 9
    assert lossy["csim"]["value"] < whole["csim"]["value"]
    assert lossy["acd-i"]["value"] > whole["acd-i"]["value"]


def test_a_missing_package_stops_a_run_before_anything_is_made(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = replace(extractors.get("arcface"), packages=("no-such-package",), extra="faces")
    monkeypatch.setitem(extractors._targets, "arcface", lacking)
    outcome = cli("run", "copy", "tiny", "--metrics", "csim", "--out", tmp_path / "run")
    assert outcome.code == 1
    assert "needs no-such-package, which is not installed: pip install 'fevbench[faces]'" in outcome.complaint
    assert not list((tmp_path / "run").rglob("*.mkv"))
    assert cli("run", "copy", "tiny", "--metrics", "psnr", "--out", tmp_path / "other").code == 0


def _full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_fills_up_among_the_clips(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ("run", "shuffled", "tiny", "--metrics", "psnr", "--out", tmp_path / "run")
    flush, flushed = os.fsync, []

    def fill_up(handle: int) -> None:
        flushed.append(handle)
        flush(handle) if len(flushed) <= 5 else _full()

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fill_up)
        outcome = cli(*run)
    assert outcome.code == 1
    assert outcome.complaint.startswith("error: the disk is full")
    assert len(list((tmp_path / "run" / "clips").iterdir())) == 4, "run.json and four clips fit"
    again = cli(*run)
    assert again.code == 0
    assert "continuing: 4 of 9" in again.err


def test_a_disk_that_fills_up_at_the_result(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ("run", "shuffled", "tiny", "--metrics", "psnr", "--out", tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr("fevbench.results.files.write_text", _full)
        outcome = cli(*run)
    assert outcome.code == 1
    assert outcome.complaint.startswith("error: the disk is full")
    assert not (tmp_path / "run" / "result.json").exists()
    assert "continuing: 9 of 9" in cli(*run).err


def test_a_real_limit_on_file_size_is_no_half_clip(cli: Cli, tmp_path: Path) -> None:
    """The kernel refuses the write in the middle of a file, as a full disk does.

    Of clips made elsewhere: what another process makes would be refused the memory that both see.
    """
    assert cli("run", "shuffled", "tiny", "--metrics", "fvd", "--out", tmp_path / "made").code == 0

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    here = Path(__file__).parents[1]
    command = [
        sys.executable,
        here / "tiny.py",
        "run",
        "videos:made/clips",
        "tiny",
        "--metrics",
        "fvd",  # nine clips are too few for it, so that no cache is opened before
        "--out",
        "run",
    ]
    environment = process_environment(here, PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(
        command, preexec_fn=limit, capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: the disk is full")
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "run" / "clips").iterdir()) == []


CSIM = ("run", "copy", "tiny", "--metrics", "csim")


def _cache(home: Path) -> Path:
    (path,) = (home / "features").glob("arcface-*.sqlite")
    return path


@pytest.mark.parametrize("start", [0, 4096])
def test_a_damaged_cache_is_put_aside_and_features_are_computed_anew(
    cli: Cli, tmp_path: Path, start: int
) -> None:
    """From its first byte on, and behind a first page that is whole."""
    assert cli(*CSIM, "--out", tmp_path / "one").code == 0
    cache = _cache(tmp_path / "home")
    content = cache.read_bytes()
    cache.write_bytes(content[:start] + b"\xff" * (len(content) - start))
    outcome = cli(*CSIM, "--out", tmp_path / "two")
    assert outcome.code == 0, outcome
    assert outcome.err.count(f"feature cache {cache} cannot be trusted") == 1
    assert tiny.comparable(tmp_path / "one/result.json") == tiny.comparable(tmp_path / "two/result.json")
    assert json.loads((tmp_path / "two/result.json").read_text())["stages"]["arcface"]["computed"] > 0
    assert "cannot be trusted" not in cli(*CSIM, "--out", tmp_path / "three").err


def test_a_feature_that_was_changed_is_no_score(cli: Cli, tmp_path: Path) -> None:
    assert cli(*CSIM, "--out", tmp_path / "one").code == 0
    cache = _cache(tmp_path / "home")
    with contextlib.closing(sqlite3.connect(cache)) as database, database:
        changed = database.execute("UPDATE features SET value = zeroblob(2048)").rowcount
    outcome = cli(*CSIM, "--out", tmp_path / "two")
    assert outcome.code == 0, outcome
    told = f"feature cache {cache}: damaged features of {changed} samples were computed again"
    assert outcome.err.count(told) == 1
    assert tiny.comparable(tmp_path / "one/result.json") == tiny.comparable(tmp_path / "two/result.json")


def test_memory_that_does_not_suffice_for_a_batch(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Advice is given that can be followed: a batch of 1 cannot be smaller."""

    def too_much(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(tiny.SquareFaces, "__call__", too_much)
    for size, advice in ((2, "--batch-size 1, which continues"), (1, "a device with more memory")):
        outcome = cli(*CSIM, "--out", tmp_path / "run", "--batch-size", str(size))
        assert outcome.code == 1
        assert "of arcface at once" in outcome.complaint
        assert outcome.complaint.endswith(advice)


def test_a_cache_on_a_full_disk_is_named(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite itself refuses to grow the file."""
    connect = sqlite3.connect

    def cramped(*arguments: Any, **options: Any) -> sqlite3.Connection:
        database = connect(*arguments, **options)
        database.execute("PRAGMA max_page_count = 4")
        return database

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", cramped)
        outcome = cli(*CSIM, "--out", tmp_path / "run")
    assert outcome.code == 1
    assert "database or disk is full" in outcome.complaint
    assert "free some space, then repeat the command" in outcome.complaint
    assert cli(*CSIM, "--out", tmp_path / "run").code == 0


def test_a_home_that_cannot_be_made_is_named(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path / "file"))
    outcome = cli(*CSIM, "--out", tmp_path / "run")
    assert outcome.code == 1
    assert "set FEVBENCH_HOME" in outcome.complaint


def test_features_are_not_computed_twice(cli: Cli, tmp_path: Path) -> None:
    stages = []
    for name in ("one", "two"):
        outcome = cli(*CSIM, "--out", tmp_path / name, "--format", "json")
        stages.append(outcome.result["stages"]["arcface"])
    assert stages[0]["computed"] > 0
    assert (stages[1]["computed"], stages[1]["reused"]) == (0, 2 * 9 * 16)
    assert tiny.comparable(tmp_path / "one" / "result.json") == tiny.comparable(
        tmp_path / "two" / "result.json"
    )


def test_a_run_that_cannot_begin_downloads_nothing(
    cli: Cli, plugin: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def untouchable(*_: object, **__: object) -> None:
        raise AssertionError("weights were asked for")

    monkeypatch.setattr(weights, "require_all", untouchable)
    code = "@register_model('bad')\nclass Bad:\n    def __init__(self, spec): 1 / 0"
    outcome = cli("run", "bad", "tiny", "--plugin", plugin(code), "--out", tmp_path / "run")
    assert "model bad could not be built" in outcome.complaint


def test_a_missing_weight_is_known_before_anything_is_generated(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("run", "copy", "tiny", "--metrics", "lpips", "--offline", "--out", tmp_path / "run")
    assert outcome.code == 1
    assert "weight 'lpips-alex' is missing" in outcome.complaint
    assert not (tmp_path / "run" / "clips").exists()
