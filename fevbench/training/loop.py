"""The training loop: steps, averages, checkpoints, samples; the same for every method."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from fevbench.data.clip import Dataset
from fevbench.data.datasets import SPLITS
from fevbench.data.protocol import protocols
from fevbench.data.tensors import to_pixels
from fevbench.errors import ModelError
from fevbench.models.found import WEIGHTS_FILE
from fevbench.packages import need_drawing
from fevbench.progress import Progress, Silent
from fevbench.training.checkpoint import (
    CHECKPOINT_FILE,
    Average,
    TrainingState,
    load,
    save,
    standing_statistics,
)
from fevbench.training.config import TrainingConfig
from fevbench.training.data import TrainingSet, open_training_set
from fevbench.training.devices import Precision, Updates, mean_losses, open_accelerator, share_of
from fevbench.training.export import Exported, read_exported, write_exported
from fevbench.training.folder import GENERATORS_FOLDER, SAMPLES_FOLDER, Settings, claim_folder, lock_folder
from fevbench.training.guard import Guard, TrainingError
from fevbench.training.log import Log, choose, draw_curves, write_samples
from fevbench.training.sampling import BatchShare, draw_batch, mixed_seed
from fevbench.training.stopping import StopsBetweenSteps
from fevbench.training.task import Task, Trainable

if TYPE_CHECKING:
    from accelerate import Accelerator

STANDING, TOGETHER = 256, 128
"""Train clips for the statistics of the average's batch norms, and how many of them at once."""
ALONE = 100
"""Steps in which only the discriminators learn, where the generator is a trained one and they are not."""


class Listener(Progress, Protocol):
    """Receives the progress of a training."""

    def losses(self, step: int, losses: Mapping[str, float], clips_per_second: float) -> None:
        """A step is done."""


class _Silent(Silent):
    """The listener of processes that are not the main one."""

    def losses(self, step: int, losses: Mapping[str, float], clips_per_second: float) -> None:
        """Ignore them."""


@dataclass(frozen=True)
class TrainingPlan:
    """A planned training.

    ``steps`` includes the steps of earlier sessions; ``minutes`` limits only this session. ``init`` is the
    generator to start from, random weights if None; ``settings.init`` identifies it.
    """

    settings: Settings
    method: Trainable
    config: TrainingConfig
    dataset: Dataset
    out: Path
    steps: int
    minutes: float | None = None
    checkpoint_every: int = 200
    sample_every: int = 500
    device: str = "auto"
    precision: Precision = "auto"
    init: Exported | None = None


def train(plan: TrainingPlan, listener: Listener) -> TrainingState | None:
    """Carry out the rest of a plan, and return the state of the training; None except on the main process.

    Raises:
        TrainingError: The folder is another training's; a loss or a weight is NaN; a discriminator has won.
        FevbenchError: Another error that the user can fix.
    """
    need_drawing("training")
    accelerator = open_accelerator(plan.device, plan.precision)
    share = share_of(accelerator, plan.config.batch_size)
    if not accelerator.is_main_process:
        return _train(plan, accelerator, share, _Silent())
    with lock_folder(plan.out):
        return _train(plan, accelerator, share, listener)


def _train(
    plan: TrainingPlan, accelerator: Accelerator, share: BatchShare, listener: Listener
) -> TrainingState | None:
    """One process's part."""
    # The main process decodes and claims the folder first; the others use the result.
    with accelerator.main_process_first():
        continues = claim_folder(plan.out, plan.settings)
        data = open_training_set(plan.dataset, protocols.get(plan.config.protocol), "train", listener)
        shown = _shown_set(plan, data, listener)
        torch.manual_seed(mixed_seed(plan.settings.seed, "networks"))
        task = plan.method.task(plan.config, data, accelerator.device, listener)
    if plan.init is not None and not continues:
        _start_from(plan.init, task, data)
    average = Average(task.networks["generator"], plan.config.ema_decay)
    position = TrainingState()
    if continues:
        position = load(plan.out / CHECKPOINT_FILE, task, average, accelerator.device)
        listener.note(f"continuing after step {position.step}")
    end = _Session(plan, listener, accelerator, share, data, shown, task, average).run(position)
    return end if accelerator.is_main_process else None


def _start_from(init: Exported, task: Task, data: TrainingSet) -> None:
    """Give a new training the weights of a trained generator, and of other networks that came with it."""
    labels = init.about["labels"]
    if labels != list(data.label_names):
        raise TrainingError(
            f"--init: that generator was trained on the labels {', '.join(labels)}, not on "
            f"{', '.join(data.label_names)}",
            "start without it",
        )
    try:
        init.load_into(task.networks["generator"])
        for name in task.networks.keys() & init.others.keys():
            task.networks[name].load_state_dict(init.others[name])
    except (ModelError, RuntimeError) as error:
        config = init.about["config_name"]
        raise TrainingError(
            "--init: that generator's networks have other sizes than this configuration's",
            f"it was trained with --config {config}",
        ) from error


def _shown_set(plan: TrainingPlan, data: TrainingSet, listener: Listener) -> TrainingSet:
    """The clips of the sample sheets: val subjects; never test subjects."""
    split = SPLITS[1]
    if plan.dataset.clips(split):
        return open_training_set(plan.dataset, protocols.get(plan.config.protocol), split, listener)
    listener.note(f"{plan.dataset.name} has no val subjects, so the samples show train subjects")
    return data


@dataclass
class _Session:
    """One session of a training."""

    plan: TrainingPlan
    listener: Listener
    accelerator: Accelerator
    share: BatchShare
    data: TrainingSet
    shown: TrainingSet
    task: Task
    average: Average

    def __post_init__(self) -> None:
        self.checkpoint = self.plan.out / CHECKPOINT_FILE
        self.guard = Guard(self.task.floors, self.checkpoint)
        self.updates = Updates(self.accelerator, self.task.optimisers)
        self.main = self.accelerator.is_main_process
        init = self.plan.init
        new = init is not None and not self.task.networks.keys() <= {"generator", *init.others}
        self.held_until = ALONE if new else 0

    def run(self, start: TrainingState) -> TrainingState:
        plan = self.plan
        if start.step >= plan.steps and (plan.out / WEIGHTS_FILE).exists():
            self.listener.note(f"{start.step} steps are done: nothing to do")
            return start
        log = Log(plan.out, start.step) if self.main else None
        if log is not None and log.lost:
            self.listener.note(
                f"losses.csv lacks {log.lost} of the first {start.step} steps: continuing without them"
            )
        if self.main:
            self._keep_former_end()
        if start.step > plan.steps:
            self.listener.note(f"{start.step} steps are done already: exporting their generator")
        self.listener.start("train", max(plan.steps, start.step))
        self.listener.advance(start.step)
        began = time.monotonic()
        position = start
        alone = self.accelerator.num_processes == 1  # others would wait for one that stops a step before them
        with contextlib.ExitStack() as stack:
            if log is not None:
                stack.callback(log.close)
            stop = stack.enter_context(StopsBetweenSteps(alone))
            while position.step < plan.steps and not self._is_over(began):
                losses = self._step(position.step + 1)
                seconds = time.monotonic() - began
                position = TrainingState(position.step + 1, start.seconds + seconds)
                self.guard.losses(position.step, losses)
                pace = (position.step - start.step) * plan.config.batch_size / seconds
                if log is not None:
                    log.write(position.step, losses, pace)
                    self.listener.losses(position.step, losses, pace)
                    self._keep(position, log)
                self.listener.advance(1)
                if stop.asked and log is not None:
                    log.flush()
                    self._save(position)
                    stop.deliver()
        if self.main:
            self._save(position)
            with standing_statistics(self.average.network, self._feed):
                self._sample(position)
                self._export(plan.out / WEIGHTS_FILE, position)
        self.accelerator.wait_for_everyone()
        return position

    def _step(self, step: int) -> dict[str, float]:
        plan, device = self.plan, self.accelerator.device
        # So methods that use torch's own generator (dropout) are repeatable after a kill, too.
        torch.manual_seed(mixed_seed(plan.settings.seed, "global", step, self.share.rank))
        batch, draws = draw_batch(self.data, plan.config, plan.settings.seed, step, self.share, device)
        self.updates.held = frozenset({"generator"} if step <= self.held_until else ())
        with self.accelerator.autocast():
            losses = self.task.step(batch, draws, self.updates)
        self.average.update(self.task.networks["generator"], step)
        return mean_losses(self.accelerator, losses)

    def _is_over(self, began: float) -> bool:
        """Whether the time is over; all processes agree."""
        if self.plan.minutes is None:
            return False
        over = torch.tensor(float(time.monotonic() - began > 60 * self.plan.minutes))
        if self.accelerator.num_processes > 1:
            over = self.accelerator.reduce(over.to(self.accelerator.device), "sum")
        return bool(over > 0)

    def _keep(self, position: TrainingState, log: Log) -> None:
        """Write the checkpoint and samples that are due at a step."""
        if position.step % self.plan.checkpoint_every == 0:
            log.flush()
            self._save(position)
        if position.step % self.plan.sample_every == 0 and position.step < self.plan.steps:
            log.flush()
            path = self._generator_at(position.step)
            with standing_statistics(self.average.network, self._feed):
                self._sample(position)
                self._export(path, position)

    def _keep_former_end(self) -> None:
        """Put the generator that ended a shorter plan among the others: it is not the end of this plan."""
        end = self.plan.out / WEIGHTS_FILE
        if not end.exists():
            return
        try:
            step = read_exported(end, self.plan.settings.model).about["step"]
        except ModelError as error:
            self.listener.note(f"{error}; it will be replaced")
            return
        kept = self._generator_at(step)
        kept.parent.mkdir(exist_ok=True)
        end.replace(kept)

    def _generator_at(self, step: int) -> Path:
        return self.plan.out / GENERATORS_FOLDER / f"step-{step:06d}.safetensors"

    def _save(self, position: TrainingState) -> None:
        self.guard.weights(position.step, self.task.networks.items())
        save(self.checkpoint, position, self.task, self.average)

    def _feed(self) -> None:
        """Run the averaged generator on train subjects."""
        index = np.linspace(0, len(self.data) - 1, min(len(self.data), STANDING)).astype(int)
        for start in range(0, len(index), TOGETHER):
            self.task.sample(self.average.network, self.data, index[start : start + TOGETHER].tolist())

    def _sample(self, position: TrainingState) -> None:
        index = choose(self.shown)
        with torch.inference_mode():
            made = to_pixels(self.task.sample(self.average.network, self.shown, index))
        folder = self.plan.out / SAMPLES_FOLDER
        write_samples(folder, position.step, made, self.shown.frames[index])
        draw_curves(self.plan.out)

    def _export(self, path: Path, position: TrainingState) -> None:
        plan = self.plan
        about: dict[str, Any] = {
            "model": plan.settings.model,
            "config_name": plan.settings.config_name,
            "config": asdict(plan.config),
            "labels": self.data.label_names,
            "dataset": f"{plan.settings.dataset} {plan.settings.dataset_version}",
            "seed": plan.settings.seed,
            "step": position.step,
            "clips": position.step * plan.config.batch_size + (plan.init.clips if plan.init else 0),
            "init": plan.settings.init,
            "seconds": round(position.seconds),
            "processes": self.accelerator.num_processes,
            "device": self.accelerator.device.type,
            "precision": self.accelerator.mixed_precision,
            **self.task.about(),
        }
        write_exported(path, self.average.network.state_dict(), about)
