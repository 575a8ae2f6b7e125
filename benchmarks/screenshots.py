"""Take the docs' screenshots of the leaderboard, as `make leaderboard` built it; needs `make chromium`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import click
from chromium import opened
from tables import PICTURES as IMAGES
from tables import shrink

from fevbench.errors import FevbenchError

APEX = 0.6
"""Where clips are stopped, as a part of their length."""


class Shot(NamedTuple):
    """A screenshot: name, page, width and height in pixels, heading at its top, colour scheme."""

    name: str
    page: str
    size: tuple[int, int]
    heading: str = ""
    scheme: str = "light"


SHOTS = (
    Shot("table", "index.html", (1440, 900)),
    Shot("compare", "fevsynth-1.0-128x32-test/compare.html#clip=p095-anger-1", (1280, 720)),
    Shot("metric", "metrics/motion.html", (1100, 1000), "Values of all models: fevsynth 1.0, 64x16"),
    Shot("model-dark", "models/fev-gan-warp.html", (1100, 900), scheme="dark"),
    Shot("phone", "index.html", (390, 844)),
)


@click.command()
@click.argument("site", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(site: Path) -> None:
    """Take all screenshots of SITE."""
    if not IMAGES.is_dir():
        sys.exit(f"error: there is no {IMAGES} here: run this in the root of a checkout")
    if missing := [shot.page for shot in SHOTS if not (site / shot.page.partition("#")[0]).exists()]:
        sys.exit(f"error: {site} has no {missing[0]}: build the site of leaderboard/results")
    try:
        with opened() as browser:
            for shot in SHOTS:
                click.echo(_taken(browser, site, shot))
    except FevbenchError as error:
        sys.exit(f"error: {error}")


def _taken(browser: Any, site: Path, shot: Shot) -> Path:
    """The file of a screenshot, once it is taken."""
    width, height = shot.size
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=shot.scheme, reduced_motion="reduce"
    )
    page.goto(f"{site.resolve().as_uri()}/{shot.page}", wait_until="load")
    if page.get_by_role("slider").count():
        slider = page.get_by_role("slider").first
        slider.fill(str(int(APEX * int(slider.get_attribute("max")))))
    if shot.heading:
        heading = page.get_by_role("heading", name=shot.heading)
        heading.evaluate("it => { it.scrollIntoView(); scrollBy(0, -20) }")
    page.wait_for_timeout(1000)  # a frame that was sought is drawn a moment later
    file = IMAGES / f"leaderboard-{shot.name}.png"
    page.screenshot(path=file)
    page.close()
    shrink(file)
    return file


if __name__ == "__main__":
    main()
