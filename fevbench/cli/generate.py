"""``fevbench generate``: clips from a photograph."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("generate")
@click.argument("model")
@click.option("--image", required=True, type=click.Path(path_type=Path), metavar="FILE", help="A photograph.")
@click.option("--expression", required=True, metavar="NAME", help="One of the six, or all.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help=".mp4, .gif or .png."
)
@click.option("--face", type=click.IntRange(min=1), metavar="N", help="Which face, counted from the left.")
@click.option("--framed", is_flag=True, help="The picture is a framed face already: do not look for one.")
@click.option("--protocol", metavar="NAME", help="Size and length of the clip.  [default: 64x16]")
@click.option("--size", type=click.IntRange(16, 1024), metavar="PX", help="Another size than the protocol's.")
@click.option(
    "--scale", type=click.IntRange(1, 16), default=4, show_default=True, help="Enlarge what is shown."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option(
    "--plugin", type=click.Path(path_type=Path), metavar="FILE.py", help="A file that registers models."
)
@click.option("--offline", is_flag=True, help="Never touch the network.")
def command(
    model: str,
    image: Path,
    expression: str,
    out: Path,
    face: int | None,
    framed: bool,
    protocol: str | None,
    size: int | None,
    scale: int,
    seed: int,
    device: str,
    plugin: Path | None,
    offline: bool,
) -> None:
    """Let MODEL animate the face of a photograph.

    The face is found, turned upright and cropped as those of FEVSynth are. With --expression all, the six
    expressions come in one grid.

    \b
    Example:
      fevbench generate fev-gan --image me.jpg --expression happiness --out me.mp4
      fevbench generate fev-gan --image me.jpg --expression all --out me.gif --size 128 --scale 2
      fevbench generate my-model --plugin my_model.py --image me.jpg --expression fear --out strip.png
    """
    from dataclasses import replace

    from fevbench.cli.console import RunDisplay, error_console, results_alone
    from fevbench.data.clip import EXPRESSIONS
    from fevbench.data.protocol import DEFAULT_PROTOCOL, protocols
    from fevbench.errors import UnknownName
    from fevbench.generate.photograph import Photograph, read_photograph
    from fevbench.models.registry import find_model

    if expression != "all" and expression not in EXPRESSIONS:
        raise UnknownName("expression", expression, [*EXPRESSIONS, "all"])
    labels = EXPRESSIONS if expression == "all" else (expression,)
    how = protocols.get(protocol or DEFAULT_PROTOCOL)
    fps = 25 / how.stride
    how = replace(how, name="photograph", size=size or how.size, stride=1)
    picture = read_photograph(image)
    with results_alone():
        found = find_model(model, plugin)

    from fevbench import weights
    from fevbench.generate.ask import check_suffix, make_clips, write_clips
    from fevbench.generate.framing import DETECTOR, choose_face, find_faces, frame_face
    from fevbench.run.plan import choose_device

    check_suffix(out)
    where = choose_device(device)
    with results_alone(), RunDisplay(error_console()) as display:
        needed = [*found.networks, *([] if framed else [DETECTOR])]
        local = weights.require_all(needed, offline=offline, progress=display.pull)
        if framed:
            still = picture
        else:
            chosen = choose_face(find_faces(picture, local[DETECTOR].path), face, str(image))
            still = frame_face(picture, chosen, how.size)
        clips = make_clips(found, Photograph(still, "face", labels, fps), how, seed, where, display)
    write_clips(out, clips, fps, scale)
    click.echo(
        f"{out}: {', '.join(clips)}; {how.frames} frames of {how.size} px, shown {scale} times as large"
    )
