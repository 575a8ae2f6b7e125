"""Which models the page shows, and why it leaves others out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fevbench import weights
from fevbench.errors import FevbenchError
from fevbench.models.apart import find_apart
from fevbench.models.registry import models

LEFT_OUT = {
    "mocogan": "it sees no face",
    "nearest": "it shows train clips of a data set",
    "jump": "it shows train clips of a data set",
}
"""Shipped models that do not show the face of a photograph, which only their results would tell."""
CONTROL = "it is a control"


@dataclass(frozen=True)
class Choice:
    """Models to show.

    Attributes:
        shown: Their names, in the order of the page.
        left_out: Names of others to the reason.
        seconds: What each may take per clip; None for no limit.
    """

    shown: tuple[str, ...]
    left_out: dict[str, str]
    seconds: float | None = None


def choose_models(
    asked: Sequence[str], pull: weights.Progress | None = None, seconds: float | None = None
) -> Choice:
    """See which models can be shown, and pull the networks they need.

    Args:
        asked: Their names, as `fevbench.models.registry.find_model` takes them; none for all that are
            installed.
        pull: Hears how downloads proceed.
        seconds: What each may take per clip; None for no limit.

    Raises:
        FevbenchError: One that was asked for cannot be shown, or none is left.
    """
    if asked:
        for name in asked:
            _reason_to_leave_out(name, pull, is_asked=True)
        return Choice(tuple(dict.fromkeys(asked)), {}, seconds)
    shown: list[str] = []
    left_out: dict[str, str] = {}
    for name in models:
        try:
            reason = LEFT_OUT.get(name) or _reason_to_leave_out(name, pull)
        except FevbenchError as error:
            reason = str(error)
        if reason:
            left_out[name] = reason
        else:
            shown.append(name)
    if not shown:
        raise FevbenchError("no model can be shown here", "see why with --model NAME")
    return Choice(tuple(shown), left_out, seconds)


def _reason_to_leave_out(name: str, pull: weights.Progress | None, is_asked: bool = False) -> str:
    """Why a model is not shown; empty if it is, and its networks are here then.

    Raises:
        FevbenchError: It cannot be: it is not there, looks clips up, or its networks cannot be had.
    """
    with find_apart(name) as found:
        if found.control and not is_asked:
            return CONTROL
        found.check_generates()
        weights.require_all(found.networks, progress=pull)
    return ""
