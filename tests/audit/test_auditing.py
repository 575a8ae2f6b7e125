"""The audit: what it concludes from steps, what it shows, and that a broken promise fails it."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image
from tiny import Cli

from fevbench import paths
from fevbench.audit.record import Audit, DamageRecord, Responses, Sample, Step, check_declarations, read_audit
from fevbench.audit.report import audit_markdown
from fevbench.metrics.catalog import metrics
from fevbench.results.schema import ProtocolRecord

SSIM = metrics.get("ssim")
SSIM_OF_99 = replace(SSIM, sampling=replace(SSIM.sampling, least=99))
EVERYBODY = tiny.PEOPLE
RUN = ("audit", "tiny", "--device", "cpu", "--offline")


@pytest.fixture(autouse=True)
def people(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six people to test on: the fewest with an interval."""
    monkeypatch.setattr(
        tiny, "PEOPLE", {**dict.fromkeys(("ann", "bob", "cem", "eva", "fay", "gus"), "test"), "dan": "train"}
    )


def steps(
    metric: str, damage: str, worse: Sequence[float | None], low: float | None = None, lost: float = 0
) -> list[Step]:
    return [
        Step(
            metric=metric,
            damage=damage,
            strength=i,
            value=w,
            worse=w,
            low=w if low is None else low,
            high=w,
            lost=lost,
        )
        for i, w in enumerate(worse)
    ]


def verdict(must: str, *ladders: list[Step]) -> tuple[bool, str]:
    """What is said of metric ssim and the damage of the first ladder."""
    damage = ladders[0][0].damage
    notices, ignores = ((damage,) if must == which else () for which in ("notice", "ignore"))
    declared = replace(SSIM, audit=replace(SSIM.audit, notices=notices, ignores=ignores))
    (found,) = check_declarations(
        Responses([step for ladder in ladders for step in ladder]), {"ssim": declared}
    )
    assert (found.metric, found.damage, found.must) == ("ssim", damage, must)
    return found.kept, found.why


def test_noticing_is_being_sure_and_growing() -> None:
    assert verdict("notice", steps("ssim", "blur", [0, 0.1, 0.2, 0.3, 0.4, 0.5]))[0]
    unsure = verdict("notice", steps("ssim", "blur", [0, 0.1, 0.2, 0.3, 0.4, 0.5], low=-0.1))
    assert unsure == (False, "worse by 0.5 [-0.1, 0.5] at full strength, correlation 1.00")
    assert not verdict("notice", steps("ssim", "blur", [0, 0.9, 0.1, 0.8, 0.05, 0.5]))[0], "up and down"
    assert not verdict("notice", steps("ssim", "blur", [0, 0, 0, 0, 0, 0]))[0]
    assert verdict("notice", steps("ssim", "blur", [0, 0.1, 0.2, 0.3, 0.4, None])) == (True, "no value")


def test_ignoring_is_relative_to_what_the_metric_can_see() -> None:
    other = steps("ssim", "noise", [0, 1, 2, 3, 4, 5])
    assert verdict("ignore", steps("ssim", "blur", [0, 0.1, -0.1, 0, 0, 0.1]), other)[0]
    kept, why = verdict("ignore", steps("ssim", "blur", [0, 0, -0.2, 0, 0, 0]), other)
    assert (kept, why) == (False, "changed by 0.2 at most, of 5")
    assert verdict("ignore", steps("ssim", "blur", [0, 0, 0, 0, 0, None]), other) == (False, "no value")


def test_a_little_counts_only_for_sure() -> None:
    other = steps("ssim", "noise", [0, 1, 2, 3, 4, 5])
    little = [0, 0, 0, 0, 0, 0.2]
    assert not verdict("ignore", steps("ssim", "blur", little, low=0.1), other)[0]
    assert verdict("ignore", steps("ssim", "blur", little, low=-0.1), other)[0]
    assert not verdict("ignore", steps("ssim", "blur", [0, 0, 0, 0, 0, 0.3], low=-0.1), other)[0], "too much"


def test_parts_are_of_the_worst_a_metric_got() -> None:
    responses = Responses(
        steps("ssim", "blur", [0, 1, 1, 1, 1, 4]) + steps("ssim", "noise", [0, 0, 0, 0, 0, -1])
        + steps("psnr", "blur", [0, 0, 0, 0, 0, 0]) + steps("psnr", "noise", [0, 0, 0, 0, 0, None])
    )  # fmt: skip
    assert responses.relative_at().tolist() == [[1, -0.25], [0, math.inf]]
    responses = Responses(
        steps("csim", "blur", [0, 1, 1, 1, 1, 1]) + steps("csim", "noise", [0, 2, 3, 4, 5, 10], lost=0.5)
    )
    assert responses.relative_at().tolist() == [[1, 10]], (
        "a lost face does not dwarf what happens to the others"
    )
    assert responses.largest("csim") == 10


def test_it_keeps_every_number_and_draws_them(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "audit"
    asked = (*RUN, "--metrics", "csim,face-rate,ssim,motion", "--damages", "freeze,shuffle,missing-face")
    shown = cli(*asked, "--out", out)
    assert (out / "audit.json").exists(), shown
    text = (out / "audit.json").read_text(encoding="utf-8")
    found = Audit.model_validate_json(text)
    assert len(found.steps) == 4 * 3 * 6
    by = {(step.metric, step.damage, step.strength): step for step in found.steps}
    assert by["ssim", "freeze", 0].worse == 0
    assert by["motion", "freeze", 5].value == 0
    frozen = by["ssim", "freeze", 5]
    assert frozen.value is not None
    assert frozen.worse == pytest.approx(1 - frozen.value)
    assert frozen.low is not None
    assert 0 < frozen.low <= frozen.worse
    assert by["csim", "shuffle", 5].worse == pytest.approx(0, abs=1e-12)
    assert {v.damage for v in found.verdicts} == {"freeze", "shuffle", "missing-face"}
    assert Image.open(out / "audit.png").width > 600
    broken = [f"{v.metric} must {v.must} {v.damage}" for v in found.verdicts if not v.kept]
    assert shown.code == bool(broken), "squares have no faces to miss: it says so, and says it right"
    for words in broken:
        assert words in shown.complaint
    for heading in ("freeze", "shuffle", "missing-", "damage to time", "who and what is shown"):
        assert heading in shown.out
    cli(*asked, "--out", out)
    again = json.loads((out / "audit.json").read_text(encoding="utf-8"))
    assert again == json.loads(text), "it repeats"


def test_the_picture_of_a_small_audit_is_whole(cli: Cli, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns if the layout has no room
        outcome = cli(*RUN, "--metrics", "motion", "--damages", "freeze", "--out", tmp_path)
    assert outcome.code == 0, outcome
    drawn = np.asarray(Image.open(tmp_path / "audit.png").convert("L"))
    for edge in (drawn[:4], drawn[-4:], drawn[:, :4], drawn[:, -4:]):
        assert edge.min() == 255, "nothing is cut off"


def test_any_number_of_workers_gives_the_same_numbers(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each audit has feature caches of its own here, so that both do all the work."""
    monkeypatch.setattr(tiny, "PEOPLE", EVERYBODY)  # a worker imports them again
    asked = (*RUN, "--metrics", "csim,ssim,motion", "--damages", "freeze,blur,identity-swap")
    found = []
    for jobs in (1, 2):
        home = tmp_path / f"home-{jobs}"
        home.mkdir()
        (home / "weights").symlink_to(paths.home() / "weights")
        with monkeypatch.context() as patch:
            patch.setenv("FEVBENCH_HOME", str(home))
            outcome = cli(*asked, "--jobs", jobs, "--out", tmp_path / str(jobs))
        assert (tmp_path / str(jobs) / "audit.json").exists(), outcome
        found.append(read_audit(tmp_path / str(jobs) / "audit.json"))
        assert list((home / "features").glob("*.sqlite")), "kept, so that a stopped audit continues"
    assert len(found[0].steps) == 3 * 3 * 6
    assert found[0].steps == found[1].steps, "in the same order, too"
    assert found[0].verdicts == found[1].verdicts


def test_metrics_can_be_audited_one_after_the_other(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "audit"
    asked = (*RUN, "--damages", "freeze,blur", "--out", out)
    assert cli(*asked, "--metrics", "motion", "--limit", 15).code == 0
    page = cli(*asked, "--metrics", "ssim", "--format", "md")
    assert page.code == 0, page
    found = read_audit(out / "audit.json")
    assert list(found.ids) == list(found.samples) == ["ssim", "motion"]
    assert [found.samples[name].clips for name in ("motion", "ssim")] == [15, 18]
    assert Responses(found.steps).metrics == ("ssim", "motion"), "in the catalogue's order"
    assert "15 or 18 true clips" in page.out
    assert "| motion ↑ | 15 | **100** |" in page.out, "frozen clips do not move at all"
    other = cli(*RUN, "--damages", "freeze", "--metrics", "ssim", "--out", out)
    assert "by freeze, blur, which this audit is not: choose another --out" in other.complaint
    (out / "audit.json").write_text("{}", encoding="utf-8")
    assert "is not an audit of this version of fevbench" in cli(*asked, "--metrics", "ssim").complaint


def test_of_a_metric_without_a_value_of_the_true_clips_nothing_is_said(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(metrics._targets, "ssim", SSIM_OF_99)
    outcome = cli(*RUN, "--damages", "freeze", "--metrics", "ssim,motion", "--out", tmp_path)
    assert outcome.code == 0, outcome
    found = read_audit(tmp_path / "audit.json")
    assert list(found.ids) == ["motion"]
    assert list(found.unscored) == ["ssim"]
    assert {verdict.metric for verdict in found.verdicts} == {"motion"}
    assert "not audited: ssim: " in outcome.out


def test_where_nothing_can_be_audited_it_says_why_and_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    for name, why in (
        ("diversity", "compares 4 clips of each face and label"),
        ("macro-f1", "no expression classifier of tiny"),
    ):
        outcome = cli(*RUN, "--damages", "blur", "--metrics", name, "--out", tmp_path)
        assert outcome.code == 1
        assert f"no metric can be audited here: {name}: " in outcome.complaint
        assert why in outcome.complaint
        assert "blur" not in outcome.complaint
    assert not (tmp_path / "audit.json").exists()


def test_a_metric_with_too_few_true_clips_is_not_damaged_in_vain(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(metrics._targets, "ssim", SSIM_OF_99)
    outcome = cli(*RUN, "--damages", "blur", "--metrics", "ssim", "--out", tmp_path)
    assert outcome.code == 1
    assert "no metric can be audited here: ssim: " in outcome.complaint
    assert not (tmp_path / "audit.json").exists()


def test_a_page_says_which_metrics_see_a_damage_well_and_which_do_not() -> None:
    blur, noise = ([0, 0, 0, 0, 0, 4], [0, 1, 2, 3, 4, 5])
    found = Audit.model_construct(
        dataset="tiny",
        version="1",
        protocol=ProtocolRecord(id="64x16@1", size=64, frames=16, stride=2),
        samples={name: Sample(clips=9, subjects=3, digest="d") for name in ("ssim", "psnr", "motion")},
        unscored={"fvd": "too few"},
        damages={
            name: DamageRecord(kind="pixels", title="spoils", steps=["1"] * 5) for name in ("blur", "noise")
        },
        steps=steps("ssim", "blur", blur) + steps("ssim", "noise", noise)
        + steps("psnr", "blur", blur, low=-1) + steps("psnr", "noise", noise)
        + steps("motion", "blur", [0, 0, 0.2, 0, 0, 0]) + steps("motion", "noise", noise),
        verdicts=[],
    )  # fmt: skip
    page = audit_markdown(found)
    assert "| **blur**: spoils | ssim | motion |" in page, "psnr is unsure, and neither"
    assert "| **noise**: spoils | ssim, psnr, motion | – |" in page
    assert "* not audited: fvd: too few" in page


def test_a_broken_promise_fails_it(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = (*RUN, "--metrics", "ssim", "--damages", "freeze,colour", "--out", tmp_path / "audit")
    honest = cli(*asked)
    assert honest.code == 0, honest
    lying = replace(SSIM, audit=replace(SSIM.audit, notices=(), ignores=("freeze",)))
    monkeypatch.setitem(metrics._targets, "ssim", lying)
    outcome = cli(*asked)
    assert outcome.code == 1
    assert "1 of 1 declarations do not hold: ssim must ignore freeze: changed by" in outcome.complaint


def test_damages_are_named_with_commas_or_blanks_and_count_once(cli: Cli, tmp_path: Path) -> None:
    asked = (*RUN, "--metrics", "motion", "--out", tmp_path)
    assert cli(*asked, "--damages", "freeze, freeze,blur,").code == 0
    assert list(read_audit(tmp_path / "audit.json").damages) == ["freeze", "blur"]
    assert cli(*asked, "--damages", "freeze blur").code == 0
    assert "--damages names none" in cli(*asked, "--damages", ",").err


def test_unknown_damages_are_named(cli: Cli, tmp_path: Path) -> None:
    outcome = cli(*RUN, "--damages", "blurr", "--out", tmp_path / "audit")
    assert outcome.code == 1
    assert "no damage is called 'blurr': did you mean 'blur'" in outcome.complaint


def test_every_metric_declares_what_it_notices() -> None:
    from fevbench.audit import damages as _  # noqa: F401 - registers them
    from fevbench.audit.damages import damages

    for name in metrics:
        metric = metrics.get(name)
        # Damaged true clips cannot be made again with other noise.
        assert bool(metric.audit.notices) == (metric.sampling.noise_samples == 1), name
        assert set(metric.audit.notices) | set(metric.audit.ignores) <= set(damages), name
        assert not set(metric.audit.notices) & set(metric.audit.ignores), name


def test_a_folder_that_cannot_be_written_is_told_before_the_work(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    outcome = cli(*RUN, "--metrics", "ssim", "--out", tmp_path / "file" / "audit")
    assert outcome.code == 1
    assert "audit.json cannot be written (Not a directory): choose another --out" in outcome.complaint
    assert "to do" not in outcome.err
