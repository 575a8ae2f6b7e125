"""The report on a prepared set: counts, what was skipped and why, contact sheets."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from fevbench import wording
from fevbench.atomic import write_text
from fevbench.data import show
from fevbench.data.clip import Clip, Subject
from fevbench.data.layouts.layout import numbered, slug
from fevbench.data.prepared.adapter import Prepared
from fevbench.data.prepared.manifest import SHEETS, ClipEntry, Manifest
from fevbench.progress import Progress

REPORT_JSON, REPORT_HTML = "report.json", "report.html"
SHEET_FRAMES = 8
"""Frames of a clip on a contact sheet."""
SHEET_CLIPS = 60
"""Most clips on a contact sheet; the first of each label in turn."""


def write_report(data: Prepared, progress: Progress) -> None:
    """Write ``report.json``, ``report.html`` and the missing contact sheets of a set."""
    before = _digest_of_report(data.root)
    manifest = data.manifest
    subjects = [subject.id for subject in data.subjects()]
    names = numbered(map(slug, subjects))
    sheets = {subject: f"{SHEETS}/{name}.jpg" for subject, name in zip(subjects, names, strict=True)}
    missing = [
        subject
        for subject in data.subjects()
        if before != manifest.digest or not (data.root / sheets[subject.id]).exists()
    ]
    if missing:
        progress.start("sheets", len(missing))
    for subject in missing:
        _write_sheet(data, subject, data.root / sheets[subject.id])
        progress.advance(1)
    for path in (data.root / SHEETS).glob("*.jpg"):
        if f"{SHEETS}/{path.name}" not in sheets.values():
            path.unlink()  # of a subject who is no longer in the set
    content = summary(manifest)
    write_text(data.root / REPORT_HTML, _html(manifest, content, sheets))
    write_text(data.root / REPORT_JSON, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def summary(manifest: Manifest) -> dict[str, Any]:
    """The counts of a set, for JSON.

    Returns:
        ``clips`` and ``subjects`` per split; ``per_subject``: subject to label to clips; ``missing``: labels
        a subject lacks; ``sources``: what clips were made from to how many; ``skipped``: reason to what,
        with details; ``notes``: clip to notes; ``findings``: each kind of note with its clips, that of
        the most clips first.
    """
    split_of = {subject.id: subject.split for subject in manifest.subjects}
    counts = {subject.id: dict.fromkeys(manifest.labels, 0) for subject in manifest.subjects}
    for clip in manifest.clips:
        counts[clip.subject][clip.label] += 1
    skipped: dict[str, list[dict[str, str]]] = {}
    for entry in manifest.skipped:
        skipped.setdefault(entry.why, []).append({"what": entry.what, "detail": entry.detail})
    return {
        "name": manifest.name,
        "digest": manifest.digest,
        "clips": len(manifest.clips),
        "people": len(manifest.subjects),
        "clips_per_split": dict(Counter(split_of[clip.subject] for clip in manifest.clips)),
        "people_per_split": dict(Counter(split_of.values())),
        "clips_per_label": {name: sum(c[name] for c in counts.values()) for name in manifest.labels},
        "per_subject": counts,
        "sources": dict(Counter(_source(clip) for clip in manifest.clips if clip.source_form)),
        "missing": {
            subject: absent
            for subject, of in counts.items()
            if (absent := [label for label, count in of.items() if not count])
        },
        "skipped": skipped,
        "notes": {clip.id: clip.notes for clip in manifest.clips if clip.notes},
        "findings": _findings(manifest),
    }


def _findings(manifest: Manifest) -> list[dict[str, Any]]:
    """The notes of all clips by kind: notes of a kind differ in numbers, in brackets or after a colon."""
    kinds: dict[str, dict[str, str]] = {}
    for clip in manifest.clips:
        for note in clip.notes:
            kind = re.sub(r"\d[\d.,x]*", "0", re.split(r": | \(", note)[0])
            kinds.setdefault(kind, {}).setdefault(clip.id, note)
    ranked = sorted(kinds.values(), key=len, reverse=True)
    return [{"what": next(iter(of.values())), "clips": list(of)} for of in ranked]


def _source(clip: ClipEntry) -> str:
    """The format of a clip's source, whether it loses detail, and how it was checked for damage."""
    lossy = "lossy, " if clip.source_lossy else ""
    checked = f"its {clip.source_checked} checked" if clip.source_checked else "not checked for damage"
    return f"{clip.source_form} ({lossy}{checked})"


def _digest_of_report(root: Path) -> str:
    try:
        return str(json.loads((root / REPORT_JSON).read_text(encoding="utf-8"))["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _write_sheet(data: Prepared, subject: Subject, path: Path) -> None:
    """Every clip of a subject as a row of frames."""
    mine = [clip for clip in data.clips(subject.split) if clip.subject == subject.id]
    shown = _in_turn(mine)[:SHEET_CLIPS]
    rows = {}
    for clip in sorted(shown, key=lambda clip: (clip.label, clip.id)):
        frames = data.frames(clip)
        rows[clip.id] = frames[np.linspace(0, len(frames) - 1, SHEET_FRAMES).round().astype(int)]
    more = f"; {len(mine) - len(shown)} more" if len(mine) > len(shown) else ""
    caption = f"{data.name} {subject.id} ({subject.split}): {wording.n_clips(len(mine))}{more}"
    show.write_picture(path, show.labelled(rows, caption))


def _in_turn(clips: list[Clip]) -> list[Clip]:
    """The first clip of each label, then the second, and so on."""
    seen: Counter[str] = Counter()
    ranked = []
    for clip in clips:
        ranked.append((seen[clip.label], clip.label, clip))
        seen[clip.label] += 1
    return [clip for _, _, clip in sorted(ranked, key=lambda row: row[:2])]


def _html(manifest: Manifest, content: dict[str, Any], sheets: dict[str, str]) -> str:
    from jinja2 import Environment

    template = (Path(__file__).parent / REPORT_HTML).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(manifest=manifest, report=content, sheets=sheets)
