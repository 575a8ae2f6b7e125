"""The distribution's Chromium, driven by Playwright, for the scripts and tests that look at pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fevbench.errors import FevbenchError


@contextmanager
def opened(*arguments: str) -> Iterator[Any]:
    """Chromium with further command line ``arguments``: Playwright's ``Browser``.

    Raises:
        FevbenchError: There is no Playwright, or no Chromium.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as missing:
        raise FevbenchError("no Playwright here", "pip install 'fevbench[browser]'") from missing
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise FevbenchError("no Chromium here", "`make chromium` installs it, or apt-get install chromium")
    # Chromium refuses to run in its sandbox as root; containers have little shared memory.
    needed = ("--disable-dev-shm-usage", *("--no-sandbox",) * (os.geteuid() == 0))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*arguments, *needed])
        yield browser
        browser.close()
