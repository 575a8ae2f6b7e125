"""MEAD: one video per recording, by actor, view, emotion and level; as folders, or all in the name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from fevbench.data.layouts.folder_walk import NOT_ASKED, STRAY, FolderWalk, wrong_folder
from fevbench.data.layouts.layout import (
    Download,
    Layout,
    Option,
    PartFilter,
    Recording,
    canonical,
    recording_id,
)

EMOTIONS = ("angry", "contempt", "disgusted", "fear", "happy", "neutral", "sad", "surprised")
VIEWS = ("front", "left_30", "left_60", "right_30", "right_60", "top", "down")
TITLE = "MEAD"
EXPECTED = "M003 / video / front / angry / level_1 / 001.mp4"
_ACTOR = re.compile(r"[MW]\d{3}")
_FILE = re.compile(r".*\.mp4")
_PATH = re.compile(
    rf"(?:.*/)?(?P<actor>[MW]\d{{3}})[/_](?:video[/_])?(?P<view>{'|'.join(VIEWS)})[/_]"
    rf"(?P<emotion>{'|'.join(EMOTIONS)})[/_]level_(?P<level>[1-3])[/_](?P<take>\d{{3}})\.mp4"
)


def discover(root: Path, options: Mapping[str, str]) -> Download:
    """Find every video of one view of MEAD.

    Raises:
        DatasetError: There is none, or there are only other views or levels.
    """
    tree, parts = FolderWalk(), PartFilter(options)
    recordings = []
    seen = False
    above = root.resolve()

    def pass_over(folder: Path) -> tuple[str, str]:
        if folder.name == "audio":
            return "sound only", ""
        whose = next((name for name in reversed(folder.resolve().parts) if _ACTOR.fullmatch(name)), "")
        if folder.name in VIEWS and whose and (how := parts.options_for(whose, view=folder.name)):
            return NOT_ASKED, how
        return "", ""

    for path, _ in tree.named(root, _FILE, pass_over):
        # The given folder may itself be an actor's or a view's.
        whole = "/".join((*above.parts[-4:], *path.relative_to(root).parts))
        match = _PATH.fullmatch(whole)
        if match is None:
            tree.skip(path, STRAY)
            continue
        seen = True
        if not parts.accepts(tree, path, match["actor"], view=match["view"], level=match["level"]):
            continue
        label = canonical(match["emotion"])
        name = recording_id(match["actor"], label, f"level{match['level']}", match["take"])
        recordings.append(Recording(name, match["actor"], label, match["emotion"], (path,)))
    parts.check(tree, root, TITLE)
    if not seen:
        raise wrong_folder(root, TITLE, EXPECTED)
    attributes = {
        recording.subject: {"sex": "male" if recording.subject[0] == "M" else "female"}
        for recording in recordings
    }
    return Download.distinct(recordings, tree.skipped, attributes)


LAYOUT = Layout(
    name="mead",
    title="MEAD: actors talk with eight emotions at three levels, filmed from seven sides",
    phase="speech",
    fps=30.0,
    licence="terms of use in its repository, said to be for non-commercial research",
    access="follow https://github.com/uniBruce/Mead, and unpack each actor's video archive",
    citation="K. Wang, Q. Wu, L. Song, Z. Yang, W. Wu, C. Qian, R. He, Y. Qiao, C. C. Loy, MEAD: A "
    "Large-scale Audio-visual Dataset for Emotional Talking-face Generation, ECCV 2020, "
    "doi:10.1007/978-3-030-58589-1_42",
    tree="""\
SRC/
  M003/                       also W…; audio/ is not used
    video/
      front/                  also left_30 left_60 right_30 right_60 top down
        angry/
          level_1/  001.mp4 …
or angry_level_1/001.mp4 below a view, or M003_front_angry_level_1_001.mp4 anywhere""",
    expected=EXPECTED,
    labels={native: canonical(native) for native in EMOTIONS},
    split="seeded:70-10-20:0",
    discover=discover,
    options={
        "view": Option("front", VIEWS, "the camera"),
        "level": Option("all", ("all", "1", "2", "3"), "how strongly; neutral has level 1 only"),
    },
)
