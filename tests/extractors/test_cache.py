"""The feature cache: what it keeps, what it refuses, and that a kill loses nothing that was put."""

from pathlib import Path

import numpy as np
import pytest

from fevbench.errors import FevbenchError
from fevbench.extractors.base import extractors
from fevbench.extractors.cache import FeatureCache


def test_returns_what_was_put_bit_for_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(1200, 7)).astype(np.float32)
    values[3] = np.nan
    FeatureCache(tmp_path, "net", "f" * 64, 7).put({str(i): v for i, v in enumerate(values)})
    # Opened anew, without the first having been closed, as after a kill.
    found = FeatureCache(tmp_path, "net", "f" * 64, 7).get([str(i) for i in range(1300)])
    assert len(found) == 1200
    assert all(found[str(i)].tobytes() == v.tobytes() for i, v in enumerate(values))


def test_extractors_do_not_share_features(tmp_path: Path) -> None:
    FeatureCache(tmp_path, "net", "a" * 64, 2).put({"k": np.ones(2, np.float32)})
    assert FeatureCache(tmp_path, "net", "b" * 64, 2).get(["k"]) == {}


def test_a_file_that_is_no_cache_is_named(tmp_path: Path) -> None:
    path = FeatureCache(tmp_path, "net", "a" * 64, 2).path
    path.write_bytes(b"junk" * 1000)
    with pytest.raises(FevbenchError, match=str(path)):
        FeatureCache(tmp_path, "net", "a" * 64, 2).get(["k"])


def test_features_of_another_length_are_refused(tmp_path: Path) -> None:
    FeatureCache(tmp_path, "net", "a" * 64, 3).put({"k": np.ones(3, np.float32)})
    with pytest.raises(FevbenchError, match="damaged"):
        FeatureCache(tmp_path, "net", "a" * 64, 2).get(["k"])


def test_the_fingerprint_sees_weights_and_device() -> None:
    extractor = extractors.get("i3d")
    weights = {"i3d-kinetics-400": "0" * 64}
    one = extractor.fingerprint(weights, "cpu")
    assert one == extractor.fingerprint(weights, "cpu")
    assert one != extractor.fingerprint({"i3d-kinetics-400": "1" * 64}, "cpu")
    assert one != extractor.fingerprint(weights, "cuda")
    assert extractor.fingerprint(weights, "cuda:0") == extractor.fingerprint(weights, "cuda:1")
