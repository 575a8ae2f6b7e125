"""Tables of what the set is made of."""

from __future__ import annotations

from collections import Counter, defaultdict

from rich.console import RenderableType
from rich.filesize import decimal
from rich.table import Table

from fevbench.fevsynth.measure.composition import Composition, Spread
from fevbench.fevsynth.measure.views.cells import add, estimate, list_of, plain, rests_on, table


def composition(found: Composition) -> list[RenderableType]:
    """What there is, who is in it, and how faces move."""
    there = table("the set", ["what", "how much"])
    for words, amount in _amounts(found).items():
        add(there, words, amount)
    moves = table("how faces move", ["what"], ["value", "N"])
    for words, spread in (
        ("last neutral frame", found.onset),
        ("first apex frame", found.apex),
        ("frames at the apex", found.hold),
    ):
        add(moves, f"{words}: least, mean, most", _spread(spread), f"{sum(found.clips.values())} clips")
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
        "people": by_split(found.people),
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
    made = table("people", ["split", *names], [*across, "all"])
    for split in found.people:
        made.add_section()
        for words, counts in rows.items():
            if words[0] == split:
                add(made, *words, *(str(counts[value]) for value in across), str(counts.total()))
        total: Counter[str] = sum((c for words, c in rows.items() if words[0] == split), Counter())
        add(made, split, *("all" for _ in names), *(str(total[v]) for v in across), str(total.total()))
    return made


def _spread(spread: Spread) -> str:
    return f"{spread.low:g}, {spread.mean:.1f}, {spread.high:g}"
