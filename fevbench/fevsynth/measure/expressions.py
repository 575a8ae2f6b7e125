"""Whether off-the-shelf expression networks recognise the performed expression at the apex.

These networks answer with one of seven: the six labels or neutral. The set has no neutral apex, so there
are two questions. *Which of the six is it?* (``six``, the headline): the strongest of the six, a forced
choice with chance 1/6, as the set's labels and `reader` have it. *Is it visible at all?* (``neutral``): the
share of apexes that the network's own answer, out of seven, takes for neutral; this measures strength, not
kind. Accuracy out of seven (``seven``) is lowered by both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fevbench.extractors.expressions import CLASSES
from fevbench.fevsynth.measure.record import Agreement, Estimate, agreement, mean
from fevbench.fevsynth.measure.study import MEASURES, Study, has_face
from fevbench.records import Record

NO_FACE = "none"
"""The answer where no face is found, which is never right."""


class Reading(Record):
    """One network's answers for one group of subjects."""

    people: str
    """``all``, or the split."""
    six: Agreement
    """The strongest of the six."""
    seven: Agreement
    """The strongest of the seven."""
    neutral: Estimate
    """The share of apexes answered with neutral out of seven."""


class Network(Record):
    """One network."""

    name: str
    """The extractor's name."""
    readings: list[Reading]
    """At the middle of the apex: test subjects first, if there are any, then everybody."""
    neutral_images: Estimate
    """The share of the neutral images answered with neutral out of seven."""


class Expressions(Record):
    """Off-the-shelf networks on the set."""

    networks: list[Network]
    """Each network."""


def measure(study: Study) -> Expressions:
    """Ask every network about the middle of the apex of every clip, and about every neutral image."""
    rendered = study.rendered
    shots, images = rendered.shots, rendered.neutrals
    apexes = [rendered.at(shot, [shot.peak(rendered.length)]) for shot in shots]
    stills = list(map(rendered.image, images))
    shown = np.array([rendered.labels.index(shot.clip.label) for shot in shots])
    subjects = [shot.clip.subject for shot in shots]
    test = np.array([shot.clip.split == "test" for shot in shots])
    found = []
    for name in MEASURES["expressions"]:
        ask = partial(study.networks.features, name)
        scores = ask(name, apexes, 1)[:, 0]
        at_rest = ask(f"{name}, neutral", stills, 1)[:, 0]
        groups = {"test": test} if test.any() and not test.all() else {}
        groups |= {"all": np.ones(len(shots), bool)}
        readings = [
            reading(
                group, scores[who], shown[who], [subjects[i] for i in np.flatnonzero(who)], rendered.labels
            )
            for group, who in groups.items()
        ]
        calm = _answers(at_rest, CLASSES) == CLASSES.index("neutral")
        of_images = mean(calm.astype(np.float64), [image.subject for image in images], "neutral images")
        found.append(Network(name=name, readings=readings, neutral_images=of_images))
    return Expressions(networks=found)


def reading(
    shown_by: str,
    scores: NDArray[np.float32],
    shown: NDArray[np.int64],
    subjects: Sequence[str],
    labels: Sequence[str],
) -> Reading:
    """Compare a network's answers with the labels ``shown``, ``int[N]`` indices.

    Scores are ``float32[N, 7]`` in the order of `CLASSES`; NaN where no face is found.
    """
    six, seven = ((*choices, NO_FACE) for choices in (labels, CLASSES))
    of_six = _answers(scores[:, [CLASSES.index(label) for label in labels]], labels)
    of_seven = _answers(scores, CLASSES)
    calm = of_seven == CLASSES.index("neutral")
    return Reading(
        people=shown_by,
        six=agreement(shown, of_six, subjects, labels, six, "clips"),
        seven=agreement(shown, of_seven, subjects, labels, seven, "clips"),
        neutral=mean(calm.astype(np.float64), subjects, "clips"),
    )


def _answers(scores: NDArray[np.float32], choices: Sequence[str]) -> NDArray[np.int64]:
    """The strongest choice of each row; the one after the last where no face is found."""
    missing = ~has_face(scores)
    strongest = np.argmax(np.where(missing[:, None], 0, scores), axis=1)
    return np.where(missing, len(choices), strongest)
