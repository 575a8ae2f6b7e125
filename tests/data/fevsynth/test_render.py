"""The renderer as a whole."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fevbench.data.fevsynth.render.assets import BODY, HEAD, locate
from fevbench.data.fevsynth.render.population import design
from fevbench.errors import FevbenchError


def test_reading_the_set_needs_no_compiler() -> None:
    """Numba is an extra, so neither the data set nor the command's help may import it."""
    code = (
        "import sys, fevbench.data.fevsynth, fevbench.data.fevsynth.render.__main__, "
        "fevbench.data.fevsynth.render.writer; sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_archive_with_the_wrong_bytes_is_refused(tmp_path: Path) -> None:
    for archive in (BODY, HEAD):
        (tmp_path / archive.file).write_bytes(b"something else")
    with pytest.raises(FevbenchError, match=r"not the pinned .*: delete it and run again"):
        locate(tmp_path)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_pixels(tmp_path: Path) -> None:
    """Also with another person's clip in between, as when the work is spread over processes."""
    from fevbench.data.fevsynth.render.assets import assets_folder
    from fevbench.data.fevsynth.render.clip import Job, render_frames

    first, second = design(2, 0, seed=9)
    job = Job(first, "anger", 0, 8, 64, tmp_path / "a.mkv", assets_folder())
    frames, onset, apex = render_frames(job)
    render_frames(Job(second, "fear", 0, 8, 64, tmp_path / "b.mkv", assets_folder()))
    again, *_ = render_frames(job)
    assert frames.shape == (8, 64, 64, 3)
    assert 0 < onset < apex
    assert np.array_equal(frames, again)


@pytest.mark.slow
def test_a_rendered_clip_is_not_rendered_again(tmp_path: Path) -> None:
    from fevbench.data.fevsynth.render.assets import assets_folder
    from fevbench.data.fevsynth.render.clip import Job, render

    job = Job(design(1, 0, seed=9)[0], "fear", 0, 8, 64, tmp_path / "clip.mkv", assets_folder())
    assert not job.done()
    render(job)
    assert job.done()
    assert not replace(job, size=32).done()
    assert not replace(job, take=1).done()
