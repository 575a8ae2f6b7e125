"""Download from an official address, over plain https."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from fevbench.version import VERSION
from fevbench.weights.registry import Address, File
from fevbench.weights.transfer import Progress, SourceError, check, copy, extract_member

SILENCE_S = 10.0
"""Seconds without a connection or a byte after which an address counts as unreachable."""

_CHUNK = 1 << 18


def fetch(address: Address, name: str, folder: Path, progress: Progress) -> Path:
    """Download a weight's file into ``folder``, a temporary one, and verify it.

    Raises:
        SourceError: The address is unreachable or refuses, or the transfer stopped.
        WeightsError: It served another file than the registered one.
    """
    target = folder / address.file.name
    if address.member is None or address.archive_sha256 is None:
        _download(address, address.file, name, target, progress)
        return target
    archive = folder / address.url.rpartition("/")[2]
    _download(address, File(archive.name, address.archive_sha256, None), name, archive, progress)
    extract_member(archive, address.member, address.file, target, str(address))
    return target


def _download(address: Address, file: File, name: str, target: Path, progress: Progress) -> None:
    try:
        request = urllib.request.Request(address.url, headers={"User-Agent": f"fevbench/{VERSION}"})
        response = urllib.request.urlopen(request, timeout=SILENCE_S)
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(_reason(error)) from error
    with response:
        # Proxies and login pages answer this way; without a hash, such a page would be pinned.
        if file.sha256 is None and response.headers.get_content_type() == "text/html":
            raise SourceError("it answered with a web page")
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdigit() else None
        sha256, size = copy(_received(response, name, total, progress), target, file.size)
    check(file, sha256, size, str(address))


def _received(
    response: http.client.HTTPResponse, name: str, total: int | None, progress: Progress
) -> Iterator[bytes]:
    done = 0
    progress(name, done, total)
    while True:
        # Only errors of reading are the address's: those of a full disk or of the callback are not.
        try:
            chunk = response.read(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise SourceError(f"the transfer stopped after {done:,} bytes: {_reason(error)}") from error
        if not chunk:
            break
        done += len(chunk)
        progress(name, done, total)
        yield chunk
    if total is not None and done < total:
        raise SourceError(f"the transfer stopped after {done:,} of {total:,} bytes")


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer within {SILENCE_S:g} s"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__
