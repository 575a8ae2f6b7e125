"""What commands share: options, the limits of numbers, and groups that keep their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from fevbench.data.datasets import SPLITS
from fevbench.data.protocol import DEFAULT_PROTOCOL
from fevbench.errors import FevbenchError

F = TypeVar("F", bound=Callable[..., Any])
PATH = click.Path(path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
POSITIVE = click.IntRange(min=1)
NOT_NEGATIVE = click.IntRange(min=0)


class GroupInOrder(click.Group):
    """A group that lists its commands in their own order under headings, and cuts no summary.

    Attributes:
        headings: Heading to the names of the commands below it; none lists all under one.
    """

    headings: Mapping[str, Sequence[str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every command with the first sentence of its help, whatever lines that takes."""
        names = self.list_commands(ctx)
        width = max(map(len, names))
        for heading, listed in (self.headings or {"Commands": names}).items():
            commands = [(name, self.get_command(ctx, name)) for name in listed]
            rows = [(name.ljust(width), one.get_short_help_str(1000)) for name, one in commands if one]
            with formatter.section(heading):
                formatter.write_dl(rows)


class Count(click.IntRange):
    """A whole number with a limit; beyond it, the message says why there is one.

    Args:
        least: The smallest that makes sense.
        most: The largest.
        because: Why no more.
    """

    def __init__(self, least: int, most: int, because: str) -> None:
        super().__init__(least, most)
        self._because = because

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        number = click.INT.convert(value, param, ctx)
        if self.max is not None and number > self.max:
            self.fail(f"{number} is more than {self.max:g}: {self._because}", param, ctx)
        return super().convert(value, param, ctx)


_NOBODY_LOOKS = "a picture of more would be too large"
CLIPS_SHOWN = Count(1, 1000, _NOBODY_LOOKS)


def clip_length(least: int) -> Count:
    """Frames of a clip."""
    return Count(least, 4096, "a clip lasts seconds, and is held in memory as a whole")


def frame_size(least: int) -> Count:
    """Width and height of a frame, in pixels."""
    return Count(
        least, 1024, "the networks of the metrics use 64 to 299 pixels, and frames are held in memory"
    )


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """``click.option``, whose help says what the default is if there is one."""
    return click.option(*names, show_default="default" in settings, **settings)


def choice(
    name: str, choices: Sequence[str], help: str | None, parameter: str | None = None
) -> Callable[[F], F]:
    """An option that takes one of ``choices``, by default the first."""
    names = (name,) if parameter is None else (name, parameter)
    return option(*names, type=click.Choice(choices), default=choices[0], help=help)


runs = click.argument("runs", nargs=-1, required=True, type=PATH, metavar="RUN…")
offline = option("--offline", is_flag=True, help="Download nothing.")
plugin = option(
    "--plugin", type=PATH, metavar="FILE.py", help="Python file that registers models or metrics."
)


def _jobs(help: str) -> Callable[[F], F]:
    kind = Count(1, 1024, "each is a process, and more processes than cores only wait")
    return option("--jobs", type=kind, metavar="J", help=help)


jobs = _jobs("Number of processes.  [default: one per core]")
workers = _jobs(
    "Number of workers; the result does not depend on it.  [default: what memory and cores allow]"
)


def clip_timeout(default: float | None = None) -> Callable[[F], F]:
    """How long a model may take."""
    return option(
        "--clip-timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=default,
        metavar="SECONDS",
        help="Stop a model that takes longer for one clip.",
    )


def _of_a_cluster(context: click.Context, _: click.Parameter, address: str | None) -> str | None:
    if address and context.params["engine"] != "ray":
        raise click.UsageError("--address needs --engine ray", context)
    return address


def how_to_run(command: F) -> F:
    """The options that are the same for every run: what `fevbench.evaluate` takes under these names."""
    every = (
        protocol(parameter="protocol"),
        metrics("Comma-separated metrics or families, or all."),
        split(),
        limit("Score only N clips, chosen by hash.", metavar="N"),
        device(),
        backend(),
        precision(),
        batch_size(metavar="N"),
        workers,
        option(
            "--engine",
            type=click.Choice(["local", "ray"]),
            default="local",
            is_eager=True,
            help="Run on this machine, or on a Ray cluster (docs/scaling.md).",
        ),
        option(
            "--address",
            metavar="HOST:PORT",
            callback=_of_a_cluster,
            help="Address of a running Ray cluster, or auto.",
        ),
        plugin,
        offline,
    )
    for one in reversed(every):
        command = one(command)
    return command


def out(kind: click.Path = PATH, **settings: Any) -> Callable[[F], F]:
    """``--out``, the file or folder to write."""
    return option("--out", type=kind, **settings)


def output_format(*choices: str, help: str | None = None) -> Callable[[F], F]:
    """``--format``; the first of the choices is the default."""
    return choice("--format", choices, help, "output_format")


def device(help: str = "auto, cpu, cuda or cuda:N.") -> Callable[[F], F]:
    """``--device``."""
    return option("--device", default="auto", help=help)


def backend() -> Callable[[F], F]:
    """``--backend``; ``auto`` is the default."""
    help = (
        "What runs the networks: torch (the reference) or openvino. auto is the faster one that is installed."
    )
    return choice("--backend", ("auto", "torch", "openvino"), help)


def precision() -> Callable[[F], F]:
    """``--precision`` of features; ``exact`` is the default."""
    help = (
        "fast rounds large networks to bfloat16: other numbers, under ids of their own (docs/performance.md)."
    )
    return choice("--precision", ("exact", "fast"), help)


def protocol(help: str = "How clips are sampled.", parameter: str = "protocol_name") -> Callable[[F], F]:
    """``--protocol``, by its name or file."""
    text = f"{help} A name, SIZExFRAMES[@STRIDE] or a TOML file.  [default: {DEFAULT_PROTOCOL}]"
    return option("--protocol", parameter, metavar="PROTOCOL", help=text)


def split(help: str = "The subjects to use.  [default: test]") -> Callable[[F], F]:
    """``--split``."""
    return option("--split", type=click.Choice(SPLITS), help=help)


def dataset(help: str) -> Callable[[F], F]:
    """``--dataset``, where clips are."""
    return option("--dataset", metavar="NAME:DIR", help=help)


def metrics(help: str) -> Callable[[F], F]:
    """``--metrics``, names with commas between."""
    return option("--metrics", metavar="NAMES", multiple=True, help=help)


def limit(help: str, **settings: Any) -> Callable[[F], F]:
    """``--limit``, how many clips."""
    return option("--limit", type=POSITIVE, help=help, **settings)


def seed(
    help: str | None = "Seed of generation.  [default: the protocol's, 0]", **settings: Any
) -> Callable[[F], F]:
    """``--seed``."""
    return option("--seed", type=NOT_NEGATIVE, help=help, **settings)


def batch_size(**settings: Any) -> Callable[[F], F]:
    """``--batch-size``."""
    kind = Count(1, 65_536, "a batch is held in memory as a whole")
    return option("--batch-size", type=kind, help="Samples per batch of a network.", **settings)


def assignments(help: str) -> Callable[[F], F]:
    """``--set KEY=VALUE``, any number of times."""
    return option("--set", "assignments", metavar="KEY=VALUE", multiple=True, help=help)


def clips_shown(default: int) -> Callable[[F], F]:
    """``--clips``, how many are shown."""
    return option("--clips", "count", type=CLIPS_SHOWN, default=default, help="Number of clips.")


def frames_shown(help: str) -> Callable[[F], F]:
    """``--frames``, how many of a clip are shown beside each other."""
    return option("--frames", type=Count(2, 256, _NOBODY_LOOKS), default=8, help=help)


def scale(default: int) -> Callable[[F], F]:
    """``--scale``, how many times as large pictures are shown."""
    return option(
        "--scale", type=click.IntRange(1, 16), default=default, help="Enlarge frames by this factor."
    )


def check_suffix(path: Path, *suffixes: str) -> None:
    """See that the format of a file to write is known.

    Raises:
        FevbenchError: Its name ends in something else.
    """
    if path.suffix.lower() not in suffixes:
        raise FevbenchError(f"{path} has no known format", f"give a name that ends in {', '.join(suffixes)}")
