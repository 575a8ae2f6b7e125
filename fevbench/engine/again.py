"""Scoring a run again from its cached features: no network is loaded, and no clip is read.

Features are cached under the digests of frames, so a run folder stores these digests: ``digests.npz``.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from fevbench import paths, weights
from fevbench.atomic import replacing
from fevbench.data.clip import Clip
from fevbench.data.datasets import RecordedDataset
from fevbench.data.protocol import Protocol
from fevbench.engine.extract import Extraction, Work
from fevbench.engine.folder import DIGESTS_FILE, Claim, settings_of
from fevbench.engine.noise import made_again
from fevbench.engine.plan import Evaluation, choose_metrics
from fevbench.engine.rows import RowsOnDisk
from fevbench.engine.samples import HashedClip, Sample, noise_pairs, samples
from fevbench.engine.score import score_all
from fevbench.engine.work import ClipFeatures, Digests
from fevbench.errors import FevbenchError, RunError
from fevbench.extractors.backends import OPENVINO, REFERENCE
from fevbench.extractors.base import Extractor
from fevbench.metrics.catalog import metrics as catalog
from fevbench.progress import Progress
from fevbench.results.files import read_result, write_result
from fevbench.results.provenance import environment
from fevbench.results.schema import Result
from fevbench.wording import quantity

BYTES = 32
"""Bytes of a digest."""


def write_digests(folder: Path, clips: Sequence[Clip], found: ClipFeatures) -> None:
    """Keep the digests of all clips of a run and of their frames."""
    again = [clip.id for clip in clips if clip.id in found.again]
    with replacing(folder / DIGESTS_FILE) as part, part.open("wb") as file:
        np.savez(
            file,
            clips=np.array([clip.id for clip in clips], str),
            made=_packed([found.made[clip.id] for clip in clips]),
            true=_packed([found.true[clip.id] for clip in clips]),
            again=np.array(again, str),
            draws=np.array([_packed(found.again[clip]) for clip in again], np.uint8),
        )


def _packed(digests: Sequence[Digests]) -> NDArray[np.uint8]:
    """``uint8[N, 1 + T, 32]``: for each clip its digest and those of its frames."""
    packed = b"".join(bytes.fromhex(text) for clip, frames in digests for text in (clip, *frames))
    return np.frombuffer(packed, np.uint8).reshape(len(digests), -1, BYTES)


def _unpacked(rows: NDArray[np.uint8]) -> HashedClip:
    clip, *frames = (bytes(row).hex() for row in rows)
    return HashedClip.known(clip, frames)


def read_digests(folder: Path) -> dict[str, dict[str, list[HashedClip]]]:
    """The clips of a run by their digests: ``made``, ``true`` and ``draws``, by clip id.

    Raises:
        RunError: They are missing or damaged.
    """
    file, again = folder / DIGESTS_FILE, "repeat its command, which keeps the clips"
    try:
        with np.load(file, allow_pickle=False) as kept:
            clips, draws = kept["clips"].tolist(), kept["again"].tolist()
            found = {
                side: {clip: [_unpacked(rows)] for clip, rows in zip(clips, kept[side], strict=True)}
                for side in ("made", "true")
            }
            found["draws"] = {
                clip: [_unpacked(one) for one in rows]
                for clip, rows in zip(draws, kept["draws"], strict=True)
            }
            return found
    except FileNotFoundError:
        raise RunError(f"{file} does not exist: an older fevbench made this run", again) from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(f"{file} is broken", f"delete it and {again}") from error


def score_again(folder: Path, names: Sequence[str], progress: Progress) -> Result:
    """Score a finished run again, and write its ``result.json`` again.

    Metrics are named as `choose_metrics` takes them; none for those of its result. Its other metrics stay.

    Raises:
        FevbenchError: The run is not finished; or features are not cached, or were computed with other
            packages or weights. Then only the run's own command can compute them.
    """
    before = read_result(folder)
    with Claim(folder, settings_of(folder)):
        clips = tuple(
            Clip(id_, before.dataset.subjects_of[id_], label, before.dataset.split, Path())
            for id_, label in before.dataset.labels_of.items()
        )
        digests = read_digests(folder)
        _check_same(folder, before, digests)
        evaluation = _evaluation(before, names, clips)
        device = before.environment.device.partition(" ")[0]
        progress.start("features", len(evaluation.extractors))
        cache = paths.home() / "features"
        kept, disk = {}, RowsOnDisk(folder)
        for extractor in evaluation.extractors:
            kept[extractor.name] = _kept(extractor, before, clips, digests, device, cache, progress, disk)
            progress.advance(1)
        values, seconds = score_all(evaluation, clips, kept, progress, folder)
        stage = Work(len(values), 0, seconds).stage()
        result = before.model_copy(
            update={
                "metrics": {**before.metrics, **values},
                "environment": environment(
                    device,
                    {**before.environment.ran_on, **evaluation.ran_on(device)},
                    threads=before.environment.threads,
                ),
                "stages": {**before.stages, "score": stage},
            }
        )
        write_result(folder, result)
    return result


def _check_same(folder: Path, result: Result, digests: Mapping[str, Mapping[str, list[HashedClip]]]) -> None:
    if {clip: made[0].digest for clip, made in digests["made"].items()} != result.clips:
        raise RunError(
            f"{folder / DIGESTS_FILE} does not match these clips",
            "delete it and repeat the run's command, which keeps the clips",
        )


def _evaluation(before: Result, names: Sequence[str], clips: tuple[Clip, ...]) -> Evaluation:
    data = before.dataset
    dataset = RecordedDataset(tuple(data.labels), data.name, data.version)
    judges = {record.name: record.sha256 for record in before.weights if record.name == "judge"}
    judge = weights.LocalWeight("judge", Path(), judges["judge"], verified=False) if judges else None
    chosen = choose_metrics(names) if names else tuple(catalog.get(name) for name in before.metrics)
    return Evaluation(
        chosen,
        dataset,
        cast("Protocol", before.protocol),
        judge,
        remakes_clips=bool(before.draws),
        clips=clips,
        backend=OPENVINO
        if any(OPENVINO in used for used in before.environment.ran_on.values())
        else REFERENCE,
        precision="fast"
        if any("precision" in used for used in before.environment.ran_on.values())
        else "exact",
    )


def _kept(
    extractor: Extractor,
    before: Result,
    clips: Sequence[Clip],
    digests: Mapping[str, Mapping[str, list[HashedClip]]],
    device: str,
    cache: Path,
    progress: Progress,
    disk: RowsOnDisk,
) -> dict[str, tuple[NDArray[np.floating], NDArray[np.floating]]]:
    """The features of all clips by one extractor, as arrays on disk; an error if one is not cached."""
    used = {record.name: record.sha256 for record in before.weights}
    here = {name: found.sha256 for name in extractor.weights if (found := weights.locate(name))}
    local = {
        name: weights.LocalWeight(name, Path(), used.get(name) or here.get(name, ""), verified=False)
        for name in extractor.weights
    }
    of_noise = extractor.unit == "noise pair"
    scored = made_again(clips) if of_noise else clips
    kept = {}
    with Extraction(extractor, local, device, None, cache, progress.note) as extraction:
        for clip in scored:
            made, true = digests["made"][clip.id][0], digests["true"][clip.id][0]
            wanted: tuple[list[Sample], list[Sample]]
            if of_noise:
                wanted = noise_pairs([made, *digests["draws"].get(clip.id, [])]), []
            else:
                wanted = samples(extractor.unit, made, true), samples(extractor.unit, true, true)
            of_made, of_true = extraction.kept(wanted)
            if of_made is not None and of_true is not None:
                kept[clip.id] = disk.keep(of_made), disk.keep(of_true)
    if lacking := len(scored) - len(kept):
        raise FevbenchError(
            f"features of {quantity(lacking, 'clip')} by {extractor.name} are not in the feature cache",
            "repeat the run's command with these --metrics, which computes them",
        )
    return kept
