"""Clips for viewing: strips, grids, and files that any player opens. Never for scoring."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fevbench.atomic import replacing
from fevbench.data.clip import Frames

GAP = 2
"""White pixels between pictures."""
QUALITY = 14
"""H.264's constant rate factor: no visible loss."""
COLOURS = {"color_range": 1, "colorspace": 6, "color_primaries": 1, "color_trc": 13}
"""Colour tags of videos: BT.601 in limited range, as the conversion from RGB uses, of sRGB. Without tags,
players guess differently. Numbers of ITU-T H.273; the range is FFmpeg's."""
MARGIN = 240
"""Largest width of the names beside rows, pixels; longer ones are cut."""
LINE = 18
"""Height of a line of text, pixels."""
HOLD = 8
"""How often an animation shows its last frame before it begins again."""


def grid(rows: Sequence[Frames]) -> Frames:
    """Pictures in rows, each ``uint8[N, H, W, 3]`` of one size and number, as one ``uint8[H', W', 3]``."""
    return np.concatenate([_framed(np.concatenate([_framed(p, 1) for p in row], 1), 0) for row in rows])


def beside(clips: Sequence[Frames]) -> Frames:
    """Clips ``uint8[T, H, W, 3]`` of the same shape, side by side: ``uint8[T, H, W', 3]``."""
    return np.concatenate([np.stack([_framed(frame, 1) for frame in clip]) for clip in clips], 2)


def _framed(picture: Frames, axis: int) -> Frames:
    """The picture with a white gap after its end on an axis."""
    after = [(0, GAP if i == axis else 0) for i in range(3)]
    return np.pad(picture, after, constant_values=255)


def enlarged(frames: Frames, scale: int) -> Frames:
    """``uint8[T, H, W, 3]``, ``scale`` times as large, bicubic."""
    if scale == 1:
        return frames
    size = (scale * frames.shape[2], scale * frames.shape[1])
    return np.stack([np.asarray(Image.fromarray(f).resize(size, Image.Resampling.BICUBIC)) for f in frames])


def captioned(frames: Frames, text: str) -> Frames:
    """The clip ``uint8[T, H, W, 3]`` with a line of text above it, on white."""
    band = Image.new("RGB", (frames.shape[2], LINE), "white")
    font = ImageFont.load_default(LINE - 4)
    ImageDraw.Draw(band).text((band.width / 2, LINE / 2), _plain(text), "black", font, anchor="mm")
    return np.concatenate([np.stack([np.asarray(band)] * len(frames)), frames], axis=1)


def labelled(rows: Mapping[str, Frames], caption: str) -> Frames:
    """Rows of pictures ``uint8[N, H, W, 3]`` as one, with their names at the left and a caption above."""
    pictures = grid(list(rows.values()))
    height = next(iter(rows.values())).shape[1] + GAP
    font = ImageFont.load_default(LINE - 4)
    names = [_fitting(_plain(name), font) for name in rows]
    top, margin = LINE + 3 * GAP, round(max(font.getlength(name) for name in names)) + 5 * GAP
    page = Image.new("RGB", (margin + pictures.shape[1], top + pictures.shape[0]), "white")
    page.paste(Image.fromarray(pictures), (margin, top))
    draw = ImageDraw.Draw(page)
    draw.text((margin, top / 2), _plain(caption), "black", font, anchor="lm")
    for i, name in enumerate(names):
        middle = top + i * height + height / 2
        draw.text((margin - 3 * GAP, middle), name, "black", font, anchor="rm")
    return np.asarray(page)


def _plain(text: str) -> str:
    """A text without accents, which Pillow's own font lacks."""
    kept: list[str] = []
    for letter in unicodedata.normalize("NFD", text):
        if not (unicodedata.combining(letter) and kept and kept[-1].isascii()):
            kept.append(letter)
    return unicodedata.normalize("NFC", "".join(kept))


def _fitting(name: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """A name cut so that it fits the margin."""
    shown = name
    while font.getlength(shown) > MARGIN:
        shown = shown.rstrip("…")[:-1] + "…"
    return shown


def write_mp4(path: Path, frames: Frames, fps: float, scale: int = 1, quality: int = QUALITY) -> None:
    """Write a video as H.264 in MP4, which every player and browser shows; the same clip gives the same file.

    Frames are ``uint8[T, H, W, 3]``, RGB; odd sides lose a pixel, because H.264's common form has even ones.
    They are shown ``scale`` times as large. Quality is the constant rate factor: smaller is better and
    larger.
    """
    large = enlarged(frames, scale)
    height, width = (side - side % 2 for side in large.shape[1:3])
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4", options={"fflags": "bitexact"}) as container:
        stream = container.add_stream("libx264", Fraction(fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        # The output of x264 depends on its number of threads.
        stream.options = {"crf": str(quality), "threads": "1"}
        for name, value in COLOURS.items():
            setattr(stream.codec_context, name, value)
        for pixels in large[:, :height, :width]:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with replacing(path) as part:
        part.write_bytes(buffer.getbuffer())


def write_gif(path: Path, frames: Frames, fps: float, scale: int = 1) -> None:
    """Write an animation that repeats, resting on its last frame; arguments as `write_mp4`."""
    pictures = [Image.fromarray(frame) for frame in enlarged(frames, scale)]
    pictures += [pictures[-1]] * HOLD
    with replacing(path) as part:
        pictures[0].save(
            part, "GIF", save_all=True, append_images=pictures[1:], duration=round(1000 / fps), loop=0
        )


def write_png(path: Path, rows: Sequence[Frames]) -> None:
    """Write clips ``uint8[T, H, W, 3]`` as rows of frames, first to last."""
    write_picture(path, grid(rows))


def write_picture(path: Path, picture: Frames) -> None:
    """Write ``uint8[H, W, 3]`` as PNG, or as JPEG if the file's suffix says so."""
    with replacing(path) as part:
        if path.suffix == ".jpg":
            Image.fromarray(picture).save(part, "JPEG", quality=90)
        else:
            Image.fromarray(picture).save(part, "PNG", optimize=True)
