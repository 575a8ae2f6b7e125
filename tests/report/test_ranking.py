"""Ranks: missing clips as in the mean, the direction of the metric, none without tests, in every format."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from made_up_results import made_up, scored
from rich.console import Console

from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.ranking import NO_REPLICATES, NO_SUBJECTS
from fevbench.report.rows import Comparison, compare
from fevbench.report.terminal import comparison_table
from fevbench.report.text import as_csv, as_json, latex, markdown
from fevbench.results.files import read_result
from fevbench.results.schema import Result, WeightRecord
from fevbench.weights.registry import weight as registry_weight

PEOPLE, CLIPS = 12, 3
IDS = [f"p{i:02}-{k}" for i in range(PEOPLE) for k in range(CLIPS)]


def values(mean: float, spread: float = 0.01, seed: int = 0) -> dict[str, float | None]:
    noise = np.random.default_rng(seed).normal(0, spread, size=len(IDS))
    return dict(zip(IDS, (mean + noise).tolist(), strict=True))


def ranks_of(results: list[Result], metric: str) -> dict[str, int | None]:
    return {row.name: row.cells[metric].rank for row in compare(results).rows[:-1]}


# The same people are hard for all; what is left is small against the differences.
GOOD = scored("good", {"csim": values(0.9, seed=1), "acd": values(0.9, seed=1)})
SAME = scored("same", {"csim": values(0.9, seed=2), "acd": values(0.9, seed=2)})
BAD = scored("bad", {"csim": values(0.5, seed=3), "acd": values(0.5, seed=3)})


def test_nobody_is_best_in_what_is_not_better_by_itself() -> None:
    comparison = compare([made_up("noisy", {"diversity": 0.5}), made_up("still", {"diversity": 0.0})])
    cells = [row.cells["diversity"] for row in comparison.rows]
    assert not any(cell.best or cell.rank for cell in cells)
    assert "no ranks in diversity: a larger value is not better by itself" in comparison.footnotes


def test_ranks_follow_the_metrics_direction_and_are_shared() -> None:
    assert ranks_of([GOOD, SAME, BAD], "csim") == {"good": 1, "same": 1, "bad": 3}
    assert ranks_of([GOOD, SAME, BAD], "acd") == {"good": 2, "same": 2, "bad": 1}


def test_the_order_of_runs_changes_nothing() -> None:
    def facts(results: list[Result]) -> dict[tuple[str, str], object]:
        comparison = compare(results)
        cells = {(r.name, n): (c.rank, c.mark, c.best) for r in comparison.rows for n, c in r.cells.items()}
        tests = {}
        for name, found in comparison.rankings.items():
            for pair in found.pairs:
                names = sorted((comparison.rows[pair.first].name, comparison.rows[pair.second].name))
                tests[name, "/".join(names)] = (pair.test.p, pair.corrected)
        return {**cells, **tests}

    assert facts([GOOD, SAME, BAD]) == facts([BAD, GOOD, SAME]) == facts([SAME, BAD, GOOD])


def test_a_chain_shares_ranks_though_its_ends_differ() -> None:
    """A ~ B ~ C and A < C: B is as far from both as one person's whims, C is steadily below A."""
    rng = np.random.default_rng(0)
    wild = rng.normal(0, 0.3, size=PEOPLE).repeat(CLIPS)
    wild -= wild.mean()
    a = dict(zip(IDS, np.full(len(IDS), 0.8).tolist(), strict=True))
    b = dict(zip(IDS, (0.75 + wild).tolist(), strict=True))
    c = dict(zip(IDS, (0.7 + rng.normal(0, 0.001, size=len(IDS))).tolist(), strict=True))
    runs = [scored(name, {"ssim": clips}) for name, clips in (("a", a), ("b", b), ("c", c))]
    assert ranks_of(runs, "ssim") == {"a": 1, "b": 1, "c": 2}
    marks = [row.cells["ssim"].mark for row in compare(runs).rows]
    assert marks == ["", "", "‡", ""]


def test_pairs_are_corrected_by_holm_within_a_metric() -> None:
    found = compare([GOOD, SAME, BAD]).rankings["csim"]
    raw = sorted(p for pair in found.pairs if (p := pair.test.p) is not None)
    corrected = sorted(p for pair in found.pairs if (p := pair.corrected) is not None)
    assert len(raw) == 3
    assert corrected[0] == pytest.approx(3 * raw[0])
    assert corrected[2] == pytest.approx(max(raw[2], corrected[1]))


def test_controls_are_shown_and_neither_ranked_nor_best() -> None:
    real = scored("real", {"csim": values(1.0, seed=4)}, model__control=True)
    comparison = compare([real, GOOD, BAD])
    shown = {row.name: (row.cells["csim"].rank, row.cells["csim"].best) for row in comparison.rows[:3]}
    assert shown == {"real": (None, False), "good": (1, True), "bad": (2, False)}
    assert len(comparison.rankings["csim"].pairs) == 1
    assert "no model, so neither ranked nor best: real" in comparison.footnotes


def test_a_clip_without_a_value_counts_in_the_test_as_in_the_mean() -> None:
    """Equal but for one clip a person, which one run lacks: it counts csim's floor, 0."""
    full = values(0.9)
    holes = {clip: None if clip.endswith("-0") else value for clip, value in full.items()}
    (pair,) = (
        compare([scored("full", {"csim": full}), scored("holes", {"csim": holes})]).rankings["csim"].pairs
    )
    lost = np.mean([full[clip] if clip.endswith("-0") else 0.0 for clip in IDS])  # type: ignore[arg-type]
    assert pair.test.difference == pytest.approx(lost)
    assert pair.test.p == 2 / 2**PEOPLE


def test_an_excused_clip_is_excused_for_both() -> None:
    """Also where only one run excuses it, whatever the other says there."""
    one = values(0.9)
    other = {**values(0.8, seed=1), "p00-0": -1.0}
    runs = [
        scored("one", {"csim": {**one, "p00-0": None}}, excused=["p00-0"]),
        scored("other", {"csim": other}),
    ]
    (pair,) = compare(runs).rankings["csim"].pairs
    rest = [clip for clip in IDS if clip != "p00-0"]
    assert pair.test.difference == pytest.approx(np.mean([one[c] - other[c] for c in rest]))  # type: ignore[operator]


def test_set_metrics_are_ranked_by_their_replicates() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(100, 10, size=PEOPLE)
    near = {"ssim": values(0.5)}
    runs = [
        scored("a", near, {"fvd": (100.0, base)}),
        scored("b", near, {"fvd": (100.2, base + rng.normal(0, 1, size=PEOPLE))}),
        scored("c", near, {"fvd": (130.0, base + 30 + rng.normal(0, 1, size=PEOPLE))}),
    ]
    assert ranks_of(runs, "fvd") == {"a": 1, "b": 1, "c": 3}


def _sets(worst: Sequence[float] | None = None) -> list[Result]:
    """Three runs, of which the last is far behind; ``worst``: what it holds instead of its replicates."""
    rng = np.random.default_rng(1)
    base = rng.normal(100, 10, size=PEOPLE)
    near, far = rng.normal(0, 1, size=(2, PEOPLE))
    last = base + 30 + far if worst is None else worst
    return [
        scored("a", {"ssim": values(0.5)}, {"fvd": (100.0, base)}),
        scored("b", {"ssim": values(0.5)}, {"fvd": (110.0, base + 10 + near)}),
        scored("c", {"ssim": values(0.5)}, {"fvd": (90.0 if worst is not None else 130.0, last)}),
    ]


@pytest.mark.parametrize(
    ("replicates", "reason"),
    [
        ([], f"c holds no replicates: {NO_REPLICATES}"),
        ([90.0] * 8, "the two left out other groups of subjects"),
    ],
)
def test_who_cannot_be_tested_has_no_rank_and_costs_the_others_none(
    replicates: list[float], reason: str
) -> None:
    """It is not best either, though its number is: nothing says how sure that is."""
    runs = _sets(replicates)
    for order in itertools.permutations(runs):
        comparison = compare(order)
        cells = {row.name: row.cells["fvd"] for row in comparison.rows[:-1]}
        assert {name: cell.rank for name, cell in cells.items()} == {"a": 1, "b": 2, "c": None}
        assert {name: cell.best for name, cell in cells.items()} == {"a": True, "b": False, "c": False}
        assert cells["b"].mark == "‡"
        assert comparison.rankings["fvd"].reason == ""
        assert f"c has no rank in fvd: {reason}" in comparison.footnotes


def test_pairs_without_a_test_do_not_count_in_the_correction() -> None:
    alone, beside = compare(_sets()[:2]), compare(_sets([]))
    (pair,) = alone.rankings["fvd"].pairs
    tests = {(p.first, p.second): p for p in beside.rankings["fvd"].pairs}
    assert tests[0, 1].corrected == pair.corrected
    assert tests[0, 2].corrected is None
    assert tests[0, 2].order is None


def test_who_has_no_rank_is_named_in_every_format() -> None:
    comparison = compare(_sets([]))
    note = f"c has no rank in fvd: c holds no replicates: {NO_REPLICATES}"
    assert f"* {note}" in markdown(comparison)
    assert f"% {note}" in latex(comparison)
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(comparison_table(comparison, 80))
    assert note in " ".join(out.getvalue().split())
    rows = {
        row["model"]: row for row in csv.DictReader(io.StringIO(as_csv(comparison))) if row["metric"] == "fvd"
    }
    assert [rows[name]["rank"] for name in "abc"] == ["1", "2", ""]
    assert [rows[name]["reason"] for name in "abc"] == ["", "", note.partition(": ")[2]]
    found = json.loads(as_json(comparison))["standings"]["fvd"]
    assert found["unranked"] == {"c": note.partition(": ")[2]}
    assert {pair["first"] + pair["second"]: pair["p_holm"] is None for pair in found["pairs"]} == {
        "ab": False,
        "ac": True,
        "bc": True,
    }


def _by(sha256: str, run: Result) -> Result:
    return run.model_copy(update={"weights": [WeightRecord(name="hsemotion", sha256=sha256, licence="")]})


def _stranger(name: str, mean: float, seed: int, sha256: str) -> Result:
    return _by(
        sha256, scored(name, {"accuracy-hsemotion": values(mean, seed=seed), "csim": values(mean, seed=seed)})
    )


def test_numbers_of_different_networks_are_neither_ranked_nor_tested() -> None:
    """The two that share a file are ranked among themselves; whose file is the right one nobody can tell."""
    runs = [
        _stranger("a", 0.9, 1, "1" * 64),
        _stranger("b", 0.5, 2, "1" * 64),
        _stranger("c", 0.95, 3, "2" * 64),
    ]
    comparison = compare(runs)
    assert ranks_of(runs, "accuracy-hsemotion") == {"a": 1, "b": 2, "c": None}
    assert ranks_of(runs, "csim") == {"a": 2, "b": 3, "c": 1}
    note = "c has no rank in accuracy-hsemotion: measured by different files of hsemotion"
    assert note in comparison.footnotes
    assert f"c: hsemotion is {'2' * 12}, in a it is {'1' * 12}" in comparison.footnotes
    tests = {(p.first, p.second): p.test for p in comparison.rankings["accuracy-hsemotion"].pairs}
    assert tests[0, 1].p is not None
    assert tests[0, 2].difference is tests[0, 2].p is None
    assert [row.cells["accuracy-hsemotion"].best for row in comparison.rows] == [True, False, False, False]
    assert comparison.rows[-1].cells["accuracy-hsemotion"].value is None
    assert comparison.rows[-1].cells["csim"].value is not None


def test_of_two_runs_by_different_networks_nobody_is_best() -> None:
    runs = [_stranger("a", 0.9, 1, "1" * 64), _stranger("b", 0.5, 2, "2" * 64)]
    comparison = compare(runs)
    assert "no ranks in accuracy-hsemotion: measured by different files of hsemotion" in comparison.footnotes
    assert not any(row.cells["accuracy-hsemotion"].best for row in comparison.rows)
    assert ranks_of(runs, "csim") == {"a": 1, "b": 2}


def test_two_containers_of_one_network_are_alike() -> None:
    files = [file.sha256 for file in registry_weight("inception-fid").files]
    assert len(files) == 2
    runs = [
        run.model_copy(
            update={"weights": [WeightRecord(name="inception-fid", sha256=str(sha256), licence="")]}
        )
        for run, sha256 in zip(_as_fid(_sets()[:2]), files, strict=True)
    ]
    assert ranks_of(runs, "fid") == {"a": 1, "b": 2}
    other = runs[1].model_copy(
        update={"weights": [WeightRecord(name="inception-fid", sha256="0" * 64, licence="")]}
    )
    assert ranks_of([runs[0], other], "fid") == {"a": None, "b": None}


def _as_fid(runs: list[Result]) -> list[Result]:
    fid = catalog.get("fid").id
    return [
        run.model_copy(
            update={"metrics": {"fid": run.metrics["fvd"].model_copy(update={"id": fid, "sample": "frames"})}}
        )
        for run in runs
    ]


def test_older_results_are_compared_without_a_test_and_told_why() -> None:
    older = [run.model_copy(update={"dataset": _without_people(run)}) for run in (GOOD, BAD)]
    content = json.loads(older[0].model_dump_json())
    del content["dataset"]["subjects_of"], content["metrics"]["csim"]["excused_clips"]
    assert Result.model_validate(content) == older[0]
    comparison = compare(older)
    assert f"no ranks in csim, acd: {NO_SUBJECTS}" in comparison.footnotes
    assert comparison.legend == ""
    assert all(cell.rank is None for row in comparison.rows for cell in row.cells.values())
    # One newer run over the same clips knows the people for all.
    assert ranks_of([older[0], BAD], "csim") == {"good": 1, "bad": 2}


def _without_people(run: Result) -> object:
    return run.dataset.model_copy(update={"subjects_of": {}})


def test_who_is_excused_in_an_older_result_is_clear_only_if_nothing_is_missing() -> None:
    clips = {**values(0.9), "p00-0": None, "p01-0": None}
    both = scored("older", {"csim": clips}, excused=["p00-0", "p01-0"])
    older = both.metrics["csim"].model_copy(update={"excused_clips": []})
    known = both.model_copy(update={"metrics": {"csim": older}})
    assert ranks_of([known, BAD], "csim") == {"older": 1, "bad": 2}
    mixed = scored("older", {"csim": clips}, excused=["p00-0"]).metrics["csim"]
    unknown = both.model_copy(update={"metrics": {"csim": mixed.model_copy(update={"excused_clips": []})}})
    assert "older does not hold what each clip counts" in compare([unknown, BAD]).rankings["csim"].reason


def test_clips_that_do_not_give_the_number_are_not_tested() -> None:
    """As under a definition with another floor."""
    other = BAD.metrics["csim"].model_copy(update={"value": 0.6})
    run = BAD.model_copy(update={"metrics": {"csim": other}})
    assert "bad does not hold what each clip counts" in compare([GOOD, run]).rankings["csim"].reason


def test_two_people_have_no_ranks() -> None:
    few = [scored(n, {"csim": {"a-0": v, "a-1": v, "b-0": v + 0.01}}) for n, v in (("x", 0.1), ("y", 0.9))]
    assert "no ranks in csim: 2 subjects, and a test needs 6" in compare(few).footnotes


def test_people_who_cannot_tell_so_many_models_apart_are_named() -> None:
    """Seven people: p is at least 2 / 2^7, and with four models it is multiplied by six."""
    ids = [f"p{i}-0" for i in range(7)]
    runs = [scored(f"m{k}", {"csim": dict.fromkeys(ids, 0.1 + 0.2 * k)}) for k in range(4)]
    assert set(ranks_of(runs, "csim").values()) == {None}
    few = "no ranks in csim: 7 subjects are too few for a significant difference in 6 pairs of models"
    assert compare(runs).footnotes == (few,)
    assert ranks_of(runs[:3], "csim") == {"m0": 3, "m1": 2, "m2": 1}


def test_a_rank_that_all_share_is_none() -> None:
    runs = [scored(name, {"csim": values(0.9, seed=seed)}) for name, seed in (("a", 1), ("b", 2), ("c", 3))]
    comparison = compare(runs)
    assert set(ranks_of(runs, "csim").values()) == {None}
    assert comparison.footnotes == ("no ranks in csim: no two models differ significantly",)
    assert comparison.legend == ""
    assert any(row.cells["csim"].best for row in comparison.rows)


def test_a_model_that_varies_a_lot_ranks_no_better_than_its_number() -> None:
    """One number is far below all, and so unsteady that no test tells it from any; the others are clear."""
    wild = dict(zip(IDS, np.random.default_rng(9).choice([-3.0, 2.0], size=len(IDS)).tolist(), strict=True))
    runs = [
        scored(name, {"csim": clips})
        for name, clips in (("first", values(0.9)), ("second", values(0.7, seed=1)), ("wild", wild))
    ]
    assert runs[2].metrics["csim"].value < 0.5  # type: ignore[operator]
    tests = {(p.first, p.second): p.order for p in compare(runs).rankings["csim"].pairs}
    assert tests == {(0, 1): (0, 1), (0, 2): None, (1, 2): None}
    assert ranks_of(runs, "csim") == {"first": 1, "second": 2, "wild": 2}


COMMITTED = sorted((Path(__file__).parents[2] / "leaderboard" / "results").glob("*/*/*.json"))


@pytest.mark.parametrize("folder", sorted({file.parent for file in COMMITTED}), ids=lambda path: path.name)
def test_no_committed_number_ranks_above_a_better_one(folder: Path) -> None:
    """Of 35 metrics, twelve had 34 such pairs."""
    runs = [read_result(file) for file in COMMITTED if file.parent == folder]
    by_protocol: dict[str, list[Result]] = {}
    for run in runs:
        by_protocol.setdefault(run.protocol.id, []).append(run)
    for alike in by_protocol.values():
        for name, found in compare(alike).rankings.items():
            numbers = {i: alike[i].metrics[name].value for i in found.ranks}
            sign = 1 if catalog.get(name).higher_is_better else -1
            inversions = [
                (alike[i].model.name, alike[j].model.name)
                for i, j in itertools.permutations(found.ranks, 2)
                if sign * numbers[i] >= sign * numbers[j] and found.ranks[i] > found.ranks[j]  # type: ignore[operator]
            ]
            assert not inversions, name
            assert set(found.ranks.values()) != {1}, name


def test_a_model_without_a_number_has_no_rank_and_takes_none() -> None:
    none = scored("none", {"ssim": values(0.5)})
    assert ranks_of([GOOD, none, BAD], "csim") == {"good": 1, "none": None, "bad": 2}


COMPARISON: Comparison = compare([GOOD, SAME, BAD])


@pytest.mark.parametrize("width", [60, 80])
def test_ranks_fit_the_terminal(width: int) -> None:
    ranked = [
        name for name in catalog if catalog.get(name).kind == "clip" and catalog.get(name).definition.ranked
    ]
    everything = {name: values(0.7) for name in ranked}
    worse = {name: values(0.3, seed=1) for name in everything}
    runs = [scored("a-model-of-a-rather-long-name", everything), scored("b", worse)]
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=True, color_system=None, legacy_windows=False).print(
        comparison_table(compare(runs), width)
    )
    shown = out.getvalue()
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    assert len(re.findall(r" #1 ", shown)) == len(re.findall(r" #2‡ ", shown)) == len(everything)
    assert "#: rank, 1 + the number" in shown


def test_numbers_stay_in_line_beside_ranks() -> None:
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(comparison_table(COMPARISON, 80))
    lines = [line for line in out.getvalue().splitlines() if re.match(r"│ (good|same|bad|true)", line)]
    assert len({re.search(r"\d\.\d{3}", line).start() for line in lines}) == 1  # type: ignore[union-attr]


def test_ranks_in_markdown_and_latex() -> None:
    text = markdown(COMPARISON)
    good, bad = (GOOD.metrics["csim"].value, BAD.metrics["csim"].value)
    assert f"**{good:.3f}**<sup>1</sup> [" in text
    assert f"{bad:.3f}<sup>3‡</sup> [" in text
    assert f"* superscript: {COMPARISON.legend}." in text
    tex = latex(COMPARISON)
    assert rf"\textbf{{{good:.3f}}}$^{{1}}$" in tex
    assert rf"{bad:.3f}$^{{3\ddagger}}$" in tex
    assert f"% superscript: {COMPARISON.legend}" in tex
    assert "‡" not in re.sub("%.*", "", tex)


def test_ranks_in_csv_and_json() -> None:
    rows = [row for row in csv.DictReader(io.StringIO(as_csv(COMPARISON))) if row["metric"] == "csim"]
    assert [row["rank"] for row in rows] == ["1", "1", "3"]
    found = json.loads(as_json(COMPARISON))["standings"]["csim"]
    assert found["ranks"] == {"good": 1, "same": 1, "bad": 3}
    (pair,) = [pair for pair in found["pairs"] if {pair["first"], pair["second"]} == {"good", "bad"}]
    assert pair["better"] == "good"
    assert pair["p"] == 2 / 2**PEOPLE
    assert pair["interval"][0] < pair["difference"] < pair["interval"][1]
    against = next(row for row in rows if row["model"] == "bad")
    assert float(against["p_best"]) <= pair["p_holm"] * 1.5


def test_every_pair_of_runs_is_tested_in_every_metric() -> None:
    """`benchmarks/comparing.py` measures how long it takes."""
    names = [
        name
        for name in catalog
        if catalog.get(name).kind == "clip" and catalog.get(name).selected_by == "default"
    ]
    rng = np.random.default_rng(0)
    runs = [
        scored(
            f"m{k}", {name: dict(zip(IDS, rng.normal(size=len(IDS)).tolist(), strict=True)) for name in names}
        )
        for k in range(5)
    ]
    assert sum(len(found.pairs) for found in compare(runs).rankings.values()) == 10 * len(names)
