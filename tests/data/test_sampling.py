"""What of a clip is scored, which clips are, and what a data set must be like."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tiny
import torch
from PIL import Image

from fevbench.data.corpus import Corpus, FrameStore
from fevbench.data.datasets import datasets, open_dataset
from fevbench.data.protocol import Protocol, protocols
from fevbench.data.tensors import to_pixels, to_tensor
from fevbench.errors import DatasetError, VideoError

if TYPE_CHECKING:
    from fevbench.data.clip import Clip, Frames, Split

SHORT = protocols.get("64x16")


def numbered(count: int) -> Frames:
    """``uint8[count, 64, 64, 3]``: every pixel is the frame's number."""
    return np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 64, 64, 3), np.uint8)


def test_frames_are_taken_from_the_first_with_the_stride() -> None:
    assert SHORT.sample(numbered(32), "clip")[:, 0, 0, 0].tolist() == list(range(0, 32, 2))
    assert SHORT.native_frames() == 31
    assert len(SHORT.sample(numbered(31), "clip")) == 16


@pytest.mark.parametrize("name", list(protocols))
def test_no_protocol_scores_the_first_part_of_a_longer_clip(name: str) -> None:
    """It reads the clip to its end, or says that it does not."""
    protocol = protocols.get(name)
    for count in range(protocol.native_frames(), 200):
        if protocol.covers(count):
            frame_numbers = protocol.frame_numbers(count)
            assert frame_numbers[0] == 0
            assert 0.9 * (count - 1) - 1 <= frame_numbers[-1] < count
        else:
            with pytest.raises(
                VideoError, match=rf"clip has {count} frames, protocol .* reads only the first \d+"
            ):
                protocol.sample(np.zeros((count, 8, 8, 3), np.uint8), "clip")
    assert protocol.reads_to_end or not protocol.covers(64)


def test_a_longer_clip_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Protocol("64x16", 1, 64, 16, 2)
    monkeypatch.setitem(protocols._targets, "64x16", first)
    with pytest.raises(VideoError) as refused:
        first.sample(numbered(64), "mine")
    assert str(refused.value) == (
        "mine has 64 frames, protocol 64x16@1 reads only the first 31: "
        "prepare the set with --frames 32, spread over each take"
    )
    monkeypatch.setitem(protocols._targets, "64x16", replace(first, version=2, reads_to_end=True))
    with pytest.raises(VideoError, match="use 64x16@2, which is spread over the whole clip"):
        first.sample(numbered(64), "mine")


def test_a_protocol_that_reads_whole_clips_spreads_its_frames_over_them() -> None:
    whole = replace(SHORT, reads_to_end=True)
    for count in (31, 32):
        assert whole.frame_numbers(count) == SHORT.frame_numbers(count) == list(range(0, 32, 2))
    assert whole.frame_numbers(61) == list(range(0, 61, 4))
    assert whole.frame_numbers(64) == [0, 4, 8, 12, 17, 21, 25, 29, 33, 37, 41, 45, 50, 54, 58, 62]
    assert whole.sample(numbered(64), "clip")[:, 0, 0, 0].tolist() == whole.frame_numbers(64)
    every = replace(protocols.get("64x32"), reads_to_end=True)
    assert every.frame_numbers(32) == list(range(32))
    assert every.frame_numbers(63) == list(range(0, 63, 2))
    for count in range(31, 300):
        frame_numbers = whole.frame_numbers(count)
        assert (len(frame_numbers), len(set(frame_numbers)), frame_numbers[0]) == (16, 16, 0)
        assert 0 <= count - 1 - frame_numbers[-1] < whole.stride
        steps = np.diff(frame_numbers)
        assert steps.max() - steps.min() <= 1, "as even as whole frames allow"
    with pytest.raises(VideoError, match="needs 31"):
        whole.sample(numbered(30), "clip")


def test_resizing_is_pillows_bicubic() -> None:
    native = tiny.squares(0, 0, size=80)
    expected = Image.fromarray(native[2]).resize((64, 64), Image.Resampling.BICUBIC)
    assert np.array_equal(SHORT.sample(native, "clip")[1], np.asarray(expected))


def test_a_clip_that_does_not_fit_the_protocol_is_an_error() -> None:
    with pytest.raises(VideoError, match=r"mine has 30 frames, protocol 64x16@2 needs 31"):
        SHORT.sample(np.zeros((30, 64, 64, 3), np.uint8), "mine")
    with pytest.raises(VideoError, match="mine is 80x64, not square"):
        SHORT.sample(np.zeros((31, 64, 80, 3), np.uint8), "mine")


def test_pixels_survive_the_way_to_a_tensor_and_back() -> None:
    every = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    tensor = to_tensor(every)
    assert tensor.shape == (1, 3, 16, 16)
    assert (float(tensor.min()), float(tensor.max())) == (-1.0, 1.0)
    assert np.array_equal(to_pixels(tensor), every)
    assert to_pixels(torch.full((3, 1, 1), 1.4)).max() == 255


def test_a_smaller_limit_is_a_subset_of_a_larger_one_in_the_same_order() -> None:
    everything = Corpus(tiny.Tiny(), SHORT, "test").clips
    for limit in range(1, 12):
        clips = Corpus(tiny.Tiny(), SHORT, "test", limit).clips
        assert len(clips) == min(limit, 9)
        assert [clip for clip in everything if clip in clips] == list(clips)
        assert set(clips) <= set(Corpus(tiny.Tiny(), SHORT, "test", limit + 1).clips)


def test_a_split_without_clips_is_an_error() -> None:
    with pytest.raises(DatasetError, match="tiny has no val clips: choose another --split"):
        Corpus(tiny.Tiny(), SHORT, "val")


class _Changed(tiny.Tiny):
    """The tiny data set with one thing changed."""

    def __init__(self, pixel: int = 0, frame: int = 0, **changes: Any) -> None:
        self._pixel, self._frame, self._changes = pixel, frame, changes

    def clips(self, split: Split) -> tuple[Clip, ...]:
        first, *others = super().clips(split)
        return (replace(first, **self._changes), *others)

    def frames(self, clip: Clip) -> Frames:
        frames = tiny.squares(0, 0, size=64)
        if clip.subject == "ann":
            frames[self._frame, 63, 63, 2] ^= self._pixel
        return frames


def test_the_digest_is_of_what_is_scored() -> None:
    def digest(**changes: Any) -> str:
        return Corpus(_Changed(**changes), SHORT, "test").digest()

    assert digest() == digest()
    assert digest(pixel=1, frame=1) == digest(), "frame 1 is not scored with stride 2"
    changed = {digest(pixel=1, frame=2), digest(label="joy"), digest(id="x"), digest(subject="eve")}
    assert len(changed | {digest()}) == 5


def test_the_digest_of_some_clips_is_not_that_of_all() -> None:
    corpus = Corpus(tiny.Tiny(), SHORT, "test")
    assert corpus.digest(corpus.clips) == corpus.digest()
    assert corpus.digest(corpus.clips[1:]) != corpus.digest(corpus.clips[:-1])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"subject": "dan"}, "subject dan is in both train and test"),
        ({"id": "bob-joy"}, "two clips are called bob-joy"),
        ({"id": "../up"}, "clip id '../up' is not a file name"),
        ({"label": "smirk"}, "has the unknown label 'smirk'"),
    ],
)
def test_a_data_set_that_cannot_be_scored_on_is_refused(
    tiny_data: None, changes: dict[str, str], reason: str
) -> None:
    class Wrong(_Changed):
        def clips(self, split: Split) -> tuple[Clip, ...]:
            clips = tiny.Tiny.clips(self, split)
            return (replace(clips[0], **changes), *clips[1:]) if split == "test" else clips

    datasets._targets["wrong"] = Wrong
    with pytest.raises(DatasetError, match=reason):
        open_dataset("wrong")


def test_clips_are_decoded_once_within_the_budget() -> None:
    loads: list[str] = []

    def load(name: str) -> Frames:
        loads.append(name)
        return np.zeros((1, 2, 2, 3), np.uint8)

    store = FrameStore(budget=24)
    for name in "aabacab":
        store.get(name, lambda name=name: load(name))  # type: ignore[misc]
    assert loads == ["a", "b", "c", "b"], "what was used last is kept"
    with pytest.raises(ValueError, match="read-only"):
        store.get("a", lambda: load("a"))[:] = 1


def test_every_protocol_is_told_apart_by_its_id() -> None:
    made = [protocols.get(name) for name in protocols]
    assert len({protocol.id for protocol in made}) == len(made)
    assert Protocol("64x16", 2, 64, 16, 2).id == "64x16@2"
