"""Built sites as tests read them: what their pages link to, and the pages in a browser."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

LARGEST_FIRST_PAGE = 300_000
"""Bytes of the first page with all that it loads at once."""

Open = Callable[..., Any]


class Page(HTMLParser):
    """What a page links to, its ids, and its tags with their attributes."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append((tag, known))
        self.links += [link for key in ("href", "src") if (link := known.get(key))]
        if known.get("id"):
            self.ids.append(str(known["id"]))


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def check_links(site: Path, outside: bool = False) -> None:
    """Every link of every page leads to a file of the site, and to a part of a page that is there.

    ``outside``: whether pages may link to other sites, too, as model cards do.
    """
    read = {file.resolve(): Page(file) for file in pages(site)}
    for file, page in read.items():
        assert len(set(page.ids)) == len(page.ids), file
        for link in page.links:
            if outside and link.startswith("https://"):
                continue
            path, _, fragment = link.partition("#")
            target = file if not path else (file.parent / unquote(path)).resolve()
            assert target.is_relative_to(site.resolve()), (file, link)
            assert target.is_file(), (file, link)
            if fragment and target in read and "=" not in fragment:
                assert fragment in read[target].ids, (file, link)


@contextlib.contextmanager
def serving(site: Path) -> Iterator[str]:
    """Yield the address of a web server of a site that knows no ranges."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def visiting(chromium: Any, site: Path, served: str) -> Iterator[Open]:
    """Yield what opens a page. No console may say anything, and nobody be asked elsewhere."""
    contexts: list[Any] = []
    complaints: list[str] = []
    asked: list[str] = []

    def opened(path: str, disk: bool = False, **options: Any) -> Any:
        options = {"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 900}} | options
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{path}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"{path}: {error}"))
        page.on("dialog", lambda dialog: complaints.append(f"{path}: a dialog"))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{site}/{path}" if disk else served + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints
    own = (served, f"file://{site}/", f"blob:{served}", "data:")
    assert [url for url in asked if not url.startswith(own)] == []


def serious_faults(axe: Any, page: Any) -> list[tuple[str, str]]:
    """What axe-core finds that is serious or worse: the rule, and the first place."""
    page.wait_for_load_state("networkidle")
    violations = axe.run(page).response["violations"]
    serious = [v for v in violations if v["impact"] in ("serious", "critical")]
    return [(v["id"], v["nodes"][0]["html"]) for v in serious]


def small_targets(page: Any) -> list[str]:
    """What is to be hit and has fewer than 24 pixels each way.

    Links within a text and native controls within a label are left out.
    """
    page.wait_for_timeout(300)
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('main button, main table:not(.questions) td a, .tabs a, .contents a,"
        " .top button, .way-in, main select')]"
        ".filter((e) => e.offsetParent).map((e) => [e, e.getBoundingClientRect()])"
        ".filter(([e, r]) => (r.height < 23.5 && !e.closest('.headline')) || r.width < 23.5)"
        ".map(([e]) => e.outerHTML.slice(0, 80))"
    )
    return found


def loaded_bytes(page: Any) -> int:
    """The bytes of a page and of all that it loads at once."""
    page.wait_for_load_state("networkidle")
    entries = "performance.getEntries().filter((e) => e.transferSize)"
    found: int = page.evaluate(f"{entries}.reduce((sum, e) => sum + e.transferSize, 0)")
    return found
