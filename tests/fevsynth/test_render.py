"""The renderer as a whole."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fevbench.errors import FevbenchError
from fevbench.fevsynth.render.assets import BODY, HEAD, assets_folder, locate
from fevbench.fevsynth.render.plan import Job, design

FRAMES, SIZE = 8, 64
ANN, BOB = design(2, seed=9)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A short clip of the first person."""
    return Job(ANN, "anger", 0, FRAMES, SIZE, tmp_path, assets_folder())


def test_reading_the_set_needs_no_compiler() -> None:
    """Numba is an extra, so only what draws may import it."""
    code = (
        "import sys, fevbench.cli.data_fevsynth, fevbench.fevsynth.adapter, "
        "fevbench.fevsynth.render.sets; "
        "sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_archive_with_the_wrong_bytes_is_refused(tmp_path: Path) -> None:
    for archive in (BODY, HEAD):
        (tmp_path / archive.file).write_bytes(b"something else")
    with pytest.raises(FevbenchError, match=r"not the pinned .*: delete it and run again"):
        locate(tmp_path)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_pixels_and_truth(job: Job) -> None:
    """Also with another person's clip in between, as when the work is spread over processes."""
    from fevbench.fevsynth.render.frame import render_frames

    first = render_frames(job)
    render_frames(replace(job, subject=BOB, label="fear"))
    again = render_frames(job)
    assert np.array_equal(first.frames, again.frames)
    assert first.performance == again.performance
    for name in ("weights", "pose", "points", "light", "key", "ambient"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), name


@pytest.mark.slow
def test_a_clip_comes_with_the_truth_about_every_frame(job: Job) -> None:
    from fevbench.fevsynth.render.frame import render_frames

    rendered = render_frames(job)
    assert rendered.frames.shape == (FRAMES, SIZE, SIZE, 3)
    assert rendered.weights.shape == (FRAMES, 52)
    assert rendered.pose.shape == (FRAMES, 3)
    assert rendered.points.shape == (FRAMES, 5, 2)
    assert rendered.performance is not None
    assert 0 < rendered.performance.onset < rendered.performance.apex
    assert rendered.weights[0].max() < 1e-9
    assert rendered.weights[rendered.performance.apex].max() > 0.5
    assert 0 < rendered.points.min() < rendered.points.max() < SIZE


@pytest.mark.slow
def test_a_neutral_image_is_one_frame_of_a_face_at_rest_in_a_scene_of_its_own(job: Job) -> None:
    from fevbench.fevsynth.render.frame import render_frames

    clip = render_frames(job)
    images = [
        render_frames(replace(job, label=None, repetition=repetition, frames=1)) for repetition in range(2)
    ]
    for image in images:
        assert image.frames.shape == (1, SIZE, SIZE, 3)
        assert image.performance is None
        assert not image.weights.any()
    poses = [clip.pose[0], *(image.pose[0] for image in images)]
    lights = [clip.light, *(image.light for image in images)]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(poses[a] - poses[b]).max() > 0.05
        assert np.abs(lights[a] - lights[b]).max() > 0.01


@pytest.mark.slow
def test_the_points_move_with_the_head(job: Job) -> None:
    """Yaw to the picture's right, pitch down and roll to the left, as `Truth` defines them."""
    from fevbench.fevsynth.render.frame import _sitting
    from fevbench.fevsynth.render.scene import draw_scene

    _, painter = _sitting(job.assets, job.subject)
    scene = draw_scene(np.random.default_rng(0))

    def points(*degrees: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return painter.points(scene, {}, 0.0, np.deg2rad(np.array(degrees)), SIZE)

    left_eye, right_eye, nose = 0, 1, 2
    straight = points(0, 0, 0)
    assert points(10, 0, 0)[nose, 0] > straight[nose, 0] + 1
    assert points(0, 10, 0)[nose, 1] > straight[nose, 1] + 1
    rolled = points(0, 0, 10)
    assert rolled[left_eye, 1] > straight[left_eye, 1] + 0.5
    assert rolled[right_eye, 1] < straight[right_eye, 1] - 0.5


@pytest.mark.slow
def test_the_command_renders_faces_that_are_found_again(tmp_path: Path) -> None:
    """The whole way once: processes, files, manifest, data set."""
    from fevbench.data.datasets import open_dataset

    words = ("--people", "1", "--takes", "1", "--frames", str(FRAMES), "--size", str(SIZE), "--out", tmp_path)
    subprocess.run([sys.executable, "-m", "fevbench", "data", "render", "fevsynth", *words], check=True)
    data = open_dataset(f"fevsynth:{tmp_path}")
    clips = data.clips("train")
    assert [clip.label for clip in clips] == list(data.labels)
    assert all(data.frames(clip).shape == (FRAMES, SIZE, SIZE, 3) for clip in clips)
