"""Model cards as HTML: Markdown of installed packages, without the HTML in it."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from fevbench.models.registry import models, summary
from fevbench.results.schema import ModelRecord
from leaderboard.site.pictures import Picture, Pictures

CARD = "card.md"
COMMENT = re.compile(r"^<!-- .* -->\n", re.MULTILINE)
"""Says what command makes a table of a card."""
OURS = "fevbench "
"""Start of the origin of models that come with fevbench: no other result may borrow their cards."""


@dataclass(frozen=True)
class Card:
    """The card of a model: one line, and the whole as HTML; both may be empty."""

    summary: str
    html: Markup


def card_of(model: ModelRecord, pictures: Pictures | None = None) -> Card:
    """The card of a model, if it comes with fevbench; found beside its code, which is not imported.

    ``pictures`` receives the names of shown pictures; without it none is shown.
    """
    kind = model.name.partition(":")[0]
    if not model.origin.startswith(OURS) or kind not in models:
        return Card("", Markup(""))
    file = _card_file(models.peek(kind), kind)
    if file is None:
        return Card(summary(kind), Markup(""))
    look = partial(pictures.of, file) if pictures else _no_picture
    return Card(summary(kind), to_html(file.read_text(encoding="utf-8"), look))


def _card_file(target: object, kind: str) -> Path | None:
    """The card beside a model's code: of ``NAME-FORM`` it is ``FORM-card.md`` if that form has its own."""
    module = target.partition(":")[0] if isinstance(target, str) else getattr(target, "__module__", "")
    spec = importlib.util.find_spec(module) if module else None
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    files = (folder / f"{kind.rpartition('-')[2]}-{CARD}", folder / CARD)
    return next((file for file in files if file.is_file()), None)


def _no_picture(target: str) -> Picture | None:
    return None


def to_html(text: str, look: Callable[[str], Picture | None] = _no_picture) -> Markup:
    """Markdown as HTML: the title and comments are left out, and headings go down a level.

    Links to the web stay; links into the repository become text, and so do pictures that ``look`` does not
    find on the site.
    """
    parser = _parser()
    tokens = parser.parse(COMMENT.sub("", text))
    if len(tokens) > 2 and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        tokens = tokens[3:]
    tokens = _without_blank_heads(tokens)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
        if "right" in str(token.attrs.pop("style", "")):  # pages allow only styles of the site's sheet
            token.attrSet("class", "number")
        if token.children:
            token.children = _without_dead_links(token.children, look)
    return Markup(parser.renderer.render(tokens, parser.options, {}))


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    rules: dict[str, Callable[..., str]] = parser.renderer.rules  # type: ignore[attr-defined]
    rules["table_open"] = lambda *_: (
        '<div class="scroll" tabindex="0" role="group" aria-label="table"><table>\n'
    )
    rules["image"] = lambda tokens, i, *_: _shown(tokens[i])
    rules["table_close"] = lambda *_: "</table></div>\n"
    # Scrolling parts must be reachable by keyboard.
    rules["fence"] = rules["code_block"] = lambda tokens, i, *_: (
        f'<pre tabindex="0"><code>{escape(tokens[i].content)}</code></pre>\n'
    )
    return parser


def _without_blank_heads(tokens: Sequence[Token]) -> list[Token]:
    """Remove empty table heads, which Markdown cannot omit."""
    kept: list[Token] = []
    for token in tokens:
        kept.append(token)
        if token.type == "thead_close":
            start = next(i for i in range(len(kept) - 1, -1, -1) if kept[i].type == "thead_open")
            if not any(cell.content.strip() for cell in kept[start:]):
                del kept[start:]
    return kept


def _without_dead_links(tokens: Sequence[Token], look: Callable[[str], Picture | None]) -> list[Token]:
    kept: list[Token] = []
    dead = False
    for token in tokens:
        if token.type == "image":
            token.meta = {"picture": look(str(token.attrGet("src")))}
            kept.append(token)
        elif token.type == "link_open":
            dead = not str(token.attrGet("href")).startswith(("https://", "http://"))
            if not dead:
                token.attrSet("rel", "noopener noreferrer")
                kept.append(token)
        elif token.type == "link_close":
            if not dead:
                kept.append(token)
        else:
            kept.append(token)
    return kept


def _shown(token: Token) -> str:
    """A picture of the site; for any other, only its alternative text."""
    picture: Picture | None = token.meta["picture"]
    if picture is None:
        return f'<span class="picture">Picture, not shown here: {escape(token.content)}</span>'
    return (
        f'<img src="../{escape(picture.path)}" alt="{escape(token.content)}" width="{picture.width}" '
        f'height="{picture.height}" loading="lazy">'
    )
