"""``fevbench generate``: clips from a photograph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fevbench.cli import options
from fevbench.cli.output import say
from fevbench.data.clip import EXPRESSIONS, Frames
from fevbench.data.protocol import find_protocol
from fevbench.errors import FevbenchError, UnknownName, WeightsError

if TYPE_CHECKING:
    from fevbench.cli.console import ProgressDisplay


SHOWN_SIZE = 256
"""Pixels to which a small clip is enlarged unless asked otherwise."""


@click.command("generate")
@click.argument("model")
@click.option("--image", required=True, type=options.PATH, metavar="FILE", help="A photograph.")
@click.option("--expression", required=True, metavar="NAME", help="One of the six expressions, or all.")
@options.out(required=True, metavar="FILE", help="File to write: .mp4, .gif or .png.")
@click.option("--face", type=options.POSITIVE, metavar="N", help="Use the N-th face from the left.")
@click.option("--framed", is_flag=True, help="The image is already cropped to a face: detect none.")
@click.option("--paste", is_flag=True, help="Write the whole photograph with the moving face in it.")
@options.protocol("Size and length of the clip.")
@click.option(
    "--size",
    type=click.IntRange(16, 1024),
    metavar="PX",
    help="Width and height of the clip.  [default: the protocol's; with --paste: that of the face]",
)
@click.option(
    "--scale",
    type=click.IntRange(1, 16),
    metavar="N",
    help=f"Enlarge the frames by this factor.  [default: to about {SHOWN_SIZE} px; with --paste: 1]",
)
@options.seed("Seed of generation.", default=0)
@options.device()
@options.plugin
@options.offline
def generate_command(
    model: str,
    image: Path,
    expression: str,
    out: Path,
    face: int | None,
    framed: bool,
    paste: bool,
    protocol_name: str | None,
    size: int | None,
    scale: int | None,
    seed: int,
    device: str,
    plugin: Path | None,
    offline: bool,
) -> None:
    """Animate the face of a photograph with MODEL.

    The face is detected, turned upright and cropped like those of FEVSynth. With --paste, the clip is
    turned back and put into the photograph. A note says if the face is not neutral, not frontal, small, or at
    the border, and which of several faces is used. With --expression all, the six expressions are written as
    one grid.

    \b
    Example:
      fevbench generate fev-gan-warp --image me.jpg --expression happiness --out me.mp4 --size 512
      fevbench generate fev-gan-warp --image me.jpg --expression surprise --out whole.mp4 --paste
      fevbench generate fev-gan-warp --image me.jpg --expression all --out me.gif --size 128 --scale 2
      fevbench generate my-model --plugin my_model.py --image me.jpg --expression fear --out strip.png
    """
    from fevbench.cli.console import ProgressDisplay, stdout_to_stderr
    from fevbench.generate.photograph import FPS, Photograph, read_photograph
    from fevbench.models.registry import find_model

    if expression != "all" and expression not in EXPRESSIONS:
        raise UnknownName("expression", expression, [*EXPRESSIONS, "all"])
    if framed and (paste or face is not None):
        needs = "--paste" if paste else "--face"
        raise FevbenchError(f"--framed detects no face, but {needs} needs one", "leave one of them out")
    labels = EXPRESSIONS if expression == "all" else (expression,)
    protocol = find_protocol(protocol_name)
    picture = read_photograph(image)
    with stdout_to_stderr():
        found_model = find_model(model, plugin)

    from fevbench import weights
    from fevbench.data.framing import cut_out, upright
    from fevbench.engine.plan import choose_device
    from fevbench.generate.clips import (
        SUFFIXES,
        fitting_size,
        largest,
        make_clips,
        pasted,
        shrunk,
        write_clips,
    )
    from fevbench.generate.photograph import (
        DETECTOR,
        READER_SIZE,
        choose_face,
        find_faces,
        notes_on_framing,
        photograph_protocol,
    )

    options.check_suffix(out, *SUFFIXES)
    device = choose_device(device)
    with stdout_to_stderr(), ProgressDisplay() as display:
        needed = [*found_model.networks, *([] if framed else [DETECTOR])]
        local = weights.require_all(needed, offline=offline, progress=display.pull)
        still, placement = picture, None
        if not framed:
            picture = shrunk(picture, largest(len(labels))) if paste else picture
            chosen, notes = choose_face(
                find_faces(picture, local[DETECTOR].path), face, str(image), picture.shape
            )
            placement = upright(chosen.points)
            size = size or (fitting_size(placement) if paste else protocol.size)
            still = cut_out(picture, placement, size)
            notes += notes_on_framing(chosen.points, size, picture)
            for note in notes:
                display.note(f"note: {note}")
            _note_expression(cut_out(picture, placement, READER_SIZE), offline, display)
        protocol = photograph_protocol(protocol, size or protocol.size)
        clips = make_clips(
            found_model, Photograph(still, "face", labels, FPS), protocol, seed, device, display
        )
    if paste and placement is not None:
        clips = {label: pasted(picture, frames, placement) for label, frames in clips.items()}
    times = scale or (1 if paste else max(1, SHOWN_SIZE // protocol.size))
    write_clips(out, clips, protocol.rate(FPS), times)
    shown = f"{protocol.frames} frames of {protocol.size} px"
    shown += ", put into the photograph" if paste else ""
    shown += f", shown {times} times as large" if times > 1 else ""
    say(f"{out}: {', '.join(clips)}; {shown}")


def _note_expression(still: Frames, offline: bool, display: ProgressDisplay) -> None:
    """Say it if a framed face is not neutral, or that nobody could tell."""
    from fevbench import weights
    from fevbench.extractors.face_api import load
    from fevbench.generate.photograph import READER, notes_on_expression

    try:
        local = weights.require_all(READER, offline=offline, progress=display.pull)
    except WeightsError as error:
        display.note(f"note: not checked whether the face is neutral ({error.what})")
        return
    read = load("cpu", {name: weight.path for name, weight in local.items()})
    for note in notes_on_expression(still, read):
        display.note(f"note: {note}")
