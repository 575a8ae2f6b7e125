"""``fevbench export``: the generator of a training as a file to pass on."""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.cli.output import say


@click.command("export")
@click.argument("model")
@click.argument("generator", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.safetensors"
)
@click.option(
    "--set", "assignments", metavar="KEY=VALUE", multiple=True, help="Change a field that needs no training."
)
@click.option("--half", is_flag=True, help="Round the weights to half precision, for half the bytes.")
def command(model: str, generator: Path, out: Path, assignments: tuple[str, ...], half: bool) -> None:
    """Write MODEL's GENERATOR, a file or the folder of a training, to a file of its own.

    `fevbench run MODEL:FILE` scores it. The weights that come with fevbench were made by this.

    \b
    Example: half the bytes; then two truncations of FEV-GAN, compared on val people
      fevbench export imaginator trainings/imaginator--… --half --out imaginator.safetensors
      fevbench export fev-gan trainings/fev-gan--… --set truncation=0 --out still.safetensors
      fevbench run fev-gan:still.safetensors fevsynth --split val
    """
    from dataclasses import asdict

    from fevbench.models.found import WEIGHTS_FILE
    from fevbench.training.config import from_fields, with_overrides
    from fevbench.training.export import read_exported, write_exported
    from fevbench.training.task import trainables

    kind = type(next(iter(trainables.get(model).configs.values())))
    exported = read_exported(generator / WEIGHTS_FILE if generator.is_dir() else generator, model)
    config = with_overrides(from_fields(kind, exported.about["config"]), assignments)
    write_exported(out, exported.state, {**exported.about, "config": asdict(config)}, half)
    say(f"{out}: {out.stat().st_size / 1e6:.1f} MB, step {exported.about.get('step', '?')}")
