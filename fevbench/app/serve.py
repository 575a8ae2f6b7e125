"""Serving the page: to this machine unless asked otherwise, and with nothing asked for elsewhere."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fevbench.app.sheet import ASSETS
from fevbench.errors import FevbenchError

if TYPE_CHECKING:
    from fevbench.app.animate import Networks
    from fevbench.app.choice import Choice

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""What the page may load: from where it came, and nothing else. Gradio has scripts within its page."""
HEADERS = {
    "content-security-policy": POLICY,
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
"""Variables that keep Gradio, and what it is built on, from calling anybody."""
PATIENCE = 2
"""Seconds that open connections have at the end."""


def listen(host: str, port: int) -> socket.socket:
    """Listen on a port, before anything that takes long is done.

    Raises:
        FevbenchError: There is no such address here, or the port is taken.
    """
    try:
        return socket.create_server((host, port), family=_family(host))
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while ")[0]
        raise FevbenchError(
            f"port {port} of {host} cannot be used ({reason})", "give another --port or --host"
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def in_url(host: str) -> str:
    """An address as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(
    listening: socket.socket,
    choice: Choice,
    size: int,
    networks: Networks,
    is_ready: Callable[[], None],
) -> None:
    """Serve the page until Ctrl-C; whatever was uploaded or made is deleted then.

    Args:
        listening: Where.
        choice: The models.
        size: Height and width of the clips, pixels.
        networks: What looks at photographs and clips.
        is_ready: Called once the page can be asked for.
    """
    with tempfile.TemporaryDirectory(prefix="fevbench-app-") as folder:
        os.environ |= {**QUIET, "GRADIO_TEMP_DIR": folder}
        import uvicorn  # all that reads the variables is imported only now

        server = uvicorn.Server(
            uvicorn.Config(
                _application(choice, size, networks, Path(folder), _names(listening)),
                log_level="warning",
                timeout_graceful_shutdown=PATIENCE,
            )
        )
        is_ready()
        server.run(sockets=[listening])


def _names(listening: socket.socket) -> list[str]:
    """What the server may be called: a foreign name that leads to this machine is somebody's trick."""
    host = listening.getsockname()[0]
    return [in_url(host), "localhost"] if is_loopback(host) else ["*"]


def _application(
    choice: Choice, size: int, networks: Networks, folder: Path, names: Sequence[str]
) -> Callable[..., Any]:
    import gradio as gr
    from fastapi import FastAPI
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from fevbench.app.page import build_page

    application = gr.mount_gradio_app(
        FastAPI(openapi_url=None),
        build_page(choice, size, networks, folder),
        path="/",
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        enable_monitoring=False,
        show_error=False,
        max_file_size="50mb",
        theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        css_paths=ASSETS / "page.css",
        head=f"<script>{(ASSETS / 'page.js').read_text(encoding='utf-8')}</script>",
    )
    return _with_headers(TrustedHostMiddleware(application, list(names)))


def _with_headers(application: Callable[..., Any]) -> Callable[..., Any]:
    """An application whose every answer says what a browser may do with it."""
    added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        async def send_more(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        await application(scope, receive, send_more)

    return answer
