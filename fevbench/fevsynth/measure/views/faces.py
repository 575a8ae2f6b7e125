"""Tables of what face networks see: detection, identity, units."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from fevbench.fevsynth.measure.blendshapes import Blendshapes
from fevbench.fevsynth.measure.detection import Detection
from fevbench.fevsynth.measure.identity import Identity
from fevbench.fevsynth.measure.views.cells import add, count, estimate, list_of, plain, rests_on, table

WORST = 5
"""Clips named of those with missed frames."""


def detection(found: Detection) -> list[RenderableType]:
    """How often a face is found, and how far its points are off."""
    rate = table("detection: a face is found", ["in"], ["% of them [95 %]", "N"])
    add(rate, "frames of clips", estimate(found.found, 2, percent=True), rests_on(found.found))
    add(rate, "neutral images", estimate(found.found_neutral, 2, percent=True), rests_on(found.found_neutral))
    points = table(
        "detection: distance from the true point",
        ["point"],
        ["pixels [95 %]", "p95", "% eyes", "p95", "shift x, y"],
    )
    for error in found.errors:
        shift = "–" if error.offset is None else f"{error.offset[0]:+.2f}, {error.offset[1]:+.2f}"
        add(
            points,
            error.point,
            estimate(error.pixels, 2),
            plain(error.pixels_p95, 2),
            plain(error.percent.value, 1),
            plain(error.percent_p95, 1),
            shift,
        )
    worst = sorted(found.missed.items(), key=lambda item: -item[1])[:WORST]
    lines = [Text("% eyes: of the true distance between the eyes; p95: 95th percentile", style="dim")]
    if worst:
        named = list_of([f"{clip} ({frames})" for clip, frames in worst])
        lines.append(Text(f"{len(found.missed)} clips with missed frames, most in {named}"))
    return [rate, points, *lines]


def identity(found: Identity) -> list[RenderableType]:
    """How well people are told apart."""
    columns = ["same person,\nother take", "different\npeople", "AUC", "pairs"]
    made = table("identity: cosine of ArcFace embeddings [95 %]", ["frames, px"], columns)
    for part in found.separations:
        name = f"{part.frames}, {part.size}"
        numbers = ((part.same, 3), (part.different, 3), (part.auc, 4))
        cells = [estimate(number, digits, between="\n") for number, digits in numbers]
        add(made, name, *cells, f"{count(part.same.n)}\n{count(part.different.n)}")
    reasons = {number.reason for part in found.separations for number in (part.same, part.different)}
    faces = ", ".join(
        f"{part.frames} {part.size} px {part.faces} and {part.missing}" for part in found.separations
    )
    alike = [f"{' and '.join(pair.people)} {pair.cosine:.3f}" for pair in found.most_similar]
    lines = [f"faces compared and frames without one: {faces}", f"most alike: {list_of(alike)}"]
    return [made, *map(Text, [*sorted(reasons - {""}), *lines])]


def blendshapes(found: Blendshapes) -> list[RenderableType]:
    """Which units the tracker sees."""
    made = table(
        f"blendshapes: correlation with the true weight, every {found.stride}. frame",
        ["unit"],
        ["Pearson [95 %]", "Spearman", "strongest"],
    )
    for row in found.units:
        add(made, row.unit, estimate(row.pearson, 2), plain(row.spearman, 2), plain(row.strongest, 2))
    lines = [
        f"face found in {estimate(found.found, 2, percent=True)} % of {rests_on(found.found)}",
        f"mean correlation of {len(found.units)} units: {plain(found.mean_pearson)}",
        f"below 0.5 or undefined: {list_of(found.weak)}",
        f"never moved in the set: {list_of(found.still)}",
        f"moved, but not scored by the tracker: {list_of(found.unscored)}",
    ]
    return [made, *map(Text, lines)]
