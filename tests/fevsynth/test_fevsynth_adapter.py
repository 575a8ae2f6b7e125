"""FEVSynth is read as its manifest says, and a file that is not the listed one is never scored."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from PIL import Image

from fevbench import fevsynth
from fevbench.data.datasets import open_dataset
from fevbench.data.video import write_clip
from fevbench.errors import DatasetError, VideoError
from fevbench.fevsynth import Performance, adapter
from fevbench.fevsynth.adapter import ARCHIVE, FEVSynth
from fevbench.fevsynth.render.sets import pack
from fevbench.fevsynth.truth import Truth
from fevbench.zips import write_archive

Floats = np.ndarray[Any, np.dtype[np.float32]]
NEUTRAL = tiny.squares(0, 1)[0]


@pytest.fixture(params=["folder", "archive"])
def root(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A set of one clip and one neutral image, in folders or in one archive."""
    root = tmp_path / "mine"
    clip, image = root / "clips" / "p1-joy-0.mkv", root / "neutral" / "p1-0.png"
    write_clip(clip, tiny.squares(0, 1), 25)
    image.parent.mkdir()
    Image.fromarray(NEUTRAL).save(image)
    zeros = {
        name: np.zeros(shape, np.float32)
        for name, shape in {
            "weights": (1, 33, 52),
            "pose": (1, 33, 3),
            "points": (1, 33, 5, 2),
            "light": (1, 3),
            "key": (1, 3),
            "ambient": (1, 3),
            "neutral_pose": (1, 3),
            "neutral_points": (1, 5, 2),
            "neutral_light": (1, 3),
        }.items()
    }
    names = {"units": np.array(["a"] * 52), "clips": np.array(["p1-joy-0"]), "neutrals": np.array(["p1-0"])}
    Truth(**names, **zeros).save(root)
    row = {"subject": "p1", "take": 0, "split": "val"}
    manifest = {
        "version": fevsynth.VERSION,
        "fps": 25,
        "takes": 1,
        "labels": ["joy"],
        "truth": _listed(root, "truth.npz"),
        "subjects": [{"id": "p1", "split": "val", "age": "old"}],
        "neutrals": [{"id": "p1-0", **row, **_listed(root, "neutral/p1-0.png")}],
        "clips": [
            {
                **{"id": "p1-joy-0", **row, "label": "joy", "variant": "grin", "onset": 3, "apex": 20},
                **{"offset": None, **_listed(root, "clips/p1-joy-0.mkv")},
            }
        ],
    }
    (root / "manifest.json").write_text(json.dumps(manifest))
    if request.param == "archive":
        pack(root)
        shutil.rmtree(root / "clips")
        shutil.rmtree(root / "neutral")
    return root


def _content(root: Path, file: str) -> bytes:
    if (root / file).exists():
        return (root / file).read_bytes()
    with zipfile.ZipFile(root / ARCHIVE) as archive:
        return archive.read(file)


def _change(root: Path, file: str, content: bytes | None) -> None:
    """Give a file other content, or none, wherever it is."""
    if (root / file).exists():
        (root / file).unlink() if content is None else (root / file).write_bytes(content)
        return
    with zipfile.ZipFile(root / ARCHIVE) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    del files[file]
    write_archive(root / ARCHIVE, {**files, **({} if content is None else {file: content})}.items())


def _listed(root: Path, file: str) -> dict[str, str]:
    return {"file": file, "sha256": hashlib.sha256((root / file).read_bytes()).hexdigest()}


def _edit(root: Path, change: Any) -> None:
    manifest = json.loads((root / "manifest.json").read_text())
    change(manifest)
    (root / "manifest.json").write_text(json.dumps(manifest))


def test_clips_and_people_are_those_of_the_manifest(root: Path) -> None:
    data = FEVSynth(root)
    (clip,) = data.clips("val")
    assert data.clips("train") == data.clips("test") == ()
    assert (data.fps, data.labels, data.repetitions) == (25, ("joy",), 1)
    assert [(s.id, s.split, dict(s.attributes)) for s in data.subjects()] == [("p1", "val", {"age": "old"})]
    assert np.array_equal(data.frames(clip), tiny.squares(0, 1))
    assert data.repetition(clip) == 0
    assert data.performance(clip) == Performance("grin", onset=3, apex=20, offset=None)


def test_neutral_images_and_truth_are_there(root: Path) -> None:
    data = FEVSynth(root)
    assert np.array_equal(data.neutral("p1", 0), NEUTRAL)
    assert data.truth().clips.tolist() == ["p1-joy-0"]
    assert data.truth() is data.truth()


@pytest.mark.parametrize(("subject", "repetition"), [("p2", 0), ("p1", 1)])
def test_a_neutral_image_there_is_none_of_is_an_error(root: Path, subject: str, repetition: int) -> None:
    with pytest.raises(
        DatasetError, match=rf"no neutral image of '{subject}', repetition {repetition}: it has 1 subject"
    ):
        FEVSynth(root).neutral(subject, repetition)


def test_all_files_are_those_of_the_manifest(root: Path) -> None:
    assert set(FEVSynth(root).files()) == {path for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"version": "1.0", "clips": 3}'])
def test_a_missing_or_broken_manifest_is_an_error(root: Path, content: str | None) -> None:
    manifest = root / "manifest.json"
    manifest.unlink() if content is None else manifest.write_text(content)
    with pytest.raises(DatasetError, match=r"manifest\.json is missing or broken .*repeat the .*render"):
        FEVSynth(root)


@pytest.mark.parametrize("version", ["preview-1", "2.0"])
def test_a_set_of_another_version_is_refused(root: Path, version: str) -> None:
    """Its numbers would pass for those of this one."""
    _edit(root, lambda manifest: manifest.update(version=version))
    with pytest.raises(
        DatasetError, match=rf"is of FEVSynth {version}, and this fevbench reads 1\.0: repeat"
    ):
        FEVSynth(root)


def test_subjects_of_the_wrong_kind_are_an_error(root: Path) -> None:
    _edit(root, lambda manifest: manifest.update(subjects=["p1"]))
    with pytest.raises(DatasetError, match="broken"):
        FEVSynth(root)


READERS: dict[str, Callable[[FEVSynth], object]] = {
    "clips/p1-joy-0.mkv": lambda data: data.frames(data.clips("val")[0]),
    "neutral/p1-0.png": lambda data: data.neutral("p1"),
    "truth.npz": lambda data: data.truth(),
}


@pytest.mark.parametrize("file", READERS)
def test_a_file_that_is_not_the_listed_one_is_an_error(root: Path, file: str) -> None:
    """Also one that can be read."""
    content = _content(root, file) + b"\0"
    if file == "neutral/p1-0.png":
        other = BytesIO()
        Image.fromarray(255 - NEUTRAL).save(other, "png")
        content = other.getvalue()
    _change(root, file, content)
    with pytest.raises(DatasetError, match=rf"{Path(file).name} is damaged: sha256 [0-9a-f]{{64}}, expected"):
        READERS[file](FEVSynth(root))


@pytest.mark.parametrize("file", READERS)
def test_a_file_that_is_gone_is_an_error(root: Path, file: str) -> None:
    _change(root, file, None)
    with pytest.raises(DatasetError, match=rf"{Path(file).name} cannot be read"):
        READERS[file](FEVSynth(root))


def test_a_listed_file_that_cannot_be_decoded_is_an_error(root: Path) -> None:
    content = _content(root, "clips/p1-joy-0.mkv")[:-200]
    _change(root, "clips/p1-joy-0.mkv", content)
    wrong = hashlib.sha256(content).hexdigest()
    _edit(root, lambda manifest: manifest["clips"][0].update(sha256=wrong))
    data = FEVSynth(root)
    with pytest.raises(VideoError, match=r"clips/p1-joy-0\.mkv is cut short"):
        data.frames(data.clips("val")[0])


@pytest.mark.parametrize("root", ["archive"], indirect=True)
@pytest.mark.parametrize("spoil", [lambda whole: b"", lambda whole: whole[:-30], lambda whole: b"x" * 3000])
def test_a_damaged_archive_is_one_line_that_names_the_clip(
    root: Path, spoil: Callable[[bytes], bytes]
) -> None:
    archive = root / ARCHIVE
    archive.write_bytes(spoil(archive.read_bytes()))
    data = FEVSynth(root)
    with pytest.raises(
        DatasetError, match=r"mine/fevsynth\.zip/clips/p1-joy-0\.mkv cannot be read \(no whole zip archive"
    ) as raised:
        data.frames(data.clips("val")[0])
    assert "\n" not in str(raised.value)


def test_a_set_of_ones_own_is_opened_by_its_folder(root: Path) -> None:
    data = open_dataset(f"fevsynth:{root}")
    assert [clip.id for clip in data.clips("val")] == ["p1-joy-0"]


def test_a_set_of_ones_own_does_not_pass_for_the_shipped_one(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = FEVSynth(root)
    assert own.name == "fevsynth:mine"
    assert own.version.startswith("1.0+")
    monkeypatch.setattr(adapter, "ROOT", root)
    shipped = FEVSynth(root)
    assert (shipped.name, shipped.version) == ("fevsynth", "1.0")


def test_a_set_that_has_changed_has_another_version(root: Path) -> None:
    """So that a run begun on the old one is not continued on the new one."""
    before = FEVSynth(root).version
    assert FEVSynth(root).version == before
    _edit(root, lambda manifest: manifest["subjects"].append({"id": "p2", "split": "train"}))
    assert FEVSynth(root).version != before


@pytest.mark.usefixtures("tiny_data")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fevsynth:", "fevsynth: has no folder: give fevsynth:DIR a folder"),
        ("fevsynth:/no/such", "/no/such/manifest.json is missing or broken"),
        ("fevsinth:here", "no data set is called 'fevsinth': did you mean 'fevsynth'"),
        ("tiny:here", "tiny is not read from a folder: use 'tiny'"),
    ],
)
def test_a_folder_that_cannot_be_opened_is_an_error(name: str, words: str) -> None:
    with pytest.raises(Exception, match=words):
        open_dataset(name)
