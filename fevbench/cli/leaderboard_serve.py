"""``fevbench leaderboard serve``: look at the site in a browser of this machine."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fevbench.cli.leaderboard_build import results_option
from fevbench.cli.output import say

if TYPE_CHECKING:
    from http.server import ThreadingHTTPServer


@click.command("serve")
@results_option
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any free one."
)
def command(folders: tuple[Path, ...], port: int) -> None:
    """Build the site in a temporary folder and show it at http://127.0.0.1:PORT until Ctrl-C.

    Only this machine can reach it. To put a site on the web, copy what `fevbench leaderboard build` makes.

    \b
    Example:
      fevbench leaderboard serve
      fevbench leaderboard serve --results runs --port 8080
    """
    import tempfile

    from fevbench.cli.leaderboard_build import default_folders, report
    from leaderboard.site.build import build

    with tempfile.TemporaryDirectory() as folder, server(Path(folder, "site"), port) as serving:
        report(build(folders or default_folders(), Path(folder, "site")))
        say(f"http://127.0.0.1:{serving.server_address[1]}/ (stop with Ctrl-C)")
        with contextlib.suppress(KeyboardInterrupt):  # the way to stop it, and no accident
            serving.serve_forever()


def server(site: Path, port: int) -> ThreadingHTTPServer:
    """A server of a folder, for this machine alone.

    Raises:
        FevbenchError: The port is taken.
    """
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    from fevbench.errors import FevbenchError

    class Quiet(SimpleHTTPRequestHandler):
        """Says nothing of each request."""

        def log_message(self, *_: object) -> None:
            """Nothing."""

    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(site)))
    except OSError as error:
        raise FevbenchError(
            f"port {port} cannot be used ({error.strerror})", "give another --port"
        ) from error
