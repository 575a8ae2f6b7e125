"""Numbers from the literature: their sources, and why they cannot be compared with ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from fevbench.metrics.catalog import metrics as catalog
from fevbench.results.schema import Result
from fevbench.toml import read_toml

FILE = Path(__file__).with_name("published.toml")
OUR_CONDITIONING = "one neutral face and a label"
NOT_STATED = "not stated"


@dataclass(frozen=True)
class Setting:
    """What must be equal for two numbers to be comparable; None if a source does not state it.

    Attributes:
        size: Height and width, pixels.
        frames: Frames per clip.
        conditioning: The model's inputs.
        definition: The exact definition of the metric, as one of our ids; None for others.
    """

    dataset: str | None = None
    split: str | None = None
    size: int | None = None
    frames: int | None = None
    clips: int | None = None
    conditioning: str | None = None
    definition: str | None = None


@dataclass(frozen=True)
class Published:
    """A number from the literature.

    Attributes:
        metric: The metric's name in the source.
        source: The place of the number in the literature.
        read: How it was verified.
        setting: How it was measured, as far as the source states it.
        features: The network behind the metric, in the source's words; empty if not stated.
        approximate: Whether the source says "about".
    """

    method: str
    paper: str
    metric: str
    value: float
    higher_is_better: bool
    source: str
    read: str
    setting: Setting
    address: str = ""
    features: str = ""
    approximate: bool = False

    @property
    def text(self) -> str:
        """The number as shown."""
        return f"{'about ' if self.approximate else ''}{self.value:g}"

    def differences(self, result: Result, metric: str) -> tuple[str, ...]:
        """Why the number cannot be compared with a result, a line per differing field; empty if it can.

        A field that the source does not state differs.
        """
        ours, theirs = setting_of(result, metric), self.setting
        return tuple(
            f"{field.name}: {_words(getattr(theirs, field.name))}, ours {_words(getattr(ours, field.name))}"
            for field in fields(Setting)
            if not _same(getattr(theirs, field.name), getattr(ours, field.name))
        )


def setting_of(result: Result, metric: str) -> Setting:
    """How a result of ours was measured."""
    dataset, protocol = result.dataset, result.protocol
    found = result.metrics.get(metric)
    return Setting(
        dataset=dataset.name,
        split=dataset.split,
        size=protocol.size,
        frames=protocol.frames,
        clips=dataset.clips,
        conditioning=OUR_CONDITIONING,
        definition=found.id if found else catalog.get(metric).for_protocol(protocol).id,
    )


def load_published(file: Path = FILE) -> tuple[Published, ...]:
    """The numbers from the literature, in the order of their file.

    Raises:
        TypeError: A row has an unknown field, or lacks one.
    """
    rows = []
    for row in read_toml(file)["row"]:
        setting = {field.name: row.pop(field.name) for field in fields(Setting) if field.name in row}
        rows.append(Published(**row, setting=Setting(**setting)))
    return tuple(rows)


def published_markdown(published: Sequence[Published]) -> str:
    """The numbers as a Markdown table: one row each, with all that its source states, in the given order."""
    lines = [
        "| data set | method | metric | value | stated of how it was measured | source, how it was read |",
        "|---|---|---|---|---|---|",
    ]
    for one in published:
        known = {**asdict(one.setting), "features": one.features or None}
        stated = "; ".join(
            f"{name} {value}" for name, value in known.items() if value is not None and name != "dataset"
        )
        row = (
            one.setting.dataset,
            one.method,
            one.metric,
            one.text,
            stated,
            f"[{one.source}]({one.address}): {one.read}",
        )
        lines.append(f"| {' | '.join(map(str, row))} |")
    return "\n".join(lines) + "\n"


def _same(theirs: str | int | None, ours: str | int | None) -> bool:
    if isinstance(theirs, str) and isinstance(ours, str):
        return theirs.casefold() == ours.casefold()
    return theirs is not None and theirs == ours


def _words(value: str | int | None) -> str:
    return NOT_STATED if value is None else str(value)
