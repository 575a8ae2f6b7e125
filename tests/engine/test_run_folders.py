"""A run folder belongs to one process, keeps what it holds, and holds the clips that its result is of."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from tiny import Cli

from fevbench import weights
from fevbench.data.video import read_clip, write_clip
from fevbench.engine import folder as folders
from fevbench.engine.folder import LOCK_FILE, Claim
from fevbench.engine.plan import Settings
from fevbench.engine.score import score_all
from fevbench.errors import RunError
from fevbench.results import provenance

Write = Callable[[str], Path]

NOISE = """
@register_model("noise")
class Noise:
    "Other pixels each time it is asked, whatever the generator."
    def __init__(self, spec): self.frames = spec.frames
    def generate(self, images, labels, generator):
        import os
        video = images[:, None].repeat(1, self.frames, 1, 1, 1)
        video[:, 1:, :, :8, :8] = torch.tensor(list(os.urandom(64))).view(8, 8) / 128 - 1
        return video
"""
FAILS = """
@register_model("noise")
class Noise:
    "{what}"
    def __init__(self, spec): {build}
    def generate(self, images, labels, generator): {make}
"""
SETTINGS = Settings(
    model="m", fingerprint="a" * 64, dataset="d", dataset_version="1", protocol="64x16@1", split="test",
    limit=None, seed=0, device="cpu", allow_missing=False,
)  # fmt: skip


@pytest.fixture
def noise(cli: Cli, plugin: Write, tmp_path: Path) -> Callable[..., tiny.Outcome]:
    """Score the model that does not repeat, in the folder ``run`` unless another is named."""
    file = plugin(NOISE)

    def call(*more: str | Path, out: str = "run", metrics: str = "csim,psnr") -> tiny.Outcome:
        run = ("run", "noise", "tiny", "--plugin", file, "--metrics", metrics)
        return cli(*run, "--out", tmp_path / out, *more)

    return call


def test_a_folder_is_one_process_s(tmp_path: Path) -> None:
    """Even before it has made anything, with the same settings as with others, and until it is done."""
    other = SETTINGS.model_copy(update={"device": "cuda"})
    with Claim(tmp_path / "run", SETTINGS) as first:
        assert not first.begun
        for settings in (SETTINGS, other):
            for overwrite in (False, True):
                with pytest.raises(RunError, match="another process is writing to"):
                    Claim(tmp_path / "run", settings, overwrite)
        said = Settings.model_validate_json((tmp_path / "run" / "run.json").read_text())
        assert said == SETTINGS
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.json"]
    with Claim(tmp_path / "run", other) as second:
        assert second.begun


def test_who_is_killed_lets_go_of_a_folder(tmp_path: Path) -> None:
    code = (
        "import os, sys; from fevbench.engine.folder import *; from fevbench.engine.plan import Settings\n"
        "claim = Claim(Path('run'), Settings.model_validate_json(sys.argv[1])); os._exit(9)"
    )
    words = [sys.executable, "-c", code, SETTINGS.model_dump_json()]
    assert subprocess.run(words, cwd=tmp_path, check=False).returncode == 9
    assert (tmp_path / "run" / LOCK_FILE).exists()
    Claim(tmp_path / "run", SETTINGS).release()


def test_a_second_process_is_told_and_changes_nothing(
    cli: Cli, plugin: Write, process: Any, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    waits = (
        f"import os, time\n        for _ in range(6000): os.path.exists({str(go)!r}) or time.sleep(0.02)\n"
    )
    file = plugin(NOISE.replace("import os\n", waits, 1))
    run = ("run", "noise", "tiny", "--plugin", file, "--metrics", "psnr", "--out", tmp_path / "run")
    first = process(*run)
    while not (tmp_path / "run" / "run.json").exists():
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.02)

    def kept() -> dict[str, bytes]:  # the log may begin meanwhile
        return {k: v for k, v in tiny.tree(tmp_path / "run").items() if k != "model.log"}

    before = kept()
    for more in ((), ("--seed", "1"), ("--overwrite",)):
        assert "another process is writing to" in cli(*run, *more).complaint
        assert kept() == before
    go.touch()
    first.communicate()
    assert first.returncode == 0
    assert "nothing to do" in cli(*run).err


def test_where_a_file_system_knows_no_locks_a_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import filelock

    def none(*_: object, **__: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(filelock.FileLock, "acquire", none)
    with Claim(tmp_path / "run", SETTINGS):
        assert (tmp_path / "run" / "run.json").exists()


BROKEN = [
    pytest.param(FAILS.format(what="b", build="1 / 0", make="pass"), id="is not built"),
    pytest.param(FAILS.format(what="g", build="pass", make="1 / 0"), id="fails on its first clip"),
    pytest.param(FAILS.format(what="r", build="pass", make="return images * 100"), id="returns nonsense"),
]


@pytest.mark.parametrize("code", BROKEN)
def test_overwrite_keeps_what_there_is_for_a_model_that_makes_nothing(
    noise: Callable[..., tiny.Outcome], plugin: Write, tmp_path: Path, code: str
) -> None:
    assert noise(metrics="psnr").code == 0
    before = tiny.tree(tmp_path / "run")
    plugin(code)
    assert noise("--overwrite", metrics="psnr").code == 1
    assert tiny.tree(tmp_path / "run") == before
    plugin(NOISE)
    assert noise("--overwrite", metrics="psnr").code == 0
    assert tiny.tree(tmp_path / "run") != before


@pytest.mark.parametrize("what", ["--metrics", "--limit", "a missing weight", "a cache that cannot be"])
def test_overwrite_keeps_what_there_is_for_a_run_that_cannot_begin(
    noise: Callable[..., tiny.Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    assert noise(metrics="psnr").code == 0
    before = tiny.tree(tmp_path / "run")
    if what == "--metrics":
        refused = noise("--overwrite", metrics="nonsense")
    elif what == "--limit":
        refused = noise("--overwrite", "--limit", "0")
    elif what == "a missing weight":
        refused = noise("--overwrite", "--offline", metrics="lpips")
    else:
        (tmp_path / "file").touch()
        monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path / "file"))
        refused = noise("--overwrite", metrics="csim")
    assert refused.code in (1, 2)
    assert tiny.tree(tmp_path / "run") == before


def test_overwrite_does_not_empty_the_folder_it_is_to_score(
    noise: Callable[..., tiny.Outcome], cli: Cli, tmp_path: Path
) -> None:
    assert noise(metrics="psnr").code == 0
    before = tiny.tree(tmp_path / "run")
    run = ("run", f"videos:{tmp_path}/run/clips", "tiny", "--metrics", "psnr", "--out", tmp_path / "run")
    assert "--overwrite would empty" in cli(*run, "--overwrite").complaint
    assert tiny.tree(tmp_path / "run") == before


def test_overwrite_of_a_run_with_other_settings_leaves_the_new_ones(
    noise: Callable[..., tiny.Outcome], tmp_path: Path
) -> None:
    assert noise(metrics="psnr").code == 0
    assert "seed 0 → 1" in noise("--seed", "1").complaint
    assert noise("--seed", "1", "--overwrite", metrics="psnr").code == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["seed"] == 1
    assert "nothing to do" in noise("--seed", "1", metrics="psnr").err


def test_a_finished_run_on_a_read_only_disk_has_nothing_to_do(
    noise: Callable[..., tiny.Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root one may write everywhere, so nothing may even try to."""
    assert noise().code == 0

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def unneeded(*_: object, **__: object) -> None:
        raise AssertionError("weights were asked for")

    monkeypatch.setattr(weights, "require_all", unneeded)
    for module, name in ((folders, "write_text"), (folders, "locked"), (Path, "mkdir"), (Path, "unlink")):
        monkeypatch.setattr(module, name, read_only)
    again = noise()
    assert again.code == 0, again
    assert "nothing to do" in again.err
    assert "csim" in again.out
    refused = noise(metrics="ssim")
    assert "cannot be written (Read-only file system)" in refused.complaint


def test_a_result_holds_the_digest_of_each_clip_that_it_scored(
    noise: Callable[..., tiny.Outcome], tmp_path: Path
) -> None:
    from fevbench.data.video import content_digest

    assert noise(metrics="psnr,diversity").code == 0
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    for name, digest in result["clips"].items():
        assert content_digest(read_clip(tmp_path / "run" / "clips" / f"{name}.mkv")) == digest
    assert len(result["clips"]) == 9
    assert len(result["draws"]) == 3
    for name, digests in result["draws"].items():
        for draw, digest in enumerate(digests, start=1):
            clip = tmp_path / "run" / "draws" / str(draw) / f"{name}.mkv"
            assert content_digest(read_clip(clip)) == digest
            assert digest != result["clips"][name]


@pytest.fixture
def exchanged(noise: Callable[..., tiny.Outcome], tmp_path: Path) -> Path:
    """A run whose clips were made again since it was scored: whole, and not what was scored."""
    for name in ("run", "other"):
        assert noise(out=name).code == 0
    for clip in (tmp_path / "other" / "clips").iterdir():
        shutil.copy(clip, tmp_path / "run" / "clips")
    return tmp_path / "run"


def test_clips_that_were_not_scored_are_found_when_the_result_is_read(
    exchanged: Path, cli: Cli, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    for words in (
        ("compare", other, exchanged),
        ("compare", exchanged / "result.json"),
        ("diff", other, exchanged),
        ("show", exchanged, "--out", tmp_path / "sheet.png"),
        ("leaderboard", "add", exchanged, "--results", tmp_path / "results", "--allow-dirty"),
        ("leaderboard", "submit", exchanged, "--out", tmp_path / "sent.zip"),
    ):
        outcome = cli(*words)
        assert outcome.code == 1, words
        assert "9 clips are not what was scored (clips/" in outcome.complaint, words
        if words[0] != "leaderboard":
            assert "repeat its command, which scores the clips that are there" in outcome.complaint
    checked = cli("leaderboard", "check", exchanged)
    assert checked.code == 1
    assert "9 clips are not what was scored" in checked.out
    assert cli("compare", other).code == 0


def test_the_same_command_scores_the_clips_that_are_there(
    exchanged: Path, noise: Callable[..., tiny.Outcome], cli: Cli, tmp_path: Path
) -> None:
    again = noise()
    assert again.code == 0, again
    assert "continuing: 9 of 9" in again.err
    results = [json.loads((tmp_path / name / "result.json").read_text()) for name in ("run", "other")]
    assert results[0]["clips"] == results[1]["clips"]
    assert results[0]["metrics"] == results[1]["metrics"]
    assert cli("compare", exchanged).code == 0
    assert "nothing to do" in noise().err


def test_one_clip_and_one_draw_are_enough(
    noise: Callable[..., tiny.Outcome], cli: Cli, tmp_path: Path
) -> None:
    assert noise(metrics="psnr,diversity").code == 0
    run = tmp_path / "run"
    clip = run / "clips" / "ann-joy.mkv"
    (draw,) = sorted((run / "draws" / "2").iterdir())[:1]
    for path, name in ((clip, "clips/ann-joy.mkv"), (draw, f"draws/2/{draw.name}")):
        content = path.read_bytes()
        write_clip(path, 255 - read_clip(path), 12.5)
        assert f"1 clip is not what was scored ({name})" in cli("compare", run).complaint
        path.write_bytes(content)
        assert cli("compare", run).code == 0


def test_results_without_clips_or_of_before_digests_are_read(
    noise: Callable[..., tiny.Outcome], cli: Cli, tmp_path: Path
) -> None:
    assert noise(metrics="psnr").code == 0
    run = tmp_path / "run"
    content = json.loads((run / "result.json").read_text())
    old = {key: value for key, value in content.items() if key not in ("clips", "draws")}
    (run / "result.json").write_text(json.dumps(old))
    assert cli("compare", run).code == 0
    again = noise(metrics="psnr")  # from its clips: so that the result says which
    assert "continuing: 9 of 9" in again.err
    assert json.loads((run / "result.json").read_text())["clips"] == content["clips"]
    shutil.rmtree(run / "clips")
    assert cli("compare", run).code == 0


@pytest.mark.parametrize("name", ["../../secret", "/etc/secret", "a\0b", "sub/clip"])
def test_a_strangers_result_leads_nowhere_else(
    noise: Callable[..., tiny.Outcome], cli: Cli, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert noise("--limit", "1", metrics="psnr").code == 0
    file = tmp_path / "run" / "result.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "clips": {name: "0" * 64}}))
    monkeypatch.setattr(Path, "exists", lambda path: path.resolve().is_relative_to(tmp_path / "run"))
    assert "1 clip is not what was scored" in cli("compare", tmp_path / "run").complaint


def test_what_is_no_file_is_not_waited_for(
    noise: Callable[..., tiny.Outcome], cli: Cli, tmp_path: Path
) -> None:
    assert noise("--limit", "1", metrics="psnr").code == 0
    (clip,) = (tmp_path / "run" / "clips").iterdir()
    clip.unlink()
    os.mkfifo(clip)
    assert "1 clip is not what was scored" in cli("compare", tmp_path / "run").complaint


def test_a_result_names_the_commit_at_which_its_run_began(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may commit in the checkout while a long run goes on."""
    head = ["a" * 40]
    monkeypatch.setattr(provenance, "_git", lambda root, *asked: head[0] if "rev-parse" in asked else "")

    def later(*arguments: Any, **options: Any) -> Any:
        head[0] = "b" * 40
        return score_all(*arguments, **options)

    monkeypatch.setattr("fevbench.engine.carry_out.score_all", later)
    provenance.commit.cache_clear()
    try:
        outcome = cli("run", "copy", "tiny", "--metrics", "ssim", "--out", tmp_path / "run")
    finally:
        provenance.commit.cache_clear()
    assert outcome.code == 0, outcome
    assert head[0] == "b" * 40
    result = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    assert result["environment"]["commit"] == "a" * 40
