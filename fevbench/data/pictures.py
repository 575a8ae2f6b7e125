"""Reading a picture or an animation as viewers see it; all of fevbench reads pictures here."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from fevbench.data.clip import Frames
from fevbench.data.facts import CHECKSUMS, FileFacts
from fevbench.errors import VideoError

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")
ANIMATION_SUFFIXES = (".gif", ".webp", ".apng", ".tif", ".tiff")
"""Files of these kinds may hold one picture or a whole clip."""
BACKGROUND = "white"
"""The colour behind transparent parts."""
LOSSLESS = ("PNG", "BMP", "PPM")
ANIMATED = ("PNG", "GIF", "WEBP", "TIFF")
"""Formats whose pictures are frames in time; others hold previews or depth beside the one picture."""
ORIENTATION = 274
"""The EXIF tag that says how to turn a picture; 1 is unturned."""
DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError)
AGAIN = "export or copy it again"


def read_picture(
    path: Path, facts: FileFacts | None = None, largest: int | None = None, first: bool = False
) -> Frames:
    """Read a picture as viewers see it.

    It is turned as its EXIF data say; transparent parts become white; grey becomes RGB; 16 bits per channel
    are rounded to 8.

    Args:
        path: A file of one of `PICTURE_SUFFIXES`, or any other that Pillow reads.
        facts: Gets notes on what was changed.
        largest: The needed length of the longer side; a larger JPEG may be decoded smaller.
        first: Take the first picture of an animation, which otherwise is an error.

    Returns:
        ``uint8[H, W, 3]``, RGB.

    Raises:
        VideoError: It cannot be decoded completely, is an animation, or its pixels are not colours.
    """
    facts = FileFacts() if facts is None else facts
    with _opened(path, facts) as picture:
        count = _count(picture)
        if count > 1 and not first:
            raise VideoError(
                f"{path} holds {count} pictures, expected one",
                "give one file per frame, or only the animation",
            )
        if largest:
            picture.draft("RGB", (largest, largest))
        return np.asarray(_as_seen(picture, path, facts))


def read_animation(path: Path, facts: FileFacts | None = None) -> list[Frames]:
    """Read all pictures of a GIF, WebP, PNG or TIFF file: each ``uint8[H, W, 3]``, RGB.

    ``facts`` gets notes on what was changed, and the times if the file gives them. Raises as `read_picture`.
    """
    facts = FileFacts() if facts is None else facts
    frames, shown = [], []
    with _opened(path, facts) as picture:
        for number in range(_count(picture)):
            picture.seek(number)
            frames.append(np.asarray(_as_seen(picture, path, facts)))
            shown.append(float(picture.info.get("duration") or 0) / 1000)
    facts.set_times([sum(shown[:i]) if all(shown[:-1]) else None for i in range(len(shown))])
    length = facts.times[-1] if facts.times else 0
    facts.fps = (len(frames) - 1) / length if length else None
    return frames


def is_animation(path: Path) -> bool:
    """Whether a file holds several pictures that are a clip; a damaged GIF counts as one."""
    suffix = path.suffix.lower()
    if suffix not in ANIMATION_SUFFIXES or path.name.startswith(".") or not path.is_file():
        return False
    try:
        with warnings.catch_warnings(), Image.open(path) as picture:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _count(picture) > 1
    except (*DECODE_ERRORS, Image.DecompressionBombError):
        return suffix in (".gif", ".apng")


@contextmanager
def _opened(path: Path, facts: FileFacts) -> Iterator[Image.Image]:
    if not path.is_file():  # a pipe would hang
        raise VideoError(f"{path} is not a file", "give a picture")
    try:
        # Pillow warns of large pictures, and refuses twice as large ones.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                kind = picture.format or ""
                if kind == "PNG":
                    picture.verify()  # checks all checksums, most of which decoding ignores
                else:
                    yield picture
            if kind == "PNG":
                with Image.open(path) as picture:
                    yield picture
        facts.add_file(kind.lower(), _is_lossy(path, kind), CHECKSUMS if kind == "PNG" else "")
    except Image.DecompressionBombError as error:
        raise VideoError(f"{path} is too large to open ({error})", "shrink it first") from error
    except DECODE_ERRORS as error:
        raise VideoError(f"{path} cannot be decoded ({error})", AGAIN) from error


def _count(picture: Image.Image) -> int:
    return int(getattr(picture, "n_frames", 1)) if picture.format in ANIMATED else 1


def _is_lossy(path: Path, kind: str) -> bool:
    """Whether a format loses detail; a GIF has 256 colours."""
    if kind == "WEBP":
        return b"VP8L" not in path.read_bytes()
    if kind == "TIFF":
        with Image.open(path) as picture:
            return str(picture.info.get("compression", "")).endswith(("jpeg", "webp"))
    return kind not in LOSSLESS


def _as_seen(picture: Image.Image, path: Path, facts: FileFacts) -> Image.Image:
    """The picture in RGB, turned, on `BACKGROUND`."""
    eight = _eight_bits(picture, path, facts)
    orientation = picture.getexif().get(ORIENTATION, 1)
    _note_colours(picture, facts)
    if orientation in range(2, 9):
        eight.getexif()[ORIENTATION] = orientation
        eight = ImageOps.exif_transpose(eight)
        facts.note("turned as its EXIF data say")
    if {"A", "a"} & set(eight.getbands()) or "transparency" in eight.info:
        return on_background(eight.convert("RGBA"), facts)
    return eight.convert("RGB")


def on_background(layer: Image.Image, facts: FileFacts) -> Image.Image:
    """A picture in RGBA as RGB: what is transparent is shown on `BACKGROUND`."""
    if layer.getchannel("A").getextrema() == (255, 255):
        return layer.convert("RGB")
    facts.note(f"transparent parts are shown on {BACKGROUND}")
    return Image.alpha_composite(Image.new("RGBA", layer.size, BACKGROUND), layer).convert("RGB")


def _eight_bits(picture: Image.Image, path: Path, facts: FileFacts) -> Image.Image:
    """The picture with 8 bits per channel; 65535 becomes 255."""
    if picture.mode == "F":
        raise VideoError(f"{path} has floating-point pixels", "save it with 8 bits a channel")
    if picture.mode.startswith("I"):  # 16 bits of grey; 32 bits are hardly ever used
        values = np.asarray(picture).astype(np.int64)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise VideoError(f"{path} has more than 16 bits a channel", "save it with 8")
    elif any(";16" in str(tile[3]) for tile in getattr(picture, "tile", [])):
        if _count(picture) > 1:
            raise VideoError(f"{path} holds pictures with 16 bits a channel", "save them with 8")
        values = _sixteen_bits(path)  # Pillow gives the upper eight, not rounded
    else:
        return picture
    facts.note("16 bits a channel became 8")
    return Image.fromarray((values / 257).round().astype(np.uint8))


def _sixteen_bits(path: Path) -> np.ndarray:
    import cv2

    values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16:
        raise VideoError(f"{path} has 16 bits a channel and cannot be decoded", "save it with 8")
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(values.shape[2] if values.ndim == 3 else 1)
    return np.asarray(values if order is None else values[..., order])


def _note_colours(picture: Image.Image, facts: FileFacts) -> None:
    """Note colours that are not converted."""
    if picture.mode in ("CMYK", "LAB"):
        facts.note(f"{picture.mode} became RGB without a colour profile")
    profile = picture.info.get("icc_profile")
    if profile:
        name = _profile_name(profile)
        if "srgb" not in name.lower():
            facts.note(f"its colour profile ({name}) is not applied")


def _profile_name(profile: bytes) -> str:
    from io import BytesIO

    from PIL import ImageCms

    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(profile))
        return " ".join(ImageCms.getProfileDescription(opened).split())[:40] or "unnamed"
    except (ImageCms.PyCMSError, OSError, ValueError):
        return "broken"
