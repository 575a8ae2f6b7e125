"""What `runs/*` matches: finished runs of the same clips are shown, all else is stepped over with a note."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from made_up_results import made_up
from tiny import Cli, tree

from fevbench.errors import RunError
from fevbench.report.comparable import select
from fevbench.results.files import NoResult, read_result, write_result
from fevbench.training.folder import Settings, default_folder

SAMPLES: Mapping[str, dict[str, Any]] = {
    "small": {"dataset__clips": 3, "dataset__limit": 3, "dataset__digest": "e" * 64},
    "large": {"dataset__clips": 99, "dataset__digest": "a" * 64},
    "set": {"dataset__name": "other"},
    "protocol": {"protocol__id": "128x32@1"},
}
TRAINING = Settings(
    model="fev-gan", dataset="tiny", dataset_version="1", config_name="c", config={"steps": 1}, seed=0
)


def _run(folder: Path, name: str, **changes: Any) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "run.json").write_text("{}")
    write_result(folder / name, made_up(name, {"csim": 0.5}, **changes))
    return folder / name


def _unfinished(folder: Path) -> Path:
    (folder / "unfinished" / "clips").mkdir(parents=True)
    (folder / "unfinished" / "run.json").write_text("{}")
    return folder / "unfinished"


def _training(folder: Path) -> Path:
    (folder / "train--x").mkdir(parents=True)
    (folder / "train--x" / "train.json").write_text(TRAINING.model_dump_json())
    (folder / "train--x" / "checkpoint.pt").write_bytes(b"the work of a night")
    return folder / "train--x"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs of the same clips among all that a folder of runs may hold."""
    folder = tmp_path / "runs"
    _run(folder, "one"), _run(folder, "two")
    _run(folder, "small", **SAMPLES["small"])
    _unfinished(folder), _training(folder)
    return folder


def test_what_is_no_finished_run_of_the_same_clips_has_one_note(cli: Cli, runs: Path, tmp_path: Path) -> None:
    before = tree(runs)
    for words in (("compare",), ("compare", "--format", "json")):
        outcome = cli(words[0], *sorted(runs.iterdir()), *words[1:])
        assert outcome.code == 0, outcome
        notes = outcome.err.splitlines()
        assert len(notes) == 3
        assert f"note: left out: {runs / 'train--x'} is a training, not a run" in notes[0]
        assert f"note: left out: {runs / 'unfinished'} is a run that is not finished: repeat its" in notes[1]
        assert f"note: left out: {runs / 'small'}: scored on different numbers of clips (9, 3)" in notes[2]
        assert "delete" not in outcome.err
        assert "two" in outcome.out
        assert "small" not in outcome.out
    assert len(cli("confusion", *sorted(runs.iterdir())).err.splitlines()) == 4  # and that it has no readings
    assert tree(runs) == before


def test_the_leaderboard_steps_over_the_same(cli: Cli, runs: Path, tmp_path: Path) -> None:
    before = tree(runs)
    outcome = cli("leaderboard", "build", "--results", runs, "--out", tmp_path / "site")
    assert outcome.code == 0, outcome
    assert [line for line in outcome.err.splitlines() if line.startswith("note: ")] == [
        f"note: {runs / 'train--x'}: is a training, not a run; left out",
        f"note: {runs / 'unfinished'}: is a run that is not finished; left out",
    ]
    assert "2 tables" in outcome.out  # other clips stand in a table of their own
    assert tree(runs) == before
    checked = cli("leaderboard", "check", runs)
    assert f"{runs / 'train--x'}: note: is a training, not a run; left out" in checked.out


def test_most_runs_say_which_clips_are_meant(tmp_path: Path) -> None:
    small = [_run(tmp_path, f"small{i}", **SAMPLES["small"]) for i in range(2)]
    one, large = _run(tmp_path, "one"), _run(tmp_path, "large", **SAMPLES["large"])
    assert select([one, *small]).paths == tuple(small)
    assert select([small[0], one, large]).paths == (large,)
    assert select([small[0], _run(tmp_path, "other", **SAMPLES["set"]), small[1]]).paths == tuple(small)
    assert select([one]).notes == ()


@pytest.mark.parametrize("kind", ["set", "protocol"])
def test_two_runs_of_other_sets_are_no_comparison(cli: Cli, tmp_path: Path, kind: str) -> None:
    one, other = _run(tmp_path, "one"), _run(tmp_path, "other", **SAMPLES[kind])
    outcome = cli("compare", one, other)
    assert outcome.code == 1
    assert "one and other were scored on different" in outcome.complaint


def test_nothing_finished_is_an_error_that_deletes_nothing(tmp_path: Path) -> None:
    training, unfinished = _training(tmp_path), _unfinished(tmp_path)
    with pytest.raises(RunError, match="none of these 2 is a finished run"):
        select([training, unfinished])
    for path in (training, training / "train.json"):
        with pytest.raises(NoResult, match="is a training, not a run: score its generator") as error:
            read_result(path)
        assert "delete" not in str(error.value)
    for path in (unfinished, unfinished / "run.json"):
        with pytest.raises(NoResult, match="is a run that is not finished: repeat its command"):
            select([path])


@pytest.mark.parametrize("name", ["cost.json", "notes.json", "train.json", "measured.json", "checkpoint.pt"])
@pytest.mark.parametrize(
    "content", [b"{", b"{}", b'{"schema_version": 1}', b'{"schema_version": 77}', b"\xff"]
)
def test_only_a_runs_own_result_is_ever_to_be_deleted(tmp_path: Path, name: str, content: bytes) -> None:
    for file in (tmp_path / name, tmp_path / "result.json"):
        file.write_bytes(content)
        with pytest.raises(RunError) as error:
            read_result(file)
        assert ("delete it and repeat its run" in str(error.value)) == (file.name == "result.json")


def test_a_model_may_be_called_train(tmp_path: Path) -> None:
    file = tmp_path / "train.json"
    file.write_text(made_up("train", {"csim": 0.5}).model_dump_json())
    assert read_result(file).model.name == "train"


def test_a_training_has_a_folder_among_trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that an older version began among the runs goes on there."""
    monkeypatch.chdir(tmp_path)
    new, old = Path("trainings/fev-gan--tiny--c--seed0"), Path("runs/train--fev-gan--tiny--c--seed0")
    assert default_folder(TRAINING) == new
    old.mkdir(parents=True)
    assert default_folder(TRAINING) == new
    (old / "train.json").write_text(json.dumps({}))
    assert default_folder(TRAINING) == old
    new.mkdir(parents=True)
    assert default_folder(TRAINING) == new
