"""The confusion of labels and macro-F1, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.metrics.expression import confusion, macro_f1


def test_by_hand() -> None:
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
