"""Much work of one kind by several processes, some of which die."""

from __future__ import annotations

import errno
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from fevbench.errors import FevbenchError
from fevbench.processes import work_in_turns


@pytest.mark.parametrize("deaths", [0, 1])
def test_a_worker_that_dies_while_another_is_started_is_a_death_like_any(
    monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    """The pool closes the pipe that the other is handed, which then cannot be started."""
    start, started = ProcessPoolExecutor._spawn_process, 0

    def kill_and_start(pool: ProcessPoolExecutor) -> None:
        nonlocal started
        started += 1
        if started == 2:
            next(iter(pool._processes.values())).kill()
            deadline = time.monotonic() + 60
            while not pool._call_queue._reader.closed:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        start(pool)

    monkeypatch.setattr(ProcessPoolExecutor, "_spawn_process", kill_and_start)
    found: dict[int, int] = {}
    if deaths:
        work_in_turns(abs, [[-1, -2, -3]], 2, found.__setitem__, deaths=deaths)
        assert found == {-1: 1, -2: 2, -3: 3}
    else:
        with pytest.raises(FevbenchError, match="a worker process was killed"):
            work_in_turns(abs, [[-1, -2, -3]], 2, found.__setitem__)


def test_what_the_system_refuses_is_no_death(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pool: ProcessPoolExecutor) -> None:
        raise OSError(errno.EAGAIN, "too many processes")

    monkeypatch.setattr(ProcessPoolExecutor, "_spawn_process", refuse)
    with pytest.raises(OSError, match="too many processes"):
        work_in_turns(abs, [[-1, -2]], 2, lambda piece, found: None, deaths=1)
