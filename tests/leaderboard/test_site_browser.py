"""The site in a real browser: Chromium of the distribution, without a network (`make browser`)."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from site_results import FRAMES, HOSTILE, models, write

from leaderboard.site.build import build

pytestmark = pytest.mark.browser

TABLE = "tiny-1-64x16-test"
PAGES = (
    "index.html",
    f"{TABLE}/compare.html",
    "models/good.html",
    "models/script-alert-x-script.html",
    "metrics/csim.html",
    "metrics/lpips-vgg.html",
)
WHERE_THE_BAR_IS = """() => [...document.querySelectorAll("#compare video")].map((video) => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 32, height: 32});
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 32, 32);
  const row = context.getImageData(0, 16, 32, 1).data;
  let best = 0;
  for (let x = 1; x < 32; x++) if (row[4 * x] > row[4 * best]) best = x;
  return best >> 1;
})"""
"""The frame each video shows, read off its pixels."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write(tmp_path_factory.mktemp("results"), models())
    return build([folder], tmp_path_factory.mktemp("site") / "site", []).out


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    """The site from a web server that knows no ranges."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


Open = Callable[..., Any]


@pytest.fixture
def visit(chromium: Any, site: Path, served: str) -> Iterator[Open]:
    """Open a page. Afterwards nothing may have been said on its console, and nothing asked for elsewhere."""
    contexts: list[Any] = []
    complaints: list[str] = []
    asked: list[str] = []

    def opened(path: str, disk: bool = False, **options: Any) -> Any:
        options = {"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 900}} | options
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{path}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"{path}: {error}"))
        page.on("dialog", lambda dialog: complaints.append(f"{path}: a dialog"))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{site}/{path}" if disk else served + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints
    own = (served, f"file://{site}/", f"blob:{served}", "data:")
    assert [url for url in asked if not url.startswith(own)] == []


@pytest.mark.parametrize("disk", [True, False], ids=["disk", "server"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_quietly(visit: Open, path: str, disk: bool) -> None:
    page = visit(path, disk)
    page.wait_for_load_state("networkidle")
    assert page.locator("h1").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_no_serious_fault(visit: Open, path: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(path, color_scheme=scheme, bypass_csp=True)
    page.wait_for_load_state("networkidle")
    violations = axe.run(page).response["violations"]
    serious = [v for v in violations if v["impact"] in ("serious", "critical")]
    assert [(v["id"], v["nodes"][0]["html"]) for v in serious] == []


def names(page: Any) -> list[str]:
    rows = page.locator("tbody.models tr.run:visible, tbody.controls tr.run:visible")
    return [row.get_attribute("data-name") for row in rows.all()]


def test_a_column_sorts_by_keyboard_and_says_so(visit: Open) -> None:
    page = visit("index.html")
    start = names(page)
    head = page.locator('.heads th[data-column="motion"]')
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert names(page) == ["middling", "good", HOSTILE, "real"]  # the best first, controls apart
    assert head.get_attribute("aria-sort") == "descending"
    page.keyboard.press("Enter")
    assert names(page) == [HOSTILE, "good", "middling", "real"]
    assert head.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert names(page) == start
    assert head.get_attribute("aria-sort") is None
    page.locator('.heads th[data-column="fvd"] button').click()  # lower is better
    assert names(page)[0] == "middling"


def test_rows_are_filtered_and_controls_hidden(visit: Open) -> None:
    page = visit("index.html")
    page.get_by_role("searchbox").fill("MIDD")
    assert names(page) == ["middling"]
    assert not page.locator("tbody.controls .part").is_visible()
    page.get_by_role("searchbox").fill("nobody")
    assert page.get_by_text("No model's name contains that.").is_visible()
    page.get_by_role("searchbox").fill("")
    page.get_by_label("controls", exact=True).uncheck()
    assert "real" not in names(page)


def test_columns_are_hidden_by_group_and_one_by_one(visit: Open) -> None:
    page = visit("index.html")
    csim = page.locator('td[data-column="csim"]').first
    page.get_by_label("Identity").uncheck()
    assert not csim.is_visible()
    assert not page.locator('[data-group-head="identity"]').is_visible()
    page.get_by_label("Identity").check()
    assert csim.is_visible()
    page.get_by_text("each", exact=True).click()
    page.get_by_label("csim", exact=True).uncheck()
    assert not csim.is_visible()
    assert page.locator('td[data-column="fvd"]').first.is_visible()


@pytest.mark.parametrize("how", ["reload", "back"])
def test_a_table_shows_what_its_controls_say_when_one_comes_back(visit: Open, how: str) -> None:
    """Browsers put back what was typed and ticked, and not what a script made of it."""
    page = visit("index.html")
    page.get_by_role("searchbox").fill("midd")
    page.get_by_label("Identity").uncheck()
    if how == "reload":
        page.evaluate("location.reload()")
        page.wait_for_timeout(300)
    else:
        page.goto(page.url.replace("index.html", "metrics/csim.html"))
        page.go_back()
    page.get_by_role("searchbox").wait_for()
    wanted = page.get_by_role("searchbox").input_value()
    assert len(names(page)) == (1 if wanted else 4)
    shown = page.locator('td[data-column="csim"]').first.is_visible()
    assert shown == page.get_by_label("Identity").is_checked()


def test_nothing_is_found_among_rows_that_are_hidden(visit: Open) -> None:
    page = visit("index.html")
    page.get_by_role("searchbox").fill("real")
    assert names(page) == ["real"]
    page.get_by_label("controls", exact=True).uncheck()
    assert page.get_by_text("No model's name contains that.").is_visible()


def test_the_theme_follows_the_system_and_can_be_turned(visit: Open) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    page = visit("index.html", color_scheme="dark")
    dark = page.evaluate(background)
    page.get_by_role("button", name="Light").click()
    light = page.evaluate(background)
    assert light != dark
    page.goto(page.url.replace("index.html", "metrics/csim.html"))
    assert page.evaluate(background) == light
    assert visit("index.html", color_scheme="light").evaluate(background) == light


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_scrolls_tables_in_their_boxes_only(visit: Open, path: str) -> None:
    page = visit(path, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_names_stay_when_the_table_is_scrolled(visit: Open) -> None:
    page = visit("index.html", viewport={"width": 390, "height": 844})
    name = page.locator("tbody.models tr.run th").first
    before = name.bounding_box()
    moved = page.locator(".box").first.evaluate("(box) => { box.scrollLeft = 200; return box.scrollLeft; }")
    assert moved > 0
    assert name.bounding_box()["x"] == pytest.approx(before["x"], abs=1)


def test_clips_show_the_frame_that_was_asked_for(visit: Open) -> None:
    page = visit(f"{TABLE}/compare.html")
    for frame in (0, 7, FRAMES - 1):
        page.get_by_role("slider").fill(str(frame))
        page.wait_for_function("() => [...document.querySelectorAll('video')].every((v) => !v.seeking)")
        page.wait_for_timeout(100)
        shown = page.evaluate(WHERE_THE_BAR_IS)
        assert len(shown) == 5  # the true clip and four runs
        assert set(shown) == {frame}


@pytest.mark.parametrize("disk", [True, False], ids=["disk", "server"])
def test_clips_play_in_step(visit: Open, disk: bool) -> None:
    page = visit(f"{TABLE}/compare.html", disk)
    page.get_by_role("button", name="Play").click()
    seen = set()
    for _ in range(40):
        times = page.evaluate("[...document.querySelectorAll('#compare video')].map((v) => v.currentTime)")
        assert max(times) - min(times) < 1e-3
        seen.add(times[0])
        page.wait_for_timeout(60)
    assert len(seen) > 4
    page.get_by_role("button", name="Pause").click()
    still = page.locator(".frame").text_content()
    page.wait_for_timeout(300)
    assert page.locator(".frame").text_content() == still


def test_clips_play_at_once_only_where_motion_is_welcome(visit: Open) -> None:
    assert visit(f"{TABLE}/compare.html").get_by_role("button", name="Play").is_visible()
    page = visit(f"{TABLE}/compare.html", reduced_motion="no-preference")
    page.get_by_role("button", name="Pause").wait_for()


def test_clips_are_chosen_and_stepped_by_keyboard(visit: Open) -> None:
    page = visit(f"{TABLE}/compare.html")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".frame").text_content() == f"2 / {FRAMES}"
    page.keyboard.press(" ")
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press(" ")
    page.locator("#person").select_option("p03")
    page.locator("#clip").select_option(label="joy (p03-1)")
    assert "p03-1: joy, person p03" in page.locator(".now").text_content()
    assert page.url.endswith("#clip=p03-1&metric=csim")
    page.reload()
    assert "p03-1" in page.locator(".now").text_content()


def test_arrows_step_after_a_button_was_clicked(visit: Open) -> None:
    page = visit(f"{TABLE}/compare.html")
    page.get_by_role("button", name="Next frame").click()
    page.keyboard.press("ArrowRight")
    assert page.locator(".frame").text_content() == f"3 / {FRAMES}"


def test_no_clip_stays_dim_and_one_that_cannot_be_played_is_named(visit: Open) -> None:
    page = visit(f"{TABLE}/compare.html")
    page.wait_for_function("() => !document.querySelector('video.loading')")
    assert not page.locator(".unplayable").is_visible()
    page.evaluate("document.querySelector('#compare video').src = '../assets/icon.svg'")
    page.get_by_text("This browser cannot play clips of H.264").wait_for()
    page.locator("#next").click()
    page.wait_for_function("() => !document.querySelector('video.loading')")


def test_clips_are_in_step_after_all_that_can_happen(visit: Open) -> None:
    """Jumps, other speeds, other clips while they play, and a tab that was out of sight."""
    page = visit(f"{TABLE}/compare.html")
    page.get_by_role("button", name="Play").click()
    for act in (
        lambda: page.locator(".speed").select_option("0.25"),
        lambda: page.locator("#next").click(),
        lambda: page.locator(".speed").select_option("1"),
        lambda: page.locator("#clip").select_option(index=0),
        lambda: other_tab(page),
    ):
        act()
        page.wait_for_timeout(400)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("slider").fill("9")
    page.wait_for_function("() => [...document.querySelectorAll('video')].every((v) => !v.seeking)")
    page.wait_for_timeout(100)
    assert set(page.evaluate(WHERE_THE_BAR_IS)) == {9}


def other_tab(page: Any) -> None:
    """Bring another tab to the front for a moment."""
    other = page.context.new_page()
    other.bring_to_front()
    other.wait_for_timeout(300)
    other.close()
    page.bring_to_front()


def test_a_models_page_plays_the_clips_of_each_metric(visit: Open) -> None:
    page = visit("models/good.html")
    before = page.locator(".examples .caption").first.text_content()
    page.get_by_role("button", name="Show the clips by motion").click()
    after = page.locator(".examples .caption").first.text_content()
    assert before.startswith("csim")
    assert after.startswith("motion")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.examples video')].every((v) => v.readyState >= 2)"
    )


def test_a_breakdown_is_reached_from_its_metric(visit: Open) -> None:
    page = visit("metrics/motion.html")
    page.get_by_role("link", name="By expression and by person").click()
    # The page chooses when its script has run, which a busy machine may take its time for.
    from playwright.sync_api import expect

    expect(page.get_by_label("Metric")).to_have_value("motion")
    assert page.get_by_role("region", name="motion by person").is_visible()
    assert not page.get_by_role("region", name="csim by person").is_visible()


def test_tables_are_readable_without_a_script(visit: Open) -> None:
    page = visit("index.html", java_script_enabled=False)
    assert len(names(page)) == 4
    assert not page.get_by_role("searchbox").is_visible()
    page = visit(f"{TABLE}/compare.html", java_script_enabled=False)
    assert page.get_by_role("region", name="motion by person").is_visible()
    assert page.locator("video[controls]").count() == 5
