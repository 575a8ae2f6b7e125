"""Tables of what classifiers answer: expressions, leaks, the reader."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from fevbench.fevsynth.measure.border import Border
from fevbench.fevsynth.measure.expressions import Expressions
from fevbench.fevsynth.measure.reader import Reading
from fevbench.fevsynth.measure.views.cells import add, confusion, count, estimate, plain, rests_on, table


def expressions(found: Expressions) -> list[RenderableType]:
    """How off-the-shelf networks read the apexes."""
    columns = ["right of six", "mean recall", "right of seven", "took for neutral"]
    made = table("expressions at the apex, off-the-shelf networks: % [95 %]", ["network"], columns)
    confusions: list[RenderableType] = []
    lines = []
    for network in found.networks:
        for part in network.readings:
            numbers = (part.six.accuracy, part.six.mean_recall, part.seven.accuracy, part.neutral)
            cells = [estimate(number, 1, percent=True, between="\n") for number in numbers]
            add(made, f"{network.name}\n{part.people}, {count(part.neutral.n)}", *cells)
            confusions.append(confusion(f"{network.name} of six, {part.people}", part.six))
        calm = network.neutral_images
        share = estimate(calm, 1, percent=True)
        lines.append(Text(f"{network.name}: {share} % of {rests_on(calm)} read as neutral, of seven"))
    return [made, *lines, *confusions]


def border(found: Border) -> list[RenderableType]:
    """What tells the person beside the face."""
    made = table(
        f"border: the person named, learnt on take {found.trained_on}, tried on take {found.tested_on}",
        ["part of frame 0"],
        ["% [95 %]", "chance %", "p by chance", "N"],
    )
    for leak in found.leaks:
        add(
            made,
            leak.part,
            estimate(leak.accuracy, 1, percent=True),
            plain(leak.chance, 2, percent=True),
            f"{leak.p_value:.2g}",
            rests_on(leak.accuracy),
        )
    return [made]


def reader(found: Reading) -> list[RenderableType]:
    """How well a small network reads new people after training."""
    made = table("reader: trained on the train people", ["people", "answer"], ["% [95 %]", "N"])
    for people, words, number in (
        ("test", "right of six", found.test.accuracy),
        ("test", "mean recall", found.test.mean_recall),
        ("val", "right (it chose the epoch)", found.val),
    ):
        add(made, people, words, estimate(number, 1, percent=True), rests_on(number))
    how = (
        f"{found.train_clips} clips of {found.train_subjects} people, {found.protocol}; epoch {found.kept} "
        f"of {found.epochs} kept; {count(found.parameters)} parameters; {found.minutes:.1f} minutes"
    )
    return [made, Text(how, style="dim"), confusion("reader, test", found.test)]
