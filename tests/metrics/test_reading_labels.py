"""What a classifier says of a clip: a forced choice of six over its second half; confusion and macro-F1."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import Cli

from fevbench.engine.plan import choose_metrics
from fevbench.extractors.expressions import CLASSES
from fevbench.metrics.catalog import metrics
from fevbench.metrics.expression import confusion, macro_f1
from fevbench.metrics.measurement import ClipView, Measurement


def frames(*shown: str, surely: float = 0.9) -> np.ndarray:
    """Probabilities of frames, each of which shows one class."""
    rest = (1 - surely) / (len(CLASSES) - 1)
    return np.array([[surely if c == name else rest for c in CLASSES] for name in shown], np.float32)


def reads(probabilities: np.ndarray, label: str) -> Measurement:
    view = ClipView(probabilities, probabilities, label, "ann", ("joy", "sorrow"))
    found: Measurement = metrics.get("accuracy-fer").compute(view)
    return found


def test_the_second_half_decides_and_neutral_does_not() -> None:
    clip = frames("fear", "fear", "neutral", "happiness")
    assert reads(clip, "happiness").value == 1
    assert reads(clip, "fear").value == 0


def test_sums_decide_not_votes() -> None:
    unsure, sure = frames("anger", "anger", surely=0.2), frames("sadness", surely=0.9)
    clip = np.concatenate([unsure[:1], unsure, unsure[:1], unsure, sure])[-6:]
    assert reads(clip, "sadness").value == 1


def test_frames_without_a_face_are_left_out_and_a_clip_of_them_has_no_value() -> None:
    clip = frames("neutral", "neutral", "disgust", "surprise")
    clip[3] = np.nan
    assert reads(clip, "disgust").value == 1
    clip[2] = np.nan
    assert reads(clip, "disgust").value is None


def test_they_are_asked_for_by_name_and_know_six_labels(cli: Cli, tmp_path: str) -> None:
    assert not {"accuracy-fer", "accuracy-face-api"} & {metric.name for metric in choose_metrics([])}
    assert {"accuracy-fer", "accuracy-face-api"} <= {metric.name for metric in choose_metrics(["all"])}
    wanted = ("--metrics", "accuracy-fer,motion", "--out", f"{tmp_path}/run", "--format", "json")
    found = cli("run", "copy", "tiny", *wanted).result["metrics"]
    assert found["accuracy-fer"]["value"] is None
    assert found["accuracy-fer"]["reason"] == "its network does not know joy, sorrow"
    assert found["motion"]["value"] is not None


def test_macro_f1_by_hand() -> None:
    asked, read = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 0])
    matrix = confusion(read, asked, 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]
    # F1: label 0: precision 1/2, recall 1/2; label 1: 2/3 and 1; label 2: 0.
    assert macro_f1(matrix.astype(float)) == pytest.approx((0.5 + 0.8 + 0) / 3)


def test_many_at_once_and_absent_labels() -> None:
    one = np.array([[3.0, 1, 0], [0, 2, 0], [0, 0, 0]])
    both = macro_f1(np.stack([one, np.diag([1.0, 0, 1])]))
    assert both == pytest.approx([(6 / 7 + 4 / 5) / 2, 1.0])
    assert np.isnan(macro_f1(np.zeros((3, 3))))
