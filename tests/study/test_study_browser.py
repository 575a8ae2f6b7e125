"""The study's page in a real browser, from the disk and without a network (`make browser`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated_raters import study as simulated_study

from fevbench.study.outcome import find_outcome
from fevbench.study.page import Shown, as_picture, as_video, render_page
from fevbench.study.record import Study, read_answers

pytestmark = pytest.mark.browser

LONG = 15_000
"""Milliseconds a busy machine may take to play a clip."""
COLOURS = ((200, 60, 60), (60, 160, 60), (60, 60, 200))
DAMAGED = (20, 20, 20)
PIXELS = """() => ["left", "right"].map((side) => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 8, height: 8});
  const context = canvas.getContext("2d");
  context.drawImage(document.getElementById(side), 0, 0, 8, 8);
  return [...context.getImageData(4, 4, 1, 1).data].slice(0, 3);
})"""
"""The colour each video shows."""


def clip(colour: tuple[int, int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A clip of one colour, which says who made it."""
    return np.broadcast_to(np.array(colour, np.uint8), (8, 64, 64, 3)).copy()


@pytest.fixture(scope="module")
def study() -> Study:
    return simulated_study(3, subjects=6, pairs=6, checks=2)


@pytest.fixture(scope="module")
def page(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    videos = {colour: as_video(clip(colour), 25) for colour in (*COLOURS, DAMAGED, (240, 240, 240))}
    face = as_picture(clip((220, 180, 150)))
    questions = {
        pair.id: Shown(pair.label, face, videos[COLOURS[pair.a]], videos[COLOURS[pair.b]])
        for pair in study.pairs
    }
    for check in study.checks:
        both = videos[(240, 240, 240)], videos[DAMAGED]
        questions[check.id] = Shown("anger", face, *(both if check.true == "a" else both[::-1]))
    file = tmp_path_factory.mktemp("page") / "index.html"
    file.write_text(render_page(study, questions), encoding="utf-8")
    return file


Open = Callable[..., Any]


@pytest.fixture
def visit(chromium: Any, page: Path) -> Iterator[Open]:
    """Open the page. Afterwards nothing may be on its console, and nothing asked for elsewhere."""
    contexts: list[Any] = []
    complaints: list[str] = []
    asked: list[str] = []

    def opened(fragment: str = "", context: Any = None, **options: Any) -> Any:
        context = context or chromium.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(f"file://{page}{fragment}")
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert not complaints
    assert [url for url in asked if not url.startswith((f"file://{page}", "blob:", "data:"))] == []


def ready(tab: Any) -> None:
    """Wait until both videos were seen."""
    tab.wait_for_selector('.choice[aria-disabled="false"]', timeout=LONG)


def choose(tab: Any, best: tuple[tuple[int, int, int], ...]) -> None:
    """Answer a question by the arrow keys: the video whose colour comes first in ``best``."""
    ready(tab)
    left, right = (
        min(range(len(best)), key=lambda i: np.abs(np.subtract(best[i], c)).sum())
        for c in tab.evaluate(PIXELS)
    )
    tab.keyboard.press("ArrowLeft" if left < right else "ArrowRight")


def saved(tab: Any, button: str, folder: Path) -> Path:
    """Press a button that saves; returns the file."""
    with tab.expect_download() as download:
        tab.locator(button).click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


ORDER = ((240, 240, 240), *COLOURS, DAMAGED)


def test_a_rater_answers_by_keyboard_and_the_order_is_recovered(
    visit: Open, study: Study, tmp_path: Path
) -> None:
    tab = visit()
    tab.locator("#agree").focus()
    tab.keyboard.press("Enter")
    for i in range(8):
        assert tab.locator("#count").text_content() == f"{i + 1} of 8"
        choose(tab, ORDER)
    tab.wait_for_selector("#thanks")
    file = saved(tab, "#download", tmp_path)
    raters = read_answers([file], study)
    assert not raters.left_out
    assert [one.name for one in find_outcome(study, raters).models] == ["m0", "m1", "m2"]
    content = json.loads(file.read_text())
    assert content.keys() == {"format", "study", "rater", "answers"}
    assert all(answer.keys() == {"question", "left", "choice", "ms"} for answer in content["answers"])


def test_progress_is_kept_undone_and_saved_halfway(visit: Open, study: Study, tmp_path: Path) -> None:
    tab = visit("#rater=r1")
    tab.locator("#agree").click()
    tab.keyboard.press("ArrowLeft")
    assert tab.locator("#status").text_content() == "Watch both videos to their end first."
    for key in ("ArrowLeft", "ArrowDown"):
        ready(tab)
        tab.keyboard.press(key)
    assert tab.locator("#count").text_content() == "3 of 8"
    tab.reload()
    assert tab.locator("#count").text_content() == "3 of 8"
    tab.locator("#back").click()
    assert tab.locator("#count").text_content() == "2 of 8"
    content = json.loads(saved(tab, "#save", tmp_path).read_text())
    assert (content["rater"], len(content["answers"])) == ("r1", 1)
    assert content["answers"][0]["choice"] == content["answers"][0]["left"]
    again = visit("#rater=r1")
    other = visit("#rater=r2")
    firsts = []
    for one in (tab, again, other):
        if one is not tab:
            one.locator("#agree").click()
            ready(one)
            one.keyboard.press("ArrowLeft")
        firsts.append(json.loads(one.evaluate("Object.values(localStorage)[0]"))["answers"][0])
    same = [{key: first[key] for key in ("question", "left", "choice")} for first in firsts]
    assert same[0] == same[1] != same[2]


def test_less_motion_plays_nothing_by_itself(visit: Open) -> None:
    tab = visit(reduced_motion="reduce")
    tab.locator("#agree").click()
    tab.wait_for_timeout(500)
    assert tab.evaluate("document.getElementById('left').currentTime") == 0
    assert tab.locator("#again-name").text_content() == "Play both"
    tab.keyboard.press("ArrowUp")
    ready(tab)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(visit: Open, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab = visit("#rater=axe", color_scheme=scheme, bypass_csp=True, viewport={"width": 390, "height": 844})
    found = []
    for i in range(3):
        violations = axe.run(tab, options={"rules": {"target-size": {"enabled": True}}}).response[
            "violations"
        ]
        found += [
            (v["id"], v["nodes"][0]["html"]) for v in violations if v["impact"] in ("serious", "critical")
        ]
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        for button in tab.locator("button:visible").all():
            box = button.bounding_box()
            assert min(box["width"], box["height"]) >= 24
        if i == 0:
            tab.locator("#agree").click()
            ready(tab)
        elif i == 1:
            tab.evaluate(
                """() => {
                  for (const id of ["start", "ask", "end"]) document.getElementById(id).hidden = id !== "end";
                }"""
            )
    assert found == []
