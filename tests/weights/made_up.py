"""Made-up weights, a server on loopback, and packages built on the spot."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

PAYLOAD = bytes(range(256)) * 4096
"""One MiB: several chunks, so that a transfer can be cut in the middle."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def source(content: bytes = PAYLOAD, file: str = "net.bin", **rest: Any) -> dict[str, Any]:
    return {"file": file, "sha256": sha256(content), "size": len(content), **rest}


class Server(http.server.ThreadingHTTPServer):
    """Serves ``files`` by path; ``told`` overrides a Content-Length; counts what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.told: dict[str, int] = {}
        self.asked: list[str] = []
        self.delay_s = 0.0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        self.server.asked.append(path)
        time.sleep(self.server.delay_s)
        content = self.server.files.get(path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(self.server.told.get(path, len(content))))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Index:
    """A folder of packages that is all pip can see."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def wheel(self, package: str, members: dict[str, bytes]) -> dict[str, Any]:
        """Add a wheel, and return the registry entry of the carrier, without its member and file."""
        path = self.folder / f"{package}-1.0-py3-none-any.whl"
        info = f"{package}-1.0.dist-info"
        told = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n".encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": b"",
        }
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in {**members, **told}.items():
                archive.writestr(name, content)
        return self._entry(package, "wheel", path)

    def sdist(self, package: str, members: dict[str, bytes], setup: str) -> dict[str, Any]:
        """Add an sdist whose ``setup.py`` is ``setup``."""
        path = self.folder / f"{package}-1.0.tar.gz"
        told = {
            "PKG-INFO": f"Metadata-Version: 1.1\nName: {package}\nVersion: 1.0\n".encode(),
            "setup.py": setup.encode(),
        }
        with tarfile.open(path, "w:gz") as archive:
            for name, content in {**members, **told}.items():
                entry = tarfile.TarInfo(f"{package}-1.0/{name}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return self._entry(package, "sdist", path)

    def _entry(self, package: str, archive: str, path: Path) -> dict[str, Any]:
        content = path.read_bytes()
        return {
            "package": package,
            "version": "1.0",
            "archive": archive,
            "archive_sha256": sha256(content),
            "archive_size": len(content),
        }
