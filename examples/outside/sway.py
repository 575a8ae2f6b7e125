"""A program outside fevbench: moves the input along a sine, as far as the label says. NumPy and Pillow only.

python sway.py IMAGE LABEL OUT FRAMES SEED   one clip
python sway.py MANIFEST                      all clips of a manifest
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image


def make(image: Path, label: str, out: Path, frames: int, seed: int) -> None:
    """Write one clip as a folder of PNG files; frame 0 is the input itself, as everywhere in fevbench."""
    face = np.asarray(Image.open(image).convert("RGB"))
    noise = np.random.default_rng(seed)
    far = (1 + len(label) % 4) * noise.uniform(0.8, 1.2)
    steps = np.round(far * np.sin(np.linspace(0, np.pi / 2, frames))).astype(int)
    out.mkdir(parents=True)
    for number, step in enumerate(steps):
        Image.fromarray(np.roll(face, step, axis=1)).save(out / f"{number:04}.png")


def make_all(manifest: Path) -> None:
    """Make all clips of a manifest; a real model would be loaded here, once."""
    wanted = json.loads(manifest.read_text(encoding="utf-8"))
    here = manifest.parent  # paths in a manifest are relative to it
    for clip in wanted["clips"]:
        make(here / clip["image"], clip["label"], here / clip["out"], wanted["frames"], clip["seed"])
        print("made", clip["id"], flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        make_all(Path(sys.argv[1]))
    else:
        image, label, out, frames, seed = sys.argv[1:]
        make(Path(image), label, Path(out), int(frames), int(seed))
