"""Every state of a board is written down, follows from the one before, and is found again by its hash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from site_results import models, put, result, write
from tiny import Cli

from fevbench.errors import RunError
from leaderboard import history
from leaderboard.entries import load_entries
from leaderboard.history import HISTORY_FILE, changes, read_history, record, state_of

TABLE = "tiny-1-64x16-test"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(history, "today", lambda: "2026-02-03")
    return write(tmp_path / "results", models(), with_clips=False)


def ids(results: Path) -> list[str]:
    return [entry.id for entry in load_entries([results]).entries]


def test_what_changed_is_written_down_once(results: Path) -> None:
    (first,) = record(results)
    assert (first.date, first.table, first.state) == ("2026-02-03", TABLE, state_of(ids(results)))
    assert sorted(run.partition(" ")[2] for run in first.added) == sorted(
        one.model.name for one in models().values()
    )
    assert record(results) == []
    (results / "middling.json").unlink()
    put(results / "new.json", result("new", 0.7, 0.7))
    (second,) = record(results)
    assert second.words == f"state {state_of(ids(results))}; added new; removed middling"
    assert read_history(results) == (first, second)
    assert len((results / HISTORY_FILE).read_text(encoding="utf-8").splitlines()) == 2


def test_a_result_that_does_not_load_is_not_written_down_as_gone(results: Path, cli: Cli) -> None:
    record(results)
    before = (results / HISTORY_FILE).read_bytes()
    (results / "middling.json").write_text("{", encoding="utf-8")
    said = cli("leaderboard", "record", "--results", results)
    assert "middling.json: is not a result" in said.complaint
    assert (results / HISTORY_FILE).read_bytes() == before


def test_a_folder_that_is_not_there_has_no_history(results: Path, cli: Cli) -> None:
    assert (
        "nowhere: does not exist" in cli("leaderboard", "record", "--results", results / "nowhere").complaint
    )


def test_each_table_has_its_states_and_one_that_is_gone_has_none_of_its_runs(results: Path) -> None:
    put(results / "other.json", result("other", 0.5, 0.5, dataset__split="val"))
    assert [state.table for state in record(results)] == [TABLE, "tiny-1-64x16-val"]
    (results / "other.json").unlink()
    (state,) = record(results)
    assert (state.table, state.added, state.state) == ("tiny-1-64x16-val", [], state_of([]))
    assert [run.partition(" ")[2] for run in state.removed] == ["other"]


def test_a_replaced_result_is_another_run(results: Path) -> None:
    record(results)
    put(results / "good.json", result("good", 0.8, 0.8))
    (state,) = record(results)
    assert [run.partition(" ")[2] for run in (*state.added, *state.removed)] == ["good", "good"]
    assert state.added != state.removed


def test_a_state_is_a_hash_of_the_runs_whatever_their_order() -> None:
    assert state_of(["b", "a"]) == state_of(["a", "b"])
    assert len({state_of([]), state_of(["a"]), state_of(["a", "b"])}) == 3
    assert len(state_of(["a"])) == 12


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("no JSON", "line 2 is not a state"),
        ('{"date": "2026-02-03"}', "line 2 is not a state"),
        (
            json.dumps({"date": "d", "table": TABLE, "state": "0" * 12, "added": ["x y"]}),
            "line 2 does not follow",
        ),
    ],
)
def test_a_broken_history_is_named_and_nothing_is_written(
    results: Path, cli: Cli, line: str, message: str
) -> None:
    record(results)
    file = results / HISTORY_FILE
    file.write_text(file.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    before = file.read_bytes()
    with pytest.raises(RunError, match=message):
        changes(results, ())
    refused = cli("leaderboard", "record", "--results", results)
    assert message in refused.complaint
    assert "delete it and the lines below, then: fevbench leaderboard record" in refused.complaint
    assert file.read_bytes() == before
    assert f"history.jsonl: {message}" in cli("leaderboard", "check", results).out


def test_the_commands_tell_what_is_not_written_down(results: Path, cli: Cli) -> None:
    assert HISTORY_FILE not in cli("leaderboard", "check", results).out, "none is asked for"
    said = cli("leaderboard", "record", "--results", results)
    assert said.out.startswith(f"{TABLE}: state {state_of(ids(results))}; added ")
    assert "\x1b" not in said.out
    assert HISTORY_FILE not in cli("leaderboard", "check", results).out
    (results / "good.json").unlink()
    checked = cli("leaderboard", "check", results)
    assert checked.code == 1
    assert (
        f"{TABLE} is not written down as it is (state {state_of(ids(results))}; removed good)" in checked.out
    )
    assert cli("leaderboard", "record", "--results", results).code == 0
    again = cli("leaderboard", "record", "--results", results)
    assert again.out == ""
    assert again.err == f"note: nothing has changed in {results}\n"
