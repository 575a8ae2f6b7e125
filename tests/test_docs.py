"""What the documentation tells readers to type works as typed, and what it points to is there."""

import ast
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tiny import Cli

from fevbench.cli.main import cli as fevbench
from fevbench.metrics.catalog import FAMILIES, metrics

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "leaderboard/results/README.md")),
        *(card for folder in ("fevgan", "baselines") for card in (ROOT / folder).rglob("*card.md")),
        *DOCS,
    ]
)
GENERATED = re.compile(r"<!-- fevbench .*?<!-- end -->", re.DOTALL)
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
OLD_WORDS = re.compile(r"\b(people|persons?|strangers?|judges?|draws?|redrawn)\b", re.IGNORECASE)
"""What the project once called subjects, independent and expression classifiers, and noise samples."""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without generated tables and blocks of code."""
    return FENCED.sub("", GENERATED.sub("", page.read_text(encoding="utf-8")))


def typed(page: Path) -> Iterator[str]:
    """Every line that is to be typed into a shell."""
    text = GENERATED.sub("", page.read_text(encoding="utf-8"))
    for code in blocks(page, "bash"):
        yield from filter(None, map(str.strip, code.splitlines()))
    for code in blocks(page, "console"):
        yield from (line[2:] for line in code.splitlines() if line.startswith("$ "))
    yield from re.findall(r"^(?: {4,})((?:fevbench|make|python|pip) .*)$", FENCED.sub("", text), re.MULTILINE)


def words_of(line: str) -> list[str]:
    """The words of the first command of a line, without comment, redirection and alternatives."""
    words = shlex.split(line, comments=True)
    end = next((i for i, word in enumerate(words) if word in ("|", ">", "&&")), len(words))
    return words[:end]


def check(words: list[str], whole: bool) -> None:
    """A command exists, with these options; of one that is ``whole``, the values are possible, too."""
    context = click.Context(fevbench, info_name="fevbench")
    command: click.Command = fevbench
    rest = words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].isupper():
        found = command.get_command(context, rest[0])
        assert found is not None, f"no command {' '.join(words)}"
        command, context, rest = found, click.Context(found, parent=context, info_name=rest[0]), rest[1:]
    if isinstance(command, click.Group):
        return
    given, _, _ = command.make_parser(context).parse_args(rest)
    for parameter in command.params if whole else []:
        value, _ = parameter.consume_value(context, given)
        if parameter.value_is_missing(value):
            assert not parameter.required, f"{parameter.name} is missing"
            continue
        if not isinstance(parameter.type, click.Path | click.File):
            parameter.type_cast_value(context, value)
        if parameter.name == "metrics" and value:
            names = ",".join([value] if isinstance(value, str) else value).split(",")
            assert set(names) <= {*metrics, *FAMILIES, "all"}, names


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_are_ones(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for line in typed(page):
        match words_of(line):
            case ["fevbench", *_] as words:
                check(words, whole=True)
            case ["make", target, *_]:
                assert re.search(rf"^{target}:", makefile, re.MULTILINE), line
            case ["python", "-m", module, *_]:
                assert importlib.util.find_spec(module), line
            case ["python", script, *_]:
                assert "/" not in script or (ROOT / script).exists(), line
            case ["pip", "install", what]:
                for extra in re.findall(r"\[(\w+)\]", what):
                    assert re.search(rf"^{extra} = \[", extras, re.MULTILINE), line
            case ["export", _] | []:
                pass
            case _:
                pytest.fail(f"nothing says what this is: {line}")


def test_a_release_is_tried_by_commands_that_exist() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    lines = re.findall(r"^ +(fevbench [a-z].*)$", text, re.MULTILINE)
    assert len(lines) >= 4
    for line in lines:
        check(words_of(line), whole=True)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_sentences_are_ones(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for span in re.findall(r"`([^`\n]+)`", prose(page)):
        words = words_of(span.removeprefix("accelerate launch -m ")) if span.count("'") % 2 == 0 else []
        if words[:1] == ["fevbench"]:
            check(words, whole=False)
        elif words[:1] == ["make"]:
            assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE), span


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


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_of_python_are_python(page: Path) -> None:
    for code in blocks(page, "python"):
        compile(code, page.name, "exec")


def anchors(page: Path) -> set[str]:
    """What a code host and the site make of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_of_the_repository_are_there(page: Path) -> None:
    folders = "|".join(sorted(path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."))
    named = re.findall(rf"`((?:{folders})/[\w./-]+\.(?:py|toml|md))`", prose(page))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", DOCS, ids=name_of)
def test_every_page_is_on_the_site_and_says_whom_it_is_for(page: Path) -> None:
    assert f": {page.relative_to(ROOT / 'docs')}\n" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8").split("\n\n")[1].startswith("For ")


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS], ids=name_of)
def test_one_word_for_one_thing(page: Path) -> None:
    words = re.sub(r"`[^`\n]*`|\]\([^)]*\)|<!--.*?-->", "", prose(page))
    assert OLD_WORDS.findall(words) == []


def helps(command: click.Command, path: str = "fevbench") -> Iterator[tuple[str, str]]:
    """Every command and what its help says."""
    context = click.Context(command, info_name=path)
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from helps(inner, f"{path} {name}")


def test_help_texts_use_one_word_for_one_thing() -> None:
    """But for the older names of options and commands, which still work."""
    older = re.compile(r"--people|`judge`|other-person")
    old = {name: OLD_WORDS.findall(older.sub("", text)) for name, text in helps(fevbench)}
    assert {name: words for name, words in old.items() if words} == {}


def messages(path: Path) -> Iterator[tuple[int, str]]:
    """The words in a module that are no documentation: messages, titles and reasons."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and hasattr(node, "value")
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in documentation and " " in node.value.strip():
            yield node.lineno, node.value


OLD_MESSAGES = {
    "cli/main.py": "train judge",  # the older name of `train expression-classifier`
    "stats/jackknife.py": "delete-a-group jackknife over people",  # is written into results
}


def test_messages_use_one_word_for_one_thing() -> None:
    """Names of one word are left out: they are keys of files and ids of definitions, which never change."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sorted((ROOT / "fevbench").rglob("*.py"))
        for line, text in messages(path)
        if OLD_WORDS.search(text)
        and OLD_MESSAGES.get(str(path.relative_to(ROOT / "fevbench")), "\n") not in text
    ]
    assert found == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_citation_is_of_this_version() -> None:
    from fevbench.version import VERSION

    assert f"\nversion: {VERSION}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
