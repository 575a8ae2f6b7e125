"""The parts of a training, each on its own."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from fevbench.data.protocol import protocols
from fevbench.errors import DatasetError, MissingPackage, ModelError
from fevbench.packages import need_drawing
from fevbench.progress import Silent
from fevbench.training.checkpoint import Average
from fevbench.training.config import TrainingConfig, choice, from_fields, with_overrides
from fevbench.training.data import TrainingSet, open_training_set
from fevbench.training.devices import open_accelerator
from fevbench.training.export import in_8_bits, read_exported, write_exported
from fevbench.training.guard import WINDOW, Guard, TrainingError
from fevbench.training.log import choose, draw_curves, write_samples
from fevbench.training.sampling import BatchShare, RandomNumbers, draw_batch, order

CPU = torch.device("cpu")


@pytest.fixture
def data(tiny_data: None) -> TrainingSet:
    return open_training_set(tiny.Tiny(), protocols.get("64x16"), "test", Silent())


def test_clips_are_decoded_once_as_the_protocol_samples_them(
    data: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert data.frames.shape == (9, 16, 64, 64, 3)
    first = tiny.Tiny().clips("test")[0]
    sampled = protocols.get("64x16").sample(tiny.Tiny().frames(first), "a")
    assert np.array_equal(data.frames[0], sampled)
    assert (data.ids[0], data.subjects[0], data.labels.tolist()[:4]) == ("ann-anger", "ann", [0, 1, 2, 0])

    def decode(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(tiny.Tiny, "frames", decode)
    again = open_training_set(tiny.Tiny(), protocols.get("64x16"), "test", Silent())
    assert np.array_equal(again.frames, data.frames)
    with pytest.raises(AssertionError, match="decoded again"):
        open_training_set(tiny.Tiny(), protocols.get("64x16"), "train", Silent())


def test_a_split_without_clips_cannot_be_trained_on(tiny_data: None) -> None:
    with pytest.raises(DatasetError, match="tiny has no val clips"):
        open_training_set(tiny.Tiny(), protocols.get("64x16"), "val", Silent())


def test_a_column_is_computed_once(data: TrainingSet) -> None:
    calls: list[int] = []

    def compute() -> np.ndarray:
        calls.append(1)
        return np.arange(9.0)

    for _ in range(2):
        assert np.array_equal(data.column("numbers", compute), np.arange(9.0))
    assert len(calls) == 1
    with pytest.raises(ValueError, match="column short has 2 rows for 9 clips"):
        data.column("short", lambda: np.zeros(2))


@pytest.mark.parametrize(("batch_size", "count"), [(4, 9), (16, 9), (3, 3), (5, 100)])
def test_each_epoch_sees_every_clip_once(batch_size: int, count: int) -> None:
    steps = -(-3 * count // batch_size)
    seen = np.concatenate([order(7, step, batch_size, count) for step in range(1, steps + 1)])
    epochs = [sorted(seen[i * count : (i + 1) * count]) for i in range(3)]
    assert epochs == [list(range(count))] * 3
    if count > 9:
        assert not np.array_equal(seen[:count], seen[count : 2 * count])


def test_shares_make_up_the_batch_with_its_random_numbers(data: TrainingSet) -> None:
    config = TrainingConfig(batch_size=6, colour=0.2)
    whole, draws = draw_batch(data, config, 1, 5, BatchShare(), CPU)
    noise, few, moments = draws.normal(3), draws.normal(2, first=4), draws.integers(0, 99)
    for rank in range(2):
        part, mine = draw_batch(data, config, 1, 5, BatchShare(rank, 2), CPU)
        assert torch.equal(part.clips, whole.clips[rank::2])
        assert torch.equal(part.labels, whole.labels[rank::2])
        assert torch.equal(mine.normal(3), noise[rank::2])
        assert torch.equal(mine.normal(2, first=4), few[rank::2])
        assert torch.equal(mine.integers(0, 99), moments[rank::2])


def test_augmentation_changes_whole_clips_and_nothing_where_it_is_off(data: TrainingSet) -> None:
    plain, _ = draw_batch(data, TrainingConfig(flip=False, batch_size=9), 0, 1, BatchShare(), CPU)
    flipped, _ = draw_batch(data, TrainingConfig(flip=True, batch_size=9), 0, 1, BatchShare(), CPU)
    assert not plain.mirrored.any()
    assert 0 < flipped.mirrored.sum() < 9
    for way, before, after in zip(flipped.mirrored, plain.clips, flipped.clips, strict=True):
        assert torch.equal(after, before.flip(-1) if way else before)
    tinted, _ = draw_batch(
        data, TrainingConfig(flip=False, colour=0.3, batch_size=9), 0, 1, BatchShare(), CPU
    )
    dark = plain.clips < 0.3  # gains of at most 1.3 do not clip these
    ratio = ((tinted.clips + 1) / (plain.clips + 1))[0, :, 0][dark[0, :, 0]]
    torch.testing.assert_close(ratio, ratio[0].expand_as(ratio), atol=1e-4, rtol=1e-4)


def test_draws_depend_on_seed_and_step() -> None:
    def first(seed: int, step: int) -> torch.Tensor:
        return RandomNumbers(seed, step, 4, BatchShare(), CPU).uniform()

    assert torch.equal(first(0, 1), first(0, 1))
    assert not torch.equal(first(0, 1), first(0, 2))
    assert not torch.equal(first(0, 1), first(1, 1))


def test_the_average_by_hand() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 1.0)
    average = Average(network, decay=0.25)
    for step, value in ((1, 3.0), (2, 5.0), (3, 5.0)):
        nn.init.constant_(network.weight, value)
        average.update(network, step)
    # It keeps 2/11 after step 1, then 3/12 twice, as 3/12 and 4/13 reach the decay of 1/4.
    expected = (2 / 11) * 1 + (9 / 11) * 3
    for value in (5.0, 5.0):
        expected = expected / 4 + value * 3 / 4
    assert average.network.weight.item() == pytest.approx(expected, rel=1e-6)
    assert not average.network.weight.requires_grad
    exact = Average(network, decay=0)
    exact.update(nn.Linear(1, 1, bias=False), 1)


def test_a_discriminator_that_has_won_stops_the_training(tmp_path: Path) -> None:
    guard = Guard({"critic": (0.1, "the critic has won")}, tmp_path / "none.pt")
    for step in range(1, WINDOW):
        guard.losses(step, {"critic": 0.01})
    with pytest.raises(TrainingError, match=rf"the critic has won: critic was 0.01 .* at step {WINDOW}"):
        guard.losses(WINDOW, {"critic": 0.01})
    recovering = Guard({"critic": (0.1, "")}, tmp_path / "none.pt")
    for step in range(1, 3 * WINDOW):
        recovering.losses(step, {"critic": 0.01 if step % 2 else 1.0})


def test_weights_that_are_none_are_not_kept(tmp_path: Path) -> None:
    network = nn.Linear(2, 2)
    guard = Guard({}, tmp_path / "none.pt")
    guard.weights(1, [("generator", network)])
    nn.init.constant_(network.bias, float("inf"))
    with pytest.raises(TrainingError, match="the generator holds NaN at step 2"):
        guard.weights(2, [("generator", network)])


@pytest.mark.parametrize("half", [False, True])
def test_what_is_exported_is_what_is_read(tmp_path: Path, half: bool) -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    path = tmp_path / "g.safetensors"
    write_exported(path, network.state_dict(), {"model": "mine", "labels": ["joy"]}, half)
    read = read_exported(path, "mine")
    assert read.about["labels"] == ["joy"]
    for name, value in network.state_dict().items():
        torch.testing.assert_close(
            read.state[name], value, rtol=1e-3 if half else 0, atol=1e-4 if half else 0
        )
    with pytest.raises(ModelError, match=r"g.safetensors holds mine, not yours"):
        read_exported(path, "yours")
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ModelError, match="is not an exported generator"):
        read_exported(path, "mine")
    with pytest.raises(ModelError, match="does not exist: mine has no weights there: train it"):
        read_exported(tmp_path / "gone.safetensors", "mine")


@dataclass(frozen=True)
class Some(TrainingConfig):
    rate: float = choice(0.1, "ours", "")
    most: int | None = choice(None, "ours", "")
    widths: tuple[int, ...] = choice((1, 2), "ours", "")


def test_settings_are_read_as_their_fields_are_written() -> None:
    changed = with_overrides(
        Some(), ["rate=3e-4", "most=5", "widths=4, 8,16", "flip=FALSE", "protocol=128x32"]
    )
    assert changed == Some(rate=3e-4, most=5, widths=(4, 8, 16), flip=False, protocol="128x32")
    assert with_overrides(changed, ["most=none"]).most is None
    kept = json.loads(json.dumps({"rate": 3e-4, "widths": [4, 8, 16], "gone": 1}))
    assert from_fields(Some, kept) == Some(rate=3e-4, widths=(4, 8, 16))


def test_samples_show_each_label_by_another_person(data: TrainingSet, tmp_path: Path) -> None:
    index = choose(data)
    assert [data.ids[i] for i in index] == ["ann-anger", "bob-joy", "cem-sorrow"]
    frames = data.frames[index]
    picture, video = write_samples(tmp_path, 20, frames, frames)
    from PIL import Image

    from fevbench.data.video import read_clip

    with Image.open(picture) as sheet:
        assert sheet.size == (2 * 8 * 66, 2 * 6 * 66)
    assert read_clip(video).shape == (16, 256, 384, 3)


@pytest.mark.parametrize("steps", [1, 400])
def test_curves_are_drawn_of_any_length(tmp_path: Path, steps: int) -> None:
    rows = [f"{step},{1 / step},{float(step % 4 == 0)}" for step in range(1, steps + 1)]
    (tmp_path / "losses.csv").write_text("\n".join(["step,l1,identity", *rows, ""]))
    with Image.open(draw_curves(tmp_path)) as picture:
        assert min(picture.size) > 200


def test_a_missing_matplotlib_is_noticed_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    need_drawing("training")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match="matplotlib"):
        need_drawing("training")


def test_trainings_of_one_process_have_a_precision_each() -> None:
    wanted = {"fp32": "no", "bf16": "bf16"}
    for precision in (*wanted, *wanted):
        assert open_accelerator("cpu", precision).mixed_precision == wanted[precision]  # type: ignore[arg-type]


FAULTS_OF_TENSORS = """
import resource, sys, torch
from fevbench.training.devices import open_accelerator
if sys.argv[1] == "train":
    open_accelerator("cpu", "fp32")
for _ in range(16):
    torch.ones(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt * resource.getpagesize())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is of glibc")
def test_memory_of_freed_tensors_is_used_again() -> None:
    def new_bytes(way: str) -> int:
        command = [sys.executable, "-c", FAULTS_OF_TENSORS, way]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert new_bytes("nothing") - new_bytes("train") > 8 * 2**26  # of 16 tensors of 64 MB


def test_eight_bits_keep_each_row_to_a_254th_of_its_largest_weight(tmp_path: Path) -> None:
    rows = torch.tensor([[1.0, -0.3, 0.001], [1e-6, -2e-6, 0.0], [0.0, 0.0, 0.0]])
    state = {
        "kernel": rows.reshape(3, 1, 3, 1, 1).to(memory_format=torch.channels_last_3d),
        "running_var": torch.tensor([1e6, 1e-9]),
        "batches": torch.tensor([[70000]]),
    }
    path = tmp_path / "g.safetensors"
    write_exported(path, in_8_bits(state), {"model": "m"})
    assert {value.dtype for value in load_file(path).values()} == {torch.int8, torch.int64, torch.float32}
    read = read_exported(path, "m").state
    assert read.keys() == state.keys()
    assert read["kernel"].dtype == torch.float32
    assert read["kernel"].shape == state["kernel"].shape
    error = (read["kernel"] - state["kernel"]).abs().amax((1, 2, 3, 4))
    assert torch.all(error <= 1.001 * rows.abs().amax(1) / 254)
    assert torch.equal(read["running_var"], state["running_var"])
    assert torch.equal(read["batches"], state["batches"])
    # Another time, nothing more is lost.
    write_exported(path, in_8_bits(read), {"model": "m"})
    torch.testing.assert_close(read_exported(path, "m").state["kernel"], read["kernel"], rtol=1e-6, atol=0)


def test_half_precision_spares_vectors(tmp_path: Path) -> None:
    """A running variance of batch norm can be larger than the largest half-precision number, 65504."""
    state = {
        "kernel": torch.full((2, 3), 1 / 3),
        "running_var": torch.tensor([1e6, 1e-9]),
        "batches": torch.tensor(70000),
    }
    write_exported(tmp_path / "g.safetensors", state, {"model": "m"}, half=True)
    read = read_exported(tmp_path / "g.safetensors", "m").state
    assert torch.equal(read["running_var"], state["running_var"])
    assert read["batches"] == 70000
    assert torch.equal(read["kernel"], state["kernel"].half().float())
