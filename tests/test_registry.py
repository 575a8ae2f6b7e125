"""Names: lazy targets and errors that help."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apart
import pytest

from fevbench.data.datasets import datasets
from fevbench.data.protocol import protocols
from fevbench.errors import FevbenchError, UnknownName
from fevbench.extractors.base import extractors
from fevbench.metrics.catalog import metrics
from fevbench.models.registry import models
from fevbench.registry import Registry, registering
from fevbench.training.task import trainables
from fevbench.version import VERSION


def test_a_lazy_target_is_imported_when_asked_for_and_not_before() -> None:
    code = (
        "import sys; from fevbench.registry import Registry\n"
        "r = Registry('thing', {'a': 'wave:open'}); list(r); 'a' in r; r.peek('a')\n"
        "assert 'wave' not in sys.modules; r.get('a'); assert 'wave' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_nearest_names_are_suggested() -> None:
    with pytest.raises(UnknownName, match=r"no metric is called 'cisma': did you mean 'csim'\?"):
        Registry[int]("metric", {"csim": 1, "fvd": 2}).get("cisma")


def test_case_does_not_hide_a_name() -> None:
    with pytest.raises(UnknownName, match="did you mean 'MyGAN'"):
        Registry[int]("model", {"MyGAN": 1}).get("mygan")


def test_without_a_near_name_all_are_listed() -> None:
    with pytest.raises(UnknownName, match="known: csim, fvd"):
        Registry[int]("metric", {"fvd": 2, "csim": 1}).get("zzzzzz")
    with pytest.raises(UnknownName, match="known: none"):
        Registry[int]("metric").get("x")


def test_a_name_cannot_be_taken_twice() -> None:
    registry = Registry[int]("model", {"a": 1})
    registry.add("a", 1)
    with pytest.raises(
        FevbenchError, match=r"'a' is registered already by fevbench .* and again by this process"
    ):
        registry.add("a", 2)
    assert registry.get("a") == 1
    with registering("/plugins/mine.py"):
        registry.add("b", 2)
    assert registry.origin("b") == "/plugins/mine.py"
    with pytest.raises(FevbenchError, match=r"'b' is registered already by /plugins/mine\.py"):
        registry.add("b", 3)


KINDS: dict[str, Registry[Any]] = {
    "models": models,
    "metrics": metrics,
    "extractors": extractors,
    "datasets": datasets,
    "protocols": protocols,
    "trainable": trainables,
}
PACKAGE = """
from dataclasses import replace
from fevbench.data.protocol import protocols
from fevbench.extractors.base import extractors
from fevbench.metrics.catalog import metrics

class Anything: pass
models = datasets = trainable = Anything
metrics = replace(metrics.get("psnr"), name="mine")
extractors = replace(extractors.get("inception"), name="mine")
protocols = replace(protocols.get("64x16"), name="mine")
"""

Announce = Callable[[str], None]


@pytest.fixture
def announce(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Announce:
    """Install the distribution ``strange 2.0`` with some entry points, and let all registries read anew."""
    (tmp_path / "strange.py").write_text(PACKAGE)
    info = tmp_path / "strange-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 2.0\n")
    monkeypatch.setattr(apart, "OURS", {*apart.OURS, "strange"})
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "strange", raising=False)
    for registry in KINDS.values():
        monkeypatch.setattr(registry, "_announced", None)

    def write(entry_points: str) -> None:
        (info / "entry_points.txt").write_text(entry_points)

    return write


@pytest.mark.parametrize("kind", KINDS)
def test_an_installed_package_can_bring_one_of_every_kind(announce: Announce, kind: str) -> None:
    registry = KINDS[kind]
    before = list(registry)
    announce(f"[fevbench.{kind}]\nmine = strange:{kind}\n")
    registry._announced = None
    assert set(registry) == {*before, "mine"}
    assert registry.origin("mine") == "strange 2.0"
    import strange  # type: ignore[import-not-found]

    assert registry.get("mine") is getattr(strange, kind)


@pytest.mark.parametrize("kind", ["metrics", "extractors", "protocols"])
@pytest.mark.parametrize("target", ["strange:gone", "no_such_module:x", "strange:Anything"])
def test_a_declaration_that_is_broken_is_one_line(
    announce: Announce, capsys: pytest.CaptureFixture[str], kind: str, target: str
) -> None:
    registry = KINDS[kind]
    announce(f"[fevbench.{kind}]\nbad = {target}\nmine = strange:{kind}\n")
    assert "mine" in registry
    assert "bad" not in registry
    assert list(registry)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {registry.kind} 'bad' of strange 2.0 is left out: ")


@pytest.mark.parametrize("kind", ["models", "datasets", "trainable"])
def test_what_is_imported_late_and_broken_says_whose_it_is(announce: Announce, kind: str) -> None:
    registry = KINDS[kind]
    announce(f"[fevbench.{kind}]\nbad = strange:gone\nmine = strange:{kind}\n")
    with pytest.raises(FevbenchError, match=rf"{registry.kind} 'bad' of strange 2\.0 cannot be imported"):
        registry.get("bad")
    assert registry.get("mine")


def test_a_package_cannot_take_a_name_that_is_there(
    announce: Announce, capsys: pytest.CaptureFixture[str]
) -> None:
    announce("[fevbench.models]\ncopy = strange:models\n[fevbench.datasets]\nfevsynth = strange:datasets\n")
    assert models.origin("copy") == f"fevbench {VERSION}"
    assert "nothing" not in datasets
    assert capsys.readouterr().err.splitlines() == [
        f"warning: model 'copy' of strange 2.0 is left out: fevbench {VERSION} has one of this name",
        f"warning: data set 'fevsynth' of strange 2.0 is left out: fevbench {VERSION} has one of this name",
    ]
    with pytest.raises(UnknownName, match="did you mean 'copy'"):
        models.get("copi")


def test_listing_imports_no_network() -> None:
    """``fevbench --help`` and ``fevbench list`` answer at once."""
    code = (
        "import sys; from click.testing import CliRunner; from fevbench.cli.main import COMMANDS\n"
        "for what in ('models', 'metrics', 'protocols', 'datasets'):\n"
        "    assert CliRunner().invoke(COMMANDS.get('list'), [what]).exit_code == 0\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
