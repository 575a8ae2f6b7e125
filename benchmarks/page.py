"""The tables of docs/performance.md, from what was measured: ``benchmarks/measured/*.json``.

``make bench-page`` writes them; a test holds the page to what it would write.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE, MEASURED = ROOT / "docs" / "performance.md", ROOT / "benchmarks" / "measured"
TABLE = re.compile(r"<!-- measured (?P<name>\w+) -->\n\n.*?<!-- end -->", re.DOTALL)
NO_GPU = (
    "Not measured on a GPU yet: `bash benchmarks/gpu.sh` measures everything that this section will show."
)

Measured = Mapping[str, Any]


def table(names: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """A table in Markdown, whose first columns are words and the others numbers."""
    rule = ["---"] * words + ["--:"] * (len(names) - words)
    return "\n".join(f"| {' | '.join(row)} |" for row in (names, rule, *rows))


def spread(row: Measured) -> str:
    """The speed-up: the median, the smallest and the largest."""
    return f"{row['ratio']:.2f} ({row['least']:.2f} to {row['most']:.2f})"


def milliseconds(value: float) -> str:
    """Three digits, and whole numbers in full."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def backends(found: Measured) -> str:
    """Networks by torch and by OpenVINO."""
    rows = [
        (f"`{row['extractor']}`", f"{row['samples']} {row['unit']}", f"{row['torch_ms']:.1f}",
         f"{row['openvino_ms']:.1f}", spread(row), f"{row['apart']:.0e}")
        for row in found["rows"]
    ]  # fmt: skip
    names = ("extractor", "samples", "torch, ms", "openvino, ms", "speed-up", "difference")
    rates = " and ".join(
        f"{row['extractor']} takes {row['billions']:.1f} billion operations per sample "
        f"({1000 * row['billions'] / row['openvino_ms']:.0f} billion per second)"
        for row in found["rows"]
        if "billions" in row
    )
    about = (
        f"Measured on {found['machine']}, {found['rounds']} rounds. With OpenVINO, {rates}; a product of two "
        f"float32 matrices on the same core: {found['product_rate']:.0f} billion per second."
    )
    return f"{table(names, rows, 2)}\n\n{about}"


def peers(found: Measured) -> str:
    """Other packages beside ours, the sum of all parts first."""
    rows = [
        (row["part"], f"{row['peer']} {row['version']}".strip(), milliseconds(row["ours_ms"]),
         milliseconds(row["theirs_ms"]), row["unit"], spread(row),
         "" if row["apart"] is None else f"{row['apart']:.0e}", row["why"])
        for row in sorted(found["rows"], key=lambda row: bool(row["version"]))
    ]  # fmt: skip
    names = ("what", "package", "fevbench, ms", "package, ms", "per", "speed-up", "difference", "note")
    said = f"{found['clips']} clips" if found["clips"] > 1 else "1 clip"
    about = f"Measured on {found['machine']}: {said}, {found['frames']} frames each, {found['runs']} rounds."
    return f"{table(names, rows, 2)}\n\n{about}"


def fast(found: Measured) -> str:
    """``--precision fast`` beside exact numbers."""
    networks = [
        (f"`{row['extractor']}`", f"{row['exact_ms']:.3g}", f"{row['fast_ms']:.3g}",
         f"{row['exact_ms'] / row['fast_ms']:.2f}",
         f"{100 * row['apart']:.2g} %", f"{100 * row['most']:.2g} %")
        for row in found["networks"]
    ]  # fmt: skip
    values = [
        (f"`{row['metric']}`", f"`{row['id']}`", f"{row['exact']:.6g}", f"{row['fast']:.6g}",
         "" if row["apart"] is None else f"{100 * row['apart']:.2g} %")
        for row in found["values"]
    ]  # fmt: skip
    names = ("extractor", "exact, ms", "fast, ms", "speed-up", "median difference", "largest difference")
    about = (
        f"Measured on {found['machine']}: {found['clips']} clips of FEVSynth, blurred, every second frame."
    )
    shown = table(("metric", "id", "exact", "fast", "difference"), values, 2)
    return f"{table(names, networks)}\n\n{shown}\n\n{about}"


def gpu(found: Measured) -> str:
    """What ``benchmarks/gpu.py`` measured."""
    about = found["machine"]
    parts = [
        f"Measured on {about.get('gpu', 'a CPU')} with torch {about['torch']}, "
        f"onnxruntime {about['onnxruntime']}, {about['cores']} cores, in {found['seconds']:.0f} s."
    ]
    if found.get("suite"):
        rows = [
            (
                f"{row['jobs']}",
                f"{row['frames_per_second']:.0f}",
                f"{row['seconds']:.0f}",
                _share(row["gpu_busy"]),
            )
            for row in found["suite"]
        ]
        parts.append(table(("workers", "frames per second", "seconds, including start", "GPU busy"), rows, 0))
    if found.get("networks"):
        rows = [
            (f"`{row['extractor']}`", row["unit"], f"{speed['batch']}",
             "no memory" if "failed" in speed else f"{speed['samples_per_second']:.0f}",
             f"{row['apart']:.0e}")
            for row in found["networks"] for speed in row["speeds"]
        ]  # fmt: skip
        parts.append(
            table(("extractor", "sample", "batch", "samples per second", "difference from the CPU"), rows, 2)
        )
    if found.get("values"):
        rows = [
            (f"`{row['metric']}`", f"{row['cpu']:.6g}", f"{row['device']:.6g}", f"{row['apart']:.0e}")
            for row in found["values"]
        ]
        parts.append(table(("metric", "CPU", "GPU", "difference"), rows))
    if found.get("training"):
        rows = [(f"`{row['method']}`", f"{row['clips_per_second']:.0f}") for row in found["training"]]
        parts.append(table(("method", "training clips per second"), rows))
    if found["left_out"]:
        parts.append("\n".join(f"* Not measured: {what}: {why}" for what, why in found["left_out"].items()))
    return "\n\n".join(parts)


def training(found: Measured) -> str:
    """Training clips per second beside version 0.1."""
    precisions = list(found["rows"][0]["now"])
    rows = [
        (f"`{row['method']}`", f"{row['before']:.1f}",
         *(f"{row['now'][one]:.1f} ({row['now'][one] / row['before']:.2f})" for one in precisions))
        for row in found["rows"]
    ]  # fmt: skip
    names = ("method", "version 0.1", *(f"{one} (ratio)" for one in precisions))
    about = f"Measured on {found['machine']}, one thread, {found['clips']} clips after the start, once."
    return f"{table(names, rows)}\n\n{about}"


def _share(busy: float | None) -> str:
    return "" if busy is None else f"{100 * busy:.0f} %"


TABLES: Mapping[str, Callable[[Measured], str]] = {
    "backends": backends,
    "peers": peers,
    "fast": fast,
    "gpu": gpu,
    "training": training,
}


def refreshed(text: str) -> str:
    """A page with all of its tables made anew."""

    def made(found: re.Match[str]) -> str:
        name = found["name"]
        file = MEASURED / f"{name}.json"
        known = name != "gpu" or file.exists()
        body = TABLES[name](json.loads(file.read_text(encoding="utf-8"))) if known else NO_GPU
        return f"<!-- measured {name} -->\n\n{body}\n\n<!-- end -->"

    return TABLE.sub(made, text)


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
