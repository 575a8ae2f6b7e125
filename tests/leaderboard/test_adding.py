"""A run is filed once, whole or not at all, with small clips that any browser plays."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import av
import made_up_results
import pytest
from tiny import Cli, tree

from fevbench.data.corpus import Corpus
from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import protocols
from fevbench.data.video import read_clip
from fevbench.errors import RunError
from fevbench.results.files import read_result
from fevbench.zips import write_archive
from leaderboard import add as adding
from leaderboard.entries import load_entries, run_id
from leaderboard.history import read_history
from leaderboard.layout import is_file_name, place, small_clips

RUN = ("run", "copy", "tiny", "--metrics", "csim,psnr,motion", "--limit", "4")


@pytest.fixture
def run(cli: Cli, tmp_path: Path) -> Path:
    """A finished run of four clips, made by a commit."""
    folder = tmp_path / "run"
    assert cli(*RUN, "--out", folder).code == 0
    edit(folder, lambda content: content["environment"].update(commit="c" * 40))
    return folder


def edit(run: Path, change: Any) -> None:
    file = run / "result.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(json.dumps(content), encoding="utf-8")


def test_a_run_is_filed_where_it_belongs_and_found_there(run: Path, cli: Cli, tmp_path: Path) -> None:
    results = tmp_path / "results"
    added = cli("leaderboard", "add", run, "--results", results)
    file = results / "tiny-1" / "64x16-test-4" / "copy.json"
    assert added.out == f"{file}: {run_id(read_result(run))}\n"
    (entry,) = load_entries([results]).entries
    assert (entry.file, entry.result) == (file, read_result(run))
    assert entry.clips is not None
    assert entry.clips.path == file.with_suffix(".zip")
    assert len(dict(small_clips(entry))) == 4
    assert cli("leaderboard", "check", results).out == "1 result: 0 faults, 0 notes\n"
    (state,) = read_history(results)
    assert (state.table, state.added) == ("tiny-1-64x16-test-4", [f"{entry.id} copy"])


def test_nothing_is_filed_beside_a_broken_history(run: Path, cli: Cli, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "history.jsonl").write_text("{\n", encoding="utf-8")
    assert "line 1 is not a state" in cli("leaderboard", "add", run, "--results", results).complaint
    assert [path.name for path in results.iterdir()] == ["history.jsonl"]


def test_small_clips_play_in_browsers_and_show_what_was_made(run: Path, cli: Cli, tmp_path: Path) -> None:
    cli("leaderboard", "add", run, "--results", tmp_path / "results")
    folder = tmp_path / "results" / "tiny-1" / "64x16-test-4"
    for name, lossless in (("copy", run / "clips"), ("true", None)):
        with zipfile.ZipFile(folder / f"{name}.zip") as archive:
            archive.extractall(tmp_path / name)
        assert len(list((tmp_path / name).iterdir())) == 4
        for path in sorted((tmp_path / name).iterdir()):
            with av.open(str(path)) as container:
                (stream,) = container.streams
                assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
                assert stream.average_rate == 12.5
            shown = read_clip(path)
            assert shown.shape == (16, 128, 128, 3)
            if lossless:
                made = read_clip(lossless / f"{path.stem}.mkv").astype(int).mean(axis=(1, 2))
                assert abs(shown.mean(axis=(1, 2)) - made).max() < 4
    assert (tmp_path / "copy" / "ann-joy.mp4").exists() == (tmp_path / "true" / "ann-joy.mp4").exists()


def test_of_many_clips_some_are_kept_small_and_the_site_says_so(
    run: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that a limit would choose; best, median and worst are of these."""
    monkeypatch.setattr("leaderboard.layout.MOST_SMALL", 3)
    results = tmp_path / "results"
    assert cli("leaderboard", "add", run, "--results", results).code == 0
    (entry,) = load_entries([results]).entries
    limited = Corpus(open_dataset("tiny"), protocols.get("64x16"), "test", 3)
    wanted = {f"{clip.id}.mp4" for clip in limited.clips}
    assert len(entry.result.clips) == 4
    for name in ("copy", "true"):
        with zipfile.ZipFile(entry.file.with_name(f"{name}.zip")) as archive:
            assert set(archive.namelist()) == wanted
    assert cli("leaderboard", "check", results).out == "1 result: 0 faults, 0 notes\n"
    built = cli("leaderboard", "build", "--results", results, "--out", tmp_path / "site")
    assert built.code == 0
    assert "lacks" not in built.err
    page = (tmp_path / "site" / "models" / "copy.html").read_text(encoding="utf-8")
    assert "among the 3 clips that are kept here" in page
    shown = set(re.findall(r'data-made="[^"]*/([^/"]*)"', page))
    assert shown
    assert shown <= wanted
    monkeypatch.setattr("leaderboard.layout.MOST_SMALL", 4)
    assert "lacks" in cli("leaderboard", "check", results).out


def test_folders_of_loose_clips_are_read_and_replaced(run: Path, cli: Cli, tmp_path: Path) -> None:
    """As the version before wrote them."""
    cli("leaderboard", "add", run, "--results", tmp_path / "results")
    folder = tmp_path / "results" / "tiny-1" / "64x16-test-4"
    before = tree(folder)
    for name in ("copy", "true"):
        with zipfile.ZipFile(folder / f"{name}.zip") as archive:
            archive.extractall(folder / name)
        (folder / f"{name}.zip").unlink()
    assert cli("leaderboard", "check", tmp_path / "results").out == "1 result: 0 faults, 0 notes\n"
    (entry,) = load_entries([tmp_path / "results"]).entries
    assert len(dict(small_clips(entry))) == 4
    assert cli("leaderboard", "add", run, "--results", tmp_path / "results", "--replace").code == 0
    assert tree(folder) == before


def test_the_same_run_makes_the_same_files(
    run: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leaderboard.history.today", lambda: "2026-02-03")
    for name in ("a", "b"):
        assert cli("leaderboard", "add", run, "--results", tmp_path / name).code == 0
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_a_run_is_there_once(run: Path, cli: Cli, tmp_path: Path) -> None:
    add = ("leaderboard", "add", run, "--results", tmp_path / "results")
    assert cli(*add).code == 0
    before = tree(tmp_path / "results")
    assert "is there already" in cli(*add).complaint
    # Another day, another machine: still the same run.
    edit(run, lambda content: content.update(created="2027-01-01T00:00:00+00:00", stages={}))
    assert "is there already" in cli(*add).complaint
    assert tree(tmp_path / "results") == before
    assert cli(*add, "--replace").code == 0
    assert load_entries([tmp_path / "results"]).entries[0].result.created.startswith("2027")
    # Under another name in another folder, too.
    other = tmp_path / "results" / "elsewhere" / "mine.json"
    other.parent.mkdir()
    (tmp_path / "results" / "tiny-1" / "64x16-test-4" / "copy.json").rename(other)
    assert "is there already" in cli(*add, "--replace").complaint


def test_another_result_of_the_model_is_replaced_only_if_wanted(run: Path, cli: Cli, tmp_path: Path) -> None:
    results = tmp_path / "results"
    assert cli("leaderboard", "add", run, "--results", results).code == 0
    edit(run, lambda content: content["metrics"].pop("motion"))
    assert "holds another result of copy" in cli("leaderboard", "add", run, "--results", results).complaint
    assert cli("leaderboard", "add", run, "--results", results, "--replace").code == 0
    (entry,) = load_entries([results]).entries
    assert set(entry.result.metrics) == {"csim", "psnr"}


def test_a_name_that_makes_the_same_file_replaces_nothing(run: Path, cli: Cli, tmp_path: Path) -> None:
    results = tmp_path / "results"

    def called(name: str) -> None:
        edit(run, lambda content: content["model"].update(name=name))
        settings = json.loads((run / "run.json").read_text(encoding="utf-8"))
        (run / "run.json").write_text(json.dumps(settings | {"model": name}), encoding="utf-8")

    called("copy:mine")
    assert cli("leaderboard", "add", run, "--results", results).code == 0
    before = tree(results)
    called("copy--mine")
    refused = cli("leaderboard", "add", run, "--results", results, "--replace")
    assert "holds a result of copy:mine, and copy--mine would get the same file name" in refused.complaint
    assert tree(results) == before


def test_changed_code_is_nobodys_method(run: Path, cli: Cli, tmp_path: Path) -> None:
    edit(run, lambda content: content["environment"].update(commit="c" * 40 + "+dirty"))
    add = ("leaderboard", "add", run, "--results", tmp_path / "results")
    assert "made by code with uncommitted changes (cccccccccccc+dirty): commit" in cli(*add).complaint
    assert not (tmp_path / "results").exists()
    assert cli(*add, "--allow-dirty").code == 0


def test_a_run_with_faults_is_not_filed(run: Path, cli: Cli, tmp_path: Path) -> None:
    def refused(message: str) -> None:
        complaint = cli("leaderboard", "add", run, "--results", tmp_path / "results").complaint
        assert message in complaint
        assert f"fevbench leaderboard check {run}" in complaint
        assert not (tmp_path / "results").exists()
        assert message in cli("leaderboard", "check", run).out

    keep = tmp_path / "keep"
    shutil.copytree(run, keep)

    def again() -> None:
        shutil.rmtree(run)
        shutil.copytree(keep, run)

    edit(run, lambda content: content["metrics"]["psnr"].update(value=99.0))
    refused("psnr: its value is 99, its clips have")
    again()
    edit(run, lambda content: content["model"].update(name="mine"))
    refused("run.json says model 'copy', result.json 'mine'")
    again()
    clip = min((run / "clips").iterdir())
    clip.unlink()
    refused(f"clips/ lacks {clip.name}")
    clip.write_bytes((keep / "clips" / clip.name).read_bytes()[:-100])
    refused(f"clips/{clip.name}")
    again()
    (run / "clips" / "more.mkv").write_bytes(b"")
    refused("clips/ holds what was not scored: more.mkv")
    shutil.rmtree(run / "clips")
    refused("no clips/")


@pytest.mark.parametrize("replacing", [False, True])
def test_a_kill_leaves_nothing_that_is_shown_half(
    run: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replacing: bool
) -> None:
    results = tmp_path / "results"
    add = ("leaderboard", "add", run, "--results", results, "--replace")
    if replacing:
        assert cli(*add).code == 0
        before = tree(results)
    write, count = adding.write_mp4, 0

    def killed(path: Path, *rest: Any) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        write(path, *rest)

    monkeypatch.setattr(adding, "write_mp4", killed)
    assert cli(*add).code == 130
    assert tree(results) == (before if replacing else {})


def test_what_a_kill_left_is_gone_after_the_next_attempt(run: Path, cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "results" / "tiny-1" / "64x16-test-4"
    folder.mkdir(parents=True)
    (folder / ".copy.4194305.abc.part.zip").write_bytes(b"half")  # above the largest process id
    (folder / ".copy.4194305.abc.part.json").write_text("{")
    assert not load_entries([tmp_path / "results"]).problems
    assert cli("leaderboard", "add", run, "--results", tmp_path / "results").code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["copy.json", "copy.zip", "true.zip"]


def test_small_clips_that_are_none_are_found(run: Path, cli: Cli, tmp_path: Path) -> None:
    cli("leaderboard", "add", run, "--results", tmp_path / "results")
    archive = tmp_path / "results" / "tiny-1" / "64x16-test-4" / "copy.zip"
    with zipfile.ZipFile(archive) as small:
        files = {name: small.read(name) for name in small.namelist()}
    first, second = sorted(files)[:2]
    del files[first]
    files |= dict.fromkeys((second, "index.html"), b"<script>alert(1)</script>")
    write_archive(archive, files.items())
    said = cli("leaderboard", "check", tmp_path / "results").out
    assert f"copy.zip lacks {first}" in said
    assert f"{second} is not an MP4" in said
    assert "copy.zip holds files that are not its clips: index.html" in said
    (entry,) = load_entries([tmp_path / "results"]).entries
    assert "index" not in dict(small_clips(entry))
    archive.write_bytes(archive.read_bytes()[:-100])
    said = cli("leaderboard", "check", tmp_path / "results").out
    assert "copy.zip cannot be read (no whole zip archive" in said


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("fev-gan:12000-clips", "fev-gan--12000-clips"),
        ("../../etc/passwd", "etc-passwd"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
        ("videos:my clips\x1b[2J", "videos--my-clips-2J"),
        ("/root", "root"),
        ("..\\..\\x", "x"),
        ("a" * 500, "a" * 100),
    ],
)
def test_a_models_name_leads_nowhere_else(name: str, stem: str) -> None:
    where = place(made_up_results.made_up(name, {"psnr": 1.0}))
    assert where == Path("tiny-1", "64x16-test", f"{stem}.json")


def test_a_data_sets_name_leads_nowhere_else() -> None:
    result = made_up_results.made_up("m", {}, dataset__name="../..", dataset__version="/x", seed=3)
    assert place(result) == Path("x", "64x16-test", "m--seed3.json")


@pytest.mark.parametrize("name", ["true", "cost", "audit", "run", "...", "", "/", "<>"])
def test_a_name_that_cannot_be_filed_is_refused(name: str) -> None:
    with pytest.raises(RunError, match="cannot be filed"):
        place(made_up_results.made_up(name, {}))


@pytest.mark.parametrize("clip", ["", "../a", "a/b", "a\\b", ".a", "a\0", "C:a", "a\n", "a" * 300, "é" * 150])
def test_an_id_that_is_no_files_name(clip: str) -> None:
    assert not is_file_name(clip)
    assert is_file_name("p002-sadness-1")


def test_an_id_knows_a_run_and_not_its_day() -> None:
    one = made_up_results.made_up("m", {"psnr": 1.0})
    same = made_up_results.made_up("m", {"psnr": 1.0}, created="2027-01-01", dataset__labels=["joy"])
    assert run_id(one) == run_id(same)
    assert len(run_id(one)) == 12
    others = [
        made_up_results.made_up("n", {"psnr": 1.0}),
        made_up_results.made_up("m", {"psnr": 2.0}),
        made_up_results.made_up("m", {"psnr": 1.0}, seed=1),
        made_up_results.made_up("m", {"psnr": 1.0}, model__fingerprint="0" * 64),
        made_up_results.made_up("m", {"psnr": 1.0}, dataset__digest="0" * 64),
        made_up_results.made_up("m", {"psnr": 1.0}, protocol__size=128),
    ]
    assert len({run_id(result) for result in (one, *others)}) == 7
