"""Views of what was measured, for a terminal; nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from fevbench.fevsynth.measure.blendshapes import Blendshapes
from fevbench.fevsynth.measure.border import Border
from fevbench.fevsynth.measure.composition import Composition
from fevbench.fevsynth.measure.detection import Detection
from fevbench.fevsynth.measure.expressions import Expressions
from fevbench.fevsynth.measure.identity import Identity
from fevbench.fevsynth.measure.reader import Reading
from fevbench.fevsynth.measure.record import Measured
from fevbench.fevsynth.measure.views import answers, counts, faces
from fevbench.records import Record

VIEWS: dict[str, tuple[type[Record], Callable[[Any], list[RenderableType]]]] = {
    "composition": (Composition, counts.composition),
    "detection": (Detection, faces.detection),
    "identity": (Identity, faces.identity),
    "blendshapes": (Blendshapes, faces.blendshapes),
    "expressions": (Expressions, answers.expressions),
    "border": (Border, answers.border),
    "reader": (Reading, answers.reader),
}


def view(measured: Measured, names: Iterable[str]) -> RenderableType:
    """The tables of some measures, and why others could not be had."""
    people = Text(
        f"{measured.dataset} {measured.version}, manifest sha256 {measured.manifest_sha256[:12]}",
        style="italic",
    )
    parts: list[RenderableType] = [people]
    for name in names:
        if name in measured.measures:
            record, tables = VIEWS[name]
            entry = measured.measures[name]
            parts += tables(record.model_validate(entry.result))
            parts.append(Text(f"{name}: {entry.seconds:.1f} seconds", style="dim"))
        else:
            parts.append(Text(f"{name}: not measured: {measured.not_measured[name]}", style="yellow"))
    return Group(*parts)
