"""The page in a real browser, with its real networks: `make app`."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import apart
import numpy as np
import pytest
from PIL import Image

from fevbench.data.clip import EXPRESSIONS
from fevbench.data.video import read_clip

pytestmark = [pytest.mark.app, pytest.mark.weights]

PATIENCE = 600_000
"""Milliseconds: a busy machine is slow, and the page is not."""
MODELS = ("fev-gan-warp", "imaginator")
NUMBERS = re.compile(r"csim (-?\d\.\d\d)fer: [a-z]+ \d+\s%face-api: [a-z]+ \d+\s%")
LENGTH = 1.28
"""Seconds of a clip: 16 frames, 12.5 a second."""
TIMES = "[...document.querySelectorAll('table.sheet video')].map((video) => video.currentTime)"
LOADED = "() => [...document.querySelectorAll('table.sheet video')].every((video) => video.readyState >= 2)"


@dataclass
class Served:
    """`fevbench app` in a process of its own: where it is, and the file of those whom it asked for."""

    address: str
    process: subprocess.Popen[str]
    asked: Path
    folder: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    here, room = Path(__file__).parent, tmp_path_factory.mktemp("app")
    chosen = [word for name in MODELS for word in ("--model", name)]
    words = ["app", "--port", "0", *chosen]
    (room / "temporary").mkdir()
    settings = {"TMPDIR": str(room / "temporary"), "FEVBENCH_HOME": str(room / "home")}
    process = subprocess.Popen(
        [sys.executable, str(here / "watched.py"), str(room / "asked"), *words],
        stdout=subprocess.PIPE,
        text=True,
        env=apart.process_environment(here.parent.parent, **settings),
    )
    assert process.stdout is not None
    address = process.stdout.readline().partition(" ")[0]
    assert address.startswith("http://127.0.0.1:"), address
    yield Served(address, process, room / "asked", room / "temporary")
    process.kill()
    process.wait()


@pytest.fixture
def page(chromium: Any, served: Served) -> Iterator[Any]:
    """The page, opened. Afterwards it may have asked nobody else, and have said of no error."""
    context = chromium.new_context(reduced_motion="no-preference", accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(served.address)
    yield page
    context.close()
    assert complaints == []
    assert len(asked) > 10
    own = (served.address, f"blob:{served.address}", "data:")
    assert [url for url in asked if not url.startswith(own)] == []


def test_an_example_becomes_a_table_in_step_and_two_files(page: Any, served: Served, tmp_path: Path) -> None:
    page.get_by_role("button", name="Take an example").click()
    page.locator("#working progress").wait_for()
    for name in ("mp4", "GIF"):
        with page.expect_download() as download:
            page.get_by_text(f"Download as {name}").click()
        download.value.save_as(tmp_path / f"sheet.{name.lower()}")
    assert page.locator(".said p").count() == 0, "nothing speaks against the example"
    heads = page.locator("table.sheet thead th").all_text_contents()
    assert heads == ["model", *EXPRESSIONS]
    for name in MODELS:
        body = page.locator(f"tbody[data-model={name}]")
        cells = body.locator("td:not(.clips)").all_text_contents()
        found = [NUMBERS.fullmatch(cell) for cell in cells]
        numbers = [float(one[1]) for one in found if one]
        assert len(numbers) == len(EXPRESSIONS), cells
        assert 0 < min(numbers) <= max(numbers) < 1
    page.wait_for_function(LOADED)
    moving = []
    for _ in range(60):
        times = page.evaluate(TIMES)
        assert len(times) == len(MODELS)
        moving += [times] if max(times) < LENGTH else []
        page.wait_for_timeout(50)
    assert len({round(first, 1) for first, _ in moving}) > 4
    assert median(max(times) - min(times) for times in moving) < LENGTH / 16, "a frame lasts so long"
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play").wait_for()
    assert page.evaluate(TIMES) == pytest.approx([LENGTH] * len(MODELS))
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, (
        "a phone scrolls the table in its box"
    )
    with Image.open(tmp_path / "sheet.gif") as gif:
        assert gif.n_frames > 1
        assert gif.size == read_clip(tmp_path / "sheet.mp4").shape[2:0:-1]


def test_what_speaks_against_a_photograph_is_said(page: Any, photograph: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_text("no picture")
    Image.new("RGB", (200, 200), "grey").save(tmp_path / "none.png")
    Image.fromarray(np.concatenate([photograph] * 2, 1)).save(tmp_path / "two.png")
    for name, words in (
        ("broken", "The photograph cannot be decoded"),
        ("none", "No face was found in the photograph"),
        ("two", "The photograph shows 2 faces"),
    ):
        page.locator("input[type=file]").first.set_input_files(tmp_path / f"{name}.png")
        page.locator(".said", has_text=words).wait_for()
        if name == "two":
            page.locator(".said", has_text="The face is not neutral but shows happiness").wait_for()
            continue
        assert page.locator("table.sheet").count() == 0
        page.get_by_label("Remove Image").click()
        page.locator(".said p").wait_for(state="detached")


def test_answers_forbid_what_is_elsewhere_and_foreign_names(served: Served) -> None:
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    with urlopen(served.address) as answer:
        policy = answer.headers["Content-Security-Policy"]
        text = answer.read().decode()
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "http:" not in policy
    assert "googleapis" not in text
    for request in (
        Request(served.address, headers={"Host": "evil.example"}),
        Request(f"{served.address}gradio_api/file={Path(__file__)}"),
    ):
        with pytest.raises(HTTPError) as raised:
            urlopen(request)
        assert raised.value.code in (400, 403)


def test_at_the_end_nothing_is_left_and_nobody_was_asked(served: Served) -> None:
    """The last of this module, as it ends the server."""
    assert [path for path in served.folder.iterdir() if path.name.startswith("fevbench-app-")]
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(120) == 0
    left = [path.name for path in served.folder.iterdir() if path.name.startswith("fevbench-app-")]
    assert left == []
    assert served.asked.read_text() == ""
