"""The project's addresses, from its configuration (`[project.urls]`), if any."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, metadata

PACKAGE = "fevbench"
NAMES = ("leaderboard", "submissions", "issues", "source", "documentation")
"""The addresses that pages use. ``leaderboard`` is that of the published site."""


def addresses() -> dict[str, str]:
    """The project's addresses by name; empty for one that is not configured."""
    try:
        lines = metadata(PACKAGE).get_all("Project-URL") or []
    except PackageNotFoundError:
        lines = []
    found = {}
    for line in lines:
        name, _, address = line.partition(",")
        if address.strip().startswith(("https://", "http://")):
            found[name.strip().casefold()] = address.strip()
    known = {name: found.get(name, "") for name in NAMES}
    published = known["leaderboard"]
    return known | {"leaderboard": f"{published.rstrip('/')}/" if published else ""}
