"""Data sets exactly as downloaded, made of FEVSynth's clips: names, depths, codes and quirks of each."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from PIL import Image

from fevbench.data.fevsynth.adapter import FEVSynth
from fevbench.data.video import read_clip

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

NATIVE = (80, 64)
"""Width and height of a made frame: wider than the face, as cameras are."""


@lru_cache(maxsize=64)
def performance(person: int, label: str, take: int = 0, frames: int = 10, back: bool = False) -> Frames:
    """``uint8[frames, 64, 80, 3]``: a person of FEVSynth performs a label, and comes back to neutral."""
    clips = [c for s in ("train", "val", "test") for c in FEVSynth().clips(s) if c.id == f"p{person:03}-{label}-{take}"]
    clip = read_clip(clips[0].path)
    there = np.linspace(0, 22, frames if not back else (frames + 1) // 2).round().astype(int)
    order = np.concatenate([there, there[::-1][-(frames - len(there)) :]]) if back else there
    small = [np.asarray(Image.fromarray(clip[i]).resize((64, 64), Image.Resampling.BICUBIC)) for i in order]
    return np.stack([np.pad(f, ((0, 0), (8, 8), (0, 0)), mode="edge") for f in small])


def write_frames(folder: Path, frames: Frames, name: str = "img_{:04}.jpg", first: int = 0) -> Path:
    """Frames as images in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / name.format(i + first), quality=95)
    return folder


def write_video(path: Path, frames: Frames, fps: float = 25, codec: str = "libx264") -> Path:
    """Frames as a video, as cameras and archives have them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def mug(root: Path) -> Path:
    """MUG: five people, two of them with sessions, suffixes, neutral takes and stray files.

    Clips of the six expressions: 001 two, 002 two (a session each), 017 three, 034 two, 049 one: ten.
    """
    top = root / "subjects3"
    for person, number in ((1, "001"), (2, "017"), (3, "034")):
        for label in ("anger", "happiness"):
            write_frames(top / number / label / "take000", performance(person, label, back=True))
        write_frames(top / number / "neutral" / "take000", performance(person, "anger")[:3])
    write_frames(top / "017" / "happiness" / "take001nsg", performance(2, "happiness", 1, back=True))
    for session, label in (("session0", "anger"), ("session1", "happiness")):
        write_frames(top / "002" / session / label / "take000", performance(4, label, back=True))
    write_frames(top / "049" / "session0" / "surprise" / "take000end", performance(5, "surprise", back=True))
    (top / "017" / "happiness" / "take001nsg" / "take001.avi").write_bytes(b"RIFF")
    (top / "readme.txt").write_text("strings attached")
    (top / ".DS_Store").write_bytes(b"\0")
    return root
