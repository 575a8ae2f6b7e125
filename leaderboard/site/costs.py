"""What models cost, as five more columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench.sanitise import one_line
from leaderboard.entries import COST_FILE, Problem

if TYPE_CHECKING:
    from fevbench.cost.measure import Cost, CostTable
    from fevbench.results.schema import ModelRecord


@dataclass(frozen=True)
class CostColumn:
    """One column."""

    name: str
    title: str
    higher_is_better: bool = False


COLUMNS = (
    CostColumn("parameters", "millions in the networks that it runs, including pretrained ones"),
    CostColumn("GFLOPs", "billions of floating-point operations per clip"),
    CostColumn("ms / clip", "milliseconds per clip at batch size 1, median"),
    CostColumn("clips / s", "clips per second at batch size 16, median", True),
    CostColumn("peak MB", "peak memory at batch size 16: of the GPU or, on a CPU, growth of the process"),
)


@dataclass(frozen=True)
class Costs:
    """The costs of a table.

    Attributes:
        where: The machine they were measured on.
    """

    file: Path
    where: str
    table: CostTable

    def of(self, model: ModelRecord) -> Cost | None:
        """The cost of a model; None unless its code and weights were measured."""
        known = (model.name, model.fingerprint)
        return next((cost for cost in self.table.costs if (cost.model, cost.fingerprint) == known), None)

    def unavailable_reason(self, model: ModelRecord) -> str:
        """Why a model has no cost here; empty if it has."""
        if self.of(model) is not None:
            return ""
        known = any(cost.model == model.name for cost in self.table.costs)
        return "measured with other code or weights than these" if known else "not measured"


def read_costs(folders: Sequence[Path], protocol: str) -> tuple[Costs | None, list[Problem]]:
    """Read the costs nearest to a table's results; returns them with problems of unusable files."""
    problems = []
    for folder in folders:
        file = folder / COST_FILE
        if not file.is_file():
            continue
        from fevbench.cost.measure import CostTable  # imports torch

        try:
            table = CostTable.model_validate_json(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            problems.append(
                Problem(file, one_line(f"is not a table of costs ({str(error).splitlines()[0]})"))
            )
            continue
        if table.protocol == protocol:
            where = f"{table.environment.device}, threads: {table.environment.threads}"
            return Costs(file, where, table), problems
    return None, problems


def cost_cells(cost: Cost | None) -> list[tuple[float | None, str]]:
    """Value and text of each column."""
    if cost is None:
        return [(None, "–")] * len(COLUMNS)
    one, many = cost.latencies[0], cost.latencies[-1]
    flops = None if cost.flops is None else cost.flops / 1e9
    memory = None if cost.peak_memory is None else cost.peak_memory / 1e6
    return [
        (cost.parameters / 1e6, f"{cost.parameters / 1e6:.2f} M"),
        (flops, "–" if flops is None else f"{flops:.2f}"),
        (1e3 * one.median, f"{1e3 * one.median:.0f}"),
        (many.clips_per_second, f"{many.clips_per_second:.1f}"),
        (memory, "–" if memory is None else f"{memory:.0f}"),
    ]
