"""Work spread over processes gives the same files, and what goes wrong in one is told by all."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import fake_faces
import pytest

from fevbench.errors import FevbenchError
from fevbench.fevsynth.render.files import is_done
from fevbench.fevsynth.render.plan import Job, Rendered, Settings, jobs_of
from fevbench.fevsynth.render.sets import render_all


def jobs(folder: Path) -> list[Job]:
    return list(jobs_of(Settings(people=1, takes=1, frames=8, size=32, seed=1), folder, folder))


def test_every_job_is_done_once_and_told(tmp_path: Path) -> None:
    heard: list[Job] = []
    todo = jobs(tmp_path)
    seconds = render_all(todo, 2, fake_faces.make, heard.append)
    assert all(map(is_done, todo))
    assert sorted(job.id for job in heard) == sorted(job.id for job in todo)
    assert seconds > 0
    assert not multiprocessing.active_children()


def test_nothing_to_do_is_no_error(tmp_path: Path) -> None:
    assert render_all([], 2, fake_faces.make) == 0


@pytest.mark.parametrize("make", [fake_faces.run_out_of_memory, fake_faces.be_killed])
def test_a_process_that_dies_is_an_error_with_a_way_out(
    tmp_path: Path, make: Callable[[Job], Rendered]
) -> None:
    with pytest.raises(FevbenchError, match="lack of memory: repeat the command with fewer --jobs"):
        render_all(jobs(tmp_path), 2, make)
    assert not multiprocessing.active_children()


def test_ctrl_c_does_not_wait_for_the_clips_in_progress(tmp_path: Path) -> None:
    def press_ctrl_c(job: Job) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_all(jobs(tmp_path), 2, fake_faces.sleep_over_clips, press_ctrl_c)
    assert not list(tmp_path.rglob("*.mkv")), "one that is waited for is written"
    assert not multiprocessing.active_children()


def test_an_error_of_a_process_is_told_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "clips").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="clips"):
        render_all(jobs(tmp_path), 2, fake_faces.make)
    assert not multiprocessing.active_children()
