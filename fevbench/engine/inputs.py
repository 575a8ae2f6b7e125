"""The inputs of a run, written for a program elsewhere: input images, labels, ids and seeds.

inputs/
inputs.json     the settings; a command that continues must have the same
images/ID.png   the inputs
manifest.json   the clips, each with its input, label, seed and where it goes; written last
clips/          the program writes its clips here; fevbench never changes it
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import ValidationError

from fevbench.atomic import replacing, write_text
from fevbench.data.clip import Clip, Split
from fevbench.data.corpus import Corpus
from fevbench.data.pictures import read_picture
from fevbench.engine.folder import changes
from fevbench.engine.generate import clip_seed
from fevbench.errors import RunError, VideoError, suggested_fix
from fevbench.models.program_folder import MANIFEST_FILE, ManifestEntry, manifest_text, seed_for_programs
from fevbench.progress import Progress
from fevbench.records import Record

SETTINGS_FILE = "inputs.json"


class InputSettings(Record):
    """What decides the inputs; the same settings continue in the same folder."""

    dataset: str
    dataset_version: str
    protocol: str
    split: Split
    limit: int | None
    """How many clips at most."""
    seed: int


def write_inputs(corpus: Corpus, settings: InputSettings, out: Path, progress: Progress) -> int:
    """Write the inputs of a run; equal files stay, and no other file is overwritten.

    Returns how many images were written; the others already existed.

    Raises:
        RunError: The folder holds something else, or other inputs, or a file in it was changed.
        OSError: It cannot be written.
    """
    _claim(out, settings)
    entries = [_entry(clip, settings.seed) for clip in corpus.clips]
    progress.start("inputs", len(entries))
    written = 0
    for clip, entry in zip(corpus.clips, entries, strict=True):
        written += _write_image(out / entry.image, corpus.frames(clip)[0])
        progress.advance(1)
    (out / "clips").mkdir(exist_ok=True)
    text, manifest = manifest_text(corpus, entries), out / MANIFEST_FILE
    if not manifest.exists():
        write_text(manifest, text)
    elif manifest.read_bytes() != text.encode():
        raise _changed(manifest)
    return written


def _entry(clip: Clip, seed: int) -> ManifestEntry:
    own = seed_for_programs(clip_seed(seed, clip.id))
    return ManifestEntry(clip.id, f"images/{clip.id}.png", clip.label, f"clips/{clip.id}", own)


def _claim(out: Path, settings: InputSettings) -> None:
    """Make the folder, or check that it belongs to the same inputs."""
    file = out / SETTINGS_FILE
    try:
        if out.exists() and not out.is_dir():
            raise RunError(f"{out} is a file", "give --out a folder")
        if not file.exists():
            if out.exists() and any(not path.name.startswith(".inputs.") for path in out.iterdir()):
                raise RunError(f"{out} is not empty and holds no inputs", "choose another --out")
            write_text(file, settings.model_dump_json(indent=1) + "\n")
            return
        before = InputSettings.model_validate_json(file.read_bytes())
    except (FileExistsError, NotADirectoryError) as error:
        raise RunError(f"{out} lies in a file", "give --out a folder") from error
    except ValidationError as error:
        raise RunError(f"{file} is broken", "choose another --out") from error
    except OSError as error:
        fix = suggested_fix(error, "choose another --out")
        raise RunError(f"{out} cannot be used ({error.strerror})", fix) from error
    if changed := changes(before, settings):
        raise RunError(f"{out} holds other inputs ({'; '.join(changed)})", "choose another --out")


def _write_image(file: Path, image: np.ndarray) -> bool:
    """Write an input unless it exists; returns whether it was written."""
    if not file.exists():
        with replacing(file) as part:
            Image.fromarray(image).save(part)
        return True
    try:
        same = np.array_equal(read_picture(file), image)
    except VideoError:
        same = False
    if not same:
        raise _changed(file)
    return False


def _changed(file: Path) -> RunError:
    return RunError(f"{file} is not what was written", "move it away, then repeat the command")
