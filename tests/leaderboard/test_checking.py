"""What is wrong with a result is found: numbers that do not follow from each other, and what is not so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny import Cli

from fevbench.results.files import read_result
from fevbench.results.schema import Result
from leaderboard import pages
from leaderboard.check import alike, check_result, check_together
from leaderboard.entries import Entry, load_entries, run_id
from leaderboard.ground_truth import GroundTruth

RESULTS = Path(__file__).parents[2] / pages.RESULTS
FILE = RESULTS / pages.HEADLINE / "mean-motion.json"
OTHER = FILE.with_name("nearest.json")
Content = dict[str, Any]


@pytest.fixture(scope="module")
def truths() -> GroundTruth:
    return GroundTruth()


def found(content: Content, truths: GroundTruth, faults: bool = True) -> list[str]:
    result = Result.model_validate_json(json.dumps(content))
    return [finding.what for finding in check_result(result, truths) if finding.fault == faults]


def test_nothing_is_wrong_with_the_committed_results(truths: GroundTruth) -> None:
    """They are recomputed from their clips' values, and their true clips from the data set."""
    loaded = load_entries([RESULTS])
    assert {FILE, OTHER} <= {entry.file for entry in loaded.entries}
    assert not loaded.problems
    for entry in loaded.entries:
        assert not [finding.what for finding in check_result(entry.result, truths) if finding.fault], (
            entry.file
        )
    assert not list(check_together(loaded.entries))


def _first_clip(content: Content, metric: str, value: object) -> None:
    values = content["metrics"][metric]["per_clip"]
    values[next(iter(values))] = value


def _reading(content: Content, reading: str) -> None:
    readings = content["metrics"]["accuracy"]["readings"]
    readings[next(iter(readings))] = reading


TAMPERED: dict[str, tuple[Callable[[Content], object], str]] = {
    "a better mean": (
        lambda c: c["metrics"]["csim"].update(value=0.99),
        "csim: its value is 0.99, its clips have",
    ),
    "a better clip": (lambda c: _first_clip(c, "csim", 0.99), "csim: its value is"),
    "a lost face more": (
        lambda c: c["metrics"]["csim"].update(missing=7),
        "csim: missing is 7, computed again",
    ),
    "more clips": (lambda c: c["metrics"]["csim"].update(n=4800), "csim: n is 4800, computed again"),
    "more people": (
        lambda c: c["metrics"]["csim"].update(subjects=99),
        "csim: subjects is 99, computed again",
    ),
    "a clip excused": (
        lambda c: c["metrics"]["csim"].update(excused=1),
        "csim: it lacks the values of its clips",
    ),
    "a narrow interval": (
        lambda c: c["metrics"]["csim"]["interval"].update(low=0.3),
        "csim: interval [0.3, ",
    ),
    "no interval": (
        lambda c: c["metrics"]["csim"].update(interval=None),
        "csim: interval none, computed again",
    ),
    "an interval of one's own": (
        lambda c: c["metrics"]["csim"]["interval"].update(method="trust me"),
        "csim: interval by 'trust me' at 0.95",
    ),
    "no replicates": (
        lambda c: c["metrics"]["fid"].update(replicates=[], interval=None),
        "fid: it holds no replicates",
    ),
    "no labels": (lambda c: c["dataset"].update(labels=[]), "labels: none, although its clips have some"),
    "an unheard-of reading": (
        lambda c: _reading(c, "<script>"),
        "accuracy: its readings hold labels that the data set lacks, such as '<script>'",
    ),
    "clips of another": (
        lambda c: c["metrics"]["csim"]["per_clip"].popitem(),
        "csim: its clips are not the scored",
    ),
    "a better distance": (lambda c: c["metrics"]["fid"].update(value=1.0), "fid: interval ["),
    "more frames": (
        lambda c: c["metrics"]["fid"].update(n=5000),
        "fid: n is 5000, computed again ",
    ),
    "more than all": (
        lambda c: c["metrics"]["accuracy"].update(value=1.5),
        "accuracy: 1.5 is outside 0 to 1",
    ),
    "a ceiling above": (lambda c: c["metrics"]["ssim"].update(ceiling=1.01), "ssim: 1.01 is outside"),
    "the wrong way": (lambda c: c["metrics"]["fid"].update(higher_is_better=True), "fid: its direction"),
    "no reason": (
        lambda c: c["metrics"]["fid"].update(value=None),
        "fid: it has neither a value nor a reason",
    ),
    "a metric nobody knows": (
        lambda c: c["metrics"].update({"<script>": c["metrics"]["fid"]}),
        "no metric is called '<script>' here",
    ),
    "no metric": (lambda c: c.update(metrics={}), "it holds no metric"),
    "another network": (
        lambda c: c["weights"][0].update(sha256="0" * 64),
        "was 000000000000, which is not a registered",
    ),
    "a network nobody knows": (
        lambda c: c["weights"][0].update(name="mine"),
        "no weight is called 'mine' here",
    ),
    "no networks": (lambda c: c.update(weights=[]), "csim: it does not say which"),
    "other true clips": (
        lambda c: c["dataset"].update(digest="0" * 64),
        "scored on other clips: digest 000000",
    ),
    "another data set": (lambda c: c["dataset"].update(name="moog"), "no data set is called 'moog'"),
    "a data set that is not prepared": (
        lambda c: c["dataset"].update(name="mug"),
        "mug is not prepared on this machine",
    ),
    "a folder to open": (lambda c: c["dataset"].update(name="fevsynth:/etc"), "a folder of the submitter's"),
    "an older data set": (lambda c: c["dataset"].update(version="0.9"), "on fevsynth 0.9, here is 1.0"),
    "more clips asked for": (lambda c: c["dataset"].update(clips=999), "clips: 999, in the data set "),
    "other people": (
        lambda c: c["dataset"].update(subjects_of=dict.fromkeys(c["dataset"]["subjects_of"], "p002")),
        "subjects of clips: others",
    ),
    "other labels": (
        lambda c: c["dataset"].update(labels_of=dict.fromkeys(c["dataset"]["labels_of"], "anger")),
        "labels of clips: others",
    ),
    "a path for an id": (
        lambda c: c["dataset"]["subjects_of"].update({"../../evil": "p002"}),
        "it scored clips that are not asked for: ../../evil",
    ),
    "another protocol": (lambda c: c["protocol"].update(stride=1), "its protocol 64x16@"),
    "no protocol": (lambda c: c["protocol"].update(id="512x1@1"), "protocol 512x1@1 is not possible"),
    "a name of two lines": (
        lambda c: c["model"].update(name="a\nb"),
        "its model's name is not one line of 1 to 100 printable characters",
    ),
    "a name that turns the line": (lambda c: c["model"].update(name="a\u202eb"), "name is not one line of 1"),
    "a name without end": (lambda c: c["model"].update(name="a" * 101), "name is not one line of 1 to 100"),
    "no name": (lambda c: c["model"].update(name=" "), "name is not one line of 1"),
    "no time": (lambda c: c.update(created="<script>"), "created '<script>' is not a time"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_what_was_tampered_with_is_found(case: str, truths: GroundTruth) -> None:
    change, message = TAMPERED[case]
    content = json.loads(read_result(FILE).model_dump_json())
    assert found(content, truths) == []
    change(content)
    faults = found(content, truths)
    assert any(message in fault for fault in faults), faults


def _other(label: str) -> str:
    return "anger" if label != "anger" else "fear"


def test_a_reading_and_its_value_agree(truths: GroundTruth) -> None:
    content = json.loads(read_result(FILE).model_dump_json())
    accuracy, labels = content["metrics"]["accuracy"], content["dataset"]["labels_of"]
    accuracy["readings"] = {
        clip: labels[clip] if value else _other(labels[clip]) for clip, value in accuracy["per_clip"].items()
    }
    assert found(content, truths) == []
    right = next(clip for clip, value in accuracy["per_clip"].items() if value)
    accuracy["readings"][right] = _other(labels[right])
    assert found(content, truths) == [
        f"accuracy: 1 clip counts otherwise than its reading says, such as {right}"
    ]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (
            lambda c: c["metrics"]["fvd"].update(id="fvd-i3d400@0"),
            "fvd: its definition is fvd-i3d400@0, this version's fvd-i3d400",
        ),
        (
            lambda c: c["environment"].update(commit="0" * 40 + "+dirty"),
            "made by code with uncommitted changes",
        ),
    ],
)
def test_what_is_good_to_know_is_no_fault(
    change: Callable[[Content], object], note: str, truths: GroundTruth
) -> None:
    content = json.loads(read_result(FILE).model_dump_json())
    change(content)
    assert found(content, truths) == []
    assert any(note in text for text in found(content, truths, faults=False))


def test_true_clips_have_one_number(truths: GroundTruth) -> None:
    one, other = read_result(FILE), read_result(OTHER)
    lpips = other.metrics["csim"].model_copy(update={"ceiling": 0.5})
    other = other.model_copy(update={"metrics": {**other.metrics, "csim": lpips}})
    entries = [Entry(FILE, one, run_id(one), None), Entry(OTHER, other, "x", None)]
    ((entry, finding),) = check_together(entries)
    assert entry.result is other
    assert finding.what.startswith(f"csim: the true clips have 0.5, but {one.metrics['csim'].ceiling:.3f}")


def test_two_machines_may_differ_a_little() -> None:
    assert alike(77.6425, 77.6424)
    assert alike(0.0100909, 0.0100910)
    assert alike(0.0, 1e-6)
    assert alike(None, None)
    assert not alike(0.0101, 0.0102)
    assert not alike(0.0, None)
    assert not alike(1.0, 0.0)


def test_the_command_says_everything_in_one_line_each_and_goes_on(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / pages.HEADLINE
    folder.mkdir(parents=True)
    (folder / FILE.name).write_bytes(FILE.read_bytes())
    (folder / "vgan.json").write_bytes(FILE.read_bytes())  # the same run under another name
    (folder / "broken.json").write_text("{")
    (folder / "newer.json").write_text('{"schema_version": 99}')
    (folder / "cost.json").write_text("not a result, and none is looked for")
    checked = cli("leaderboard", "check", tmp_path)
    assert checked.code == 1
    said = checked.out.splitlines()
    assert [Path(line.partition(": ")[0]).name for line in said[:-1]] == [
        "broken.json",
        "newer.json",
        "vgan.json",
        FILE.name,
    ]
    assert "is not a result" in said[0]
    assert "has schema version 99, this fevbench reads 2" in said[1]
    assert "is the same run as" in said[2]
    assert f"no small clips in {FILE.stem}.zip" in said[3]
    assert said[4] == "1 result: 4 faults, 0 notes"
    assert "does not exist" in cli("leaderboard", "check", tmp_path / "no").out
