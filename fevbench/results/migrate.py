"""Results of older schema versions, brought up to this one when they are read. Files are left as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

from fevbench.data.clip import Split
from fevbench.results.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from fevbench.data.clip import Dataset

Content = dict[str, Any]
"""A result as its file says it, before anything is validated: a step must bear whatever stands there."""
Find = Callable[[str, str], "Dataset | None"]
"""Name and version of a data set to the data set, if that version is here."""


def is_readable(version: object) -> bool:
    """Whether results of a schema version can be read here."""
    return type(version) is int and (version == SCHEMA_VERSION or version in STEPS)


def migrate(content: Content, find: Find) -> Content:
    """Bring a result up to this version, step by step.

    Args:
        content: What a result's file says, of a version that `is_readable`.
        find: Opens the data set a result names.
    """
    while (version := content["schema_version"]) != SCHEMA_VERSION:
        content = {**STEPS[version](content, find), "schema_version": version + 1}
    return _with_todays_name(content)


RENAMED = {
    "03dacc5e8279385b93fa2a43babe9af8d7ff62080bf150580cb6c65a816542b3": ("fev-gan", "fev-gan-warp"),
    "e189b3368fa157582bfd2a199a065d3dd073581736f1d406f380b9b93c0e0b3c": (
        "fev-gan:12000-clips",
        "fev-gan-warp:12000-clips",
    ),
}
"""The fingerprints of models that had another name in version 0.1, to that name and today's. What warps the
input was called ``fev-gan``, which is now the model as its paper describes it."""


def _with_todays_name(content: Content) -> Content:
    """The model by the name it has in this version, known by the code and weights it was made of."""
    model = content.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("fingerprint"), str):
        return content
    before, now = RENAMED.get(model["fingerprint"], ("", ""))
    if not before or model.get("name") != before:
        return content
    return {**content, "model": {**model, "name": now, "adapted": True}}


def _with_people_and_labels(content: Content, find: Find) -> Content:
    """1 to 2: the person and the label of every scored clip, from the data set if it is here.

    The name and version of a data set fix what its clips show. Where a result names other people than the
    data set does, it is of another one of that name, and nothing is put in.
    """
    record, scored = content.get("dataset"), _scored(content)
    if not isinstance(record, dict) or record.get("labels_of") or not scored:
        return content
    name, version = record.get("name"), record.get("version")
    dataset = find(name, version) if isinstance(name, str) and isinstance(version, str) else None
    if dataset is None:
        return content
    splits: tuple[Split, ...] = get_args(Split)
    clips = [clip for split in splits for clip in dataset.clips(split) if clip.id in scored]
    people = {clip.id: clip.subject for clip in clips}
    if len(people) < len(scored) or record.get("subjects_of") not in (None, {}, people):
        return content
    known = {
        "subjects_of": people,
        "labels": list(dataset.labels),
        "labels_of": {clip.id: clip.label for clip in clips},
    }
    return {**content, "dataset": {**record, **known}}


def _scored(content: Content) -> set[str]:
    """The ids of the clips that were scored, as far as a result tells."""
    record, metrics = content.get("dataset"), content.get("metrics")
    subjects = record.get("subjects_of") if isinstance(record, dict) else None
    if isinstance(subjects, dict) and subjects:
        return set(subjects)
    found = metrics.values() if isinstance(metrics, dict) else ()
    of_clips = [metric.get("per_clip") for metric in found if isinstance(metric, dict)]
    return {clip for values in of_clips if isinstance(values, dict) for clip in values}


STEPS: dict[int, Callable[[Content, Find], Content]] = {1: _with_people_and_labels}
"""Version to the step from it to the next one."""
