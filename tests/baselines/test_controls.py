"""Each control is what its name says, on every clip of the split."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from baselines.controls import Copy, OtherExpression, OtherPerson, Real, Shuffled
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import protocols
from fevbench.data.tensors import to_pixels, to_tensor
from fevbench.errors import DatasetError
from fevbench.models.protocol import ModelSpec


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return _spec(tiny.Tiny())


def _spec(data: tiny.Tiny, limit: int | None = None) -> ModelSpec:
    protocol = protocols.get("64x16")
    return ModelSpec(16, 64, data.labels, "cpu", Corpus(data, protocol, "test", limit))


def _seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_copy_is_the_first_frame_bit_for_bit(spec: ModelSpec) -> None:
    for clip in spec.corpus.clips:
        true = spec.corpus.frames(clip)
        video = Copy(spec).generate(to_tensor(true[:1]), torch.tensor([0]), _seeded())
        assert np.array_equal(to_pixels(video[0]), np.broadcast_to(true[:1], true.shape))


def test_real_is_the_true_clip(spec: ModelSpec) -> None:
    for clip in spec.corpus.clips:
        assert np.array_equal(Real(spec).clip(clip, _seeded()), spec.corpus.frames(clip))


def test_shuffled_has_every_true_frame_once_and_another_order(spec: ModelSpec) -> None:
    moved = [clip for clip in spec.corpus.clips if np.ptp(spec.corpus.frames(clip), axis=0).any()]
    for seed, clip in enumerate(moved):
        true, made = spec.corpus.frames(clip), Shuffled(spec).clip(clip, _seeded(seed))
        assert sorted(frame.tobytes() for frame in made) == sorted(frame.tobytes() for frame in true)
        assert not np.array_equal(made, true)
    assert len(moved) == 9


def test_shuffled_repeats_with_its_generator(spec: ModelSpec) -> None:
    clip = spec.corpus.clips[0]
    assert np.array_equal(Shuffled(spec).clip(clip, _seeded(1)), Shuffled(spec).clip(clip, _seeded(1)))
    assert not np.array_equal(Shuffled(spec).clip(clip, _seeded(1)), Shuffled(spec).clip(clip, _seeded(2)))


def _sources(spec: ModelSpec, control: OtherPerson) -> dict[str, tuple[str, str]]:
    """For each clip, whose true clip the control gave: person and label."""
    known = {spec.corpus.frames(c).tobytes(): (c.subject, c.label) for c in spec.corpus.pool}
    return {clip.id: known[control.clip(clip, _seeded()).tobytes()] for clip in spec.corpus.clips}


def test_other_person_is_everybody_elses_clip_of_the_label_once(spec: ModelSpec) -> None:
    sources = _sources(spec, OtherPerson(spec))
    for clip in spec.corpus.clips:
        person, label = sources[clip.id]
        assert person != clip.subject
        assert label == clip.label
    assert len(set(sources.values())) == len(spec.corpus.pool), "a bijection over the split"


def test_other_expression_is_the_same_person_with_another_label_once(spec: ModelSpec) -> None:
    sources = _sources(spec, OtherExpression(spec))
    for clip in spec.corpus.clips:
        person, label = sources[clip.id]
        assert person == clip.subject
        assert label != clip.label
    assert len(set(sources.values())) == len(spec.corpus.pool), "a bijection over the split"


def test_a_limit_changes_no_clip(spec: ModelSpec) -> None:
    """The counterpart comes from the whole split, also if it is not scored itself."""
    limited = _sources(_spec(tiny.Tiny(), limit=1), OtherPerson(_spec(tiny.Tiny(), limit=1)))
    everything = _sources(spec, OtherPerson(spec))
    assert limited.items() <= everything.items()


@pytest.mark.parametrize("control", [OtherPerson, OtherExpression])
def test_without_a_counterpart_there_is_no_control(control: type[OtherPerson]) -> None:
    class Lonely(tiny.Tiny):
        def clips(self, split):  # type: ignore[no-untyped-def]
            return super().clips(split)[:1]

    lonely = _spec(Lonely())
    with pytest.raises(DatasetError, match="ann-anger has no counterpart in the test split"):
        control(lonely).clip(lonely.corpus.clips[0], _seeded())


def test_controls_say_that_they_read_the_truth() -> None:
    assert all(model.control for model in (Copy, Real, Shuffled, OtherPerson, OtherExpression))
