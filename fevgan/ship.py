"""``python -m fevgan.ship``: turn the generator of a training into the one that comes with the package."""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.models.found import WEIGHTS_FILE
from fevbench.training.export import read_exported, write_exported
from fevgan.model import SHIPPED


@click.command()
@click.argument("generator", type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=SHIPPED, show_default=True)
@click.option("--truncation", type=click.FloatRange(min=0), help="How far z strays.  [default: as trained]")
@click.option("--half", is_flag=True, help="Round the weights to half precision.")
def main(generator: Path, out: Path, truncation: float | None, half: bool) -> None:
    """Copy GENERATOR, a file or the folder of a training, with another truncation or precision.

    \b
    Example, to compare truncations on val people:
      python -m fevgan.ship runs/train--… --truncation 0 --out still.safetensors
      fevbench run fev-gan:still.safetensors fevsynth --split val
    """
    exported = read_exported(generator / WEIGHTS_FILE if generator.is_dir() else generator, "fev-gan")
    about = dict(exported.about)
    if truncation is not None:
        about["config"] = {**about["config"], "truncation": truncation}
    write_exported(out, exported.state, about, half)
    click.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB, step {about.get('step', '?')}")


if __name__ == "__main__":
    main()
