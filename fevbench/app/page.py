"""The page: Gradio's components around the table."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from fevbench.app.animate import Row, Step, animate
from fevbench.app.sheet import draw_sheet, table
from fevbench.data.datasets import open_dataset
from fevbench.data.show import write_gif, write_mp4, write_picture
from fevbench.errors import FevbenchError

if TYPE_CHECKING:
    from fevbench.app.animate import Networks
    from fevbench.app.choice import Choice

TITLE = "fevbench"
ABOUT = """# One face, six expressions

A photograph of a neutral face, seen from the front, and what each installed model makes of it.
"""
TERMS = """**Whose face?** Do not put feelings on the face of somebody who has not agreed to it.

**Where does it go?** Nowhere: everything is computed on the machine that serves this page. Photographs and
clips lie in a temporary folder, which is deleted when `fevbench app` ends.

**May I use it?** The networks that find and compare faces are InsightFace's, for non-commercial research
only.
"""
EXAMPLE = "p011"
"""A test subject of FEVSynth. Nobody real."""


def build_page(choice: Choice, size: int, networks: Networks, folder: Path) -> gr.Blocks:
    """Build the page.

    Args:
        choice: The models.
        size: Height and width of the clips, pixels.
        networks: What looks at photographs and clips.
        folder: Where the example and what is downloaded lie.
    """
    example = folder / "example.png"
    write_picture(example, _example())

    def work(photograph: str | None) -> Iterator[dict[Any, Any]]:
        gone = gr.update(value=None, visible=False)
        yield {said: "", working: "", rows: "", mp4: gone, gif: gone, playing: gr.update(visible=False)}
        if photograph is None:
            return
        try:
            face = networks.frame(Path(photograph), size)
        except FevbenchError as error:
            yield {said: _said([str(error)])}
            return
        yield {said: _said(face.notes)}
        made: list[Row] = []
        for event in animate(face.still, choice, networks):
            if isinstance(event, Step):
                yield {working: _bar(event)}
                continue
            made.append(event)
            yield {rows: table(made, choice.left_out, networks.absent), playing: gr.update(visible=True)}
        whole = [row for row in made if row.clips]
        if whole:
            yield {working: _bar(Step("files are written", len(made), len(made)))}
            room = Path(tempfile.mkdtemp(dir=folder))
            sheet = draw_sheet(whole)
            for button, suffix, write in ((mp4, "mp4", write_mp4), (gif, "gif", write_gif)):
                file = room / f"fevbench.{suffix}"
                write(file, sheet, whole[0].rate)
                yield {button: gr.update(value=str(file), visible=True)}
        yield {working: ""}

    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        gr.Markdown(ABOUT)
        with gr.Row():
            with gr.Column(scale=2):
                photograph = gr.Image(
                    label="Photograph",
                    sources=["upload", "webcam", "clipboard"],
                    type="filepath",
                    height=320,
                    buttons=[],
                )
                photograph.preprocess = _path_of
                ask_example = gr.Button("Take an example: a rendered face", size="md")
            with gr.Column(scale=3):
                gr.Markdown(TERMS)
                said = gr.HTML()
                working = gr.HTML(elem_id="working")
        rows = gr.HTML(apply_default_css=False, elem_id="rows")
        with gr.Row():
            playing = gr.Button("Pause", visible=False, size="md")
            mp4 = gr.DownloadButton("Download as mp4", visible=False, size="md")
            gif = gr.DownloadButton("Download as GIF", visible=False, size="md")
        hidden: Any = {"api_visibility": "private"}
        ask_example.click(lambda: str(example), None, photograph, **hidden)
        page.load(None, None, playing, js="() => window.fevbench.label()", **hidden)
        playing.click(None, None, playing, js="() => window.fevbench.toggle()", **hidden)
        photograph.change(
            work,
            photograph,
            [said, working, rows, mp4, gif, playing],
            trigger_mode="always_last",
            show_progress="hidden",  # which has no words for what is going on
            **hidden,
        )
    return page


def _path_of(uploaded: Any) -> str | None:
    """Where a photograph lies. Gradio would open it, and have no words for one that is none."""
    return uploaded.path if uploaded else None


def _example() -> Any:
    """Frame 0 of a clip of `EXAMPLE`: ``uint8[H, W, 3]``."""
    dataset = open_dataset("fevsynth")
    return dataset.frames(next(clip for clip in dataset.clips("test") if clip.subject == EXAMPLE))[0]


def _said(texts: Sequence[str]) -> str:
    """Messages as HTML, which screen readers say."""
    lines = "".join(f"<p>{escape(text[:1].upper() + text[1:])}.</p>" for text in texts)
    return f'<div class="said" role="status">{lines}</div>'


def _bar(step: Step) -> str:
    """How far it is, as HTML."""
    text = escape(step.text)
    return f'<label>{text}<progress value="{step.done}" max="{step.total}"></progress></label>'
