"""Oulu-CASIA NIR&VIS: folders of frames by camera, light, subject and expression; original and cropped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from fevbench.data.clip import EXPRESSIONS
from fevbench.data.layouts.folder_walk import NOT_ASKED, FolderWalk, did_you_mean, find_all, wrong_folder
from fevbench.data.layouts.layout import Download, Layout, Option, Recording, recording_id
from fevbench.errors import DatasetError

LABELS = {name.capitalize(): name for name in EXPRESSIONS}
LIGHTS = ("Strong", "Weak", "Dark")
TITLE = "Oulu-CASIA"
EXPECTED = "VL or NI (or VL_Acropped, NI_Acropped) / Strong, Weak, Dark / P001 / Anger"
_CAMERA = re.compile(r"(VL|NI)(_Acropped)?", re.IGNORECASE)
_SUBJECT = re.compile(r"P\d{3}", re.IGNORECASE)


def discover(root: Path, options: Mapping[str, str]) -> Download:
    """Find every recording of one camera under one light.

    Raises:
        DatasetError: The folder does not hold the data set, or not this part.
    """
    cameras = find_all(root, _is_camera)
    if not cameras:
        raise wrong_folder(root, TITLE, EXPECTED, _holds_cameras)
    tree = FolderWalk()
    camera = _choose(root, cameras, options)
    for other in cameras:
        if other != camera:
            tree.skip(other, NOT_ASKED, "choose with --set modality and --set release")
    recordings: list[Recording] = []
    for light in tree.folders(camera):
        if light.name.lower() != options["light"].lower():
            tree.skip(light, NOT_ASKED, "choose with --set light")
            continue
        for subject in tree.folders(light):
            if _SUBJECT.fullmatch(subject.name):
                recordings += _recordings(tree, subject)
            else:
                tree.skip(subject, "not a subject")
    if not recordings and options["light"].lower() not in {
        light.name.lower() for light in FolderWalk().folders(camera)
    }:
        there = ", ".join(folder.name for folder in FolderWalk().folders(camera))
        raise DatasetError(
            f"{camera} has no light {options['light']}, but {there}", "choose with --set light=…"
        )
    return Download.distinct(recordings, tree.skipped)


def _is_camera(folder: Path) -> bool:
    if not _CAMERA.fullmatch(folder.name):
        return False
    return any(child.name.capitalize() in LIGHTS for child in FolderWalk().folders(folder))


def _holds_cameras(folder: Path) -> bool:
    return any(_is_camera(child) for child in [folder, *FolderWalk().folders(folder)])


def _choose(root: Path, cameras: list[Path], options: Mapping[str, str]) -> Path:
    """The folder of the wanted camera and release; the original release before the cropped one."""
    wanted = []
    for folder in cameras:
        match = _CAMERA.fullmatch(folder.name)
        release = "cropped" if match and match[2] else "original"
        if match and match[1].upper() == options["modality"] and options["release"] in ("auto", release):
            wanted.append((release != "original", folder))
    if not wanted:
        there = ", ".join(str(folder.relative_to(root)) for folder in cameras)
        raise DatasetError(
            f"{root} does not hold {options['modality']} ({options['release']}), but {there}",
            "choose with --set modality=… and --set release=…",
        )
    best = [folder for cropped, folder in wanted if cropped == min(wanted)[0]]
    if len(best) > 1:
        raise DatasetError(f"{root} holds {TITLE} twice ({best[0]}, {best[1]})", "name one of them")
    return best[0]


def _recordings(tree: FolderWalk, folder_of_subject: Path) -> Iterator[Recording]:
    subject = folder_of_subject.name.upper()
    for folder in tree.folders(folder_of_subject):
        native = folder.name.capitalize()
        if native not in LABELS:
            tree.skip(folder, "unknown expression", did_you_mean(native, LABELS))
            continue
        files = tree.images(folder)
        if files:
            yield Recording(recording_id(subject, LABELS[native]), subject, LABELS[native], native, files)


LAYOUT = Layout(
    name="oulu-casia",
    title="Oulu-CASIA NIR&VIS: posed, from neutral to apex, three lights, two cameras",
    phase="neutral-apex",
    fps=25.0,
    licence="signed agreement, research only, no redistribution",
    access="ask the Center for Machine Vision and Signal Analysis, University of Oulu, for its agreement",
    citation="G. Zhao, X. Huang, M. Taini, S. Z. Li, M. Pietikäinen, Facial expression recognition from "
    "near-infrared videos, Image and Vision Computing 29(9), 2011, doi:10.1016/j.imavis.2011.07.002",
    tree="""\
SRC/                          any folder above VL does as well, up to five levels
  B_OriginalImg/              or PreProcess_Img/ with VL_Acropped/, NI_Acropped/
    OriginalImg/              some copies have this level, some have it twice, some have it not
      VL/                     visible light; NI/ is near infrared
        Strong/               also Weak/, Dark/
          P001/
            Anger/  000.jpeg 001.jpeg …    no neutral folder: frame 000 is neutral""",
    expected=EXPECTED,
    labels=LABELS,
    split="kfold:10:1",
    discover=discover,
    options={
        "modality": Option("VL", ("VL", "NI"), "visible light or near infrared"),
        "light": Option("Strong", LIGHTS, "how the room was lit"),
        "release": Option("auto", ("auto", "original", "cropped"), "auto: the original one if it is there"),
    },
)
