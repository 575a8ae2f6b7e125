"""Names: lazy targets and errors that help."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fevbench.errors import FevbenchError, UnknownName
from fevbench.registry import Registry


def test_a_lazy_target_is_imported_when_asked_for_and_not_before() -> None:
    code = (
        "import sys; from fevbench.registry import Registry\n"
        "r = Registry('thing', {'a': 'wave:open'}); list(r); 'a' in r; r.peek('a')\n"
        "assert 'wave' not in sys.modules; r.get('a'); assert 'wave' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_nearest_names_are_suggested() -> None:
    with pytest.raises(UnknownName, match=r"no metric is called 'cisma': did you mean 'csim'\?"):
        Registry[int]("metric", {"csim": 1, "fvd": 2}).get("cisma")


def test_case_does_not_hide_a_name() -> None:
    with pytest.raises(UnknownName, match="did you mean 'MyGAN'"):
        Registry[int]("model", {"MyGAN": 1}).get("mygan")


def test_without_a_near_name_all_are_listed() -> None:
    with pytest.raises(UnknownName, match="known: csim, fvd"):
        Registry[int]("metric", {"fvd": 2, "csim": 1}).get("zzzzzz")
    with pytest.raises(UnknownName, match="known: none"):
        Registry[int]("metric").get("x")


def test_a_name_cannot_be_taken_twice() -> None:
    registry = Registry[int]("model", {"a": 1})
    registry.add("a", 1)
    with pytest.raises(FevbenchError, match="'a' is registered already"):
        registry.add("a", 2)
    assert registry.get("a") == 1
