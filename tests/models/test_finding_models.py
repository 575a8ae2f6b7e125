"""Models are found where they are, and a broken one says so in one line and spoils only itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apart
import pytest
from tiny import Cli

from fevbench.models.registry import find_model, models, summary

Write = Callable[[str], Path]
FIVE_LINES = """
@register_model("mine")
class Mine:
    def __init__(self, spec): self.spec = spec
    def generate(self, images, labels, generator):
        return images[:, None].repeat(1, self.spec.frames, 1, 1, 1)
"""


@pytest.fixture
def broken_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package whose models cannot be imported."""
    package = tmp_path / "brokenpackage"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('no licence file')")
    info = tmp_path / "brokenpackage-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brokenpackage\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[fevbench.models]\n"
        "bad = brokenpackage.model:Model\n"
        "gone = no_such_package:Model\n"
        "renamed = baselines.controls:NoSuchClass\n"
    )
    monkeypatch.setattr(apart, "OURS", {*apart.OURS, "brokenpackage"})
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(models, "_announced", None)


def test_the_controls_are_announced_with_their_package() -> None:
    found = models.origins()
    assert {"copy", "real", "shuffled", "other-person", "other-expression"} <= found.keys()
    assert found["copy"].startswith("fevbench ")
    assert summary("copy") == "The input face, frozen: identity is perfect, nothing moves."


@pytest.mark.usefixtures("broken_entry")
def test_a_broken_package_does_not_break_the_list(cli: Cli) -> None:
    outcome = cli("list", "models", "--format", "json")
    assert outcome.code == 0
    rows = {row["model"]: row["what it is"] for row in outcome.result}  # type: ignore[index]
    assert "no licence file" in rows["bad"]
    assert "no_such_package" in rows["gone"]
    assert rows["copy"].startswith("The input face")


@pytest.mark.usefixtures("broken_entry")
@pytest.mark.parametrize(
    ("name", "reason"), [("bad", "no licence file"), ("gone", "no_such_package"), ("renamed", "NoSuchClass")]
)
def test_running_a_broken_package_says_why(cli: Cli, name: str, reason: str) -> None:
    outcome = cli("run", name, "tiny")
    assert outcome.code == 1
    assert f"model '{name}' of brokenpackage 1.0" in outcome.complaint
    assert reason in outcome.complaint


def test_a_plugin_of_five_lines_is_scored(cli: Cli, plugin: Write, tmp_path: Path) -> None:
    file = plugin(FIVE_LINES)
    outcome = cli("run", "mine", "tiny", "--plugin", file, "--metrics", "psnr", "--limit", "2",
                  "--out", tmp_path / "run", "--format", "json")  # fmt: skip
    assert outcome.code == 0, outcome
    assert outcome.result["model"]["origin"] == str(file)
    assert outcome.result["model"]["control"] is False
    assert outcome.result["metrics"]["psnr"]["value"] > 5


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("x = = 1", "SyntaxError"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; sys.exit('use me otherwise')", "SystemExit: use me otherwise"),
        ("x = 1", "registers nothing"),
        ("@register_model('copy')\nclass Copy: pass", "'copy' is registered already"),
    ],
)
def test_a_plugin_that_cannot_be_used_says_why(cli: Cli, plugin: Write, code: str, reason: str) -> None:
    outcome = cli("run", "mine", "tiny", "--plugin", plugin(code))
    assert outcome.code == 1
    assert reason in outcome.complaint


def test_a_plugin_file_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    assert "does not exist" in cli("run", "mine", "tiny", "--plugin", tmp_path / "no.py").complaint
    assert "is not a file" in cli("run", "mine", "tiny", "--plugin", tmp_path).complaint
    (tmp_path / "a.txt").touch()
    assert "not a Python file" in cli("run", "mine", "tiny", "--plugin", tmp_path / "a.txt").complaint


def test_the_fingerprint_follows_the_code(plugin: Write) -> None:
    import tiny

    prints = set()
    for code in (FIVE_LINES, FIVE_LINES, FIVE_LINES + "\n# changed"):
        prints.add(find_model("mine", plugin(code)).fingerprint)
        tiny.forget_plugins()
    assert len(prints) == 2
