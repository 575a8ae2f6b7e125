"""A result is read back as it was written, and a file that is none is named."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_results import made_up
from pydantic import ValidationError

from fevbench.errors import RunError
from fevbench.records import LARGEST
from fevbench.results.files import read_result, write_result
from fevbench.results.provenance import commit, environment
from fevbench.results.schema import Interval, Result


def test_a_number_nobody_can_square_is_none() -> None:
    with pytest.raises(ValueError, match="must not be larger than 1e"):
        Interval(low=-1e308, high=1e308, level=0.95, method="m")


def test_a_result_survives_writing_and_reading(tmp_path: Path) -> None:
    result = made_up("a", {"csim": 0.1 + 0.2, "fvd": None})
    file = write_result(tmp_path, result)
    assert read_result(file) == read_result(tmp_path) == result


@given(st.floats(min_value=-LARGEST, max_value=LARGEST))
def test_every_digit_of_a_number_survives(value: float) -> None:
    result = made_up("a", {"fvd": value})
    assert Result.model_validate_json(result.model_dump_json()).metrics["fvd"].value == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_is_not_finite_is_no_result(value: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        made_up("a", {"fvd": value})


@pytest.mark.parametrize("seconds", ["NaN", "1e400", "-Infinity"])
def test_what_cannot_be_written_again_is_not_read(tmp_path: Path, seconds: str) -> None:
    """JSON has no such numbers: written as null, they would make a file that nobody can read."""
    content = json.loads(made_up("a", {"fvd": 1.0}).model_dump_json())
    content["stages"] = {"score": {"seconds": "X", "computed": 1, "reused": 0}}
    (tmp_path / "result.json").write_text(json.dumps(content).replace('"X"', seconds), encoding="utf-8")
    with pytest.raises(RunError, match=r"stages\.score\.seconds"):
        read_result(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not a result"),
        (b"{", "is not a result"),
        (b"\xff\xfe", "is not a result"),
        (b"[" * 100_000, "is not a result"),
        (b'{"schema_version": 2, "stages": ' + b"[" * 900 + b"]" * 900 + b"}", "is not a result"),
        (b"[]", "has schema version None, this fevbench reads 2"),
        (b'{"schema_version": 99}', "has schema version 99, this fevbench reads 2"),
        (b'{"schema_version": 1}', "is not a result (created: Field required)"),
    ],
)
def test_what_is_no_result_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "result.json"
    file.write_bytes(content)
    with pytest.raises(RunError, match=re.escape(f"{file} {reason}")) as error:
        read_result(tmp_path)
    assert "\n" not in str(error.value)


def test_an_unknown_field_is_not_dropped_silently(tmp_path: Path) -> None:
    content = json.loads(made_up("a", {}).model_dump_json())
    (tmp_path / "result.json").write_text(json.dumps({**content, "better": 1}))
    with pytest.raises(RunError, match="better"):
        read_result(tmp_path)


def test_a_folder_without_a_result_and_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"holds no result\.json: finish the run"):
        read_result(tmp_path)
    with pytest.raises(RunError, match="does not exist"):
        read_result(tmp_path / "no")


def test_where_it_ran_is_said(tmp_path: Path) -> None:
    here = environment("cpu")
    assert here.device.startswith("cpu (")
    assert {"av", "numpy", "torch"} <= here.packages.keys()
    assert commit(tmp_path) is None
