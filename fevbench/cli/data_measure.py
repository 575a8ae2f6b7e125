"""``fevbench data measure``: what a rendered set is worth, measured."""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.cli.output import say


@click.command("measure")
@click.argument("dataset")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A set rendered by you, as fevsynth:DIR.  [default: the shipped one]",
)
@click.option("--only", metavar="NAMES", multiple=True, help="Comma-separated.  [default: all measures]")
@click.option(
    "--stride",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    metavar="N",
    help="Track face units in every N-th frame.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("measured.json"),
    show_default=True,
    help="File to write; keeps what it holds of the same set.",
)
@click.option(
    "--contact-sheet",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write pictures of the set as well.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--offline", is_flag=True, help="Never touch the network.")
def command(
    dataset: str,
    folder: Path | None,
    only: tuple[str, ...],
    stride: int,
    out: Path,
    contact_sheet: Path | None,
    device: str,
    offline: bool,
) -> None:
    """Measure a rendered DATASET on itself: fevsynth, or fevsynth:DIR.

    \b
    composition   who and what is in it, and how faces move
    detection     whether faces are found, and where
    identity      whether people are told apart across takes
    blendshapes   whether a tracker sees the units move
    expressions   whether off-the-shelf networks read the apexes
    border        whether what surrounds the face tells who it is
    reader        whether a small network learns to read new people

    Every number comes with its N and, where it can have one, a 95 % interval over people. Kill it
    anywhere: the same command continues.

    \b
    Example:
      fevbench data measure fevsynth
      fevbench data measure fevsynth --folder my_set --only identity,border
    """
    from fevbench.cli.console import RunDisplay, error_console, print_text
    from fevbench.data.datasets import open_dataset
    from fevbench.engine.plan import choose_device, split_names
    from fevbench.errors import DatasetError
    from fevbench.fevsynth.adapter import FEVSynth
    from fevbench.fevsynth.measure.folder import RenderedSet
    from fevbench.fevsynth.measure.study import MEASURES, Study, carry_out, choose_measures

    wanted = split_names(*only)
    if only and not wanted:
        raise click.UsageError("--only names none")
    names = choose_measures(wanted)
    data = open_dataset(dataset if folder is None else f"{dataset}:{folder}")
    if not isinstance(data, FEVSynth):
        raise DatasetError(
            f"{dataset} has no ground truth to measure against", "use fevsynth or fevsynth:DIR"
        )
    rendered = RenderedSet(data)

    from fevbench.fevsynth.measure.sheets import write_sheets
    from fevbench.fevsynth.measure.study import Networks

    where = choose_device(device)
    with RunDisplay(error_console()) as display:
        needed = dict.fromkeys(extractor for name in names for extractor in MEASURES[name])
        networks = Networks(needed, where, display, offline, display.pull)
        measured = carry_out(Study(rendered, networks, display, where, stride), names, out)
        sheets = write_sheets(rendered, contact_sheet, display) if contact_sheet else []

    from fevbench.fevsynth.measure.views import view

    print_text(view(measured, names))
    for path in (out, *sheets):
        say(str(path))
