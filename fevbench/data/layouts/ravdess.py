"""RAVDESS: one video per recording, whose name is seven numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from fevbench.data.layouts.folder_walk import FolderWalk, wrong_folder
from fevbench.data.layouts.layout import (
    Download,
    Layout,
    Option,
    PartFilter,
    Recording,
    canonical,
    recording_id,
)

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
CHANNELS = {"01": "speech", "02": "song"}
INTENSITIES = {"01": "normal", "02": "strong"}
PICTURE, SOUND = "02", "03"
TITLE = "RAVDESS"
EXPECTED = "Actor_01 / 02-01-06-01-02-01-01.mp4"
_NAME = re.compile(
    r"(?P<modality>0[1-3])-(?P<channel>0[12])-(?P<emotion>0[1-8])-(?P<intensity>0[12])"
    r"-(?P<statement>0[12])-(?P<repetition>0[12])-(?P<actor>\d\d)\.(mp4|wav)"
)


def discover(root: Path, options: Mapping[str, str]) -> Download:
    """Find every video of RAVDESS; of the same recording with and without sound, the one without.

    Raises:
        DatasetError: There is none, or there are only other parts.
    """
    tree, parts = FolderWalk(), PartFilter(options)
    found = sorted(tree.named(root, _NAME), key=lambda pair: (pair[1]["modality"] != PICTURE, pair[0]))
    if not found:
        raise wrong_folder(root, TITLE, EXPECTED, _holds_actors)
    recordings: dict[str, Recording] = {}
    for path, match in found:
        channel, intensity = CHANNELS[match["channel"]], INTENSITIES[match["intensity"]]
        if match["modality"] == SOUND:
            tree.skip(path, "sound only")
        elif parts.accepts(tree, path, match["actor"], channel=channel, intensity=intensity):
            native = EMOTIONS[int(match["emotion"]) - 1]
            recording = _recording(path, match, native, channel, intensity)
            if recordings.setdefault(recording.id, recording) is not recording:
                tree.skip(path, "same take again", recordings[recording.id].files[0].name)
    parts.check(tree, root, TITLE)
    attributes = {
        recording.subject: {"sex": "male" if int(recording.subject) % 2 else "female"}
        for recording in recordings.values()
    }
    ordered = sorted(recordings.values(), key=lambda recording: recording.id)
    return Download.distinct(ordered, tree.skipped, attributes)


def _recording(path: Path, match: re.Match[str], native: str, channel: str, intensity: str) -> Recording:
    label = canonical(native)
    spoken = f"{match['statement']}-{match['repetition']}"
    return Recording(
        recording_id(match["actor"], channel, label, intensity, spoken),
        match["actor"],
        label,
        native,
        (path,),
    )


def _holds_actors(folder: Path) -> bool:
    return any(child.name.startswith("Actor_") for child in FolderWalk().folders(folder))


LAYOUT = Layout(
    name="ravdess",
    title="RAVDESS: actors speak and sing two sentences with an emotion",
    phase="speech",
    fps=29.97,
    licence="CC BY-NC-SA 4.0",
    access="download Video_Speech_Actor_01.zip … 24 from https://zenodo.org/records/1188976 and unpack them",
    citation="S. R. Livingstone, F. A. Russo, The Ryerson Audio-Visual Database of Emotional Speech and "
    "Song (RAVDESS), PLoS ONE 13(5), 2018, doi:10.1371/journal.pone.0196391",
    tree="""\
SRC/
  Actor_01/                   perhaps below Video_Speech_Actor_01/
    02-01-06-01-02-01-01.mp4  modality, channel, emotion, intensity, statement, repetition, actor
    01-01-06-01-02-01-01.mp4  the same with sound: used if the other is not there""",
    expected=EXPECTED,
    labels={native: canonical(native) for native in EMOTIONS},
    split="seeded:70-10-20:0",
    discover=discover,
    options={
        "channel": Option("speech", ("speech", "song", "both"), "spoken or sung"),
        "intensity": Option("both", ("normal", "strong", "both"), "how strongly; neutral is always normal"),
    },
)
