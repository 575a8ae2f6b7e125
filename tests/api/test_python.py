"""The Python API: the numbers are those of the command line, and what cannot be had says why."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from tiny import Cli

import fevbench
from fevbench.data.protocol import protocols
from fevbench.errors import FevbenchError, RunError, UnknownName

CLIPS = tiny.Tiny().clips("test")
TRUE = np.stack([protocols.get("64x16").sample(tiny.Tiny().frames(clip), clip.id) for clip in CLIPS])
MADE = np.repeat(TRUE[:, :1], 16, axis=1)
SUBJECTS, LABELS = [clip.subject for clip in CLIPS], [clip.label for clip in CLIPS]


def test_importing_it_costs_nothing() -> None:
    heavy = "[name for name in ('numpy', 'torch', 'pydantic') if name in sys.modules]"
    code = f"import sys, fevbench; dir(fevbench); print({heavy})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_every_name_is_there_and_no_other() -> None:
    for name in fevbench.__all__:
        assert getattr(fevbench, name)
        assert name in dir(fevbench)
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        fevbench.evalute  # noqa: B018


@pytest.fixture
def result(tiny_data: None, tmp_path: Path) -> fevbench.Result:
    return fevbench.evaluate("copy", "tiny", "csim,psnr,motion,fvd", out=tmp_path / "run", offline=True)


def test_evaluate_is_what_the_command_line_does(result: fevbench.Result, cli: Cli, tmp_path: Path) -> None:
    assert result.folder == tmp_path / "run"
    assert result.metrics["fvd"].reason == "9 clips, needs at least 32"
    again = cli("run", "copy", "tiny", "--metrics", "csim,psnr,motion,fvd", "--out", tmp_path / "run",
                "--format", "json")  # fmt: skip
    assert again.result == result.model_dump(mode="json")
    assert fevbench.load_result(tmp_path / "run") == result
    assert fevbench.load_result(str(tmp_path / "run" / "result.json")).folder == tmp_path / "run"


def test_a_result_is_shown_and_framed(result: fevbench.Result, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pandas")
    frame = result.to_frame()
    assert frame.loc["psnr", "value"] == result.metrics["psnr"].value
    assert frame.loc["fvd", "reason"] == "9 clips, needs at least 32"
    per_clip = result.to_frame(per_clip=True)
    assert per_clip.loc["ann-joy", "psnr"] == result.metrics["psnr"].per_clip["ann-joy"]
    assert list(per_clip.columns) == ["subject", "label", "csim", "psnr", "motion"]
    result.show()
    assert "psnr ↑ (dB)" in capsys.readouterr().out
    page = result._repr_html_()
    assert page.count("<img ") == len(set(LABELS)) == 3
    assert "psnr ↑ (dB)" in page


def test_without_pandas_it_says_what_to_install(
    result: fevbench.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(FevbenchError, match="pip install pandas"):
        result.to_frame()


def test_compare(result: fevbench.Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = fevbench.evaluate("real", "tiny", ["csim", "psnr", "motion", "fvd"], out=tmp_path / "real")
    both = fevbench.compare([result, tmp_path / "real"])
    both.show()
    assert "copy" in capsys.readouterr().out
    assert "real" in both._repr_html_()
    with pytest.raises(FevbenchError, match="nothing is given"):
        fevbench.compare([])
    other = fevbench.evaluate("copy", "tiny", "psnr", protocol="64x8", out=tmp_path / "other")
    with pytest.raises(RunError, match="protocols"):
        fevbench.compare([real, other])
    pytest.importorskip("pandas")
    frame = both.to_frame().reset_index()
    rows = frame[(frame.model == "real") & (frame.metric == "psnr")]
    assert rows["value"].tolist() == [100]


@pytest.mark.parametrize("name", ["csim", "psnr", "ssim", "motion", "rank-1"])
def test_arrays_have_the_numbers_of_a_run(tiny_data: None, tmp_path: Path, name: str) -> None:
    run = fevbench.evaluate("copy", "tiny", name, out=tmp_path / "run").metrics[name]
    assert run.value is not None
    scores = fevbench.score(MADE, TRUE, subjects=SUBJECTS, labels=LABELS, metrics=name)
    single = fevbench.metric(name)(MADE, TRUE, subjects=SUBJECTS)
    for other in (scores[name], single):
        assert (other.value, other.interval, other.n, other.ceiling, other.id) == (
            run.value, run.interval, run.n, run.ceiling, run.id)  # fmt: skip


@pytest.mark.parametrize("name", ["csim", "psnr"])
def test_bit_by_bit_is_as_all_at_once(tiny_data: None, name: str) -> None:
    whole = fevbench.metric(name)(MADE, TRUE, subjects=SUBJECTS)
    first, second = fevbench.metric(name), fevbench.metric(name)
    first.update(MADE[:4], TRUE[:4], subjects=SUBJECTS[:4])
    second.update(MADE[4:], TRUE[4:], subjects=SUBJECTS[4:])
    first.merge(pickle.loads(pickle.dumps(second)))
    assert len(first) == 9
    assert first.compute() == whole
    first.reset()
    with pytest.raises(FevbenchError, match="has seen no clip"):
        first.compute()


def test_a_metric_that_cannot_be_had_of_arrays_says_so(tiny_data: None) -> None:
    for name, says in (
        ("accuracy", "expression classifier"),
        ("fvd-class", ""),
        ("nope", "no metric is called"),
    ):
        if says:
            with pytest.raises(FevbenchError, match=says):
                fevbench.metric(name)(MADE, TRUE)
    assert "give subjects" in fevbench.metric("rank-1")(MADE, TRUE).reason
    other = fevbench.metric("psnr")
    with pytest.raises(FevbenchError, match="ssim cannot be merged with psnr"):
        other.merge(fevbench.metric("ssim"))
    for made, true, says in (
        (MADE[:, :8], TRUE, "true clip 0 is 16 frames of 64x64, others are 8 frames"),
        (MADE[:2], TRUE[:3], "made holds 2 clips, true 3"),
        (MADE[:, :, :32], TRUE[:, :, :32], "is 64x32, not square"),
    ):
        with pytest.raises(FevbenchError, match=says):
            other.update(made, true)
    with pytest.raises(FevbenchError, match="subjects: 1 for 9 clips"):
        other.update(MADE, TRUE, subjects=["ann"])
    assert len(other) == 0, "nothing of what failed is kept"


def scored(*arguments: Any, **more: Any) -> fevbench.Scores:
    return fevbench.score(*arguments, **{"metrics": "csim,acd,face-rate,psnr,accuracy,accuracy-fer", **more})


def test_without_truth_only_what_needs_none_has_a_number(tiny_data: None) -> None:
    alone = scored(MADE)
    assert alone["face-rate"].value == 1
    assert alone["face-rate"].ceiling is None
    assert alone["csim"].reason == "needs the true clips, or the images that the clips were made from"
    assert alone["psnr"].reason == "needs the true clips"
    assert "expression classifier" in alone["accuracy"].reason
    assert alone["accuracy-fer"].reason == "needs the requested expressions: give labels"
    with_inputs = scored(MADE, inputs=TRUE[:, 0])
    assert with_inputs["csim"].value == pytest.approx(1)
    assert with_inputs.protocol.frames == 17, "the input is put before each clip"
    others = scored(MADE, inputs=np.roll(TRUE[:, 0], 3, axis=0))
    assert others["csim"].value < 0.999


def test_without_subjects_there_is_no_interval_and_it_is_said(tiny_data: None) -> None:
    scores = scored(MADE, TRUE)
    assert scores["psnr"].interval is None
    assert scores.notes == ["no intervals: the subjects of the clips are not known; give subjects"]
    assert "people" not in scores._repr_html_()
    with pytest.raises(UnknownName, match="no metric of these scores is called 'ssim'"):
        scores["ssim"]


def test_sizes_and_lengths_are_changed_only_by_a_protocol(tiny_data: None) -> None:
    native = np.stack([tiny.Tiny().frames(clip) for clip in CLIPS])
    with pytest.raises(FevbenchError, match="true clip 0 is 33 frames of 64x64, others are 16"):
        scored(MADE, native)
    scores = scored(TRUE, native, protocol="64x16")
    assert scores["psnr"].value == 100
    assert scores.protocol.id == "64x16@2"
    large = native.repeat(2, 2).repeat(2, 3)
    assert scored(large, native, protocol="64x12")["psnr"].value > 40
    with pytest.raises(FevbenchError, match="made clip 0 has 16 frames, protocol 64x20-uniform@1 needs 20"):
        scored(TRUE, native, protocol="64x20")


def test_one_clip_nan_and_ranges(tiny_data: None) -> None:
    one = scored(TRUE[0], TRUE[0])
    assert one["psnr"].value == 100
    assert fevbench.score(MADE[0], TRUE[0], metrics="fid")["fid"].reason == "15 frames, needs at least 256"
    with pytest.raises(FevbenchError, match="value range is unknown"):
        scored(TRUE / 255, TRUE)
    with pytest.raises(FevbenchError, match="made clip 0 holds NaN"):
        scored(TRUE * np.nan, TRUE, value_range=(0, 1))
    assert scored(TRUE / 255, TRUE, value_range=(0, 1))["psnr"].value == 100
    black = scored(np.zeros_like(TRUE), TRUE, subjects=SUBJECTS)
    assert (black["csim"].value, black["csim"].reason) == (None, "no face in any frame")
