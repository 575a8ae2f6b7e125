"""Rendered files, each with a sidecar of facts beside it until the set is put together.

Video is usually stored as YUV, and converting that to RGB differs between libraries. Here the three planes
are green, blue and red themselves, and H.264 decoding is exact by definition, so the hash of the decoded
frames is a property of the file.

A sidecar is written after its file and holds its hash: a file with a matching sidecar is finished.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import error as BadCompression

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fevbench.atomic import replacing
from fevbench.errors import DatasetError, FevbenchError
from fevbench.fevsynth import Performance
from fevbench.fevsynth.render.plan import LICENCE, Job, Rendered

Frames = NDArray[np.uint8]

FPS = 25
MIN_PSNR = 42.0
NOTE = "DESCRIPTION"
"""The entry of a clip's or an image's metadata that says, as JSON, what it shows."""

_SLACK = 0.1  # dB above the floor that are not worth another encode: 3 % of the bytes
_LIKELY_CRF, _COARSEST_CRF = 21.5, 51.0  # x264's constant rate factor: 0 is lossless
_FALL = 0.5  # dB that one step of the rate factor costs near the floor
_MOST_ENCODES = 8
# Of all presets and tunings, the fewest bytes for the PSNR but for `placebo`, which takes three times as long
# for 1.5 % of them. Macroblock trees would save as much, but where a row of blocks is short they read memory
# that was never written, and the same frames give other bytes each time; so would threads.
_X264 = {"preset": "veryslow", "tune": "psnr", "mbtree": "0", "flags": "+bitexact"}
_BEST_PSNR = 100.0


@dataclass(frozen=True)
class Encoded:
    """A clip as a file's bytes.

    Attributes:
        psnr: Of its frames against the given ones, dB, at most 100.
        frames_sha256: Hash of its frames' (T, H, W, 3) uint8 RGB bytes in C order.
    """

    data: bytes
    psnr: float
    frames_sha256: str


def write(job: Job, rendered: Rendered) -> None:
    """Write the file of a job, then its sidecar.

    Raises:
        FevbenchError: This build of PyAV has no encoder for H.264 in RGB.
    """
    performance = asdict(rendered.performance) if rendered.performance else {}
    note = {**job.origin, **performance, "licence": LICENCE}
    psnr = None
    if job.label is None:
        data = encode_image(rendered.frames[0], note)
        frames_sha256 = hashlib.sha256(rendered.frames.tobytes()).hexdigest()
    else:
        clip = encode_clip(rendered.frames, note)
        data, frames_sha256, psnr = clip.data, clip.frames_sha256, round(clip.psnr, 2)
    with replacing(job.path) as part:
        part.write_bytes(data)
    write_sidecar(job, rendered, hashlib.sha256(data).hexdigest(), frames_sha256, psnr)


def encode_image(picture: Frames, note: Mapping[str, Any]) -> bytes:
    """Encode an image as PNG, without loss."""
    info = PngInfo()
    info.add_text(NOTE, json.dumps(note, sort_keys=True))
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "png", optimize=True, pnginfo=info)
    return buffer.getvalue()


def encode_clip(frames: Frames, note: Mapping[str, Any]) -> Encoded:
    """Encode a clip about as coarsely as `MIN_PSNR` allows; the same clip gives the same bytes.

    PSNR falls with the rate factor almost along a line, so each guess follows from the one before it; one
    that leaves the bracket known so far is replaced by the bracket's middle.

    Raises:
        FevbenchError: This build of PyAV has no encoder for H.264 in RGB.
    """
    text = json.dumps(note, sort_keys=True)
    good: Encoded | None = None
    crf, fine, coarse = _LIKELY_CRF, 0.0, _COARSEST_CRF
    for _ in range(_MOST_ENCODES):
        encoded = _encode(frames, crf, text)
        surplus = encoded.psnr - MIN_PSNR
        if surplus >= 0:
            good, fine = encoded, crf
        else:
            coarse = crf
        if 0 <= surplus <= _SLACK or coarse - fine <= _SLACK / _FALL:
            break
        crf = round(crf + (surplus - _SLACK / 2) / _FALL, 2)
        if not fine < crf < coarse:
            crf = (fine + coarse) / 2
    return good or _encode(frames, 0.0, text)


def _encode(frames: Frames, crf: float, note: str) -> Encoded:
    buffer = BytesIO()
    # Bit-exact muxing leaves out dates and random identifiers.
    with av.open(buffer, "w", format="matroska", options={"fflags": "bitexact"}) as container:
        container.metadata[NOTE] = note
        try:
            stream = container.add_stream("libx264rgb", rate=FPS)
        except av.codec.codec.UnknownCodecError as error:
            raise FevbenchError("this build of PyAV has no libx264rgb", "install PyAV's own wheel") from error
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "rgb24"
        stream.codec_context.thread_count = 1
        stream.options = {"crf": f"{crf:g}", **_X264}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    decoded = _decode(buffer)
    return Encoded(buffer.getvalue(), _psnr(frames, decoded), hashlib.sha256(decoded.tobytes()).hexdigest())


def _decode(source: BytesIO) -> Frames:
    source.seek(0)
    with av.open(source) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def _psnr(expected: Frames, found: Frames) -> float:
    error = float(np.mean((expected.astype(np.float64) - found) ** 2))
    return min(_BEST_PSNR, float(10 * np.log10(255**2 / error))) if error else _BEST_PSNR


_ARRAYS = ("weights", "pose", "points", "light", "key", "ambient")


@dataclass(frozen=True)
class Sidecar:
    """The facts of one rendered file.

    Attributes:
        origin: What determines its pixels; see `Job.origin`.
        frames_sha256: Hash of the decoded (T, H, W, 3) uint8 RGB bytes in C order.
        psnr: Of the decoded frames against the rendered ones, dB; None where they are the same.
        performance: The timing of the expression; None for a neutral image.
        truth: The arrays of `Rendered` but the frames, by name.
    """

    origin: dict[str, Any]
    sha256: str
    frames_sha256: str
    psnr: float | None
    performance: Performance | None
    truth: dict[str, NDArray[np.float64]]


def write_sidecar(job: Job, rendered: Rendered, sha256: str, frames_sha256: str, psnr: float | None) -> None:
    """Write the sidecar of a file that is in place."""
    words = {
        "origin": job.origin,
        "sha256": sha256,
        "frames_sha256": frames_sha256,
        "psnr": psnr,
        "performance": rendered.performance and asdict(rendered.performance),
    }
    buffer = BytesIO()
    arrays = {name: getattr(rendered, name) for name in _ARRAYS}
    np.savez_compressed(buffer, words=np.array(json.dumps(words)), **arrays)
    with replacing(job.sidecar) as part:
        part.write_bytes(buffer.getvalue())


def read_sidecar(path: Path) -> Sidecar | None:
    """Read a sidecar; None if it is missing or broken."""
    try:
        with np.load(path, allow_pickle=False) as content:
            words = json.loads(str(content["words"]))
            performance = words.pop("performance")
            return Sidecar(
                **words,
                performance=performance and Performance(**performance),
                truth={name: content[name] for name in _ARRAYS},
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, BadCompression):
        return None


def is_done(job: Job) -> bool:
    """Whether the file exists, is complete, and has the same origin."""
    sidecar = read_sidecar(job.sidecar)
    if sidecar is None or sidecar.origin != job.origin or not job.path.is_file():
        return False
    return hashlib.sha256(job.path.read_bytes()).hexdigest() == sidecar.sha256


def finished(job: Job) -> Sidecar:
    """Return the sidecar of a job that is done.

    Raises:
        DatasetError: There is none.
    """
    sidecar = read_sidecar(job.sidecar)
    if sidecar is None:
        raise DatasetError(
            f"{job.sidecar} is missing or broken", "repeat the command, which renders it again"
        )
    return sidecar
