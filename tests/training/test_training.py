"""A training is a function of its settings: the same seed, a kill, two processes change nothing."""

from __future__ import annotations

import csv
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from apart import process_environment
from safetensors.torch import load_file
from tiny import Outcome
from tiny_training import losses

from fevbench.training.export import read_exported
from fevbench.training.folder import lock_folder
from fevbench.training.loop import _Session

Train = Callable[..., Outcome]
HERE = Path(__file__).parent.parent


def test_the_same_seed_gives_the_same_losses_and_another_one_others(train: Train, tmp_path: Path) -> None:
    for out in ("one", "two"):
        assert train(out, steps=3).code == 0
    assert train("other", "--seed", "1", steps=3).code == 0
    assert losses(tmp_path / "one") == losses(tmp_path / "two")
    assert losses(tmp_path / "one") != losses(tmp_path / "other")
    one, two = (load_file(tmp_path / out / "generator.safetensors") for out in ("one", "two"))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("killed_at", [1, 3, 4, 5])
def test_a_kill_at_any_step_changes_nothing(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    assert train("whole").code == 0
    take_step = _Session._step

    def step(self: _Session, number: int) -> dict[str, float]:
        if number > killed_at:
            raise KeyboardInterrupt
        return take_step(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(_Session, "_step", step)
        assert train("killed").code == 130
    assert not (tmp_path / "killed" / "generator.safetensors").exists()
    assert train("killed", "--resume").code == 0
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    whole, killed = (load_file(tmp_path / out / "generator.safetensors") for out in ("whole", "killed"))
    assert all(torch.equal(whole[name], killed[name]) for name in whole)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_stops_it_loses_no_step(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    """Not even before the first checkpoint, which would be after step 100."""
    assert train("whole").code == 0
    take_step = _Session._step

    def step(self: _Session, at: int) -> dict[str, float]:
        if at == 3:
            signal.raise_signal(number)
        return take_step(self, at)

    rare = ("--checkpoint-every", "100")
    with monkeypatch.context() as patch:
        patch.setattr(_Session, "_step", step)
        assert train("stopped", *rare).code == code
    again = train("stopped", *rare)
    assert "continuing after step 3" in again.err
    assert losses(tmp_path / "stopped") == losses(tmp_path / "whole")


def test_who_stops_it_twice_does_not_wait(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(self: _Session, at: int) -> dict[str, float]:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("went on")

    monkeypatch.setattr(_Session, "_step", step)
    assert train("run").code == 130
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_folder_holds_what_people_look_at(train: Train, tmp_path: Path) -> None:
    outcome = train("run", "--sample-every", "2", steps=4)
    assert outcome.code == 0, outcome
    assert "tiny has no val subjects, so the samples show train subjects" in outcome.err
    out = tmp_path / "run"
    assert {path.name for path in out.iterdir()} == {
        "train.json", "checkpoint.pt", "losses.csv", "curves.png", "tensorboard", "samples", "generators",
        "generator.safetensors",
    }  # fmt: skip
    names = [path.name for path in sorted((out / "samples").iterdir())]
    assert names == ["step-000002.mp4", "step-000002.png", "step-000004.mp4", "step-000004.png"]
    assert [path.name for path in (out / "generators").iterdir()] == ["step-000002.safetensors"]
    rows = list(csv.DictReader(losses(out)))
    assert [row["step"] for row in rows] == ["1", "2", "3", "4"]
    assert {"reconstruction", "discriminator", "adversarial", "identity", "posterior"} <= rows[0].keys()


def test_minutes_end_a_session_cleanly_and_another_continues(train: Train, tmp_path: Path) -> None:
    assert train("run", "--minutes", "0.0001").code == 0
    done = len(losses(tmp_path / "run")) - 1
    assert 1 <= done < 6
    assert (tmp_path / "run" / "generator.safetensors").exists()
    assert train("run", "--resume").code == 0
    assert train("whole").code == 0
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")


def test_numbers_that_are_none_stop_it(train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fevgan.losses.MOVED", 0.0)  # 0 / 0 where nothing moves
    outcome = train("run")
    assert outcome.code == 1
    assert "training stopped: loss" in outcome.complaint
    assert "at step 1 (checkpoint: none was kept yet): train again with a lower" in outcome.complaint


def test_the_last_good_checkpoint_outlives_a_stop(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_step = _Session._step

    def step(self: _Session, number: int) -> dict[str, float]:
        return {**take_step(self, number), **({"total": float("nan")} if number == 5 else {})}

    monkeypatch.setattr(_Session, "_step", step)
    outcome = train("run")
    assert "loss total is nan at step 5" in outcome.complaint
    assert f"{tmp_path / 'run' / 'checkpoint.pt'} is the last good one" in outcome.complaint
    assert torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["step"] == 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--set", "learning_rat=1"), "no setting is called 'learning_rat': did you mean 'learning_rate'"),
        (("--set", "learning_rate"), "--set 'learning_rate' is not an assignment: write key=value"),
        (("--set", "noise=many"), "--set noise=many: 'many' is not a whole number"),
        (("--set", "flip=perhaps"), "'perhaps' is not true or false"),
        (("--set", "composition=collage"), "'collage' is not one of warp, residual, direct"),
        (("--set", "spatial_widths=4,x"), "is not whole numbers with commas between"),
        (("--set", "spatial_widths=4,4"), "64 px needs 4 spatial_widths, not 2"),
        (("--set", "spatial_encoder=false"), "these settings are not possible: without spatial_encoder"),
        (("--set", "protocol=64xl6"), "no protocol is called '64xl6'"),
        (("--set", "learning_rate=nan"), "learning_rate must be above 0 and at most 1, not nan"),
        (("--set", "learning_rate=-1"), "learning_rate must be above 0 and at most 1, not -1.0"),
        (("--set", "beta1=1.5"), "beta1 must be at least 0 and below 1, not 1.5"),
        (("--set", "batch_size=-4"), "batch_size must be at least 1 and at most 65536, not -4"),
        (("--set", "batch_size=0"), "batch_size must be at least 1 and at most 65536, not 0"),
        (("--set", "ema_decay=2"), "ema_decay must be at least 0 and below 1, not 2.0"),
        (("--set", "spatial_widths=4,4,0,4"), "spatial_widths must be at least 1 and at most 65536, not 0"),
        (("--set", "reconstruction_weight=inf"), "reconstruction_weight must be at least 0"),
        (("--minutes", "nan"), "--minutes nan is no duration"),
        (("--config", "narow"), "no configuration of fev-gan is called 'narow': did you mean 'narrow'?"),
        (("--device", "abacus"), "'abacus' is not a device to train on"),
    ],
)
def test_a_wrong_setting_is_one_line_that_helps(train: Train, options: tuple[str, ...], words: str) -> None:
    outcome = train("run", *options)
    assert outcome.code == 1
    assert words in outcome.complaint


def test_a_folder_belongs_to_one_training(train: Train, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").touch()
    assert "is not empty and holds no training" in train("other").complaint
    assert train("run", steps=2).code == 0
    changed = train("run", "--seed", "3", "--set", "noise=2").complaint
    assert "other settings (seed 0 → 3; noise 4 → 2)" in changed
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"PK")
    assert "checkpoint.pt cannot be continued" in train("run").complaint


def test_the_same_command_again_has_nothing_to_do(train: Train, tmp_path: Path) -> None:
    assert train("run", steps=2).code == 0
    before = (tmp_path / "run" / "generator.safetensors").stat().st_mtime_ns
    again = train("run", steps=2)
    assert again.code == 0
    assert "2 steps are done: nothing to do" in again.err
    assert (tmp_path / "run" / "generator.safetensors").stat().st_mtime_ns == before


def test_a_longer_plan_keeps_the_generator_of_the_shorter_one(train: Train, tmp_path: Path) -> None:
    assert train("run", steps=2).code == 0
    end = tmp_path / "run" / "generator.safetensors"
    short = end.read_bytes()
    assert train("run", steps=4).code == 0
    kept = tmp_path / "run" / "generators" / "step-000002.safetensors"
    assert kept.read_bytes() == short != end.read_bytes()


def test_a_longer_plan_that_is_stopped_at_its_last_step_is_not_done(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generator of the shorter plan would look like its end."""
    assert train("run", steps=2).code == 0
    take_step = _Session._step

    def step(self: _Session, at: int) -> dict[str, float]:
        if at == 4:
            signal.raise_signal(signal.SIGINT)
        return take_step(self, at)

    with monkeypatch.context() as patch:
        patch.setattr(_Session, "_step", step)
        assert train("run", steps=4).code == 130
    assert train("run", steps=4).code == 0
    assert read_exported(tmp_path / "run" / "generator.safetensors", "fev-gan").about["step"] == 4


def test_a_plan_of_fewer_steps_than_are_done_exports_what_there_is(train: Train, tmp_path: Path) -> None:
    assert train("run", steps=4).code == 0
    (tmp_path / "run" / "generator.safetensors").unlink()
    shorter = train("run", steps=2)
    assert shorter.code == 0
    assert "4 steps are done already: exporting their generator" in shorter.err
    assert read_exported(tmp_path / "run" / "generator.safetensors", "fev-gan").about["step"] == 4


def test_a_broken_generator_does_not_hinder_a_longer_plan(train: Train, tmp_path: Path) -> None:
    assert train("run", steps=2).code == 0
    (tmp_path / "run" / "generator.safetensors").write_bytes(b"half")
    again = train("run", steps=4)
    assert again.code == 0
    assert "is not an exported generator" in again.err
    assert "it will be replaced" in again.err
    assert not (tmp_path / "run" / "generators").exists()


def test_two_processes_do_not_share_a_folder(train: Train, tmp_path: Path) -> None:
    with lock_folder(tmp_path / "run"):
        outcome = train("run", steps=2)
    assert outcome.code == 1
    assert f"another process is writing to {tmp_path / 'run'}: wait until it is done" in outcome.complaint
    assert train("run", steps=2).code == 0


def test_a_flipped_bit_in_a_checkpoint_is_found(train: Train, tmp_path: Path) -> None:
    assert train("run", steps=2).code == 0
    path = tmp_path / "run" / "checkpoint.pt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    complaint = train("run", steps=3).complaint
    assert "checkpoint.pt cannot be continued" in complaint
    assert "checksum" in complaint


@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "garbled"])
def test_damaged_losses_cost_those_steps_and_nothing_else(train: Train, tmp_path: Path, damage: str) -> None:
    assert train("whole", steps=6).code == 0
    assert train("run", steps=4).code == 0
    path = tmp_path / "run" / "losses.csv"
    rows = path.read_text(encoding="utf-8")
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {"empty": b"", "cut": rows.encode()[:-25], "garbled": b"\xff\x00" + rows.encode()}[damage]
        )
    again = train("run", steps=6)
    assert again.code == 0, again
    assert "losses.csv lacks" in again.err
    assert losses(tmp_path / "run")[0] == losses(tmp_path / "whole")[0]
    assert losses(tmp_path / "run")[-2:] == losses(tmp_path / "whole")[-2:]
    assert (tmp_path / "run" / "curves.png").exists()


def test_a_killed_process_is_continued(train: Train, tmp_path: Path) -> None:
    assert train("whole", steps=40).code == 0
    command = _command("killed", tmp_path, 40)
    child = subprocess.Popen(command, env=_environment(tmp_path), stderr=subprocess.DEVNULL)
    checkpoint = tmp_path / "killed" / "checkpoint.pt"
    try:
        while not checkpoint.exists() and child.poll() is None:
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not (tmp_path / "killed" / "generator.safetensors").exists(), "too quick to be killed"
    assert train("killed", "--resume", steps=40).code == 0
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


def test_two_processes_train_as_one_does(train: Train, tmp_path: Path) -> None:
    """Equal up to float32's rounding, as sums over the batch are added up in another order.

    The first step's losses agree to 1 in 100 000. Adam divides by the gradient's size, so that rounding of a
    gradient near 0 shows in a weight; the next steps' losses agree to 1 in 100.
    """
    exact = ("--precision", "fp32")
    assert train("one", *exact, steps=4).code == 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "ACCELERATE_USE_CPU": "true"}
    children = [
        subprocess.Popen(
            [*_command("two", tmp_path, 4), *exact],
            env={**_environment(tmp_path), **world, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for child in children:
        _, err = child.communicate(timeout=120)
        assert child.returncode == 0, err
    one, two = (list(csv.DictReader(losses(tmp_path / out))) for out in ("one", "two"))
    assert len(two) == 4
    for i, (mine, theirs) in enumerate(zip(one, two, strict=True)):
        for name in mine:
            wanted = pytest.approx(float(mine[name]), rel=1e-2 if i else 1e-5, abs=1e-6)
            assert float(theirs[name]) == wanted, (i, name)
    single, double = (load_file(tmp_path / out / "generator.safetensors") for out in ("one", "two"))
    for name in single:
        torch.testing.assert_close(double[name], single[name], atol=4e-3, rtol=1e-2)


def _command(out: str, folder: Path, steps: int) -> list[str]:
    words = ["train", "fev-gan", "tiny", "--out", str(folder / out), "--steps", str(steps), "--no-score"]
    return [
        sys.executable,
        str(HERE / "tiny_training.py"),
        *words,
        "--checkpoint-every",
        "2",
        "--device",
        "cpu",
    ]


def _environment(folder: Path) -> dict[str, str]:
    return process_environment(HERE, FEVBENCH_HOME=str(folder / "home"), OMP_NUM_THREADS="1")
