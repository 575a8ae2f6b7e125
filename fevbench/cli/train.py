"""``fevbench train``: train a method on a data set; ``fevbench export``: its generator as a file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from fevbench.cli import options
from fevbench.cli.output import say
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import find_protocol, protocols
from fevbench.errors import FevbenchError
from fevbench.registry import Registry

if TYPE_CHECKING:
    from rich.table import Table

    from fevbench.training.config import TrainingConfig


CLASSIFIER = ("expression-classifier", "judge")
"""What trains the expression classifier: its name, and an older one."""
CLASSIFIER_OPTIONS = {"model", "dataset", "protocol_name", "out", "device", "offline"}
"""What such a training can be told."""
QUICK_METRICS = "csim,ssim,motion"
"""What is scored after a training: all that needs neither Inception nor I3D."""
FRAMES_A_MINUTE = 1500
"""Of a CPU, both sides, with these metrics; a rough figure, for the announcement."""


@click.command("train")
@click.argument("model")
@click.argument("dataset")
@click.option(
    "--config", "config_name", metavar="NAME", help="A configuration.  [default: the model's first]"
)
@options.assignments("Change a field of the configuration.")
@click.option(
    "--list", "list_fields", is_flag=True, help="List configurations and fields, and train nothing."
)
@options.option("--steps", type=options.POSITIVE, default=10_000, help="Total number of steps.")
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), metavar="M", help="Stop after M minutes."
)
@options.out(options.FOLDER, help="[default: trainings/MODEL--…]")
@click.option("--resume", is_flag=True, hidden=True)
@click.option(
    "--init",
    metavar="GENERATOR",
    help="Start from a trained generator: shipped, a training's folder or an exported file.",
)
@options.seed("Seed; the same seed repeats the training.", default=0)
@options.device("auto, cpu or cuda.")
@options.choice(
    "--precision",
    ("auto", "fp32", "bf16"),
    "auto: bf16 on GPUs and CPUs that multiply it, else fp32.",
)
@options.option(
    "--checkpoint-every", type=options.POSITIVE, default=200, metavar="N", help="Steps between checkpoints."
)
@options.option(
    "--sample-every", type=options.POSITIVE, default=500, metavar="N", help="Steps between sample sheets."
)
@click.option("--no-score", is_flag=True, help="Leave out the `fevbench run` on val subjects at the end.")
@options.protocol("For expression-classifier only: how clips are sampled.")
@options.offline
def train_command(
    model: str,
    dataset: str,
    config_name: str | None,
    assignments: tuple[str, ...],
    list_fields: bool,
    steps: int,
    minutes: float | None,
    out: Path | None,
    init: str | None,
    resume: bool,  # of version 0.1: now it always does
    seed: int,
    device: str,
    precision: str,
    checkpoint_every: int,
    sample_every: int,
    no_score: bool,
    protocol_name: str | None,
    offline: bool,
) -> None:
    """Train MODEL on the train subjects of DATASET.

    The folder --out gets checkpoints, losses, sample sheets of val subjects, and the averaged
    generator, which `fevbench run MODEL:DIR` scores. If it is stopped, the same command continues, and gives
    the same losses as without the stop. On several GPUs or machines, start it with
    `accelerate launch -m fevbench train …`.

    MODEL can be `expression-classifier` (or `judge`, its older name): the small network that the metric
    `accuracy` uses. FEVSynth at 64x16 comes with one; for any other data set or protocol, train it once.

    \b
    Example:
      fevbench train fev-gan fevsynth --minutes 180
      fevbench train fev-gan fevsynth --config spatial-only --steps 4000 --set learning_rate=1e-3
      fevbench run fev-gan:trainings/fev-gan--fevsynth--fevsynth-64x16--seed0 fevsynth --split val
      fevbench train imaginator mug --init shipped --steps 2000
      fevbench train expression-classifier fevsynth --protocol 64x32
    """
    if model in CLASSIFIER:
        _train_classifier(dataset, protocol_name, out, device)
        return
    if minutes is not None and not math.isfinite(minutes):
        raise FevbenchError(f"--minutes {minutes} is no duration", "give a number of minutes")
    if protocol_name is not None:
        raise FevbenchError(
            "--protocol is only for expression-classifier", "choose it with --config or --set protocol=NAME"
        )

    from fevbench.cli.console import TrainingDisplay, print_text
    from fevbench.hashing import sha256_of
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
    start = None if init is None else _generator_path(model, init)
    settings = Settings(
        model=model,
        dataset=data.name,
        dataset_version=data.version,
        config_name=config_name,
        config=asdict(config),
        seed=seed,
        init=None if start is None else sha256_of(start),
    )
    folder = out or default_folder(settings)

    from fevbench import weights
    from fevbench.training.devices import Precision
    from fevbench.training.export import read_exported
    from fevbench.training.loop import TrainingPlan, train

    plan = TrainingPlan(
        settings, method, config, data, folder, steps, minutes, checkpoint_every, sample_every,
        device, cast(Precision, precision), None if start is None else read_exported(start, model),
    )  # fmt: skip
    with TrainingDisplay(steps, minutes) as display:
        if out is None and folder.parts[0] != "trainings":
            display.note(f"note: continues the training in {folder}")
        weights.require_all(method.weights, offline=offline, progress=display.pull)
        done = train(plan, display)
    if done is None:  # a process that only helped
        return
    say(f"{folder}: {done.step} steps in {done.seconds / 60:.1f} minutes; generator.safetensors, samples/")
    if no_score or not data.clips("val"):
        return
    from fevbench.cli.run import run_command
    from fevbench.judge.files import find_judge

    protocol = protocols.get(config.protocol)
    metrics = QUICK_METRICS if find_judge(data, protocol) is None else f"{QUICK_METRICS},accuracy"
    minutes_left = len(data.clips("val")) * protocol.frames / FRAMES_A_MINUTE
    say(
        f"now {metrics} on {len(data.clips('val'))} val clips, about {max(1, round(minutes_left))} min on a "
        f"CPU; --no-score leaves that out",
        err=True,
    )
    click.get_current_context().invoke(
        run_command, model=f"{model}:{folder}", dataset=dataset, protocol_name=config.protocol, split="val",
        metrics=(metrics,), out=folder / "val" / f"step-{done.step:06d}", offline=offline,
    )  # fmt: skip


def _generator_path(model: str, init: str) -> Path:
    """The file that --init means."""
    from fevbench.models.found import weights_at, weights_of
    from fevbench.models.registry import models

    if init == "shipped":
        shipped = weights_of(models.get(model), model) if model in models else None
        if shipped is None:
            raise FevbenchError(f"{model} comes without weights", "give --init a training's folder or a file")
        return shipped
    path = weights_at(Path(init))
    if not path.is_file():
        raise FevbenchError(f"--init {path} does not exist", "give shipped, a training's folder or a file")
    return path


def _fields_table(presets: Mapping[str, TrainingConfig], config: TrainingConfig) -> Table:
    """Every field with its value, who chose it, and why."""
    from rich.table import Table

    table = Table(title="configurations: " + ", ".join(presets))
    for column in ("field", "value", "choice", "why"):
        table.add_column(column, overflow="fold")
    for known in fields(config):
        value = getattr(config, known.name)
        shown = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        table.add_row(known.name, shown, known.metadata["provenance"], known.metadata["why"])
    return table


def _train_classifier(dataset: str, protocol_name: str | None, out: Path | None, device: str) -> None:
    """Train the expression classifier of DATASET and put it where runs find it."""
    _check_classifier_options(click.get_current_context())
    from fevbench.cli.console import ProgressDisplay
    from fevbench.engine.plan import choose_device
    from fevbench.judge.files import file_name as judge_file
    from fevbench.judge.files import find_judge, own_folder
    from fevbench.judge.training import train_on_dataset

    data = open_dataset(dataset)
    protocol = find_protocol(protocol_name)
    path = out or own_folder() / judge_file(data, protocol)
    if path.is_dir():
        raise FevbenchError(f"{path} is a folder", "give --out a file")
    device = choose_device(device)
    with ProgressDisplay() as display:
        judge = train_on_dataset(data, protocol, device, path, display)
    say(f"{path}: accuracy {judge.accuracy:.1%} on {judge.clips} clips of val subjects (chosen on them)")
    used = find_judge(data, protocol)
    if used is None or used.path != path.absolute():
        taken = "no run uses it" if used is None else f"runs use {used.path}"
        say(f"note: {taken}", err=True)


def _check_classifier_options(context: click.Context) -> None:
    given = [
        name
        for name in context.params
        if name not in CLASSIFIER_OPTIONS
        and context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        option = next(p.opts[0] for p in context.command.params if p.name == given[0])
        raise FevbenchError(
            f"{option} is not for expression-classifier",
            "leave it out; --protocol, --out and --device are for it",
        )


@click.command("export")
@click.argument("model")
@click.argument("generator", type=options.PATH)
@options.out(options.FILE, required=True, metavar="FILE.safetensors")
@options.assignments("Change a field of the configuration that needs no training.")
@click.option(
    "--all-networks", is_flag=True, help="With the discriminators, for a training that goes on from the file."
)
@options.choice("--bits", ("32", "16", "8"), "Of a stored weight; of 8, each row has a scale of its own.")
def export_command(
    model: str, generator: Path, out: Path, assignments: tuple[str, ...], all_networks: bool, bits: str
) -> None:
    """Write the generator of MODEL to one file.

    GENERATOR is the folder of a training, or an exported file. `fevbench run MODEL:FILE` scores the file that
    is written. The weights included in fevbench were made with this command.

    \b
    Example: a quarter of the bytes; then two truncations of FEV-GAN, compared on val subjects
      fevbench export imaginator trainings/imaginator--… --bits 8 --out imaginator.safetensors
      fevbench export fev-gan trainings/fev-gan--… --set truncation=0 --out still.safetensors
      fevbench run fev-gan:still.safetensors fevsynth --split val
    """
    from fevbench.models.found import weights_at
    from fevbench.training.checkpoint import CHECKPOINT_FILE, other_networks
    from fevbench.training.config import from_fields, with_overrides
    from fevbench.training.export import in_8_bits, read_exported, with_networks, write_exported
    from fevbench.training.task import trainables

    kind = type(next(iter(trainables.get(model).configs.values())))
    exported = read_exported(weights_at(generator), model)
    config = with_overrides(from_fields(kind, exported.about["config"]), assignments)
    state = exported.state
    if all_networks:
        in_folder = generator.is_dir()
        others = other_networks(generator / CHECKPOINT_FILE) if in_folder else exported.others
        if not in_folder and not others:
            raise FevbenchError(f"{generator} holds only the generator", "give the folder of its training")
        state = with_networks(state, others)
    state = in_8_bits(state) if bits == "8" else state
    write_exported(out, state, {**exported.about, "config": asdict(config)}, half=bits == "16")
    say(f"{out}: {out.stat().st_size / 1e6:.1f} MB, step {exported.about.get('step', '?')}")
