"""A file is finished when its sidecar says so, and only then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import fake_faces
import numpy as np
import pytest

from fevbench.errors import DatasetError
from fevbench.fevsynth.render.files import finished, is_done, read_sidecar, write
from fevbench.fevsynth.render.plan import Job, design


@pytest.fixture(params=["fear", None], ids=["clip", "neutral"])
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Job:
    """A clip or an image that has been written."""
    job = Job(design(1, 3)[0], request.param, 0, 8 if request.param else 1, 32, tmp_path, tmp_path)
    write(job, fake_faces.make(job))
    return job


def test_everything_comes_back(job: Job) -> None:
    rendered, sidecar = fake_faces.make(job), finished(job)
    assert sidecar.origin == job.origin
    assert sidecar.performance == rendered.performance
    assert (sidecar.psnr is None) == (job.label is None)
    for name, array in sidecar.truth.items():
        assert np.array_equal(array, getattr(rendered, name)), name


def test_what_is_written_is_done(job: Job) -> None:
    assert is_done(job)
    for other in (replace(job, repetition=1), replace(job, size=64), replace(job, subject=design(1, 4)[0])):
        # Even where its files are those of the first.
        other.path.parent.mkdir(parents=True, exist_ok=True)
        other.path.write_bytes(job.path.read_bytes())
        other.sidecar.write_bytes(job.sidecar.read_bytes())
        assert not is_done(other)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda job: job.path.unlink(),
        lambda job: job.path.write_bytes(job.path.read_bytes()[:-1]),
        lambda job: job.sidecar.unlink(),
        lambda job: job.sidecar.write_bytes(b""),
        lambda job: job.sidecar.write_bytes(b"no archive"),
        lambda job: job.sidecar.write_bytes(job.sidecar.read_bytes()[:-30]),
        lambda job: job.sidecar.write_bytes(_spoilt(job.sidecar.read_bytes())),
        lambda job: np.savez(job.sidecar, words=np.array("[]")),
    ],
    ids=["no file", "cut file", "no sidecar", "empty", "no archive", "cut", "spoilt", "other words"],
)
def test_what_is_missing_or_damaged_is_not(job: Job, spoil: Callable[[Job], object]) -> None:
    spoil(job)
    assert not is_done(job)


def _spoilt(content: bytes) -> bytes:
    middle = len(content) // 2
    return (
        content[:middle]
        + bytes(255 - byte for byte in content[middle : middle + 40])
        + content[middle + 40 :]
    )


def test_a_missing_sidecar_is_named(job: Job) -> None:
    job.sidecar.unlink()
    assert read_sidecar(job.sidecar) is None
    with pytest.raises(DatasetError, match=rf"{job.id}\.npz is missing or broken: repeat the command"):
        finished(job)
