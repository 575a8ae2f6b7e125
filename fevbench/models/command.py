"""``command:FILE.toml``: a model that is a program, in whatever environment it needs.

The program gets the paths of the input and of the clip, and is called once per clip, or once for a manifest
of many clips. Its output is read, checked and resized like clips of ``videos:DIR``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from fevbench.data.facts import FileFacts, notes_on_files
from fevbench.errors import FevbenchError, ModelError, VideoError
from fevbench.hashing import sha256_of_repr
from fevbench.models.found import COMMAND_PREFIX, FoundModel
from fevbench.models.program import CommandFile, Ending, run_program
from fevbench.models.program_folder import (
    MANIFEST_FILE,
    ManifestEntry,
    ProgramFolder,
    discard,
    manifest_text,
    outputs,
    read_output,
    seed_for_programs,
)
from fevbench.models.videos import check_length, check_size, size_of
from fevbench.wording import first_few

if TYPE_CHECKING:
    import torch

    from fevbench.data.clip import Clip, Frames
    from fevbench.models.protocol import ModelSpec


class CommandModel:
    """A program that makes clips, as its checked file ``says``.

    Attributes:
        at_once: Whether one call makes many clips.
        notes: Notes for the reader of the result.
    """

    def __init__(self, name: str, settings: CommandFile, spec: ModelSpec) -> None:
        self._name, self._settings, self._spec = name, settings, spec
        self.at_once = settings.at_once
        watched = f" and {len(settings.watch)} files it watches" if settings.watch else ""
        self.notes = [
            "made by a program outside, which cannot be seen: a change would show only in "
            f"{settings.path.name}{watched}"
        ]
        self._wanted: dict[str, int] = {}
        self._clips: dict[str, Clip] = {}
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._place: ProgramFolder | None = None
        self._written: dict[str, list[Path]] = {}
        self._called = False
        self._ending: Ending | None = None
        self._scored = True

    def expect(self, seeds: Mapping[Clip, int], folder: Path | None, scored: bool) -> None:
        """Set the clips and seeds that will be requested next, so that one call can make them.

        ``folder`` is where to work and to keep a log, None for a temporary one; ``scored`` says whether these
        are the scored clips, and not further noise samples.
        """
        if folder is None:
            self._scratch = self._scratch or tempfile.TemporaryDirectory()
        root = Path(self._scratch.name) if folder is None and self._scratch else folder
        assert root is not None
        self._place = ProgramFolder(root, self._key(), kept=folder is not None)
        self._scored, self._called, self._ending, self._written = scored, False, None, {}
        if scored:
            self._place.forget(clip.id for clip in seeds)
        self._clips = {clip.id: clip for clip in seeds}
        self._wanted = {clip.id: seed_for_programs(seed) for clip, seed in seeds.items()}

    def clip(self, wanted: Clip, generator: torch.Generator) -> Frames:
        """The clip ``uint8[T, S, S, 3]``, RGB, that the program made; ``generator`` gives the seed.

        Raises:
            ModelError: The program cannot be started, fails, takes too long, or writes nothing or several.
            VideoError: Its output cannot be read, or has another length or size.
        """
        if self._place is None or wanted.id not in self._wanted:
            self.expect({wanted: generator.initial_seed()}, None, scored=True)
        place = self._program_folder()
        if not self.at_once:
            self._make([wanted])
        elif not self._called:
            self._called = True
            self._read_left_over()
            left = [clip for clip in self._clips.values() if clip.id not in self._written]
            if left:
                self._make(left)
        frames = self._read(wanted)
        discard(self._written.pop(wanted.id))
        del self._wanted[wanted.id]
        if not self._wanted or not self.at_once:
            place.clear()
        return frames

    def file_notes(self) -> list[str]:
        """Notes on what changed pixels in the program's files, and on how they were checked for damage."""
        if self._place is None:
            return []
        known = self._place.known
        ours = [known[clip.id] for clip in self._spec.corpus.clips if clip.id in known]
        if not ours:
            return []
        (width, height), size = ours[0][0], self._spec.size
        resized = [f"clips were resized from {width}x{height} to {size}x{size}"] if width != size else []
        return [*resized, *notes_on_files([facts for _, facts in ours])]

    def _program_folder(self) -> ProgramFolder:
        assert self._place is not None
        return self._place

    def _key(self) -> str:
        """A digest of everything besides the seed that determines a clip."""
        corpus = self._spec.corpus
        parts = (self._settings.fingerprint, corpus.dataset.name, corpus.dataset.version, corpus.protocol.id)
        return sha256_of_repr((*parts, self._spec.size))[:12]

    def _read_left_over(self) -> None:
        """Read the clips that a stopped call had finished."""
        for entry, path in self._program_folder().left_over(self._wanted):
            self._written[entry.id] = [path]
            try:
                self._read(self._clips[entry.id])
            except FevbenchError:  # the file was incomplete
                del self._written[entry.id]

    def _make(self, clips: Sequence[Clip]) -> None:
        """Call the program for one clip or several, and find its output."""
        settings, place = self._settings, self._program_folder()
        if not self.at_once:
            place.clear()
        folder = place.new_folder()
        entries = [self._entry(clip, folder) for clip in clips]
        how = self._spec.corpus.protocol
        fps = how.rate(self._spec.corpus.dataset.fps)
        values: dict[str, object] = {"frames": how.frames, "size": how.size, "fps": f"{fps:g}"}
        about = f"{len(clips)} clips"
        if self.at_once:
            (folder / MANIFEST_FILE).write_text(manifest_text(self._spec.corpus, entries), encoding="utf-8")
            values["manifest"] = folder / MANIFEST_FILE
        else:
            about = f"clip {clips[0].id}"
            values |= vars(entries[0])
        timeout = settings.timeout and settings.timeout * len(clips)
        try:
            self._ending = run_program(
                settings.words(values), settings.cwd, settings.env, place.log, about, timeout
            )
        except ModelError as error:
            raise ModelError(f"{self._name}: {error.what}", error.fix) from error
        if not self.at_once and self._ending.status != 0:
            raise self._failed(clips[0])
        for entry in entries:
            self._written[entry.id] = outputs(Path(entry.out))
        if self._ending.status != 0 and any(self._written.values()):
            self._spec.progress.note(f"note: {self._name}: {self._ending}; clips that are whole are kept")

    def _entry(self, clip: Clip, folder: Path) -> ManifestEntry:
        image, out = folder / "images" / f"{clip.id}.png", folder / "out" / clip.id
        for file in (image, out):
            file.parent.mkdir(exist_ok=True)
        Image.fromarray(self._spec.corpus.frames(clip)[0]).save(image)
        return ManifestEntry(clip.id, str(image), clip.label, str(out), self._wanted[clip.id])

    def _read(self, clip: Clip) -> Frames:
        """The output for a clip, checked and resized; the facts of its files are kept."""
        written, what, facts = self._written.get(clip.id), f"{self._name}: clip {clip.id}", FileFacts()
        if not written:
            raise self._failed(clip)
        try:
            frames = read_output(written, facts, self._spec.frames + 1)
        except VideoError as error:
            raise VideoError(f"{what}: {error.what}", error.fix) from error
        check_length(what, frames, facts, self._spec)
        place = self._program_folder()
        first = next((size for size, _ in place.known.values()), size_of(frames))
        check_size(what, frames, first)
        resized = self._spec.corpus.protocol.resize(frames, what)
        if self._scored:
            place.remember(clip.id, frames, facts)
        return resized

    def _failed(self, clip: Clip) -> ModelError:
        """The error for a clip without output, or for a failed call."""
        ending, place = self._ending, self._program_folder()
        see = f"see {place.log}" if place.kept else f"correct the program or {self._settings.path}"
        if ending is None or ending.status == 0:
            said = f" (it said: {ending.last})" if ending and ending.last else ""
            return ModelError(
                f"{self._name}: the program wrote nothing for clip {clip.id}{said}",
                f"it must write frames into the folder {{out}}, or a video {{out}}.mp4; {see}",
            )
        if ending.status is None:
            more = f": {ending.last}" if ending.last else ""
            per_clip = " per clip" if self.at_once else ""
            return ModelError(
                f"{self._name}: the program took more than {self._settings.timeout:g} s{per_clip} "
                f"at clip {clip.id} and was stopped{more}",
                f"raise timeout in {self._settings.path}, or {see}",
            )
        return ModelError(f"{self._name}: the program failed on clip {clip.id} ({ending})", see)


def not_made_error(name: str, failed: Mapping[str, FevbenchError], count: int) -> ModelError:
    """One error for the failed ones of ``count`` clips of a call; ``failed`` is clip id to error."""
    first = next(iter(failed.values()))
    if len(failed) == 1:
        return ModelError(first.what, first.fix)
    what = f"{name}: {len(failed)} of {count} clips were not made ({first_few(list(failed))})"
    return ModelError(f"{what}; {first.what.removeprefix(f'{name}: ')}", first.fix)


def find_command(path: Path) -> FoundModel:
    """Read the file of an external program.

    Raises:
        ModelError: It does not exist, or has an invalid value.
        UnknownName: A field or placeholder is unknown.
    """
    settings = CommandFile(path)
    name = f"{COMMAND_PREFIX}{path.stem}"
    return FoundModel(
        name,
        str(path),
        settings.fingerprint,
        False,
        lambda spec: CommandModel(name, settings, spec),
        adapted=settings.adapted,
        fingerprint_is_complete=True,
        untracked=("the program outside",),
    )
