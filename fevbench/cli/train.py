"""``fevbench train``: train a method on a data set's train people."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fevbench.cli.output import say
from fevbench.errors import FevbenchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from fevbench.training.config import TrainingConfig


JUDGE = "judge"
QUICK = "csim,ssim,motion"
"""What is scored after a training: all that needs neither Inception nor I3D."""
FRAMES_A_MINUTE = 1500
"""Of a CPU, both sides, with these metrics; a rough figure, for the announcement."""


@click.command("train")
@click.argument("model")
@click.argument("dataset")
@click.option(
    "--config", "config_name", metavar="NAME", help="A configuration.  [default: the model's first]"
)
@click.option("--set", "assignments", metavar="KEY=VALUE", multiple=True, help="Change one of its fields.")
@click.option(
    "--list", "list_fields", is_flag=True, help="List configurations and fields, and train nothing."
)
@click.option("--steps", type=click.IntRange(min=1), default=10_000, show_default=True, help="In all.")
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), metavar="M", help="End cleanly after M."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="[default: trainings/MODEL--…]")
@click.option("--resume", is_flag=True, hidden=True)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The same, the same run."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option(
    "--precision", type=click.Choice(["auto", "fp32", "bf16"]), default="auto", show_default=True,
    help="auto: bf16 on GPUs that compute in it and CPUs with AMX, else fp32.",
)  # fmt: skip
@click.option("--checkpoint-every", type=click.IntRange(min=1), default=200, show_default=True, metavar="N")
@click.option("--sample-every", type=click.IntRange(min=1), default=500, show_default=True, metavar="N")
@click.option("--no-score", is_flag=True, help="Leave out the `fevbench run` on val people at the end.")
@click.option("--protocol", metavar="NAME", help="The judge's: how clips are sampled.  [default: 64x16]")
@click.option("--offline", is_flag=True, help="Never touch the network.")
def command(
    model: str,
    dataset: str,
    config_name: str | None,
    assignments: tuple[str, ...],
    list_fields: bool,
    steps: int,
    minutes: float | None,
    out: Path | None,
    resume: bool,  # of version 0.1: now it always does
    seed: int,
    device: str,
    precision: str,
    checkpoint_every: int,
    sample_every: int,
    no_score: bool,
    protocol: str | None,
    offline: bool,
) -> None:
    """Train MODEL on the train people of DATASET.

    Everything goes to the folder --out: checkpoints, losses, sample sheets of val people, and the averaged
    generator, which `fevbench run MODEL:DIR` scores. Kill it anywhere: the same command continues, and the
    losses are those of a training that was not killed. On several GPUs or machines, start it with
    `accelerate launch -m fevbench train …`.

    MODEL can be `judge`: the small network whose reading is the metric `accuracy`. FEVSynth at 64x16 comes
    with one; any other data set or protocol needs its own, once.

    \b
    Example:
      fevbench train fev-gan fevsynth --minutes 180
      fevbench train fev-gan fevsynth --config spatial-only --steps 4000 --set learning_rate=1e-3
      fevbench run fev-gan:trainings/fev-gan--fevsynth--fevsynth-64x16--seed0 fevsynth --split val
      fevbench train judge fevsynth --protocol 64x32
    """
    if model == JUDGE:
        from fevbench.cli.train_judge import train_judge

        train_judge(dataset, protocol, out, device)
        return
    if minutes is not None and not math.isfinite(minutes):
        raise FevbenchError(f"--minutes {minutes} is no time", "give a number of minutes")
    if protocol is not None:
        raise FevbenchError("--protocol is the judge's", "choose it with --config or --set protocol=NAME")
    from dataclasses import asdict
    from typing import cast

    from fevbench.cli.console import error_console, print_text
    from fevbench.cli.train_display import TrainDisplay
    from fevbench.data.datasets import open_dataset
    from fevbench.registry import Registry
    from fevbench.training.config import with_overrides
    from fevbench.training.folder import Settings, default_folder
    from fevbench.training.task import trainables

    method = trainables.get(model)
    presets = Registry("configuration of " + model, method.configs)
    config_name = config_name or next(iter(method.configs))
    config = with_overrides(presets.get(config_name), assignments)
    if list_fields:
        print_text(_fields_table(method.configs, config))
        return
    data = open_dataset(dataset)
    settings = Settings(
        model=model,
        dataset=data.name,
        dataset_version=data.version,
        config_name=config_name,
        config=asdict(config),
        seed=seed,
    )
    folder = out or default_folder(settings)

    from fevbench import weights
    from fevbench.training.devices import Precision
    from fevbench.training.loop import TrainingPlan, train

    plan = TrainingPlan(
        settings, method, config, data, folder, steps, minutes, checkpoint_every, sample_every,
        device, cast(Precision, precision),
    )  # fmt: skip
    display = TrainDisplay(error_console(), steps, minutes)
    with display:
        if out is None and folder.parts[0] != "trainings":
            display.note(f"note: this training was begun in {folder}, and goes on there")
        weights.require_all(method.weights, offline=offline, progress=display.pull)
        done = train(plan, display)
    if done is None:  # a process that only helped
        return
    say(f"{folder}: {done.step} steps in {done.seconds / 60:.1f} minutes; generator.safetensors, samples/")
    if no_score or not data.clips("val"):
        return
    from fevbench.cli import run
    from fevbench.data.protocol import protocols
    from fevbench.judge.files import find_judge

    how = protocols.get(config.protocol)
    metrics = QUICK if find_judge(data, how) is None else f"{QUICK},accuracy"
    minutes_left = len(data.clips("val")) * how.frames / FRAMES_A_MINUTE
    say(
        f"now {metrics} on {len(data.clips('val'))} val clips, about {max(1, round(minutes_left))} min on a "
        f"CPU; --no-score leaves that out",
        err=True,
    )
    click.get_current_context().invoke(
        run.command, model=f"{model}:{folder}", dataset=dataset, protocol=config.protocol, split="val",
        metrics=(metrics,), out=folder / "val" / f"step-{done.step:06d}", offline=offline,
    )  # fmt: skip


def _fields_table(presets: Mapping[str, TrainingConfig], config: TrainingConfig) -> Table:
    """Every field with its value, who chose it, and why."""
    from dataclasses import fields

    from rich.table import Table

    table = Table(title="configurations: " + ", ".join(presets))
    for column in ("field", "value", "choice", "why"):
        table.add_column(column, overflow="fold")
    for known in fields(config):
        value = getattr(config, known.name)
        shown = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        table.add_row(known.name, shown, known.metadata["provenance"], known.metadata["why"])
    return table
