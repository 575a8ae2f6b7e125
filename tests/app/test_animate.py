"""From a photograph to rows: the numbers are those of the metrics, and what fails says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import forget_plugins

import fevbench
from fevbench import weights
from fevbench.app.animate import Networks, Row, Step, animate
from fevbench.app.choice import Choice
from fevbench.data.clip import EXPRESSIONS
from fevbench.errors import FevbenchError, WeightsError
from fevbench.models.registry import load_plugin

pytestmark = pytest.mark.weights

PLUGIN = """
import time
@register_model("fading")
class Fading:
    notes = ["it fades"]
    def __init__(self, spec): self.spec = spec
    def generate(self, images, labels, generator):
        ramp = torch.linspace(1, 0.1, self.spec.frames)[None, :, None, None, None]
        return images[:, None] * ramp
@register_model("falling")
class Falling(Fading):
    def generate(self, images, labels, generator): raise RuntimeError("it <fell>")
@register_model("hanging")
class Hanging(Fading):
    def generate(self, images, labels, generator): time.sleep(60)
@register_model("faceless")
class Faceless(Fading):
    def generate(self, images, labels, generator):
        return torch.rand(1, self.spec.frames, 3, self.spec.size, self.spec.size, generator=generator) * 2 - 1
"""


@pytest.fixture(scope="module")
def networks() -> Networks:
    return Networks("cpu")


@pytest.fixture
def models(plugin: Callable[[str], Path]) -> Iterator[None]:
    load_plugin(plugin(PLUGIN))
    yield
    forget_plugins()


@pytest.fixture
def still(networks: Networks, photograph: np.ndarray, tmp_path: Path) -> np.ndarray:
    Image.fromarray(photograph).save(tmp_path / "face.png")
    return networks.frame(tmp_path / "face.png", 64).still


def test_the_photograph_is_looked_at_as_generate_does(
    networks: Networks, photograph: np.ndarray, tmp_path: Path
) -> None:
    Image.fromarray(np.concatenate([photograph] * 2, 1)).save(tmp_path / "two.png")
    face = networks.frame(tmp_path / "two.png", 96)
    assert face.still.shape == (96, 96, 3)
    several, smiling = face.notes
    assert several.startswith("the photograph shows 2 faces: taken is ")
    assert several.endswith("crop it to choose another")
    assert smiling == "the face is not neutral but shows happiness (face-api): models expect a neutral one"
    Image.new("RGB", (200, 200), "grey").save(tmp_path / "none.png")
    with pytest.raises(FevbenchError, match="no face was found in the photograph"):
        networks.frame(tmp_path / "none.png", 96)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(FevbenchError, match="the photograph cannot be decoded") as raised:
        networks.frame(tmp_path / "text.png", 96)
    assert str(tmp_path) not in str(raised.value)


def test_rows_come_with_the_metrics_numbers_and_failures_in_words(
    networks: Networks, still: np.ndarray, models: None
) -> None:
    events = list(animate(still, Choice(("fading", "falling", "faceless"), {}), networks))
    steps = [event for event in events if isinstance(event, Step)]
    assert [step.done for step in steps] == [*range(7), 7, *range(14, 21)]
    assert {step.total for step in steps} == {21}
    fading, falling, faceless = (event for event in events if isinstance(event, Row))
    assert list(fading.clips) == list(fading.readings) == list(EXPRESSIONS)
    assert fading.clips["fear"].shape == (16, 64, 64, 3)
    assert fading.notes == ["it fades"]
    assert "it <fell>" in falling.error
    assert not falling.clips
    assert all(reading.csim is None and not reading.read for reading in faceless.readings.values())

    clip, reading = fading.clips["fear"], fading.readings["fear"]
    true = np.repeat(still[None], len(clip), 0)
    expected = fevbench.metric("csim", device="cpu", offline=True)(clip, true).value
    assert reading.csim == pytest.approx(expected, abs=1e-3)  # batches of other sizes round otherwise
    assert 0 < expected < 0.98
    assert reading.read["face-api"][0] == "happiness"
    assert 0.5 < reading.read["face-api"][1] <= 1


def test_a_model_that_hangs_is_stopped_and_the_others_go_on(
    networks: Networks, still: np.ndarray, models: None
) -> None:
    choice = Choice(("hanging", "fading"), {}, seconds=2)
    hanging, fading = (event for event in animate(still, choice, networks) if isinstance(event, Row))
    assert "model hanging took more than 2 s" in hanging.error
    assert "raise --clip-timeout" in hanging.error
    assert not hanging.clips
    assert list(fading.clips) == list(EXPRESSIONS)


def test_a_classifier_that_cannot_be_had_is_named(
    monkeypatch: pytest.MonkeyPatch, photograph: np.ndarray, tmp_path: Path
) -> None:
    had = weights.require_all

    def refuse(names: tuple[str, ...], **options: object) -> object:
        if "face-api" in names:
            raise WeightsError("face-api is not here", "pull it")
        return had(names, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(weights, "require_all", refuse)
    networks = Networks("cpu")
    assert networks.absent == {"face-api": "face-api is not here"}
    Image.fromarray(photograph).save(tmp_path / "face.png")
    assert networks.frame(tmp_path / "face.png", 64).notes == [
        "not checked whether the face is neutral (face-api is not here)"
    ]
