"""``fevbench train judge``: the network that reads expressions, for a data set that has none yet."""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.cli.output import say
from fevbench.errors import FevbenchError

UNDERSTOOD = {"model", "dataset", "protocol", "out", "device", "offline"}


def train_judge(dataset: str, protocol: str | None, out: Path | None, device: str) -> None:
    """Train the judge of DATASET and put it where runs find it.

    Raises:
        FevbenchError: An option was given that a judge does not understand, or the data set has no train or
            no val people.
    """
    _refuse_others(click.get_current_context())
    from fevbench.cli.console import RunDisplay, error_console
    from fevbench.data.datasets import open_dataset
    from fevbench.data.protocol import DEFAULT_PROTOCOL, protocols
    from fevbench.engine.plan import choose_device
    from fevbench.judge.files import file_name as judge_file
    from fevbench.judge.files import find_judge, own_folder
    from fevbench.judge.training import train_on_dataset

    data = open_dataset(dataset)
    how = protocols.get(protocol or DEFAULT_PROTOCOL)
    path = out or own_folder() / judge_file(data, how)
    if path.is_dir():
        raise FevbenchError(f"{path} is a folder", "give --out a file")
    where = choose_device(device)
    with RunDisplay(error_console()) as display:
        found = train_on_dataset(data, how, where, path, display)
    say(f"{path}: reads {found.accuracy:.1%} of {found.clips} clips of val people; chosen by that")
    used = find_judge(data, how)
    if used is None or used.path != path.absolute():
        taken = "no run uses it" if used is None else f"runs use {used.path}"
        say(f"note: {taken}", err=True)


def _refuse_others(context: click.Context) -> None:
    given = [
        name
        for name in context.params
        if name not in UNDERSTOOD
        and context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        option = next(p.opts[0] for p in context.command.params if p.name == given[0])
        raise FevbenchError(
            f"{option} is not for the judge", "leave it out; --protocol, --out and --device are for it"
        )
