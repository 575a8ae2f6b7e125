"""`fevbench study` from runs to an outcome, and what it refuses."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated_raters import raters, save
from simulated_raters import study as simulated_study
from tiny import Cli

from fevbench.data.video import read_clip
from fevbench.study.record import Study, read_study

MODELS = ("copy", "shuffled", "real")
Runs = list[Path]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs are that the first test makes."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def runs(cli: Cli, once: Path, tmp_path: Path) -> Runs:
    """Three finished runs of the tiny data set, to spoil."""
    for model in MODELS:
        if not (once / model / "result.json").exists():
            made = cli("run", model, "tiny", "--metrics", "psnr,motion", "--out", once / model)
            assert made.code == 0, made
    shutil.copytree(once, tmp_path / "runs")
    return [tmp_path / "runs" / model for model in MODELS]


@pytest.fixture
def page(cli: Cli, runs: Runs, tmp_path: Path) -> Path:
    made = cli("study", "make", *runs, "--pairs", "9", "--checks", "2", "--out", tmp_path / "page")
    assert made.code == 0, made
    assert made.out.startswith(
        f"{tmp_path / 'page' / 'index.html'}: 9 comparisons of 3 models, 9 a rater, 2 att"
    )
    return tmp_path / "page"


def content(page: Path) -> dict[str, Any]:
    """What the page holds, as JSON."""
    html = (page / "index.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="study">(.*?)</script>', html, re.DOTALL)
    assert found
    inside: dict[str, Any] = json.loads(found[1])
    return inside


def test_the_page_names_no_model_and_asks_nobody(page: Path) -> None:
    html = (page / "index.html").read_text(encoding="utf-8")
    words = re.sub(r'"media":\[.*?\]', "", html)
    assert not any(re.search(rf"\b{model}\b", words) for model in ("copy", "shuffled"))
    assert not re.search(r"https?:|//[a-z]|fetch\(|XMLHttpRequest|sendBeacon|WebSocket|import\(", words)
    policy = re.search(r'Security-Policy" content="(.*?)"', html)
    assert policy
    assert policy[1].startswith("default-src &#39;none&#39;;")
    assert "unsafe" not in policy[1]
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy[1]


def test_what_the_page_shows_is_what_the_models_made(page: Path, runs: Runs, tmp_path: Path) -> None:
    study, inside = read_study(page), content(page)
    assert inside["study"] == study.hash
    shown = {question["id"]: question for question in inside["questions"]}
    assert shown.keys() == {one.id for one in (*study.pairs, *study.checks)}
    assert inside["checks"] == [check.id for check in study.checks]

    def clip(index: int) -> np.ndarray[Any, Any]:
        file = tmp_path / "clip.mp4"
        file.write_bytes(base64.b64decode(inside["media"][index]))
        small = read_clip(file)[:, 2::4, 2::4]
        return small.astype(float)

    for pair in study.pairs[:3]:
        assert shown[pair.id]["label"] == pair.label == pair.clip.partition("-")[2]
        for slot, model in (("a", pair.a), ("b", pair.b)):
            made = read_clip(runs[model] / "clips" / f"{pair.clip}.mkv").astype(float)
            assert np.abs(clip(shown[pair.id][slot]) - made).mean() < 10
    for check in study.checks:
        true = read_clip(runs[2] / "clips" / f"{check.clip}.mkv").astype(float)
        far = {slot: np.abs(clip(shown[check.id][slot]) - true).mean() for slot in ("a", "b")}
        other = "b" if check.true == "a" else "a"
        assert far[check.true] < 10
        assert far[other] > far[check.true]


def test_the_same_command_makes_the_same_study_and_another_seed_another(
    cli: Cli, runs: Runs, page: Path, tmp_path: Path
) -> None:
    def made(*words: str | Path) -> Path:
        out = tmp_path / f"again{len(list(tmp_path.iterdir()))}"
        assert cli("study", "make", *runs, "--pairs", "9", "--checks", "2", "--out", out, *words).code == 0
        return out

    again = made()
    for name in ("index.html", "study.json"):
        assert (again / name).read_bytes() == (page / name).read_bytes()
    assert read_study(made("--seed", "1")).hash != read_study(page).hash
    question = read_study(made("--question", "Which is <b>cuter</b>?"))
    assert question.question == "Which is <b>cuter</b>?"
    assert question.hash != read_study(page).hash


def test_a_hostile_question_stays_text(cli: Cli, runs: Runs, tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    out = tmp_path / "page"
    assert cli("study", "make", *runs, "--pairs", "3", "--question", evil, "--out", out).code == 0
    assert content(out)["question"] == evil
    assert "alert(1)</script>" not in (out / "index.html").read_text()


def test_answers_become_win_rates_and_agreement(cli: Cli, page: Path, tmp_path: Path) -> None:
    study = read_study(page)
    # The true clips are preferred, and standing still is better than shuffled frames: what psnr says, too.
    order = {"real": 3.0, "copy": 0.0, "shuffled": -3.0}
    strengths = [order[model.name] for model in study.models]
    rng = np.random.default_rng(0)
    files = save(tmp_path, raters(study, strengths, 12, rng))
    shown = cli("study", "read", *files, "--study", page)
    assert shown.code == 0, shown
    assert "12 raters and 108 comparisons count, of 3 subjects" in shown.out
    assert "left out: nobody" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    found = cli("study", "read", *files, "--study", page / "study.json", "--format", "json").result
    assert [one["name"] for one in found["models"]] == ["real", "copy", "shuffled"]
    assert [one["comparisons"] for one in found["models"]] == [72, 72, 72]
    assert found["intervals"] == "3 subjects, and an interval needs 6 of each"
    assert {one["metric"] for one in found["agreement"]} == {"psnr", "motion"}
    assert all(-1 <= one["tau"] <= 1 and one["interval"] is None for one in found["agreement"])


def test_the_study_is_found_beside_the_answers(cli: Cli, page: Path) -> None:
    (file,) = save(page, raters(read_study(page), [0, 0, 0], 1, np.random.default_rng(0)))
    assert cli("study", "read", file).code == 0


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A simulated one, in ``study.json``."""
    made = simulated_study(3, subjects=8, checks=2)
    (tmp_path / "study.json").write_text(made.model_dump_json(), encoding="utf-8")
    return made


def test_raters_who_do_not_look_are_left_out_and_counted(cli: Cli, study: Study, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    good = raters(study, [1, 0, -1], 7, rng)
    (careless,) = raters(study, [-9, 0, 9], 1, rng, attentive=False)
    (early,) = raters(study, [1, 0, -1], 1, rng)
    checks = {check.id for check in study.checks}
    others = [
        careless.model_copy(update={"rater": "careless"}),
        early.model_copy(
            update={"rater": "early", "answers": [a for a in early.answers if a.question not in checks]}
        ),
        early.model_copy(update={"rater": "nothing", "answers": []}),
        early.model_copy(
            update={"rater": "only-checks", "answers": [a for a in early.answers if a.question in checks]}
        ),
    ]
    files = save(tmp_path, [*good, *others])
    shown = cli("study", "read", *files)
    assert "7 raters and 168 comparisons count" in shown.out
    words = "left out: 1 failed attention checks, 1 answered no attention check, 2 compared nothing"
    assert words in " ".join(shown.out.split())
    found = cli("study", "read", *files, "--format", "json").result
    assert found["raters"]["failed_checks"] == {"careless": 2}
    assert found["raters"]["answered_no_check"] == ["early"]
    assert found["raters"]["compared_nothing"] == ["nothing", "only-checks"]
    assert found == cli("study", "read", *reversed(files), "--format", "json").result
    forgiven = cli("study", "read", *files, "--format", "json", "--forgive", "2").result
    assert "careless" in forgiven["raters"]["kept"]
    bad = cli("study", "read", *files[7:])
    assert (bad.code, bad.out) == (1, "")
    assert "no rater's answers count: 1 failed attention checks" in bad.complaint


def test_a_rater_who_saved_twice_counts_once(cli: Cli, study: Study, tmp_path: Path) -> None:
    everyone = raters(study, [1, 0, -1], 6, np.random.default_rng(0))
    files = save(tmp_path, everyone)
    once = cli("study", "read", *files, "--format", "json").result
    half = tmp_path / "half.json"
    first = everyone[0]
    half.write_text(first.model_copy(update={"answers": first.answers[:9]}).model_dump_json())
    twice = cli("study", "read", half, *files, files[1], "--format", "json").result
    assert twice["raters"].pop("duplicate_files") == 2
    assert once["raters"].pop("duplicate_files") == 0
    assert twice == once
    other = first.answers[0]
    turned = other.model_copy(update={"choice": "b" if other.choice == "a" else "a"})
    half.write_text(first.model_copy(update={"answers": [turned]}).model_dump_json())
    assert "are of the same rater and contradict each other" in cli("study", "read", *files, half).complaint


Spoil = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda content: content.update(study="0" * 64), "answers another study (000000000000, not "),
        (lambda content: content.update(format="x"), "is not an answers file (format: "),
        (lambda content: content.pop("answers"), "is not an answers file (answers: Field required)"),
        (lambda content: content.update(rater="a\nb"), "is not an answers file (rater: "),
        (lambda content: content["answers"].append(content["answers"][0]), "answers q0000 twice"),
        (
            lambda content: content["answers"][0].update(question="q9999"),
            "answers 'q9999', which the study does not ask",
        ),
        (
            lambda content: content["answers"][0].update(choice="c"),
            "is not an answers file (answers.0.choice: ",
        ),
        (lambda content: content["answers"][0].update(ms=-1), "is not an answers file (answers.0.ms: "),
    ],
)
def test_a_file_that_is_not_of_this_study_is_named(
    cli: Cli, study: Study, tmp_path: Path, spoil: Spoil, words: str
) -> None:
    good, bad = save(tmp_path, raters(study, [1, 0, -1], 2, np.random.default_rng(0)))
    inside = json.loads(bad.read_text())
    spoil(inside)
    bad.write_text(json.dumps(inside))
    outcome = cli("study", "read", good, bad)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.complaint.startswith(f"error: {bad} {words}")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\udcff", '{"answers": NaN}', "[" * 100_000])
def test_damaged_json_is_one_line(cli: Cli, study: Study, tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    outcome = cli("study", "read", file)
    assert outcome.code == 1
    assert outcome.complaint.startswith(f"error: {file} is not an answers file (")
    assert len(outcome.complaint) < 300 + len(str(file))


def test_answers_that_cannot_be_read_or_have_no_study(cli: Cli, study: Study, tmp_path: Path) -> None:
    (file,) = save(tmp_path, raters(study, [1, 0, -1], 1, np.random.default_rng(0)))
    assert (
        "cannot be read (No such file or directory)" in cli("study", "read", tmp_path / "no.json").complaint
    )
    assert "cannot be read (Is a directory)" in cli("study", "read", tmp_path, "--study", tmp_path).complaint
    where = tmp_path / "study.json"
    assert "is not a study (" in cli("study", "read", file, "--study", file).complaint
    where.write_text(where.read_text().replace('"a":0', '"a":1', 1))
    assert "was changed after it was written" in cli("study", "read", file).complaint
    where.unlink()
    assert (
        "study.json does not exist: give the folder" in cli("study", "read", file, "--study", where).complaint
    )


def test_runs_that_cannot_be_compared_are_named(cli: Cli, runs: Runs, tmp_path: Path) -> None:
    out = tmp_path / "page"

    def complaint(*words: str | Path) -> str:
        outcome = cli("study", "make", *words, "--out", out)
        assert outcome.code == 1
        assert not out.exists()
        return outcome.complaint

    assert "a comparison needs two runs, and one is given" in complaint(runs[0])
    assert f"{runs[0]} and {runs[0]} are the same run: name it once" in complaint(*runs, runs[0])
    for words in (("--limit", "4"), ("--protocol", "64x32"), ("--split", "train")):
        other = tmp_path / words[1]
        assert cli("run", "copy", "tiny", "--metrics", "psnr", *words, "--out", other).code == 0
        assert f"{runs[1]} and {other} were scored on different " in complaint(runs[1], runs[2], other)
    assert "/no/such/run does not exist" in complaint(runs[0], "/no/such/run")
    assert "give --pairs at least 2" in complaint(*runs, "--pairs", "1")
    assert "give --pairs at most 27" in complaint(*runs, "--pairs", "28")
    assert "9 clips are too few for 10 attention checks" in complaint(*runs, "--checks", "10")
    assert "a rater cannot be shown 5 of 4 comparisons" in complaint(*runs, "--pairs", "4", "--shown", "5")
    empty = cli("study", "make", *runs, "--question", " ", "--out", out)
    assert empty.code == 2
    assert "--question is empty" in empty.err
    for clip in (runs[1] / "clips").iterdir():
        clip.unlink()
    lost = complaint(*runs)
    assert f"{runs[1]}/clips/" in lost
    assert "does not exist: repeat the run's command, which makes it again" in lost


def test_a_study_is_never_lost_to_another(cli: Cli, runs: Runs, page: Path, tmp_path: Path) -> None:
    before = (page / "study.json").read_bytes()
    refused = cli("study", "make", *runs, "--out", page)
    assert "holds another study, whose answers cannot be read without it" in refused.complaint
    assert (page / "study.json").read_bytes() == before
    assert "is not an empty folder" in cli("study", "make", *runs, "--out", tmp_path).complaint
