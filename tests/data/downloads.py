"""Data sets exactly as downloaded, made of FEVSynth's clips: names, depths, codes and quirks of each."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from PIL import Image

from fevbench.fevsynth.adapter import FEVSynth

if TYPE_CHECKING:
    from fevbench.data.clip import Frames


@lru_cache(maxsize=64)
def performance(person: int, label: str, take: int = 0, frames: int = 10, back: bool = False) -> Frames:
    """``uint8[frames, 64, 80, 3]``: a person of FEVSynth performs a label, and comes back to neutral."""
    clips = [
        c
        for s in ("train", "val", "test")
        for c in FEVSynth().clips(s)
        if c.id == f"p{person:03}-{label}-{take}"
    ]
    clip = FEVSynth().frames(clips[0])
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
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24"))
            )
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


def oulu_casia(root: Path) -> Path:
    """Oulu-CASIA: original release nested twice, and the cropped one; two cameras, two lights, three people.

    In VL/Strong: P001 three, P002 two, P051 two clips: seven.
    """
    original = root / "B_OriginalImg" / "OriginalImg" / "VL"
    shown = {
        "P001": ("Anger", "Happiness", "Fear"),
        "P002": ("Anger", "Happiness"),
        "P051": ("Anger", "Surprise"),
    }
    for person, (number, labels) in enumerate(shown.items(), 1):
        for label in labels:
            frames = performance(person, label.lower())
            write_frames(original / "Strong" / number / label, frames, "{:03}.jpeg")
    write_frames(original / "Weak" / "P001" / "Anger", performance(1, "anger"), "{:03}.jpeg")
    for person, number in enumerate(("P001", "P002", "P003"), 4):
        grey = performance(person, "anger").mean(-1).astype(np.uint8)
        write_frames(
            root / "B_OriginalImg" / "OriginalImg" / "NI" / "Dark" / number / "Anger", grey, "{:03}.jpeg"
        )
    cropped = root / "PreProcess_Img" / "VL_Acropped" / "Strong"
    for person, number in enumerate(("P001", "P002", "P051"), 1):
        write_frames(cropped / number / "Anger", performance(person, "anger")[:, :, 8:-8], "{:03}.jpeg")
    (original / "Strong" / "P001" / "Anger" / "Thumbs.db").write_bytes(b"\0")
    return root


def ck_plus(root: Path) -> Path:
    """CK+: four people, five sequences: one without a label, one with an empty label folder, one of contempt.

    Clips of the six expressions: S005, S010, S011: three.
    """
    images = root / "extended-cohn-kanade-images" / "cohn-kanade-images"
    labels = root / "Emotion_labels" / "Emotion"
    for person, number, sequence, label, code in (
        (1, "S005", "001", "disgust", 3),
        (2, "S010", "002", "anger", 1),
        (3, "S011", "001", "happiness", 5),
        (3, "S011", "002", "sadness", None),
        (4, "S502", "001", "disgust", 2),
        (4, "S502", "002", "anger", None),
    ):
        frames = performance(person, label)
        name = f"{number}_{sequence}_{{:08}}.png"
        write_frames(images / number / sequence, frames, name, first=1)
        if code is not None:
            file = labels / number / sequence / f"{number}_{sequence}_{len(frames):08}_emotion.txt"
            file.parent.mkdir(parents=True)
            file.write_text(f"   {code:.7e}\n")
    (labels / "S011" / "002").mkdir()
    (images / "S005" / ".DS_Store").write_bytes(b"\0")
    return root


def crema_d(root: Path) -> Path:
    """CREMA-D: four actors, six videos; one has a single X for a level, one is a pointer of Git LFS.

    Clips of the six expressions: four; one take is neutral.
    """
    for person, name in (
        (1, "1001_DFA_ANG_XX"), (1, "1001_IEO_HAP_HI"), (2, "1002_DFA_ANG_XX"), (3, "1003_ITH_SAD_X"),
        (3, "1003_DFA_NEU_XX"),
    ):  # fmt: skip
        label = {"ANG": "anger", "HAP": "happiness", "SAD": "sadness", "NEU": "anger"}[name.split("_")[2]]
        write_video(root / "VideoFlash" / f"{name}.flv", performance(person, label), codec="flv")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    (root / "VideoFlash" / "1004_DFA_ANG_XX.flv").write_text(pointer)
    (root / "AudioWAV").mkdir()
    (root / "AudioWAV" / "1001_DFA_ANG_XX.wav").write_bytes(b"RIFF")
    rows = [
        "ActorID,Age,Sex,Race,Ethnicity",
        "1001,51,Male,Caucasian,Not Hispanic",
        "1002,21,Female,Asian,Not Hispanic",
    ]
    (root / "VideoDemographics.csv").write_text("\n".join(rows))
    return root


def ravdess(root: Path) -> Path:
    """RAVDESS: three actors, zips unpacked side by side; with and without sound, song, sound, calm.

    Spoken clips of the six expressions: four.
    """
    for person, archive, name in (
        (1, "Video_Speech_Actor_01", "02-01-05-01-01-01-01"),
        (1, "Video_Speech_Actor_01", "01-01-05-01-01-01-01"),
        (1, "Video_Speech_Actor_01", "02-01-02-01-01-01-01"),
        (2, "Video_Speech_Actor_02", "01-01-03-02-02-02-02"),
        (3, "Video_Speech_Actor_03", "02-01-08-01-01-01-03"),
        (3, "Video_Speech_Actor_03", "02-01-05-01-01-01-03"),
        (1, "Video_Song_Actor_01", "02-02-05-01-01-01-01"),
    ):
        label = {"05": "anger", "02": "anger", "03": "happiness", "08": "surprise"}[name[6:8]]
        write_video(root / archive / f"Actor_{name[-2:]}" / f"{name}.mp4", performance(person, label))
    (root / "Audio" / "Actor_01").mkdir(parents=True)
    (root / "Audio" / "Actor_01" / "03-01-05-01-01-01-01.wav").write_bytes(b"RIFF")
    return root


def mead(root: Path) -> Path:
    """MEAD: three actors, in each of the three ways it is passed on; another view, neutral, contempt, sound.

    Front clips of the six expressions: four.
    """
    write_video(root / "M003/video/front/angry/level_1/001.mp4", performance(1, "anger"), 30)
    write_video(root / "M003/video/front/happy/level_3/002.mp4", performance(1, "happiness"), 30)
    write_video(root / "M003/video/front/neutral/level_1/001.mp4", performance(1, "anger"), 30)
    write_video(root / "M003/video/left_30/angry/level_1/001.mp4", performance(1, "anger"), 30)
    write_video(root / "W009/video/front/surprised_level_2/001.mp4", performance(2, "surprise"), 30)
    write_video(root / "flat/W011_front_angry_level_1_001.mp4", performance(3, "anger"), 30)
    write_video(root / "flat/W011_front_contempt_level_1_001.mp4", performance(3, "disgust"), 30)
    (root / "M003/audio/angry/level_1").mkdir(parents=True)
    (root / "M003/audio/angry/level_1/001.m4a").write_bytes(b"\0")
    return root
