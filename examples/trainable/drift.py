"""drift: two convolutions that add a change to the input face, frame by frame; trained in fevbench's loop."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from fevbench.data.tensors import to_tensor
from fevbench.errors import ModelError
from fevbench.training.config import RATE, TrainingConfig, choice, from_fields
from fevbench.training.export import read_exported

NOISE = 4


@dataclass(frozen=True)
class Config(TrainingConfig):
    """The fields of every training (protocol, batch size, …), and these; ``--set width=32`` changes one."""

    width: int = choice(16, "ours", "channels between the convolutions")
    learning_rate: float = choice(1e-3, "ours", "of Adam", RATE)


class Generator(nn.Module):
    """Face, label and noise to a video; frame 0 is the face itself."""

    def __init__(self, config, labels, frames):
        super().__init__()
        self.labels, self.frames = labels, frames
        seen, made = 3 + labels + NOISE, 3 * (frames - 1)
        first, second = (
            nn.Conv2d(seen, config.width, 3, padding=1),
            nn.Conv2d(config.width, made, 3, padding=1),
        )
        self.layers = nn.Sequential(first, nn.ReLU(), second)

    def forward(self, images, labels, noise):  # float[B, 3, S, S], int64[B], float[B, NOISE]
        condition = torch.cat([F.one_hot(labels, self.labels), noise], 1)[:, :, None, None]
        seen = torch.cat([images, condition.expand(-1, -1, *images.shape[2:])], 1)
        change = self.layers(seen).unflatten(1, (self.frames - 1, 3))
        return torch.cat([images[:, None], (images[:, None] + change).clamp(-1, 1)], 1)


class DriftTask:
    """What is trained, and one step of it."""

    floors = {"l1": (1e-6, "nothing moves in these clips: there is nothing to learn")}

    def __init__(self, config, data, device):
        self.device, self.frames = device, data.frames.shape[1]
        generator = Generator(config, len(data.label_names), self.frames).to(device)
        self.networks = {"generator": generator}
        self.optimisers = {"generator": torch.optim.Adam(generator.parameters(), config.learning_rate)}

    def step(self, batch, draws, update):
        generator = self.networks["generator"]
        made = generator(batch.clips[:, 0], batch.labels, draws.normal(NOISE))
        loss = (made - batch.clips).abs().mean()
        update("generator", loss)
        return {"l1": loss}

    def sample(self, generator, data, index):  # with the same noise each time
        images = to_tensor(data.frames[index, 0], self.device)
        labels = torch.from_numpy(data.labels[index]).to(self.device)
        return generator(images, labels, torch.zeros(len(index), NOISE, device=self.device))

    def about(self):
        return {"frames": self.frames}


class Drift:
    """The method: its configurations by name, and how a training of one begins."""

    configs, weights = {"plain": Config()}, ()

    def task(self, config, data, device, progress):
        return DriftTask(config, data, device)


class Model:
    """The trained method, as ``fevbench run drift:DIR`` asks it."""

    def __init__(self, spec, weights=None):
        if weights is None:
            raise ModelError("drift comes without weights", "train it, and run drift:DIR")
        about = (exported := read_exported(weights, "drift")).about
        if spec.frames != about["frames"]:
            raise ModelError(f"{weights} makes {about['frames']} frames, not {spec.frames}", "train another")
        config = from_fields(Config, about["config"])
        self.generator = Generator(config, len(about["labels"]), spec.frames).to(spec.device).eval()
        exported.load_into(self.generator)
        self.labels = torch.tensor(exported.places(spec.labels), device=spec.device)
        self.notes = exported.trained_elsewhere(spec.corpus.dataset)

    def generate(self, images, labels, generator):
        noise = torch.randn(len(images), NOISE, generator=generator, device=generator.device)
        return self.generator(images, self.labels[labels], noise)


TRAINABLE = Drift()
