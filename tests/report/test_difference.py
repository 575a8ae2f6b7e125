"""``fevbench diff``: what is not the same is named, and numbers are subtracted only where they may be."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_results import made_up, scored
from rich.console import Console
from tiny import Cli

from fevbench.errors import FevbenchError, UnknownName
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.difference import clip_differences_in, differ
from fevbench.report.terminal import difference_table, signed
from fevbench.report.text import difference_json
from fevbench.results.files import write_result
from fevbench.results.schema import Result, WeightRecord
from fevbench.stats.paired import PairedTest

IDS = [f"p{i}-{k}" for i in range(8) for k in range(2)]
ONE: dict[str, float | None] = {clip: 0.5 + 0.01 * i for i, clip in enumerate(IDS)}
# Better for all but three; p3-1 is worst, p5-0 comes next, and p0-0 has no value and counts the floor of 0.
OTHER: dict[str, float | None] = {clip: value + 0.1 for clip, value in ONE.items() if value is not None}
OTHER.update({"p0-0": None, "p3-1": -0.3, "p5-0": 0.05})
A = scored("a", {"csim": ONE, "acd": ONE}, {"fvd": (90.0, [89.0, 91.0, 92.0, 88.0])})
B = scored("b", {"csim": OTHER, "acd": ONE}, {"fvd": (120.0, [118.0, 122.0, 123.0, 117.0])})


def shown(first: Result, second: Result, metric: str | None = None) -> str:
    clips = None
    if metric:
        rows, reason = clip_differences_in(metric, first, second)
        clips = metric, rows, len(rows), reason
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(difference_table(differ(first, second), clips))
    assert max(map(len, out.getvalue().splitlines())) <= 80
    assert "…" not in out.getvalue()
    return out.getvalue()


def test_a_run_against_itself() -> None:
    difference = differ(A, A)
    assert difference.facts == difference.incomparable == ()
    assert {row.name: (row.test.difference, row.test.p) for row in difference.metrics} == dict.fromkeys(
        ("csim", "acd", "fvd"), (0, 1)
    )
    assert {row.difference for row in clip_differences_in("csim", A, A)[0]} == {0}
    assert "no difference in model, data, protocol" in shown(A, A, "csim")


def test_the_difference_is_the_second_less_the_first() -> None:
    found = {row.name: row.test for row in differ(A, B).metrics}
    assert found["csim"].difference == pytest.approx(B.metrics["csim"].value - A.metrics["csim"].value)  # type: ignore[operator]
    assert found["fvd"].difference == 30
    # Replicates differ by 29, 31, 31, 29: an error of sqrt(3), so t = 30 / sqrt(3); with 3 degrees of freedom
    # p = 1 - 2 / pi (a + sin a cos a), where tan a = t / sqrt(3) = 10.
    assert found["fvd"].p == pytest.approx(1 - 2 / math.pi * (math.atan(10) + 10 / 101))
    back = {row.name: row.test for row in differ(B, A).metrics}
    assert all(back[name].p == test.p for name, test in found.items())
    assert back["csim"].difference == pytest.approx(-found["csim"].difference)  # type: ignore[operator]


def test_the_worst_clips_come_first() -> None:
    clips, reason = clip_differences_in("csim", A, B)
    assert reason == ""
    assert [clip.clip for clip in clips[:3]] == ["p3-1", "p0-0", "p5-0"]
    assert (clips[1].first, clips[1].second, clips[1].subject) == (0.5, None, "p0")
    # The floor of csim is 0, and -0.3 is worse.
    assert clips[1].difference == pytest.approx(-0.3 - 0.5)
    assert np.mean([clip.difference for clip in clips]) == pytest.approx(
        B.metrics["csim"].value - A.metrics["csim"].value  # type: ignore[operator]
    )
    lower, _ = clip_differences_in("acd", scored("x", {"acd": OTHER}), A)
    assert lower[0].clip == "p3-1"
    assert "none counts as in the mean" in " ".join(shown(A, B, "csim").split())


@pytest.mark.parametrize(
    ("changes", "what", "values"),
    [
        ({"seed": 1}, "seed", ("0", "1")),
        ({"model__fingerprint": "e" * 64}, "fingerprint", ("f" * 64, "e" * 64)),
        ({"protocol__id": "128x32@2"}, "protocol", ("64x16@2 (16 of 64²", "128x32@2 (16 of 64²")),
        ({"dataset__version": "2"}, "data set", ("tiny 1", "tiny 2")),
        ({"dataset__digest": "e" * 64}, "digest of clips", ("d" * 64, "e" * 64)),
        ({"dataset__limit": 4}, "limit", ("none", "4")),
        ({"environment__commit": "c" * 40 + "+dirty"}, "commit", ("none", "c" * 40 + "+dirty")),
        ({"environment__device": "cuda (y)"}, "device", ("cpu (x)", "cuda (y)")),
        ({"environment__packages": {"numpy": "2"}}, "package numpy", (None, "2")),
        (
            {"weights": [WeightRecord(name="net", sha256="a" * 64, licence="")]},
            "weights net",
            (None, "a" * 64),
        ),
    ],
)
def test_what_is_not_the_same_is_named(
    changes: dict[str, Any], what: str, values: tuple[str | None, str]
) -> None:
    other = A
    for key, value in changes.items():
        record, _, field = key.partition("__")
        new = getattr(A, record).model_copy(update={field: value}) if field else value
        other = A.model_copy(update={record: new})
    (fact,) = differ(A, other).facts
    assert fact.what == what
    for found, wanted in zip((fact.first, fact.second), values, strict=True):
        assert found == wanted or (found and wanted and found.startswith(wanted))
    text = shown(A, other)
    assert what in text
    assert "e" * 13 not in text


def _of(result: Result, **changes: Any) -> Result:
    """The same result with fields of records changed."""
    for key, value in changes.items():
        record, _, field = key.partition("__")
        new = getattr(result, record).model_copy(update={field: value})
        result = result.model_copy(update={record: new})
    return result


def test_runs_of_another_protocol_are_shown_and_not_subtracted() -> None:
    other = _of(B, protocol__id="128x32@2", dataset__digest="e" * 64)
    difference = differ(A, other)
    assert difference.incomparable == (
        "scored on different protocols (64x16@2, 128x32@2)",
        f"scored on different clips ({'d' * 12}, {'e' * 12})",
    )
    assert {(row.test.difference, row.test.p) for row in difference.metrics} == {(None, None)}
    text = shown(A, other, "csim")
    assert "cannot be compared: scored on different protocols" in text
    assert "no clips side by side in csim: scored on different protocols" in text
    assert "120.0" in text


def test_runs_of_another_limit_share_clips() -> None:
    few = scored("few", {"csim": {clip: OTHER[clip] for clip in IDS[4:]}})
    few = _of(few, dataset__limit=12, dataset__digest="e" * 64)
    difference = differ(A, few)
    assert difference.metrics[0].test.reason == "not of the same clips"
    clips, _ = clip_differences_in("csim", A, few)
    assert {clip.clip for clip in clips} == set(IDS[4:])
    same_names = _of(A, dataset__digest="e" * 64)
    assert clip_differences_in("csim", A, same_names) == ([], "clips with the same names differ")


def test_another_definition_is_not_subtracted() -> None:
    newer = B.metrics["csim"].model_copy(update={"id": "csim-other@2"})
    other = B.model_copy(update={"metrics": {**B.metrics, "csim": newer}})
    found = {row.name: row.test for row in differ(A, other).metrics}
    assert found["csim"].difference is None
    assert found["csim"].reason == "different definitions (csim-w600k_mbf-5pt-noinput@1, csim-other@2)"
    assert found["acd"].p == 1
    assert "definition of csim" in [fact.what for fact in differ(A, other).facts]
    assert clip_differences_in("csim", A, other)[0] == []


def test_older_results_have_a_difference_and_no_test() -> None:
    one, other = (_of(run, dataset__subjects_of={}) for run in (A, B))
    test = differ(one, other).metrics[0].test
    assert test.difference == pytest.approx(B.metrics["csim"].value - A.metrics["csim"].value)  # type: ignore[operator]
    assert test.p is None
    assert "no result says whose clips these are" in test.reason
    clips, _ = clip_differences_in("csim", one, other)
    assert (clips[0].clip, clips[0].subject) == ("p3-1", None)


def test_a_metric_of_only_one_run_is_shown() -> None:
    row = next(row for row in differ(A, made_up("b", {"psnr": 30.0})).metrics if row.name == "psnr")
    assert row.first is None
    assert "30.00" in shown(A, scored("b", {"csim": OTHER}, {"psnr": (30.0, [])}))


def test_metrics_without_clips_are_refused() -> None:
    with pytest.raises(FevbenchError, match="fvd has no values per clip: choose another metric"):
        clip_differences_in("fvd", A, B)
    with pytest.raises(UnknownName, match="did you mean 'csim'"):
        clip_differences_in("csm", A, B)
    with pytest.raises(UnknownName, match="psnr"):
        clip_differences_in("psnr", A, B)


def test_signs() -> None:
    assert [signed("csim", value) for value in (0.5, -0.5, 0.00001, -0.00001, None)] == [
        "+0.500", "-0.500", "0.000", "0.000", "–"
    ]  # fmt: skip


def test_json_keeps_every_digit_and_whole_hashes() -> None:
    rows, reason = clip_differences_in("csim", A, B)
    other = _of(B, model__fingerprint="e" * 64)
    content = json.loads(difference_json(differ(A, other), ("csim", rows[:2], len(rows), reason)))
    assert content["differs"]["fingerprint"] == ["f" * 64, "e" * 64]
    assert content["metrics"]["csim"]["a"] == A.metrics["csim"].value
    assert content["metrics"]["fvd"]["difference"] == 30
    assert content["clips"]["of"] == 16
    assert [row["clip"] for row in content["clips"]["rows"]] == ["p3-1", "p0-0"]


def test_the_command(cli: Cli, tmp_path: Path) -> None:
    for run in (A, B):
        (tmp_path / run.model.name).mkdir()
        write_result(tmp_path / run.model.name, run)
    runs = (tmp_path / "a", tmp_path / "b" / "result.json")
    outcome = cli("diff", *runs, "--metric", "csim", "--clips", "1")
    assert outcome.code == 0, outcome
    assert "p3-1" in outcome.out
    assert "p0-0" not in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert len(cli("diff", *runs, "--metric", "csim", "--format", "json").result["clips"]["rows"]) == 10
    assert "clips" not in cli("diff", *runs, "--format", "json").result
    assert "fevbench diff runs/" in cli("diff", "--help").out
    assert "does not exist" in cli("diff", tmp_path / "a", tmp_path / "c").complaint
    assert "choose another metric" in cli("diff", *runs, "--metric", "fvd").complaint
    assert cli("diff", *runs, "--clips", "3").code == 2


def test_runs_of_the_command_know_their_people(cli: Cli, tmp_path: Path) -> None:
    """And an older result is completed by repeating the command, from the clips that are there."""
    out = tmp_path / "run"
    run = ("run", "copy", "tiny", "--metrics", "psnr,motion", "--out", out, "--format", "json")
    data = cli(*run).result["dataset"]
    assert data["subjects_of"]["ann-joy"] == "ann"
    assert len(data["subjects_of"]) == data["clips"] == 9
    older = json.loads((out / "result.json").read_text())
    for field in ("subjects_of", "labels", "labels_of"):
        del older["dataset"][field]
    (out / "result.json").write_text(json.dumps(older))
    again = cli(*run)
    assert again.result["dataset"]["subjects_of"] == data["subjects_of"]
    assert again.result["stages"]["generate"]["computed"] == 0
    assert "nothing to do" in cli(*run).err


def test_excused_clips_are_named(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the true clip does not move, there is no motion to agree with."""
    import tiny

    moving = tiny.Tiny.frames
    monkeypatch.setattr(
        tiny.Tiny,
        "frames",
        lambda self, clip: (
            moving(self, clip)[:1].repeat(33, axis=0) if clip.id == "bob-joy" else moving(self, clip)
        ),
    )
    found = cli("run", "real", "tiny", "--metrics", "motion", "--out", tmp_path / "r", "--format", "json")
    motion = found.result["metrics"]["motion"]
    assert (motion["excused"], motion["excused_clips"], motion["missing"]) == (1, ["bob-joy"], 0)


def test_numbers_of_different_networks_are_not_subtracted() -> None:
    a, b = (
        scored(name, {"accuracy-hsemotion": clips, "csim": clips}).model_copy(
            update={"weights": [WeightRecord(name="hsemotion", sha256=digit * 64, licence="")]}
        )
        for name, clips, digit in (("a", ONE, "1"), ("b", OTHER, "2"))
    )
    reason = "measured by different files of hsemotion"
    tests = {row.name: row.test for row in differ(a, b).metrics}
    assert tests["accuracy-hsemotion"] == PairedTest(None, None, None, reason)
    assert tests["csim"].p is not None
    assert clip_differences_in("accuracy-hsemotion", a, b) == ([], reason)
    assert f"no test of accuracy-hsemotion: {reason}" in " ".join(shown(a, b).split())


@pytest.mark.parametrize("width", [60, 80, 200])
def test_every_metric_fits_the_terminal(width: int) -> None:
    """Names of metrics and p are whole; where it is narrow, intervals go below the differences."""
    names = [name for name in catalog if catalog.get(name).kind == "clip"]
    a, b = (scored(name, dict.fromkeys(names, clips)) for name, clips in (("a", ONE), ("b", OTHER)))
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(difference_table(differ(a, b), None, width))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    cells = [line.split("│")[1].strip() for line in text.splitlines() if line.startswith("│")]
    whole = "".join(f"{name}{catalog.get(name).arrow}" for name in names)
    assert "".join(cells).replace(" ", "").endswith(whole)
    assert ("95 % interval" in text.split("B - A with")[0]) == (width == 200)


def test_why_there_is_no_number_is_said() -> None:
    none = made_up("none", {"csim": None})
    assert "none has no number (no face in any frame)" in " ".join(
        shown(made_up("x", {"csim": 0.5}), none).split()
    )
    (row,) = differ(made_up("other", {"csim": 0.5}), made_up("bare", {})).metrics
    assert row.test.reason == "bare was not scored in it"
