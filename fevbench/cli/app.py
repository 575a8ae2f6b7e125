"""``fevbench app``: a page to play with."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from fevbench.cli import options
from fevbench.cli.output import note, say
from fevbench.errors import MissingPackage


@click.command("app")
@options.option("--host", default="127.0.0.1", help="Address to serve at; 0.0.0.0 for all of this machine.")
@options.option("--port", type=click.IntRange(0, 65535), default=7860, help="Port; 0 takes any free one.")
@click.option(
    "--model",
    "names",
    multiple=True,
    metavar="NAME",
    help="A model to show; may be repeated.  [default: all that show a given face]",
)
@options.option("--size", type=click.IntRange(32, 512), default=128, help="Width and height of the clips.")
@options.clip_timeout(default=600)  # a page must not wait for ever
@click.option("--open", "in_browser", is_flag=True, help="Open it in the browser.")
@options.plugin
def app_command(
    host: str,
    port: int,
    names: tuple[str, ...],
    size: int,
    clip_timeout: float,
    in_browser: bool,
    plugin: Path | None,
) -> None:
    """Serve a page that shows a photograph with all six expressions, by every model, until Ctrl-C.

    A photograph or a picture of the webcam goes in. Beside each other and in step come out the clips of every
    model, each with its csim and what two independent classifiers read in it. Only this machine can reach the
    page unless --host says otherwise, and nothing is sent anywhere.

    \b
    Example:
      fevbench app --open
      fevbench app --model fev-gan-warp --model my-model --plugin my_model.py --size 256
    """
    from importlib.util import find_spec

    if find_spec("gradio") is None:
        raise MissingPackage("fevbench app", "gradio", "app")

    from fevbench.app.animate import Networks
    from fevbench.app.choice import choose_models
    from fevbench.app.serve import in_url, is_loopback, listen, serve
    from fevbench.cli.console import ProgressDisplay, stdout_to_stderr
    from fevbench.engine.plan import choose_device
    from fevbench.initial_state import remember_initial_state
    from fevbench.models.registry import load_plugin

    with listen(host, port) as listening:
        with stdout_to_stderr(), ProgressDisplay() as display:
            if plugin is not None:
                remember_initial_state()
                load_plugin(plugin)
            choice = choose_models(names, display.pull, clip_timeout)
            networks = Networks(choose_device("auto"), display.pull)
        for name, reason in choice.left_out.items():
            note(f"{name} is not shown: {reason}")
        if not is_loopback(host):
            note(f"everybody who can reach {host} can use this page")
        address = f"http://{in_url(host)}:{listening.getsockname()[1]}/"

        def tell() -> None:
            say(f"{address} (stop with Ctrl-C)")
            if in_browser:
                click.launch(address)

        with contextlib.suppress(KeyboardInterrupt):  # the way to stop it, and no accident
            serve(listening, choice, size, networks, tell)
