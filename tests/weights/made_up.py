"""Made-up weights, a server on loopback, and packages built on the spot."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
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


def unhashed(file: str = "own.bin", **rest: Any) -> dict[str, Any]:
    """The source of a file that nobody published a hash of."""
    return {"file": file, "pinned_on_first_use": True, **rest}


class Server(http.server.ThreadingHTTPServer):
    """Serves ``files`` by path; ``told`` and ``types`` override headers; counts what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.told: dict[str, int] = {}
        self.types: dict[str, str] = {}
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
        self.send_header("Content-Type", self.server.types.get(path, "application/octet-stream"))
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
        path.write_bytes(_tar(f"{package}-1.0", {**members, **told}))
        return self._entry(package, "sdist", path)

    def _entry(self, package: str, archive: str, path: Path) -> dict[str, Any]:
        return _carrier(package, "1.0", archive, path.read_bytes())


class NpmRegistry:
    """Packages on a server, which is all npm can see."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def package(self, package: str, members: dict[str, bytes], scripts: dict[str, str]) -> dict[str, Any]:
        """Add a package, and return the registry entry of the carrier, without its member and file."""
        told = {"name": package, "version": "1.0.0", "scripts": scripts}
        content = _tar("package", {**members, "package.json": json.dumps(told).encode()})
        self.server.files["archive.tgz"] = content
        listing = {
            "name": package,
            "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": {**told, "dist": {"tarball": self.server.url("archive.tgz")}}},
        }
        self.server.files[package.replace("/", "%2f")] = json.dumps(listing).encode()
        return _carrier(package, "1.0.0", "npm", content)


def _tar(top: str, members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _carrier(package: str, version: str, archive: str, content: bytes) -> dict[str, Any]:
    return {
        "package": package,
        "version": version,
        "archive": archive,
        "archive_sha256": sha256(content),
        "archive_size": len(content),
    }
