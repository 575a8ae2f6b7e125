"""What is learned is the motion of train people, and of nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tiny
from square_mesh import MESH, find_square

from baselines.mean_motion.learn import learn, learn_once
from baselines.mean_motion.learned import read_learned
from baselines.mean_motion.mesh import Mesh
from fevbench.data.clip import Clip, Split
from fevbench.data.protocol import protocols
from fevbench.errors import DatasetError, ModelError
from fevbench.progress import Silent

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

PROTOCOL = protocols.get("64x16@1")


class Watched(tiny.Tiny):
    """Remembers whose clips were looked at."""

    def __init__(self) -> None:
        self.seen: list[Clip] = []

    def frames(self, clip: Clip) -> Frames:
        self.seen.append(clip)
        return super().frames(clip)


def test_each_label_moves_its_own_way_and_only_train_people_are_seen() -> None:
    data = Watched()
    learned = learn(data, PROTOCOL, MESH, Silent())
    assert {clip.split for clip in data.seen} == {"train"}
    # Squares go up, to the right, and down to the right by half a pixel or one each native frame.
    for label, pixels in {"anger": (0, -15), "joy": (15, 0), "sorrow": (30, 15)}.items():
        motion = learned.of(label)
        assert motion.shape == (16, 9, 2)
        assert not motion[0].any()
        assert np.allclose(64 * motion[-1], pixels, atol=0.1), label
    assert np.allclose(learned.face, find_square(tiny.squares(3, 0)[:1])[0], atol=1e-6)


def test_the_file_says_what_it_was_learned_from(tmp_path: Path) -> None:
    learned = learn(tiny.Tiny(), PROTOCOL, MESH, Silent())
    learned.write(tmp_path / "a.safetensors")
    again = read_learned(tmp_path / "a.safetensors")
    expected = {
        "labels": list(tiny.LABELS), "fps": 12.5, "dataset": "tiny", "version": "1", "protocol": "64x16@1",
        "people": 1, "clips": 3, "left_out": 0, "mesh": "square",
    }  # fmt: skip
    assert expected.items() <= dict(again.about).items()
    assert np.allclose(again.motion, learned.motion, atol=2e-4), "half precision: a fiftieth of a pixel"
    with pytest.raises(ModelError, match="the mean motion of tiny is of anger, joy, sorrow, and not of fear"):
        again.of("fear")


def test_a_clip_without_its_face_is_left_out() -> None:
    class Twice(tiny.Tiny):
        """The second take of everything is all grey at the end."""

        def clips(self, split: Split) -> tuple[Clip, ...]:
            clips = super().clips(split)
            takes = tuple(Clip(f"{c.id}-2", c.subject, c.label, split, c.path) for c in clips)
            return clips + takes

        def frames(self, clip: Clip) -> Frames:
            frames = super().frames(clip)
            frames[-3:] = 90 if clip.id.endswith("-2") else frames[-3:]
            return frames

    twice, once = (learn(data, PROTOCOL, MESH, Silent()) for data in (Twice(), tiny.Tiny()))
    assert (twice.about["clips"], twice.about["left_out"]) == (3, 3)
    assert np.array_equal(twice.motion, once.motion)


def test_what_cannot_be_learned_is_said() -> None:
    class NoTrain(tiny.Tiny):
        def clips(self, split: Split) -> tuple[Clip, ...]:
            return super().clips(split) if split == "test" else ()

    class FacelessJoy(tiny.Tiny):
        def frames(self, clip: Clip) -> Frames:
            return super().frames(clip) // (100 if clip.label == "joy" else 1)

    with pytest.raises(DatasetError, match="tiny has no train people, whose motion this model learns: use a"):
        learn(NoTrain(), PROTOCOL, MESH, Silent())
    with pytest.raises(DatasetError, match="no train clip of tiny that shows joy has a face in every frame"):
        learn(FacelessJoy(), PROTOCOL, MESH, Silent())


@pytest.mark.usefixtures("tiny_data")
def test_it_is_learned_once_and_again_of_other_clips() -> None:
    first = learn_once(tiny.Tiny(), PROTOCOL, MESH, Silent())

    def refuse(frames: Frames) -> np.ndarray:
        raise AssertionError("looked again")

    again = learn_once(tiny.Tiny(), PROTOCOL, Mesh(refuse, "square"), Silent())
    assert np.array_equal(first.motion, again.motion)
    for protocol, mesh in ((protocols.get("64x32"), "square"), (PROTOCOL, "another")):
        with pytest.raises(AssertionError, match="looked again"):
            learn_once(tiny.Tiny(), protocol, Mesh(refuse, mesh), Silent())
