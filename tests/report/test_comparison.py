"""Comparisons: only what is comparable, the best in bold, and every format says the same."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from made_up_results import made_up
from rich.console import Console, RenderableType
from tiny import Cli

from fevbench.errors import RunError
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.rows import CEILING, compare, number
from fevbench.report.terminal import comparison_table, result_table
from fevbench.report.text import as_csv, as_json, latex, markdown
from fevbench.results.files import write_result
from fevbench.results.schema import Result, WeightRecord

GOOD = made_up("good", {"csim": 0.91234567, "fvd": 100.04, "kid": 0.00001})
BAD = made_up("bad", {"csim": 0.5, "fvd": 200.0, "kid": 0.2})
EVERY: dict[str, float | None] = dict.fromkeys(catalog, 12.3456)


def _shown(renderable: RenderableType, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=True, color_system=None, legacy_windows=False).print(
        renderable
    )
    return out.getvalue()


def _bold(results: list[Result]) -> dict[str, list[str]]:
    comparison = compare(results)
    return {
        column: [row.name for row in comparison.rows if row.cells[column].best]
        for column in comparison.columns
    }


def test_the_best_is_best_in_the_metrics_direction() -> None:
    assert _bold([GOOD, BAD]) == {"csim": ["good"], "kid": ["good"], "fvd": ["good"]}


def test_what_ran_the_networks_makes_no_two_runs_unlike() -> None:
    """Backends agree to far less than a model differs from another; results of before say nothing of them."""
    environment = GOOD.environment.model_copy(update={"ran_on": {"inception": {"openvino": "CPU"}}})
    fast = GOOD.model_copy(update={"environment": environment})
    cells = [[row.cells for row in compare([result, BAD]).rows] for result in (fast, GOOD)]
    assert cells[0] == cells[1]


def test_equal_as_shown_is_equal() -> None:
    other = made_up("other", {"csim": 0.91234000, "fvd": 100.04999, "kid": -0.00001})
    assert _bold([GOOD, other]) == {name: ["good", "other"] for name in ("csim", "kid", "fvd")}


def test_a_run_alone_is_best_of_nothing_and_an_absent_value_is_never_best() -> None:
    assert not any(_bold([GOOD]).values())
    none = made_up("none", {"csim": None, "fvd": 300.0})
    assert _bold([GOOD, none])["csim"] == []
    assert _bold([GOOD, none])["fvd"] == ["good"]


def test_there_is_no_minus_zero() -> None:
    assert number("kid", -0.00001) == "0.0000"
    assert number("kid", -0.0001) == "-0.0001"


def test_a_number_beyond_the_true_clips_is_not_called_best() -> None:
    """A clip that shows the input's face more than a true one does has forgotten the expression."""
    copy = made_up("copies", {"csim": 1.01, "kid": -2.0, "fvd": 0.5, "warping-error": 0.5})
    assert _bold([GOOD, copy]) == {"csim": [], "fvd": [], "kid": ["copies"], "warping-error": []}
    as_good = made_up("as good", {"csim": 1.0001, "fvd": 1.0, "kid": 2.0})
    assert _bold([GOOD, as_good]) == {"csim": ["as good"], "fvd": ["as good"], "kid": ["good"]}


def test_fewer_than_six_people_have_no_interval_in_any_view() -> None:
    """Results of before hold one of two people and more."""
    few = GOOD.metrics["csim"].model_copy(update={"subjects": 5})
    run = GOOD.model_copy(update={"metrics": {"csim": few}})
    comparison = compare([run])
    note = "no interval of csim: 5 subjects, needs at least 6"
    assert comparison.footnotes == (f"good: {note}",)
    assert note in " ".join(_shown(result_table(run)).split())
    for text in (markdown(comparison), latex(comparison), as_csv(comparison), _shown(result_table(run))):
        assert "0.962" not in text
        assert "0.96234567" not in text


def test_the_last_row_is_the_ceiling() -> None:
    *_, last = compare([GOOD, BAD]).rows
    assert last.name == CEILING
    assert {cell.value for cell in last.cells.values()} == {1.0}
    assert not any(cell.best for cell in last.cells.values())


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"dataset__name": "other"}, "different data sets (tiny 1 test, other 1 test)"),
        ({"dataset__version": "2"}, "different data sets"),
        ({"dataset__split": "train"}, "different data sets"),
        ({"protocol__id": "128x32@2"}, "different protocols (64x16@2, 128x32@2)"),
        ({"dataset__clips": 8}, "different numbers of clips (9, 8)"),
        ({"dataset__digest": "e" * 64}, "different clips"),
    ],
)
def test_what_was_scored_differently_is_not_compared(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(RunError, match=re.escape(what)):
        compare([GOOD, made_up("other", {"csim": 0.1}, **changes)])


def test_definitions_must_agree_between_any_two_runs() -> None:
    """Also where the first run lacks the metric."""
    newer = BAD.metrics["fvd"].model_copy(update={"id": "fvd-other@2"})
    with pytest.raises(RunError, match="fvd is fvd-i3d400-bilinear224@1 in good, but fvd-other@2 in bad"):
        compare([made_up("none", {"csim": 0.1}), GOOD, BAD.model_copy(update={"metrics": {"fvd": newer}})])


def test_rounded_numbers_do_not_stand_beside_exact_ones() -> None:
    rounded = BAD.metrics["fvd"].model_copy(update={"id": catalog.get("fvd").at_precision("fast").id})
    with pytest.raises(RunError, match="repeat one of them with the other's --precision"):
        compare([GOOD, BAD.model_copy(update={"metrics": {"fvd": rounded}})])


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"seed": 1}, ["gan, seed 0", "gan, seed 1"]),
        ({"model__fingerprint": "e" * 64}, ["gan, ffffff", "gan, eeeeee"]),
        ({"environment__device": "cuda (y)"}, ["gan, cpu", "gan, cuda"]),
        ({}, ["gan (1)", "gan (2)"]),
    ],
)
def test_runs_of_one_model_stay_apart(changes: dict[str, Any], names: list[str]) -> None:
    runs = [made_up("gan", {"csim": 0.1}), made_up("gan", {"csim": 0.2}, **changes), GOOD]
    rows = compare(runs).rows
    assert [row.name for row in rows] == [*names, "good", CEILING]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", ["gan", "a-model-whose-name-is-longer-than-anybody-would-want-to-read-it"])
def test_a_wide_comparison_fits_the_terminal(width: int, name: str) -> None:
    shown = _shown(comparison_table(compare([made_up(name, EVERY), made_up("b", EVERY)]), width), width)
    assert max(map(len, shown.splitlines())) <= width
    assert all(f"{column} {catalog.get(column).arrow}" in shown for column in EVERY)
    assert "…" not in shown
    assert shown.count("12.346") >= 6


def test_a_run_fits_eighty_columns() -> None:
    shown = _shown(result_table(made_up("gan", {**EVERY, "fvd": None}, model__notes=["clips were resized"])))
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown
    assert "note: no fvd: no face in any frame" in shown
    assert "note: clips were resized" in shown


def test_brackets_in_names_are_shown() -> None:
    assert "videos:[red]x" in _shown(result_table(made_up("videos:[red]x", {"csim": 0.5})))
    assert "videos:[red]x" in _shown(comparison_table(compare([made_up("videos:[red]x", EVERY)]), 80))


def test_what_a_reader_must_know_is_below_the_table() -> None:
    metric = GOOD.metrics["csim"].model_copy(update={"missing": 1, "excused": 2})
    notes = compare([GOOD.model_copy(update={"metrics": {"csim": metric}})]).footnotes
    assert notes == (
        "good: 1 clip that lost the face counted at the floor of csim",
        "good: 2 clips left out of csim: the true clip gives no value",
    )


def test_what_is_said_of_several_runs_is_said_once_and_nothing_of_what_is_not_shown() -> None:
    lost = {"metrics": {name: m.model_copy(update={"missing": 1}) for name, m in GOOD.metrics.items()}}
    runs = [
        made_up(name, {"csim": 0.5}, model__notes=["clips were resized"]).model_copy(update=lost)
        for name in ("good", "bad")
    ]
    notes = compare(runs, only=["csim"]).footnotes
    assert notes[-2:] == (
        "good, bad: clips were resized",
        "good, bad: 1 clip that lost the face counted at the floor of csim",
    )


def test_other_bytes_of_a_weight_are_named() -> None:
    one, two = (WeightRecord(name="net", sha256=c * 64, licence="free") for c in "ab")
    same = compare([made_up("a", {"ssim": 0.5}, weights=[one]), made_up("b", {"ssim": 0.5}, weights=[one])])
    no_ranks = "no ranks in ssim: " + "; ".join(
        f"{name} does not hold what each clip counts" for name in "ab"
    )
    assert same.footnotes == (no_ranks,)
    other = compare([made_up("a", {"ssim": 0.5}, weights=[one]), made_up("b", {"ssim": 0.5}, weights=[two])])
    assert other.footnotes == (no_ranks, f"b: net is {'b' * 12}, in a it is {'a' * 12}")


def test_markdown_can_have_a_row_a_metric() -> None:
    lines = markdown(
        compare([GOOD, made_up("a|b", {"csim": 0.5, "fvd": None})]), transposed=True
    ).splitlines()
    assert lines[2] == rf"| metric | good | a\|b | {CEILING} |"
    assert [line.split(" | ")[0] for line in lines[4:7]] == ["| csim ↑", "| kid ↓", "| fvd ↓"]
    assert "| – |" in lines[6]


def test_markdown() -> None:
    lines = markdown(compare([GOOD, made_up("a|b", {"csim": 0.5, "fvd": None})])).splitlines()
    assert lines[2:] == [
        "| model | csim ↑ | kid ↓ | fvd ↓ |",
        "| --- | --: | --: | --: |",
        "| good | **0.912** [0.862, 0.962] | 0.0000 | 100.0 |",
        r"| a\|b | 0.500 [0.450, 0.550] | – | – |",
        f"| {CEILING} | 1.000 | 1.0000 | 1.0 |",
        "",
        r"* no ranks in csim: a\|b does not hold what each clip counts; "
        "good does not hold what each clip counts",
        r"* a\|b: no fvd: no face in any frame",
    ]


def test_csv_keeps_every_digit() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(compare([GOOD, made_up('a,"b"', {"csim": None})])))))
    assert [(row["model"], row["metric"]) for row in rows] == [
        ("good", "csim"), ("good", "fvd"), ("good", "kid"), ('a,"b"', "csim")
    ]  # fmt: skip
    assert float(rows[0]["value"]) == 0.91234567
    assert rows[0]["id"] == "csim-w600k_mbf-5pt-noinput@1"
    assert (rows[3]["value"], rows[3]["reason"]) == ("", "no face in any frame")


def test_latex_is_a_table_whatever_a_model_is_called() -> None:
    name = r"a_b & 50%$#{x}~^\y"
    text = latex(compare([made_up(name, {"csim": 0.5}), made_up("worse", {"csim": 0.4})]))
    escaped = r"a\_b \& 50\%\$\#\{x\}\textasciitilde{}\textasciicircum{}\textbackslash{}y"
    assert rf"{escaped} & \textbf{{0.500}} {{\scriptsize [0.450, 0.550]}} \\" in text.splitlines()
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {1}
    assert r"csim $\uparrow$" in text
    assert text.count("{") == text.count("}")
    assert text.splitlines()[-3:] == [r"true clips (ceiling) & 1.000 \\", r"\bottomrule", r"\end{tabular}"]


def test_latex_leaves_intervals_out_when_asked(tmp_path: Path, cli: Cli) -> None:
    comparison = compare([GOOD, BAD])
    assert "[0.862, 0.962]" in latex(comparison)
    bare = latex(comparison, intervals=False)
    assert "[" not in bare
    write_result(tmp_path, GOOD)
    assert "0.862" not in cli("compare", tmp_path, "--format", "latex", "--no-intervals").out
    assert "0.862" in cli("compare", tmp_path, "--format", "latex").out
    refused = cli("compare", tmp_path, "--format", "md", "--no-intervals")
    assert (refused.code, "--no-intervals needs --format latex" in refused.err) == (2, True)


@pytest.mark.parametrize("name", ["[2] ours", "*ours", "[", "a[1]*"])
def test_a_name_is_no_argument_of_the_line_break_before_it(name: str) -> None:
    lines = latex(compare([GOOD, made_up(name, {"csim": 0.4})])).splitlines()
    rows = [line for before, line in itertools.pairwise(lines) if before.endswith("\\\\")]
    assert not any(line.lstrip().startswith(("[", "*")) for line in rows)
    shown = [line.replace("{[}", "[").replace("{]}", "]").replace("{*}", "*") for line in rows]
    assert any(line.startswith(name) for line in shown)


def test_words_of_others_stay_words_in_every_text_format() -> None:
    """What a stranger's result says of itself stands in files that others put into papers and pages."""
    wild = "x\n\\input{/etc/passwd}\r![p](http://evil.example/p.png) <img src=x>"
    result = made_up(wild, {"csim": 0.5, "fvd": None}, dataset__name=wild, model__notes=[wild])
    comparison = compare([result])
    own = (
        "%",
        "\\begin{tabular}",
        "\\toprule",
        "\\midrule",
        "\\bottomrule",
        "\\end{tabular}",
        "Model ",
        "true clips",
    )
    lines = latex(comparison).splitlines()
    (row,) = [line for line in lines if not line.startswith(own)]
    assert row.startswith(r"x \textbackslash{}input\{/etc/passwd\}")
    text = markdown(comparison)
    assert "![" not in text.replace(r"!\[", "")
    assert "<img" not in text
    assert len(text.splitlines()) == len(
        markdown(compare([made_up("x", {"csim": 0.5, "fvd": None}, model__notes=["n"])])).splitlines()
    )


def test_json_is_the_results_themselves() -> None:
    content = json.loads(as_json(compare([GOOD, BAD])))
    assert [Result.model_validate(entry) for entry in content["results"]] == [GOOD, BAD]
    assert content["names"] == ["good", "bad"]


HOSTILE = 'a, "b" & c_d|e\n\\input{x} <i>'


def test_one_result_given_twice_is_said_to_be_one() -> None:
    """Of copies of a run folder each would take a place and a part in the correction."""
    note = "good (1) and good (2) are one result, and count as two models"
    assert note in compare([GOOD, BAD, GOOD]).footnotes
    again = GOOD.model_copy(update={"seed": 1})
    assert not any("one result" in line for line in compare([GOOD, again]).footnotes)


def test_an_escape_in_a_name_commands_no_terminal() -> None:
    runs = [made_up("\x1b[31mred", {"csim": 0.5}, model__notes=["\x1b]0;x\x07"]), GOOD]
    assert "\x1b" not in _shown(comparison_table(compare(runs), 80))


def test_a_line_break_in_a_name_or_note_ends_no_line() -> None:
    runs = [made_up(HOSTILE, {"csim": 0.5}, model__notes=["one\ntwo"]), GOOD]
    comparison = compare(runs)
    assert comparison.rows[0].name == 'a, "b" & c_d|e \\input{x} <i>'
    for line in markdown(comparison).splitlines()[1:]:
        assert not line or line[0] in "|*"
    tex = latex(comparison)
    assert all(line.startswith(("%", "\\", "Model", "a, ", "good", CEILING)) for line in tex.splitlines())
    assert r"c\_d\textbar{}e \textbackslash{}input\{x\} \textless{}i\textgreater{} &" in tex
    (row,) = [row for row in csv.DictReader(io.StringIO(as_csv(comparison))) if row["model"].startswith("a,")]
    assert row["model"] == comparison.rows[0].name


def test_chosen_metrics_are_all_that_is_shown() -> None:
    lost = GOOD.metrics["csim"].model_copy(update={"missing": 1})
    run = GOOD.model_copy(update={"metrics": {**GOOD.metrics, "csim": lost}})
    note = "good: 1 clip that lost the face counted at the floor of csim"
    assert note in compare([run]).footnotes
    comparison = compare([run], ["fvd"])
    assert comparison.footnotes == ()
    assert [row["metric"] for row in csv.DictReader(io.StringIO(as_csv(comparison)))] == ["fvd"]


def test_metrics_that_no_run_has_are_named(cli: Cli, tmp_path: Path) -> None:
    write_result(tmp_path / "a", GOOD)
    assert cli("compare", tmp_path / "a", "--metrics", "fvd,distribution").code == 0
    for asked, absent in (("csim,jedi", "jedi"), ("facial-motion", "mesh-rate, expression-error")):
        outcome = cli("compare", tmp_path / "a", "--metrics", asked)
        assert outcome.code == 1
        assert f"error: no run has a score for {absent}" in outcome.complaint


def test_one_is_not_many() -> None:
    alone = made_up("x", {"csim": 0.5}, dataset__clips=1, dataset__subjects=1)
    assert compare([alone]).title.endswith("1 clip, 1 subject")
    assert "1 clip, 1 subject" in _shown(result_table(alone))


def test_a_metric_of_another_version_is_not_passed_over_in_silence() -> None:
    newer = GOOD.model_copy(update={"metrics": {**GOOD.metrics, "sparkle": GOOD.metrics["csim"]}})
    comparison = compare([newer, BAD])
    assert comparison.footnotes[-1] == "good: not shown, as this version does not know it: sparkle"
    assert comparison.columns == ("csim", "kid", "fvd")
    assert "sparkle" not in as_csv(comparison)
