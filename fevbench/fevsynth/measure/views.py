"""Tables of measures for a terminal of eighty columns; nothing is computed here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from fevbench.fevsynth.measure.blendshapes import Blendshapes
from fevbench.fevsynth.measure.border import Border
from fevbench.fevsynth.measure.composition import Composition
from fevbench.fevsynth.measure.detection import Detection
from fevbench.fevsynth.measure.expressions import Expressions
from fevbench.fevsynth.measure.identity import Identity
from fevbench.fevsynth.measure.reader import Reading
from fevbench.fevsynth.measure.record import Agreement, Estimate, Measured
from fevbench.records import Record

LETTERS = 5
"""Of an answer in the head of a confusion: eight answers must fit."""


def estimate(found: Estimate, digits: int = 3, percent: bool = False, between: str = " ") -> str:
    """A value with its interval, ``between`` them a blank or new line; or a dash."""
    value = plain(found.value, digits, percent)
    if found.value is None or found.interval is None:
        return value
    low, high = (plain(bound, digits, percent) for bound in (found.interval.low, found.interval.high))
    return f"{value}{between}[{low}, {high}]"


def plain(value: float | None, digits: int = 3, percent: bool = False) -> str:
    """A number, or a dash."""
    if value is None:
        return "–"
    return f"{100 * value:.{digits}f}" if percent else f"{value:.{digits}f}"


def rests_on(found: Estimate) -> str:
    """The sample of a value, or why there is no value."""
    if found.value is None:
        return found.reason
    return f"{count(found.n)} {found.sample}"


def count(n: int) -> str:
    """A whole number in groups of three digits."""
    return f"{n:,}".replace(",", " ")


def table(title: str, words: Sequence[str], numbers: Sequence[str] = ()) -> Table:
    """A table with columns of words, then columns of numbers."""
    made = Table(title=Text(title, style="bold"), title_justify="left")
    for heading in words:
        made.add_column(heading, overflow="fold")
    for heading in numbers:
        made.add_column(heading, justify="right", overflow="fold")
    return made


def add(to: Table, *cells: str) -> None:
    """Add a row of plain text: names and reasons may hold what rich takes for markup."""
    to.add_row(*map(Text, cells))


def list_of(words: Sequence[str]) -> str:
    """Words in a row."""
    return ", ".join(words) or "none"


def confusion(title: str, found: Agreement) -> Table:
    """Rows are what is shown, columns what is answered; percent of a row."""
    columns = [answer[:LETTERS] for answer in found.answers]
    made = table(f"{title} (rows: shown; % of the row)", [""], [*columns, "N"])
    for label, row in zip(found.labels, found.confusion, strict=True):
        total = sum(row)
        shares = [f"{100 * part / total:.0f}" if part else "·" for part in row]
        add(made, label, *shares, str(total))
    return made


def composition(found: Composition) -> list[RenderableType]:
    """The composition of the set, and how faces move."""
    there = table("the set", ["what", "how much"])
    for words, amount in _amounts(found).items():
        add(there, words, amount)
    moves = table("how faces move", ["what"], ["value", "N"])
    for words, spread in (
        ("last neutral frame", found.onset),
        ("first apex frame", found.apex),
        ("frames at the apex", found.hold),
    ):
        shown = f"{spread.low:g}, {spread.mean:.1f}, {spread.high:g}"
        add(moves, f"{words}: least, mean, most", shown, f"{sum(found.clips.values())} clips")
    for words, share in (
        ("% of clips on the way back", found.returning),
        ("% with a blink", found.motion.blinking),
    ):
        add(moves, words, estimate(share, 1, percent=True), rests_on(share))
    for turn in found.motion.turns:
        number = rests_on(turn.drift)
        add(moves, f"{turn.axis} within a clip, degrees", estimate(turn.drift, 2), number)
        add(moves, "  95th percentile", plain(turn.drift_p95, 2), number)
        add(moves, "  of frame 0, standard deviation", plain(turn.spread, 2), number)
    variants = table("clips of each variant", ["label", "variants"])
    for label, counts in found.variants.items():
        add(variants, label, list_of([f"{name} {count}" for name, count in counts.items()]))
    return [there, _people(found), variants, moves]


def _amounts(found: Composition) -> dict[str, str]:
    def by_split(counts: dict[str, int]) -> str:
        return f"{sum(counts.values())}: {list_of([f'{n} {split}' for split, n in counts.items()])}"

    return {
        "clips": by_split(found.clips),
        "subjects": by_split(found.people),
        "takes of a label": str(found.takes),
        "a clip": f"{found.frames} frames, {found.size} px, {found.fps:g} a second",
        "neutral images": str(found.neutral_images),
        "bytes of the clips": f"{decimal(found.clip_bytes)} ({found.clip_bytes})",
        "bytes of the neutral images": f"{decimal(found.neutral_bytes)} ({found.neutral_bytes})",
        "bytes of the ground truth": f"{decimal(found.truth_bytes)} ({found.truth_bytes})",
        "PSNR, dB": f"{found.psnr.low:.2f} least, {found.psnr.mean:.2f} mean",
    }


def _people(found: Composition) -> Table:
    """A row for each combination of all attributes but the last, whose values are columns."""
    *names, last = dict.fromkeys(name for group in found.balance for name in group.values)
    across = list(dict.fromkeys(group.values[last] for group in found.balance))
    rows: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for group in found.balance:
        words = (group.split, *(group.values[name] for name in names))
        rows[words][group.values[last]] += group.people
    made = table("subjects", ["split", *names], [*across, "all"])
    for split in found.people:
        made.add_section()
        for words, counts in rows.items():
            if words[0] == split:
                add(made, *words, *(str(counts[value]) for value in across), str(counts.total()))
        total: Counter[str] = sum((c for words, c in rows.items() if words[0] == split), Counter())
        add(made, split, *("all" for _ in names), *(str(total[v]) for v in across), str(total.total()))
    return made


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
    """How well subjects are distinguished."""
    columns = ["same subject,\nother take", "different\nsubjects", "AUC", "pairs"]
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
    """Which parts of the picture besides the face reveal the subject."""
    made = table(
        f"border: the subject named, learnt on take {found.trained_on}, tried on take {found.tested_on}",
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
    """How well a small network reads new subjects after training."""
    made = table("reader: trained on the train subjects", ["subjects", "answer"], ["% [95 %]", "N"])
    for whose, words, number in (
        ("test", "right of six", found.test.accuracy),
        ("test", "mean recall", found.test.mean_recall),
        ("val", "right (it chose the epoch)", found.val),
    ):
        add(made, whose, words, estimate(number, 1, percent=True), rests_on(number))
    how = (
        f"{found.train_clips} clips of {found.train_subjects} subjects, {found.protocol}; epoch {found.kept} "
        f"of {found.epochs} kept; {count(found.parameters)} parameters; {found.minutes:.1f} minutes"
    )
    return [made, Text(how, style="dim"), confusion("reader, test", found.test)]


VIEWS: dict[str, tuple[type[Record], Callable[[Any], list[RenderableType]]]] = {
    "composition": (Composition, composition),
    "detection": (Detection, detection),
    "identity": (Identity, identity),
    "blendshapes": (Blendshapes, blendshapes),
    "expressions": (Expressions, expressions),
    "border": (Border, border),
    "reader": (Reading, reader),
}


def view(measured: Measured, names: Iterable[str]) -> RenderableType:
    """The tables of some measures, and why others are missing."""
    counts = Text(
        f"{measured.dataset} {measured.version}, manifest sha256 {measured.manifest_sha256[:12]}",
        style="italic",
    )
    parts: list[RenderableType] = [counts]
    for name in names:
        if name in measured.measures:
            record, tables = VIEWS[name]
            entry = measured.measures[name]
            parts += tables(record.model_validate(entry.result))
            parts.append(Text(f"{name}: {entry.seconds:.1f} seconds", style="dim"))
        else:
            parts.append(Text(f"{name}: not measured: {measured.not_measured[name]}", style="yellow"))
    return Group(*parts)
