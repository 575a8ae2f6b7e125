"""What is kept of a trained model: enough to recognise a finished run, and never of other code."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fevbench.models import facts
from fevbench.models.found import FoundModel
from fevbench.models.registry import find_model, models

CODE = """
from pathlib import Path

class Toy:
    weights = Path(__file__).with_name("weights")
    batch = {batch}
    def __init__(self, spec): self.spec = spec
    def clip(self, clip): return clip
"""
Find = Callable[[], FoundModel]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a trained model, as if it came with fevbench."""
    folder = tmp_path / "toys"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "model.py").write_text(CODE.format(batch=2))
    (folder / "weights").write_bytes(b"1")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(facts, "PACKAGES", ("toys",))
    monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def find(package: Path, monkeypatch: pytest.MonkeyPatch) -> Find:
    """Find the model as a new process does."""

    def found() -> FoundModel:
        for name in [name for name in sys.modules if name.partition(".")[0] == "toys"]:
            del sys.modules[name]
        monkeypatch.setitem(models._targets, "toy", "toys.model:Toy")
        facts._key.cache_clear()
        return find_model("toy")

    return found


def is_imported() -> bool:
    return "toys.model" in sys.modules


def test_found_again_without_its_module(find: Find) -> None:
    first = find()
    assert is_imported()
    again = find()
    assert not is_imported()
    assert again.fingerprint == first.fingerprint
    assert (again.batch, again.files, again.modules) == (2, first.files, first.modules)
    assert pickle.loads(pickle.dumps(again.factory)).__name__ == "Toy", "another process gets the class"
    assert again.factory("spec").spec == "spec"  # type: ignore[arg-type, union-attr]
    assert is_imported()


def test_other_code_is_another_model(find: Find, package: Path) -> None:
    first = find()
    (package / "model.py").write_text(CODE.format(batch=3))
    changed = find()
    assert is_imported()
    assert changed.batch == 3
    assert changed.fingerprint != first.fingerprint
    (package / "beside.py").write_text("")
    find()
    assert is_imported(), "any module beside it may be one that it uses"


def test_other_weights_are_another_model(find: Find, package: Path) -> None:
    first = find()
    (package / "weights").write_bytes(b"2")
    assert find().fingerprint != first.fingerprint
    assert not is_imported()


@pytest.mark.parametrize("content", ["", "{}", '{"key": 1}', "null"])
def test_what_is_damaged_is_not_believed(find: Find, tmp_path: Path, content: str) -> None:
    first = find()
    (tmp_path / "home/models/toy.json").write_text(content)
    assert find().fingerprint == first.fingerprint
    assert is_imported()
    find()
    assert not is_imported(), "it is written anew"


def test_without_a_place_nothing_is_kept(find: Find, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    find()
    find()
    assert is_imported()


def test_a_trained_model_is_found_again_without_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path))
    code = (
        "import sys; from fevbench.models.registry import find_model; "
        "print(find_model('fev-gan-warp').fingerprint, 'torch' in sys.modules)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert said[0] == [said[1][0], "True"]
    assert said[1][1] == "False"
