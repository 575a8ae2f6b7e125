"""What is known of one rendered file, kept beside it until all are there and the set is put together.

A sidecar is written after its file and carries its hash: a file with a sidecar that fits is finished.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import error as BadCompression

import numpy as np
from numpy.typing import NDArray

from fevbench.atomic import replacing
from fevbench.errors import DatasetError
from fevbench.fevsynth import Performance
from fevbench.fevsynth.render.job import Job, Rendered

_ARRAYS = ("weights", "pose", "points", "light", "key", "ambient")


@dataclass(frozen=True)
class Sidecar:
    """What is known of one rendered file.

    Attributes:
        origin: What its pixels follow from; see `Job.origin`.
        sha256: Hash of the file.
        frames_sha256: Hash of the decoded (T, H, W, 3) uint8 RGB bytes in C order.
        psnr: Of the decoded frames against the rendered ones, dB; None where they are the same.
        performance: When the face does what; None for a neutral image.
        truth: The arrays of `Rendered` but the frames, by name.
    """

    origin: dict[str, Any]
    sha256: str
    frames_sha256: str
    psnr: float | None
    performance: Performance | None
    truth: dict[str, NDArray[np.float64]]


def write_sidecar(job: Job, rendered: Rendered, sha256: str, frames_sha256: str, psnr: float | None) -> None:
    """Write the sidecar of a file that is in place.

    Args:
        job: What was rendered.
        rendered: What came out.
        sha256: See `Sidecar`, as what follows.
        frames_sha256: See there.
        psnr: See there.
    """
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
    """Tell whether the file is there, whole, and made from the same origin."""
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
