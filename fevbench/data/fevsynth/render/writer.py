"""A clip on disk: H.264 in RGB, which every decoder turns into the same bytes, and the set's manifest.

Video is usually stored as YUV, and converting that to RGB differs between libraries. Here the three planes
are green, blue and red themselves, and H.264 decoding is exact by definition, so the hash of the decoded
frames is a property of the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from fevbench.atomic import replacing, write_text
from fevbench.data.fevsynth.render.expression import LABELS
from fevbench.data.fevsynth.render.population import Subject
from fevbench.data.video import read_clip
from fevbench.errors import DatasetError, FevbenchError

Frames = NDArray[np.uint8]

FPS = 25
MIN_PSNR = 44.0
VERSION = "preview-1"

_TAG = "DESCRIPTION"
_QUALITIES = (
    20,
    19,
    18,
    17,
    16,
    14,
    12,
    10,
    8,
    6,
    4,
    2,
    0,
)  # x264's constant rate factors, coarse to lossless


@dataclass(frozen=True)
class Clip:
    """What the manifest says of one clip.

    Attributes:
        id: Subject, label and take, joined by hyphens.
        subject: Id of the person.
        label: The expression.
        split: ``"train"`` or ``"test"``.
        file: Path below the set's folder.
        sha256: Hash of the file.
        frames_sha256: Hash of the decoded (T, H, W, 3) uint8 RGB bytes in C order.
        onset: Last neutral frame.
        apex: First frame at full strength.
        psnr: Of the decoded frames against the rendered ones, dB.
    """

    id: str
    subject: str
    label: str
    split: str
    file: str
    sha256: str
    frames_sha256: str
    onset: int
    apex: int
    psnr: float


def write_clip(path: Path, frames: Frames, notes: Mapping[str, Any]) -> None:
    """Write a clip at the coarsest quality that keeps `MIN_PSNR`.

    Args:
        path: The ``.mkv`` file to write, atomically.
        frames: (T, H, W, 3) RGB.
        notes: What to store in the file beside the frames; the PSNR is added.
    """
    for quality in _QUALITIES:
        psnr = _psnr(frames, _decode(BytesIO(_encode(frames, quality, ""))))
        if psnr >= MIN_PSNR:
            break
    with replacing(path) as part:
        part.write_bytes(
            _encode(frames, quality, json.dumps({**notes, "psnr": round(psnr, 2)}, sort_keys=True))
        )


def read_notes(path: Path) -> dict[str, Any] | None:
    """Return what `write_clip` stored beside the frames, or None if the file is not such a clip."""
    try:
        with av.open(str(path)) as container:
            notes: dict[str, Any] = json.loads(container.metadata[_TAG])
            return notes
    except (OSError, av.FFmpegError, KeyError, ValueError):
        return None


def describe_clip(folder: Path, subject: Subject, label: str, take: int) -> Clip:
    """Return the manifest's entry of a clip that has been written.

    Raises:
        DatasetError: The file is missing or was not written by `write_clip`.
    """
    name = f"{subject.id}-{label}-{take}"
    file = f"clips/{name}.mkv"
    notes = read_notes(folder / file)
    if notes is None:
        raise DatasetError(f"{folder / file} is no rendered clip", "delete it and render again")
    return Clip(
        id=name,
        subject=subject.id,
        label=label,
        split=subject.split,
        file=file,
        sha256=hashlib.sha256((folder / file).read_bytes()).hexdigest(),
        frames_sha256=hashlib.sha256(read_clip(folder / file).tobytes()).hexdigest(),
        onset=notes["onset"],
        apex=notes["apex"],
        psnr=notes["psnr"],
    )


def write_manifest(
    folder: Path, subjects: Iterable[Subject], clips: Iterable[Clip], size: int, frames: int
) -> None:
    """Write ``manifest.json``, which lists every person and clip of the set."""
    manifest = {
        "name": "fevsynth",
        "version": VERSION,
        "licence": "CC0-1.0",
        "fps": FPS,
        "size": size,
        "frames": frames,
        "labels": list(LABELS),
        "subjects": [asdict(subject) for subject in subjects],
        "clips": [asdict(clip) for clip in clips],
    }
    write_text(folder / "manifest.json", json.dumps(manifest, indent=1) + "\n")


def _encode(frames: Frames, quality: int, notes: str) -> bytes:
    buffer = BytesIO()
    # Bit-exact muxing leaves out dates and random identifiers: the same frames give the same file.
    with av.open(buffer, "w", format="matroska", options={"fflags": "bitexact"}) as container:
        container.metadata[_TAG] = notes
        try:
            stream = container.add_stream("libx264rgb", rate=FPS)
        except av.codec.codec.UnknownCodecError as error:
            raise FevbenchError("this build of PyAV has no libx264rgb", "install PyAV's own wheel") from error
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "rgb24"
        stream.codec_context.thread_count = 1
        stream.options = {"crf": str(quality), "preset": "veryslow", "tune": "psnr", "flags": "+bitexact"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def _decode(source: BytesIO) -> Frames:
    with av.open(source) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def _psnr(expected: Frames, found: Frames) -> float:
    error = float(np.mean((expected.astype(np.float64) - found) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-2)))
