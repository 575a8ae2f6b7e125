"""HSEmotion on a stand-in for its file, whose logits are known sums of the colours it is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fevbench.errors import WeightsError
from fevbench.extractors.expressions import CLASSES, ExpressionReader
from fevbench.extractors.hsemotion import INPUT_SIZE, LABELS, HSEmotion, crop_stretched, load

onnx = pytest.importorskip("onnx", reason="comes with insightface")

OF_COLOUR = np.random.RandomState(0).standard_normal((3, 8)).astype(np.float32)


def write_stand_in(path: Path, size: int = INPUT_SIZE, classes: int = 8) -> Path:
    """Mean over pixels, then a linear layer: what the published file takes and gives."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "of_colour"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "stand-in",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, size, size])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", classes])],
        [numpy_helper.from_array(OF_COLOUR[:, :classes], "of_colour")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    return write_stand_in(tmp_path / "enet_b0_8_best_afew.onnx")


def expected(colour: np.ndarray) -> np.ndarray:
    """Probabilities of the eight classes, by hand."""
    seen = (colour / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    logits = np.exp(seen @ OF_COLOUR)
    return np.asarray(logits / logits.sum())


def test_classes_are_columns_and_contempt_keeps_its_part(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fevbench.extractors.expressions.shared_detector", lambda device, path: None)
    reader = load("cpu", {"scrfd-500m": Path("none"), "hsemotion": stand_in})
    colours = np.array([[200, 40, 90], [10, 250, 128]])
    crops = np.tile(colours[:, None, None].astype(np.uint8), (1, INPUT_SIZE, INPUT_SIZE, 1))
    read = reader.read(crops)
    assert read.shape == (2, len(CLASSES))
    for row, colour in zip(read, colours, strict=True):
        # The stand-in adds up 50,000 pixels in float32.
        of = dict(zip(LABELS, expected(colour), strict=True))
        assert row == pytest.approx([of[name] for name in CLASSES], abs=5e-4)
        assert row.sum() == pytest.approx(1 - of["contempt"], abs=5e-4)


def test_the_crop_is_the_box_stretched() -> None:
    frame = np.zeros((60, 80, 3), np.uint8)
    frame[10:50, 20:40] = (10, 20, 30)
    crop = crop_stretched(frame, (20.7, 10.2, 40.9, 50.9))
    assert crop.shape == (224, 224, 3)
    assert (crop == (10, 20, 30)).all()
    whole = crop_stretched(frame, (-5, -5, 100, 100))
    assert (whole[80, 80] == (10, 20, 30)).all()
    assert not whole[:30].any()
    assert crop_stretched(frame, (79.9, 59.9, 90, 90)).shape == (224, 224, 3)
    assert crop_stretched(frame, (-9, -9, -3, -3)).shape == (224, 224, 3)


@pytest.mark.weights
def test_faces_are_read_and_blanks_are_not(
    stand_in: Path, weight_paths: dict[str, Path], photograph: np.ndarray
) -> None:
    reader = load("cpu", {"scrfd-500m": weight_paths["scrfd-500m"], "hsemotion": stand_in})
    assert isinstance(reader, ExpressionReader)
    blank = np.full_like(photograph, 128)
    features = reader(np.stack([blank, photograph]))
    assert np.isnan(features[0]).all()
    assert 0 < features[1].sum() < 1


@pytest.mark.parametrize("fault", ["junk", "seven classes", "other size"])
def test_another_file_is_refused_in_one_line(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "file.onnx"
    if fault == "junk":
        path.write_bytes(b"<html>log in</html>")
    else:
        write_stand_in(path, *((260, 8) if fault == "other size" else (INPUT_SIZE, 7)))
    with pytest.raises(WeightsError, match="does not hold HSEmotion of eight classes") as caught:
        HSEmotion("cpu", path)
    assert "\n" not in str(caught.value)
    assert "file.onnx.sha256" in caught.value.fix
