"""The controls come out in the order their construction demands, on real faces with the real networks.

A metric suite that cannot tell a frozen face, shuffled frames or another person from the truth is not
worth running. 32 clips are the fewest for which FVD is reported.
"""

from pathlib import Path

import pytest

from fevbench.cli.main import main
from fevbench.results.files import read_result
from fevbench.results.schema import Result

pytestmark = pytest.mark.weights

ALL = ("csim", "acd-i", "acd", "psnr", "ssim", "motion", "fid", "kid", "fvd", "kvd")
# Whole-set metrics cannot see pairing: of these two controls they would see the true clips, reordered.
PAIRED = ("csim", "acd-i", "acd", "psnr", "ssim", "motion")
ASKED = {"real": ALL, "copy": ALL, "shuffled": ALL, "other-person": PAIRED, "other-expression": PAIRED}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    folder = tmp_path_factory.mktemp("controls")
    found = {}
    for name, wanted in ASKED.items():
        out: Path = folder / name
        with pytest.raises(SystemExit) as stop:
            main(["run", name, "fevsynth", "--limit", "32", "--metrics", ",".join(wanted), "--out", str(out)])
        assert stop.value.code == 0
        found[name] = read_result(out)
    return found


def value(results: dict[str, Result], model: str, metric: str) -> float:
    measured = results[model].metrics[metric].value
    assert measured is not None
    return measured


@pytest.mark.parametrize("metric", ["psnr", "ssim", "motion"])
def test_the_true_clip_beats_all_in_what_compares_with_it(results: dict[str, Result], metric: str) -> None:
    others = [value(results, name, metric) for name in results if name != "real"]
    assert value(results, "real", metric) > max(others)


@pytest.mark.parametrize("metric", ["fid", "kid", "fvd", "kvd"])
def test_the_true_clips_are_nearest_to_themselves(results: dict[str, Result], metric: str) -> None:
    real = value(results, "real", metric)
    assert real < value(results, "copy", metric)
    # Shuffled frames are the same set of frames in another order, which sums to the same but for rounding.
    assert real <= value(results, "shuffled", metric) + 1e-9
    if metric in ("fid", "fvd"):
        assert real == pytest.approx(0, abs=1e-6)


def test_a_frozen_face_keeps_identity_best_and_motion_worst(results: dict[str, Result]) -> None:
    others = [name for name in results if name != "copy"]
    assert value(results, "copy", "csim") == pytest.approx(1, abs=1e-5)
    assert all(value(results, "copy", "csim") > value(results, name, "csim") for name in others)
    assert all(value(results, "copy", "acd") < value(results, name, "acd") for name in others)
    assert value(results, "copy", "motion") == 0
    assert all(value(results, name, "motion") > 0 for name in others)


def test_shuffling_is_seen_by_video_metrics_only(results: dict[str, Result]) -> None:
    for metric in ("fid", "kid"):
        assert value(results, "shuffled", metric) == pytest.approx(value(results, "real", metric), abs=1e-6)
    for metric in ("fvd", "kvd"):
        assert value(results, "shuffled", metric) > value(results, "real", metric) + 1
    # The faces are the same ones in another order.
    assert value(results, "shuffled", "csim") == pytest.approx(value(results, "real", "csim"), abs=1e-5)


def test_another_person_loses_identity(results: dict[str, Result]) -> None:
    """The gap must be wide: the whole interval of the wrong person lies below that of the right one."""
    wrong, right = (results[name].metrics["csim"].interval for name in ("other-person", "real"))
    assert wrong is not None
    assert right is not None
    assert wrong.high < right.low
    assert all(
        value(results, "other-person", "csim") < value(results, name, "csim")
        for name in results
        if name != "other-person"
    )


def test_another_expression_keeps_identity_but_not_pixels(results: dict[str, Result]) -> None:
    assert value(results, "other-expression", "csim") > value(results, "other-person", "csim")
    assert value(results, "other-expression", "ssim") < value(results, "real", "ssim")


def test_every_true_face_is_found(results: dict[str, Result]) -> None:
    assert all(metric.missing == metric.excused == 0 for metric in results["real"].metrics.values())
