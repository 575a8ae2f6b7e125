"""Render clips of heads that three.js draws in Chromium, as a folder for `fevbench data prepare`."""

from __future__ import annotations

import argparse
import base64
import csv
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import plan

from fevbench.errors import FevbenchError
from fevbench.fevsynth.render.assets import Archive, assets_folder, packed

sys.path.append(str(Path(__file__).resolve().parents[1]))
from chromium import opened

HEAD = Archive(
    "openfacefx==0.24.0",
    "openfacefx-0.24.0-py3-none-any.whl",
    "f13482510d389992c42ad83b8f33576ac1d8a37ab2bfebd8539e9ed658d50003",
    "pip",
)
"""Holds the head of Face Cap (Niels Jansson, bannaflak.com) with ARKit's 52 blend shapes."""
THREE = Archive(
    "three@0.180.0",
    "three-0.180.0.tgz",
    "ad66d724565ee29a2467277fa84daa5ed0211d6b8d446e9ef29f6bae0cd14144",
    "npm",
)
"""three.js, MIT."""
_HEAD_FILE = "openfacefx/studio_web/assets/facecap.glb"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm"}
_HERE = Path(__file__).parent


def pages(folder: Path) -> Callable[[str], bytes | None]:
    """Return what is at a path of the page's address: its own files, the head and three.js."""
    with zipfile.ZipFile(packed(HEAD, folder)) as wheel:
        files = {"/head.glb": wheel.read(_HEAD_FILE)}
    files |= {"/head.html": (_HERE / "head.html").read_bytes(), "/head.js": (_HERE / "head.js").read_bytes()}
    with tarfile.open(packed(THREE, folder)) as package:
        for member in package:
            stream = package.extractfile(member) if member.name.endswith((".js", ".wasm")) else None
            if stream is not None:
                files[member.name.replace("package", "/three", 1)] = stream.read()
    return files.get


def main() -> None:
    """Render ``--subjects`` times six labels and write ``clips.csv`` beside the folders of frames."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--subjects", type=_count, default=10)
    parser.add_argument("--takes", type=_count, default=1)
    chosen = parser.parse_args()
    try:
        _render(chosen.out, chosen.subjects, chosen.takes)
    except (FevbenchError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped: repeat the command, which renders all clips again")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _render(out: Path, subjects: int, takes: int) -> None:
    folder = assets_folder()
    folder.mkdir(parents=True, exist_ok=True)
    found = pages(folder)

    def answer(route: Any) -> None:
        path = "/" + route.request.url.split("/", 3)[3]
        content = found(path)
        if content is None:
            route.fulfill(status=404)
        else:
            route.fulfill(body=content, content_type=_TYPES.get(Path(path).suffix, ""))

    # Chromium draws in software, so that the pictures do not depend on a graphics card.
    with opened("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader") as browser:
        from playwright.sync_api import Error

        page = browser.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.route("**/*", answer)
        page.goto("http://head.invalid/head.html")
        try:
            page.wait_for_function("window.ready", timeout=60_000)
        except Error as late:
            reason = (wrong or [str(late)])[0].splitlines()[0]
            raise FevbenchError(f"the page could not load the head: {reason}") from late
        rows = []
        for number in range(1, subjects + 1):
            who = plan.subject(number)
            page.evaluate("who => become(who)", asdict(who))
            for label in plan.RECIPES:
                for take in range(1, takes + 1):
                    target = out / who.name / label / str(take)
                    target.mkdir(parents=True, exist_ok=True)
                    for index, frame in enumerate(plan.clip(who, label, take)):
                        url = page.evaluate("frame => draw(frame)", frame)
                        (target / f"{index:04d}.png").write_bytes(base64.b64decode(url.split(",", 1)[1]))
                    rows.append((target.relative_to(out).as_posix(), who.name, label, take))
            print(f"{who.name}: {len(plan.RECIPES) * takes} clips", flush=True)
    if wrong:
        raise FevbenchError(f"the page could not draw the head: {wrong[0].splitlines()[0]}")
    with (out / "clips.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("path", "subject", "label", "take"), *rows])


if __name__ == "__main__":
    main()
