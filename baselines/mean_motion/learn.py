"""Learning the mean motion of a data set's train people; ``python -m baselines.mean_motion.learn``."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click
import numpy as np

from baselines.mean_motion.learned import Learned, read_learned
from baselines.mean_motion.mesh import Mesh, open_mesh
from baselines.mean_motion.motion import displacements, mean_of_aligned
from fevbench import paths
from fevbench.data.clip import Dataset
from fevbench.data.protocol import Protocol
from fevbench.errors import DatasetError
from fevbench.progress import Progress

FORMAT = 1
"""Raised whenever something else would be learned from the same clips."""


def learn(dataset: Dataset, protocol: Protocol, mesh: Mesh, progress: Progress) -> Learned:
    """Learn from the train people alone.

    A clip in which the face is lost in any frame is left out.

    Args:
        dataset: The data set.
        protocol: Which frames are looked at, and at what size.
        mesh: The finder of points.
        progress: Hears how it proceeds.

    Raises:
        DatasetError: There is no train clip, or none of a label in which the face is seen throughout.
    """
    clips = dataset.clips("train")
    if not clips:
        raise DatasetError(
            f"{dataset.name} has no train people, whose motion this model learns",
            "use a data set with a train split, or motion of another: mean-motion:FILE",
        )
    progress.start("find points", len(clips))
    seen, points = [], []
    for clip in clips:
        name = f"{dataset.name} clip {clip.id}"
        found = mesh.points(protocol.sample(dataset.frames(clip), name, dataset.fps))
        if not np.isnan(found).any():
            seen.append(clip)
            points.append(found)
        progress.advance(1)
    performed = {clip.label for clip in clips}
    labels = [label for label in dataset.labels if label in performed]
    lost = sorted(performed - {clip.label for clip in seen})
    if lost:
        raise DatasetError(
            f"no train clip of {dataset.name} that shows {', '.join(lost)} has a face in every frame",
            "crop clips to a square around the face",
        )
    face = np.mean([found[0] for found in points], axis=0)
    motion = [
        mean_of_aligned(
            [
                displacements(found, face)
                for clip, found in zip(seen, points, strict=True)
                if clip.label == label
            ]
        )
        for label in labels
    ]
    about = {
        "labels": labels,
        "fps": protocol.rate(dataset.fps),
        "dataset": dataset.name,
        "version": dataset.version,
        "protocol": protocol.sampling_id,
        "people": len({clip.subject for clip in seen}),
        "clips": len(seen),
        "left_out": len(clips) - len(seen),
        "mesh": mesh.version,
    }
    return Learned(np.stack(motion), face, about)


def learn_once(dataset: Dataset, protocol: Protocol, mesh: Mesh, progress: Progress) -> Learned:
    """The same, kept in ``FEVBENCH_HOME/mean-motion`` for the next time."""
    rows = [(clip.id, clip.subject, clip.label) for clip in dataset.clips("train")]
    what = (FORMAT, dataset.name, dataset.version, protocol.sampling_id, dataset.labels, rows, mesh.version)
    digest = hashlib.sha256(repr(what).encode()).hexdigest()[:32]
    path = paths.home() / "mean-motion" / f"{digest}.safetensors"
    if not path.exists():
        learn(dataset, protocol, mesh, progress).write(path)
    return read_learned(path)


@click.command()
@click.argument("dataset")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.safetensors"
)
@click.option("--protocol", default="128x32", show_default=True, help="Which frames are looked at.")
def main(dataset: str, out: Path, protocol: str) -> None:
    """Learn the mean motion of DATASET's train people.

    \b
    Example:
      python -m baselines.mean_motion.learn fevsynth --out motion.safetensors
      fevbench run mean-motion:motion.safetensors fevsynth
    """
    from fevbench import weights
    from fevbench.cli.console import ProgressDisplay
    from fevbench.data.datasets import open_dataset
    from fevbench.data.protocol import protocols
    from fevbench.extractors.face_mesh import LANDMARKER

    with ProgressDisplay() as display:
        data, how = open_dataset(dataset), protocols.get(protocol)
        weights.require_all([LANDMARKER], progress=display.pull)
        learned = learn(data, how, open_mesh(), display)
    learned.write(out)
    about = learned.about
    click.echo(
        f"{out}: {', '.join(about['labels'])}; {about['clips']} clips of {about['people']} people, "
        f"{about['left_out']} left out"
    )


if __name__ == "__main__":
    main()
