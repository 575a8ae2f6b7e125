"""What the documentation tells people to type works as typed."""

import re
from pathlib import Path

import pytest
from tiny import Cli

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "docs/models.md"])
def test_the_model_of_the_documentation_runs(page: str, cli: Cli, tmp_path: Path) -> None:
    plugin = tmp_path / "my_model.py"
    plugin.write_text(next(code for code in blocks(ROOT / page, "python") if "register_model" in code))
    out = tmp_path / "run"
    wanted = ("--metrics", "motion", "--limit", "2", "--out", out)
    outcome = cli("run", "my-model", "fevsynth", "--plugin", plugin, *wanted)
    assert outcome.code == 0, outcome
    assert "motion" in outcome.out


def test_the_clip_ids_come_from_python_as_documented(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = [code for code in blocks(ROOT / "docs/models.md", "python") if "Corpus" in code]
    exec(compile(code, "docs/models.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 288
    assert lines[0].endswith("(64, 64, 3)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not broken
