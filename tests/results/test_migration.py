"""Results of older schema versions are read as results of this one.

``version-1.json`` was written by fevbench 0.1.0 (commit 40429c5c), before clips had labels; it is cut to two
metrics.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fevbench.data.datasets import open_dataset
from fevbench.engine.folder import _holds_readings
from fevbench.errors import RunError
from fevbench.metrics.catalog import metrics
from fevbench.results.files import RENAMED, STEPS, read_result
from fevbench.results.schema import SCHEMA_VERSION

OLD = Path(__file__).with_name("version-1.json")


def changed(folder: Path, **dataset: Any) -> Path:
    """The old result with other fields of its data set; None takes one away."""
    content = json.loads(OLD.read_text(encoding="utf-8"))
    content["dataset"] |= dataset
    content["dataset"] = {key: value for key, value in content["dataset"].items() if value is not None}
    file = folder / "result.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def test_there_is_a_step_from_every_version_to_the_next() -> None:
    assert sorted(STEPS) == list(range(1, SCHEMA_VERSION))


def test_a_result_of_version_1_gets_its_labels_and_keeps_its_numbers() -> None:
    before = json.loads(OLD.read_text(encoding="utf-8"))
    result = read_result(OLD)
    assert (before["schema_version"], result.schema_version) == (1, 2)
    assert "labels_of" not in before["dataset"]
    truth = {clip.id: clip.label for clip in open_dataset("fevsynth").clips("test")}
    assert result.dataset.labels_of == {clip: truth[clip] for clip in before["dataset"]["subjects_of"]}
    assert result.dataset.labels == ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]
    written = json.loads(result.model_dump_json())
    for name, metric in before["metrics"].items():
        assert {key: written["metrics"][name][key] for key in metric} == metric
    for part in ("model", "protocol", "environment", "weights", "stages", "created", "seed"):
        later = {
            "protocol": {"scores_input": True, "fps": None},
            "environment": {"ran_on": {}},
        }.get(part, {})
        assert written[part] == (before[part] | later if later else before[part])


def test_without_people_they_come_from_the_clips_that_have_values(tmp_path: Path) -> None:
    assert read_result(changed(tmp_path, subjects_of=None)).dataset == read_result(OLD).dataset


@pytest.mark.parametrize(
    "other",
    [
        {"name": "mug"},
        {"name": "fevsynth:mine"},
        {"version": "0.9"},
        {"subjects_of": {"p008-disgust-0": "p009"}},
        {"subjects_of": {"p008-disgust-9": "p008"}},
    ],
    ids=lambda other: next(iter(other)),
)
def test_nothing_is_made_up_where_the_data_set_is_not_here_or_another(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    dataset = read_result(changed(tmp_path, **other)).dataset
    assert dataset.labels_of == {}
    assert dataset.labels == []


def test_readings_that_were_not_kept_are_not_taken_for_none() -> None:
    """So that repeating the command of such a run scores it again."""
    accuracy = read_result(OLD).metrics["accuracy"]
    assert not _holds_readings(metrics.get("accuracy"), accuracy)
    kept = accuracy.model_copy(update={"ceiling_readings": {"p008-disgust-0": "disgust"}})
    assert _holds_readings(metrics.get("accuracy"), kept)
    assert _holds_readings(metrics.get("fid"), read_result(OLD).metrics["fid"])


@pytest.mark.parametrize("version", [0, 99, True, 1.0, "1", None, [1], {}])
def test_other_versions_are_named(tmp_path: Path, version: object) -> None:
    file = tmp_path / "result.json"
    file.write_text(json.dumps({**json.loads(OLD.read_text()), "schema_version": version}))
    with pytest.raises(RunError, match=re.escape(f"has schema version {version}, this fevbench reads 2")):
        read_result(file)


@pytest.mark.parametrize(
    "broken",
    [
        {"dataset": []},
        {"dataset": {"name": ["fevsynth"], "subjects_of": {"a": "b"}}},
        {"dataset": {"name": "fevsynth", "version": "1.0", "subjects_of": 7}, "metrics": [1]},
        {"metrics": {"fid": {"per_clip": 7}}, "dataset": {}},
    ],
)
def test_a_broken_old_result_is_a_broken_result(tmp_path: Path, broken: dict[str, Any]) -> None:
    file = tmp_path / "result.json"
    file.write_text(json.dumps({"schema_version": 1, **broken}))
    with pytest.raises(RunError, match="is not a result"):
        read_result(file)


@pytest.mark.parametrize("fingerprint", RENAMED)
def test_what_version_0_1_called_fev_gan_has_its_name_of_today(tmp_path: Path, fingerprint: str) -> None:
    before, now = RENAMED[fingerprint]
    content = json.loads(OLD.read_text(encoding="utf-8"))
    content["model"] |= {"name": before, "fingerprint": fingerprint, "adapted": False}
    file = tmp_path / "result.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    model = read_result(file).model
    assert (model.name, model.fingerprint, model.adapted) == (now, fingerprint, True)


def test_another_model_of_that_name_keeps_it(tmp_path: Path) -> None:
    content = json.loads(OLD.read_text(encoding="utf-8"))
    content["model"] |= {"name": "fev-gan", "fingerprint": "f" * 64}
    file = tmp_path / "result.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    assert read_result(file).model.name == "fev-gan"
