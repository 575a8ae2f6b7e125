"""Hooks of MkDocs: the list of commands, and files of the repository that pages link to.

Pages link to cards, results and sources beside ``docs/``, as they must on a code host. Whatever is linked
to is copied below ``repository/``, pages among it are shown as pages, and all links are rewritten to match.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
DOCS = "docs"
OUTSIDE = "repository"
LEADERBOARD = "leaderboard"
BUILT = ROOT / "build" / LEADERBOARD
"""A site of its own, built by `make leaderboard`; the navigation leads to its first page."""
COMMANDS = "<!-- commands -->"
LINK = re.compile(r"(?P<before>\]\()(?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")
LOADS = re.compile(r'<(?:script|link|img|iframe|video|source)\b[^>]*\b(?:src|href)="(?:https?:)?//[^>]*>')
FENCED = re.compile(r"(^ *```.*?^ *```$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)


def in_repository(src_uri: str) -> str:
    """Where a page of the site lies in the repository."""
    head, _, rest = src_uri.partition("/")
    return rest if head == OUTSIDE else f"{DOCS}/{src_uri}"


def site_path(path: str) -> str:
    """Where a file of the repository lies on the site."""
    return path.removeprefix(f"{DOCS}/") if path.startswith(f"{DOCS}/") else f"{OUTSIDE}/{path}"


def linked(path: str) -> set[str]:
    """Files of the repository that a page links to."""
    text = FENCED.sub("", (ROOT / path).read_text(encoding="utf-8"))
    targets = {found["target"] for found in LINK.finditer(text) if ":" not in found["target"]}
    return {posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) for target in targets}


def helps(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    """The help texts of a command and of those below it, each below a heading."""
    settings = {**command.context_settings, "terminal_width": 92, "max_content_width": 92}
    context = click.Context(command, parent=parent, info_name=name, **settings)
    yield f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            if (found := command.get_command(context, below)) and not found.hidden:
                yield from helps(found, below, context)


def on_files(files: Files, config: Any) -> Files:
    """Add what is linked to, and what that links to."""
    waiting = {"CONTRIBUTING.md"} | {in_repository(page.src_uri) for page in files.documentation_pages()}
    seen: set[str] = set()
    while waiting - seen:
        path = min(waiting - seen)
        seen.add(path)
        if not (ROOT / path).is_file():
            continue
        if path.endswith(".md"):
            waiting |= linked(path)
        if not path.startswith(f"{DOCS}/"):
            files.append(File.generated(config, site_path(path), abs_src_path=str(ROOT / path)))
    front = BUILT / "index.html"
    if not front.is_file():
        raise PluginError(f"{BUILT} holds no leaderboard: run make leaderboard first")
    files.append(File.generated(config, f"{LEADERBOARD}/index.html", abs_src_path=str(front)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Rewrite the links of a page; write the commands where they belong."""
    if COMMANDS in markdown:
        from fevbench.cli.main import cli

        markdown = markdown.replace(COMMANDS, "\n".join(helps(cli, "fevbench")))
    folder = posixpath.dirname(in_repository(page.file.src_uri))
    here = posixpath.dirname(page.file.src_uri) or "."

    def moved(found: re.Match[str]) -> str:
        target = found["target"]
        if ":" in target:
            return found[0]
        path = posixpath.normpath(posixpath.join(folder, target))
        return f"{found['before']}{posixpath.relpath(site_path(path), here)}{found['anchor'] or ''}"

    parts = FENCED.split(markdown)
    return "".join(part if i % 2 else LINK.sub(moved, part) for i, part in enumerate(parts))


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Refuse a page that loads anything from elsewhere."""
    if found := LOADS.search(output):
        raise PluginError(f"{page.file.src_uri} loads something from elsewhere: {found[0]}")
    return output


def on_post_build(config: Any) -> None:
    """Copy the leaderboard's pages as they are."""
    shutil.copytree(BUILT, Path(config.site_dir, LEADERBOARD), dirs_exist_ok=True)
