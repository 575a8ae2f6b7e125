"""Whether a face network distinguishes subjects: similarities of pairs of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from fevbench.data.clip import Frames
from fevbench.data.protocol import DEFAULT_PROTOCOL, Protocol, protocols
from fevbench.fevsynth.measure.record import Estimate, absent, resampled
from fevbench.fevsynth.measure.study import Study, has_face
from fevbench.records import Finite, Record
from fevbench.stats.bootstrap import draw_subjects

ONE_TAKE = "one take: no same-subject pairs across takes"
ONE_SUBJECT = "one subject: nobody to compare with"
RESAMPLES_AT_ONCE = 100
"""Bounds the memory: a resample holds a number for every pair of subjects."""


class FacePairs:
    """All pairs of N faces, as sums over pairs of subjects, from which every resample of subjects follows.

    Pairs of one subject are counted only across takes, where light, background and pose differ as well. The
    two faces of a pair of different subjects may come from any takes: nothing else distinguishes subjects.

    Args:
        embeddings: ``float[N, D]``, of length 1.
        subjects: The subject of each face.
        repetitions: ``int[N]`` the repetition of each face.
    """

    def __init__(
        self, embeddings: NDArray[np.float32], subjects: Sequence[str], repetitions: Sequence[int]
    ) -> None:
        self.subjects = tuple(sorted(set(subjects)))
        number = {person: i for i, person in enumerate(self.subjects)}
        person = np.array([number[subject] for subject in subjects], dtype=np.int64)
        faces = embeddings.astype(np.float64)
        first, second = np.triu_indices(len(faces), k=1)
        cosines = (faces @ faces.T)[first, second]
        repetition = np.asarray(repetitions)
        same = (person[first] == person[second]) & (repetition[first] != repetition[second])
        different = person[first] != person[second]
        low, high = (reduce(person[first], person[second])[different] for reduce in (np.minimum, np.maximum))
        self._same = _Pairs(cosines[same], person[first][same], len(self.subjects))
        self._different = _Pairs(cosines[different], low * len(self.subjects) + high, len(self.subjects) ** 2)

    @cached_property
    def _draws(self) -> NDArray[np.float64]:
        return draw_subjects(len(self.subjects))

    def _over_pairs(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over pairs of subjects, ``float64[P * P, ...]``, per resample: ``float64[RESAMPLES, ...]``.

        A pair counts as often as its subjects were drawn; one subject drawn twice is no pair.
        """
        parts = np.array_split(self._draws, len(self._draws) // RESAMPLES_AT_ONCE)
        pairs = ((part[:, :, None] * part[:, None, :]).reshape(len(part), -1) for part in parts)
        return np.concatenate([part @ sums for part in pairs])

    def same(self) -> Estimate:
        """Mean cosine of one subject's faces in different takes."""
        pairs = self._same
        if not len(pairs.cosines):
            return absent(ONE_TAKE, "pairs")
        means = _ratio(self._draws @ pairs.sums, self._draws @ pairs.counts)
        return self._estimate(float(pairs.cosines.mean()), means, len(pairs.cosines))

    def different(self) -> Estimate:
        """Mean cosine of different subjects' faces."""
        pairs = self._different
        if not len(pairs.cosines):
            return absent(ONE_SUBJECT, "pairs")
        means = _ratio(self._over_pairs(pairs.sums), self._over_pairs(pairs.counts))
        return self._estimate(float(pairs.cosines.mean()), means, len(pairs.cosines))

    def auc(self) -> Estimate:
        """The probability that a same-subject pair is more similar than a pair of different subjects.

        Exact: the Mann-Whitney statistic over all pairs of pairs, ties counted half (Hanley & McNeil, 1982).
        """
        same, different = self._same, self._different
        if not len(same.cosines) or not len(different.cosines):
            return absent(ONE_SUBJECT if len(same.cosines) else ONE_TAKE, "pairs")
        wins = self._wins()
        drawn = self._over_pairs(wins.T) * self._draws
        contests = self._over_pairs(different.counts) * (self._draws @ same.counts)
        value = wins.sum() / (len(same.cosines) * len(different.cosines))
        n = len(same.cosines) + len(different.cosines)
        return self._estimate(float(value), _ratio(drawn.sum(axis=1), contests), n)

    def most_similar(self, count: int) -> list[tuple[str, str, float]]:
        """The pairs of different subjects with the highest mean cosine, most similar first."""
        pairs = self._different
        means = np.where(pairs.counts > 0, pairs.sums / np.maximum(pairs.counts, 1), -np.inf)
        best = np.argsort(-means, kind="stable")[:count]
        size = len(self.subjects)
        found = [(self.subjects[i // size], self.subjects[i % size], float(means[i])) for i in best]
        return [row for row in found if np.isfinite(row[2])]

    def _wins(self) -> NDArray[np.float64]:
        """``float64[P, P * P]``: how often pairs of subject p are more alike than pairs of q and r."""
        same, different = self._same, self._different
        order = np.argsort(different.cosines, kind="stable")
        ranked, groups = different.cosines[order], different.groups[order]
        wins = np.zeros((len(self.subjects), different.size))
        for person in range(len(self.subjects)):
            own = same.cosines[same.groups == person]
            # A pair of others at place k loses to those of `own` that stand after it.
            places = np.concatenate([np.searchsorted(ranked, own, side) for side in ("left", "right")])
            passed = np.cumsum(np.bincount(places, minlength=len(ranked) + 1))[:-1]
            lost = (len(places) - passed) / 2
            wins[person] = np.bincount(groups, weights=lost, minlength=different.size)
        return wins

    def _estimate(self, value: float, statistics: NDArray[np.float64], n: int) -> Estimate:
        return resampled(value, statistics, n, "pairs", len(self.subjects))


@dataclass(frozen=True)
class _Pairs:
    """Cosines of pairs of faces, and the group (a subject, or a pair of subjects) each belongs to."""

    cosines: NDArray[np.float64]
    groups: NDArray[np.int64]
    size: int

    @cached_property
    def sums(self) -> NDArray[np.float64]:
        sums: NDArray[np.float64] = np.bincount(self.groups, self.cosines, self.size).astype(np.float64)
        return sums

    @cached_property
    def counts(self) -> NDArray[np.float64]:
        return np.bincount(self.groups, minlength=self.size).astype(np.float64)


def _ratio(sums: NDArray[np.floating], counts: NDArray[np.floating]) -> NDArray[np.float64]:
    """NaN where a resample holds no pair: one subject drawn again and again."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return (sums / counts).astype(np.float64)


MOST_SIMILAR = 5


class Separation(Record):
    """One kind of frames at one size."""

    frames: str
    """``neutral`` or ``apex``."""
    size: int
    """Height and width, pixels."""
    faces: int
    """Faces that were compared."""
    missing: int
    """Frames without a face, left out."""
    same: Estimate
    """Mean cosine of one subject's faces in different takes."""
    different: Estimate
    """Mean cosine of different subjects' faces."""
    auc: Estimate
    """The probability that a same-subject pair is more similar than a pair of different subjects."""


class Resemblance(Record):
    """Two subjects."""

    people: tuple[str, str]
    """Their ids."""
    cosine: Finite
    """Mean cosine over all pairs of their faces."""


class Identity(Record):
    """The face network on the set."""

    separations: list[Separation]
    """Neutral and apex frames, as stored and at the size of the default protocol."""
    most_similar: list[Resemblance]
    """The subjects most alike in their neutral frames as stored."""


def measure(study: Study) -> Identity:
    """Embed frame 0 and the middle of the apex of every clip, and every neutral image."""
    rendered = study.rendered
    shots, images = rendered.shots, rendered.neutrals
    small = protocols.get(DEFAULT_PROTOCOL)
    sides = [rendered.at(shot, [0, shot.peak(rendered.length)]) for shot in shots]
    stills = list(map(rendered.image, images))
    subjects = [shot.clip.subject for shot in shots]
    repetitions = [shot.repetition for shot in shots]
    separations: list[Separation] = []
    most_similar: list[Resemblance] = []
    for size, change in ((rendered.size, None), (small.size, small)):
        embed = partial(study.networks.features, "arcface")
        of_clips = embed(f"identity {size} px", _changed(sides, change), 2)
        of_images = embed(f"neutral {size} px", _changed(stills, change), 1)
        neutral = np.concatenate([of_clips[:, 0], of_images[:, 0]])
        who = subjects + [image.subject for image in images]
        when = repetitions + [image.repetition for image in images]
        rest, pairs = separation("neutral", size, neutral, who, when)
        peak, _ = separation("apex", size, of_clips[:, 1], subjects, repetitions)
        separations += [rest, peak]
        if change is None:
            most_similar = [
                Resemblance(people=(a, b), cosine=cosine) for a, b, cosine in pairs.most_similar(MOST_SIMILAR)
            ]
    return Identity(separations=separations, most_similar=most_similar)


def separation(
    frames: str,
    size: int,
    embeddings: NDArray[np.float32],
    subjects: Sequence[str],
    repetitions: Sequence[int],
) -> tuple[Separation, FacePairs]:
    """Compare all faces: embeddings ``float32[N, D]``, of length 1; NaN where no face is found.

    ``frames`` says what kind of frames they are, ``size`` is that of a frame in pixels.
    """
    kept = np.flatnonzero(has_face(embeddings)).tolist()
    pairs = FacePairs(embeddings[kept], [subjects[i] for i in kept], [repetitions[i] for i in kept])
    found = Separation(
        frames=frames,
        size=size,
        faces=len(kept),
        missing=len(embeddings) - len(kept),
        same=pairs.same(),
        different=pairs.different(),
        auc=pairs.auc(),
    )
    return found, pairs


def _changed(
    sources: Sequence[Callable[[], Frames]], protocol: Protocol | None
) -> list[Callable[[], Frames]]:
    if protocol is None:
        return list(sources)
    return [partial(_resized, source, protocol) for source in sources]


def _resized(source: Callable[[], Frames], protocol: Protocol) -> Frames:
    return protocol.resize(source(), "a frame")
