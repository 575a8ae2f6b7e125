"""Of six a network must choose; of seven it may say neutral; without a face it is never right."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.data.clip import EXPRESSIONS
from fevbench.extractors.expressions import CLASSES
from fevbench.fevsynth.measure.expressions import NO_FACE, reading

PEOPLE = ["a", "b", "a"]


def test_neutral_counts_as_wrong_of_seven_and_cannot_be_said_of_six() -> None:
    scores = np.zeros((3, 7), np.float32)
    scores[:, CLASSES.index("neutral")] = [0.8, 0.1, 0.1]
    scores[:, CLASSES.index("fear")] = [0.2, 0.9, 0.1]
    scores[:, CLASSES.index("surprise")] = [0.0, 0.0, 0.8]
    found = reading("all", scores, np.full(3, EXPRESSIONS.index("fear")), PEOPLE, EXPRESSIONS)
    assert found.six.accuracy.value == pytest.approx(2 / 3)
    assert found.seven.accuracy.value == pytest.approx(1 / 3)
    assert found.neutral.value == pytest.approx(1 / 3)
    row = dict(zip(found.seven.answers, found.seven.confusion[EXPRESSIONS.index("fear")], strict=True))
    assert {name: count for name, count in row.items() if count} == {"neutral": 1, "fear": 1, "surprise": 1}


def test_no_face_is_an_answer_of_its_own() -> None:
    scores = np.eye(7, dtype=np.float32)[[CLASSES.index("anger")] * 3]
    scores[1] = np.nan
    found = reading("all", scores, np.zeros(3, int), PEOPLE, EXPRESSIONS)
    assert found.six.accuracy.value == found.seven.accuracy.value == pytest.approx(2 / 3)
    assert found.six.confusion[0][found.six.answers.index(NO_FACE)] == 1
    assert found.neutral.value == 0
