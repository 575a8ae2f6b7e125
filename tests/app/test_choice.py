"""Which models the page shows, and that it says why it leaves others out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny import Cli

from fevbench import weights
from fevbench.app.choice import CONTROL, LEFT_OUT, choose_models
from fevbench.app.serve import is_loopback, listen
from fevbench.errors import FevbenchError, WeightsError
from fevbench.models.registry import load_plugin, models


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pretrained network can be had."""

    def refuse(names: tuple[str, ...], **_: object) -> dict[str, object]:
        if names:
            raise WeightsError(f"{names[0]} is not here", "pull it")
        return {}

    monkeypatch.setattr(weights, "require_all", refuse)


def test_all_installed_models_are_shown_or_named_with_the_reason(tiny_data: None, no_network: None) -> None:
    choice = choose_models(())
    assert {*choice.shown, *choice.left_out} == set(models)
    assert "imaginator" in choice.shown
    assert choice.left_out["real"] == choice.left_out["copy"] == CONTROL
    assert choice.left_out["fev-gan"].endswith(" is not here: pull it")
    assert {name: choice.left_out[name] for name in LEFT_OUT} == LEFT_OUT


def test_a_model_of_a_plugin_is_shown_and_a_broken_one_is_named(
    tiny_data: None, no_network: None, plugin: Callable[[str], Path]
) -> None:
    code = """
    @register_model("mine")
    class Mine:
        def __init__(self, spec): pass
        def generate(self, images, labels, generator): pass
    @register_model("odd")
    class Odd(Mine):
        networks = 3
    """
    load_plugin(plugin(code))
    choice = choose_models(())
    assert "mine" in choice.shown
    assert "attribute networks of model odd is 3" in choice.left_out["odd"]


def test_what_was_asked_for_is_shown_once_or_is_an_error(tiny_data: None, no_network: None) -> None:
    assert choose_models(("copy", "imaginator", "copy")).shown == ("copy", "imaginator")
    for name, words in (("real", "generates none"), ("imagnator", "did you mean"), ("fev-gan", "not here")):
        with pytest.raises(FevbenchError, match=words):
            choose_models((name,))


def test_without_gradio_or_with_a_taken_port_there_is_one_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    outcome = cli("app")
    assert outcome.code == 1
    assert (
        "fevbench app needs gradio, which is not installed: pip install 'fevbench[app]'" in outcome.complaint
    )
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with listen("127.0.0.1", 0) as taken:
        outcome = cli("app", "--port", str(taken.getsockname()[1]))
    assert outcome.code == 1
    assert "of 127.0.0.1 cannot be used (Address already in use): give another --port" in outcome.complaint


def test_addresses_of_this_machine_alone() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.0.2.1", "example.org")))


def test_a_plugin_file_brings_its_models_to_the_page(
    cli: Cli, no_network: None, plugin: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[tuple[str, ...]] = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr("fevbench.app.animate.Networks", lambda *_: None)
    monkeypatch.setattr("fevbench.app.serve.serve", lambda _, choice, *__: served.append(choice.shown))
    code = """
    @register_model("mine")
    class Mine:
        def __init__(self, spec): pass
        def generate(self, images, labels, generator): pass
    """
    asked = ("app", "--port", "0", "--model", "mine")
    assert "give --plugin FILE.py" in cli(*asked).complaint
    outcome = cli(*asked, "--plugin", plugin(code))
    assert outcome.code == 0, outcome
    assert served == [("mine",)]
    assert "registers nothing" in cli(*asked, "--plugin", plugin("", "empty.py")).complaint
    assert len(served) == 1
