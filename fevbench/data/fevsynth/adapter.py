"""How fevbench reads FEVSynth: a manifest, and one video file a clip."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fevbench.data.clip import Clip, Split, Subject
from fevbench.errors import DatasetError

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

ROOT = Path(__file__).parent
REINSTALL = "install fevbench again"


class FEVSynth:
    """The data set as its manifest describes it; every file is checked against its sha256 when read.

    Args:
        root: The folder of ``manifest.json``; the shipped one by default.

    Raises:
        DatasetError: The manifest is missing or broken.
    """

    name = "fevsynth"
    title = "FEVSynth (preview): rendered people performing the six basic expressions"
    licence = "CC0-1.0"
    citation = "The fevbench authors, FEVSynth (2026)"

    def __init__(self, root: Path = ROOT) -> None:
        path = root / "manifest.json"
        try:
            manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            self.version: str = manifest["version"]
            self.fps: float = manifest["fps"]
            self.labels: tuple[str, ...] = tuple(manifest["labels"])
            self._subjects = tuple(_subject(entry) for entry in manifest["subjects"])
            self._sha256 = {entry["id"]: entry["sha256"] for entry in manifest["clips"]}
            self._clips = tuple(
                Clip(e["id"], e["subject"], e["label"], e["split"], root / e["file"])
                for e in manifest["clips"]
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            why = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
            raise DatasetError(f"{path} is missing or broken ({why})", REINSTALL) from error

    def subjects(self) -> tuple[Subject, ...]:
        """Every person, by id."""
        return self._subjects

    def clips(self, split: Split) -> tuple[Clip, ...]:
        """The clips of a split, by id."""
        return tuple(clip for clip in self._clips if clip.split == split)

    def frames(self, clip: Clip) -> Frames:
        """The clip as shipped: ``uint8[32, 128, 128, 3]``, RGB, frame 0 neutral.

        Raises:
            DatasetError: The file is missing or is not the one the manifest names.
            VideoError: It cannot be decoded.
        """
        from fevbench.data.video import read_clip

        try:
            found = hashlib.sha256(clip.path.read_bytes()).hexdigest()
        except OSError as error:
            raise DatasetError(f"{clip.path} cannot be read ({error.strerror})", REINSTALL) from error
        expected = self._sha256[clip.id]
        if found != expected:
            raise DatasetError(f"{clip.path} is damaged: sha256 {found}, expected {expected}", REINSTALL)
        return read_clip(clip.path)


def _subject(entry: dict[str, Any]) -> Subject:
    known = {key: value for key, value in entry.items() if key not in ("id", "split")}
    return Subject(entry["id"], entry["split"], known)
