"""Whether the files of a set are what it says of them."""

from __future__ import annotations

from pathlib import Path

from fevbench.data.clip import Clip, Dataset
from fevbench.data.prepared.adapter import Prepared
from fevbench.data.prepared.manifest import CLIPS
from fevbench.errors import DatasetError, VideoError
from fevbench.hashing import sha256_of


def damaged(data: Dataset, clip: Clip) -> str:
    """What is wrong with a clip of a set; nothing if it is whole."""
    try:
        if isinstance(data, Prepared) and sha256_of(clip.path) != data.entry(clip.id).sha256:
            return f"{clip.path} is not the file that was written"
        data.frames(clip)
    except (DatasetError, VideoError) as error:
        return error.what
    except OSError as error:
        return f"{clip.path} cannot be read ({error.strerror})"
    return ""


def strangers(data: Dataset) -> list[Path]:
    """Files among the clips of a prepared set that its manifest does not name."""
    if not isinstance(data, Prepared):
        return []
    folder = data.root / CLIPS
    known = {data.file(entry.id).name for entry in data.manifest.clips}
    return sorted(path for path in folder.iterdir() if path.name not in known) if folder.is_dir() else []
