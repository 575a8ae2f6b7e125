"""The page of a study: one file with everything, without network requests and names of models."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from fevbench.data.clip import Frames
from fevbench.data.show import enlarged, write_mp4
from fevbench.study.record import Study

ASSETS = Path(__file__).parent / "assets"
WIDTH = 256
"""Least width of a shown clip, pixels: H.264 halves the resolution of colours, which hurts small clips."""
ANSWERS_FORMAT = "fevbench study answers 1"
SECONDS = 8
"""Approximate seconds per comparison, to tell raters how long it takes."""


@dataclass(frozen=True)
class Shown:
    """The content of one question: the expression, the input face (PNG), and two clips (MP4)."""

    label: str
    face: bytes
    a: bytes
    b: bytes


def as_video(frames: Frames, fps: float) -> bytes:
    """A clip ``uint8[T, S, S, 3]`` as MP4 for the page, enlarged to at least `WIDTH`, all equally."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "clip.mp4"
        write_mp4(path, frames, fps, _scale(frames))
        return path.read_bytes()


def as_picture(frames: Frames) -> bytes:
    """The first frame of ``uint8[T, S, S, 3]`` as PNG for the page, enlarged like clips."""
    buffer = BytesIO()
    Image.fromarray(enlarged(frames[:1], _scale(frames))[0]).save(buffer, "PNG")
    return buffer.getvalue()


def render_page(study: Study, questions: dict[str, Shown]) -> str:
    """The page as HTML.

    Clips are in the order of their hashes, each once, so that nothing reveals their models.
    """
    media = sorted(
        {file for shown in questions.values() for file in (shown.face, shown.a, shown.b)}, key=_hash
    )
    number = {file: i for i, file in enumerate(media)}
    content = {
        "format": ANSWERS_FORMAT,
        "study": study.hash,
        "question": study.question,
        "shown": study.shown,
        "checks": sorted(check.id for check in study.checks),
        "questions": [
            {
                "id": id_,
                "label": shown.label,
                "face": number[shown.face],
                "a": number[shown.a],
                "b": number[shown.b],
            }
            for id_, shown in sorted(questions.items())
        ],
        "media": [base64.b64encode(file).decode() for file in media],
    }
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    style, script = ((ASSETS / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    count = study.shown + len(study.checks)
    return environment.get_template("page.html").render(
        policy=_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        # "<" could end the surrounding element.
        content=Markup(json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")),
        count=count,
        checks=len(study.checks),
        minutes=max(1, round(count * SECONDS / 60)),
    )


def media_digest(questions: dict[str, Shown]) -> str:
    """The sha256 of everything questions show, and which shows what."""
    digest = hashlib.sha256()
    for id_, shown in sorted(questions.items()):
        digest.update(repr((id_, shown.label, *map(_hash, (shown.face, shown.a, shown.b)))).encode())
    return digest.hexdigest()


def _policy(style: str, script: str) -> str:
    """The page's content security policy: its own script, style and media, nothing else."""

    def own(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; script-src {own(script)}; style-src {own(style)}; img-src data:; "
        "media-src blob:; base-uri 'none'; form-action 'none'"
    )


def _scale(frames: Frames) -> int:
    return -(-WIDTH // int(frames.shape[1]))


def _hash(file: bytes) -> str:
    return hashlib.sha256(file).hexdigest()
