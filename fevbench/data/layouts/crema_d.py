"""CREMA-D: one video per recording, whose name gives actor, sentence, emotion and level."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from fevbench.data.layouts.folder_walk import FolderWalk, wrong_folder
from fevbench.data.layouts.layout import Download, Layout, Option, PartFilter, Recording, recording_id

LABELS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
TITLE = "CREMA-D"
EXPECTED = "VideoFlash / 1001_DFA_ANG_XX.flv"
SOUND = ("AudioWAV", "AudioMP3")
DEMOGRAPHICS = "VideoDemographics.csv"
LEVELS = ("LO", "MD", "HI", "XX")
# One file's level is a single X.
_NAME = re.compile(
    r"(?P<actor>\d{4})_(?P<sentence>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<level>[A-Z]{1,2})\.(flv|mp4)"
)


def discover(root: Path, options: Mapping[str, str]) -> Download:
    """Find every video of CREMA-D.

    Raises:
        DatasetError: There is none, or there are only other levels.
    """
    tree, parts = FolderWalk(), PartFilter(options)
    recordings = []
    attributes: dict[str, dict[str, str]] = {}
    seen = False
    for path, match in tree.named(root, _NAME, _pass_over):
        seen = True
        if match["emotion"] not in LABELS:
            tree.skip(path, "unknown expression", match["emotion"])
        elif parts.accepts(tree, path, match["actor"], level=match["level"].ljust(2, "X")):
            label = LABELS[match["emotion"]]
            name = recording_id(match["actor"], match["sentence"], label, match["level"])
            recordings.append(Recording(name, match["actor"], label, match["emotion"], (path,)))
    if not seen and not any(skip.why == "Git LFS pointer" for skip in tree.skipped):
        raise wrong_folder(root, TITLE, EXPECTED, lambda folder: (folder / "VideoFlash").is_dir())
    parts.check(tree, root, TITLE)
    for table in sorted(root.rglob(DEMOGRAPHICS))[:1]:
        attributes = _demographics(table)
        tree.skipped = [skip for skip in tree.skipped if skip.what != str(table)]
    return Download.distinct(recordings, tree.skipped, attributes)


def _pass_over(folder: Path) -> tuple[str, str]:
    return ("sound only" if folder.name in SOUND else "", "")


def _demographics(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        return {
            row["ActorID"]: {
                key.lower(): value.lower() for key, value in row.items() if key and key != "ActorID"
            }
            for row in csv.DictReader(file)
            if row.get("ActorID")
        }


LAYOUT = Layout(
    name="crema-d",
    title="CREMA-D: actors say twelve sentences with an emotion",
    phase="speech",
    fps=29.97,
    licence="Open Database License 1.0, contents Database Contents License 1.0",
    access="git clone https://github.com/CheyneyComputerScience/CREMA-D with Git LFS; a ZIP holds pointers",
    citation="H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova, R. Verma, CREMA-D: Crowd-sourced "
    "Emotional Multimodal Actors Dataset, IEEE Transactions on Affective Computing 5(4), 2014, "
    "doi:10.1109/TAFFC.2014.2336244",
    tree="""\
SRC/
  VideoFlash/  1001_DFA_ANG_XX.flv …      actor, sentence, emotion, level
  AudioWAV/ AudioMP3/                     not used
  VideoDemographics.csv                   sex, age, race and ethnicity of the actors""",
    expected=EXPECTED,
    labels=LABELS,
    split="seeded:70-10-20:0",
    discover=discover,
    options={"level": Option("all", ("all", *LEVELS), "how strongly; XX is not specified")},
)
