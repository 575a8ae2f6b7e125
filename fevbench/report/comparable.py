"""Which runs can be compared, their distinct names, and selecting the comparable ones of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fevbench.errors import RunError
from fevbench.extractors.backends import BF16
from fevbench.extractors.base import extractors
from fevbench.metrics.catalog import Metric
from fevbench.results.files import NoResult, read_result
from fevbench.results.schema import Result
from fevbench.sanitise import LONGEST_NAME, one_line
from fevbench.weights.registry import load_registry


def check_comparable(results: Sequence[Result]) -> None:
    """Check that all results are of the same clips under the same definitions.

    What ran the networks (``environment.ran_on``) may differ: tests hold every backend to the reference's
    numbers to 1e-5, of a feature's length and of a metric's value.

    Raises:
        RunError: Two are not; the message says which, and what differs.
    """
    first = results[0]
    defined: dict[str, tuple[str, str]] = {}
    for result in results:
        for difference in clip_differences(first, result):
            raise RunError(
                f"{first.model.name} and {result.model.name} were scored on {difference}",
                "compare runs of the same data set, split, protocol and limit",
            )
        for name, metric in result.metrics.items():
            model, other = defined.setdefault(name, (result.model.name, metric.id))
            if other != metric.id:
                rounded = f"-{BF16}@"
                fix = "repeat the older run with this version"
                if (rounded in other) != (rounded in metric.id):
                    fix = "repeat one of them with the other's --precision"
                raise RunError(
                    f"{name} is {other} in {model}, but {metric.id} in {result.model.name}",
                    fix,
                )


def clip_differences(first: Result, second: Result) -> list[str]:
    """What differs between the scored clips of two runs, the most obvious first; empty if nothing does."""
    return [
        f"different {what} ({a}, {b})"
        for what, a, b in (
            ("data sets", _dataset(first), _dataset(second)),
            ("protocols", first.protocol.id, second.protocol.id),
            ("numbers of clips", first.dataset.clips, second.dataset.clips),
            ("clips", first.dataset.digest[:12], second.dataset.digest[:12]),
        )
        if a != b
    ]


def distinct_names(results: Sequence[Result]) -> tuple[str, ...]:
    """A name for each run: its model's name, and what differs from other runs of that name."""
    names = [one_line(result.model.name, LONGEST_NAME) for result in results]
    tellers: tuple[Callable[[Result], str], ...] = (
        lambda result: f"seed {result.seed}",
        lambda result: result.environment.device.partition(" ")[0],
        lambda result: result.model.fingerprint[:6],
        lambda result: result.created.partition("+")[0],
    )
    for teller in tellers:
        told = [one_line(teller(result), LONGEST_NAME) for result in results]
        for name in {name for name in names if names.count(name) > 1}:
            same = [i for i, other in enumerate(names) if other == name]
            if len({told[i] for i in same}) > 1:
                for i in same:
                    names[i] = f"{name}, {told[i]}"
    return tuple(
        f"{name} ({names[: i + 1].count(name)})" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    )


def weight_differences(names: Sequence[str], results: Sequence[Result]) -> list[str]:
    """Runs that used another file of a pretrained network, one line each; see `other_weights`."""
    used: dict[str, tuple[str, str]] = {}
    lines = []
    for name, result in zip(names, results, strict=True):
        for record in result.weights:
            other, sha256 = used.setdefault(record.name, (name, record.sha256))
            if sha256 != record.sha256:
                lines.append(f"{name}: {record.name} is {record.sha256[:12]}, in {other} it is {sha256[:12]}")
    return lines


def other_weights(metric: Metric, first: Result, second: Result) -> str:
    """Why two runs' values of a metric come from different networks; empty if they do not.

    Files that the registry lists for one weight hold the same parameters, so they count as equal. If no hash
    of a weight is published, every user pins the first file, and two users may have different networks.
    """
    one, other = _networks(metric, first), _networks(metric, second)
    names = [name for name in one if one[name] != other[name]]
    return f"measured by different files of {' and '.join(names)}" if names else ""


def same_weights(metric: Metric, results: Sequence[Result]) -> bool:
    """Whether all runs with a value in a metric used the same networks for it."""
    those = [r for r in results if (m := r.metrics.get(metric.name)) and m.value is not None]
    return not any(other_weights(metric, those[0], result) for result in those[1:])


def _networks(metric: Metric, result: Result) -> dict[str, str | None]:
    """The files behind a metric: weight to hash, or to None for any registered file.

    The expression classifier's hash is in its metrics' ids.
    """
    used = {record.name: record.sha256 for record in result.weights}
    registry = load_registry()
    names = extractors.get(metric.computation.extractor).weights
    registered = {name: {file.sha256 for file in registry[name].files} for name in names if name in registry}
    return {name: None if used.get(name) in known else used.get(name) for name, known in registered.items()}


def _dataset(result: Result) -> str:
    return f"{result.dataset.name} {result.dataset.version} {result.dataset.split}"


@dataclass(frozen=True)
class Selection:
    """Runs that can be compared, unless they are of different data sets or definitions.

    ``notes`` says which runs were left out, one line each.
    """

    paths: tuple[Path, ...]
    results: tuple[Result, ...]
    notes: tuple[str, ...]


def select(paths: Sequence[Path]) -> Selection:
    """Read runs, and leave out trainings, unfinished runs, and runs of other clips than most runs have.

    If several sets of clips are equally frequent, the largest is kept, then the first. If no two
    runs have the same clips, only other sample sizes are left out. Runs of different data sets or
    protocols are not: it is unclear which ones the user means, and comparing them is an error.

    Raises:
        RunError: One is broken or does not exist, or none is a finished run.
    """
    found: list[tuple[Path, Result]] = []
    unfinished: list[NoResult] = []
    for path in paths:
        try:
            found.append((path, read_result(path)))
        except NoResult as error:
            unfinished.append(error)
    if len(unfinished) == 1 and not found:
        raise unfinished[0]
    if not found:
        what = f"none of these {len(unfinished)} is a finished run ({unfinished[0].what})"
        raise RunError(what, "name finished runs")
    notes = [f"left out: {error.what}: {error.fix}" for error in unfinished]
    kept = _largest_group(found)
    first = kept[0][1]
    if len(kept) == 1 and not all(_setting(result) == _setting(first) for _, result in found):
        kept = found
    else:
        for path, result in found:
            notes += [f"left out: {path}: scored on {what}" for what in clip_differences(first, result)[:1]]
    return Selection(tuple(path for path, _ in kept), tuple(result for _, result in kept), tuple(notes))


def _largest_group(found: Sequence[tuple[Path, Result]]) -> list[tuple[Path, Result]]:
    groups: dict[tuple[str, ...], list[tuple[Path, Result]]] = {}
    for path, result in found:
        clips = (str(result.dataset.clips), result.dataset.digest)
        groups.setdefault((*_setting(result), *clips), []).append((path, result))
    return max(groups.values(), key=lambda group: (len(group), group[0][1].dataset.clips))


def _setting(result: Result) -> tuple[str, ...]:
    """The data set, split and protocol: runs that share them differ only in the sample."""
    data = result.dataset
    return data.name, data.version, data.split, result.protocol.id
