"""Take the docs' screenshots of the leaderboard, as `make leaderboard` built it; needs `make chromium`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Literal, NamedTuple

import click
from PIL import Image

IMAGES = Path("docs/images")
STILL = 9
"""The frame that clips are stopped at, near their apex."""


class Shot(NamedTuple):
    """A screenshot: name, page, width and height in pixels, heading at its top, colour scheme."""

    name: str
    page: str
    size: tuple[int, int]
    heading: str = ""
    scheme: Literal["light", "dark"] = "light"


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
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        sys.exit("error: no Chromium here: `make chromium` installs it")
    if missing := [shot.page for shot in SHOTS if not (site / shot.page.partition("#")[0]).exists()]:
        sys.exit(f"error: {site} has no {missing[0]}: build the site of leaderboard/results")
    arguments = ["--disable-dev-shm-usage", *["--no-sandbox"] * (os.geteuid() == 0)]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        for shot in SHOTS:
            width, height = shot.size
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=shot.scheme, reduced_motion="reduce"
            )
            page.goto(f"{site.resolve().as_uri()}/{shot.page}", wait_until="load")
            if page.get_by_role("slider").count():
                page.get_by_role("slider").first.fill(str(STILL))
            if shot.heading:
                heading = page.get_by_role("heading", name=shot.heading)
                heading.evaluate("it => { it.scrollIntoView(); scrollBy(0, -20) }")
            page.wait_for_timeout(1000)  # a frame that was sought is drawn a moment later
            file = Path(folder) / f"{shot.name}.png"
            page.screenshot(path=file)
            page.close()
            with Image.open(file) as taken:
                few = taken.convert("RGB").quantize(256)  # a third of the bytes
            few.save(IMAGES / f"leaderboard-{shot.name}.png", optimize=True)
            click.echo(IMAGES / f"leaderboard-{shot.name}.png")
        browser.close()


if __name__ == "__main__":
    main()
