"""The site is the results and nothing else: the same bytes each time, whatever the results hold."""

from __future__ import annotations

import csv
import json
import re
import threading
import urllib.request
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from site_results import CLIPS, HOSTILE, models, put, result, write
from tiny import Cli, tree

from fevbench.cli.leaderboard import server
from fevbench.errors import FevbenchError
from fevbench.report.rows import compare
from fevbench.report.text import FORMATS
from leaderboard.entries import load_entries
from leaderboard.published import Published, Setting
from leaderboard.site.build import Built, build
from leaderboard.site.pages import DOWNLOADS

TABLE = "tiny-1-64x16-test"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("results"), models())


@pytest.fixture(scope="module")
def built(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build([results], tmp_path_factory.mktemp("built") / "site", [])


class _Page(HTMLParser):
    """What a page links to, its ids, and its tags with their attributes."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append((tag, known))
        self.links += [link for key in ("href", "src") if (link := known.get(key))]
        if known.get("id"):
            self.ids.append(str(known["id"]))


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_the_same_results_give_the_same_bytes(built: Built, results: Path, tmp_path: Path) -> None:
    build([results], tmp_path / "again", [])
    assert tree(tmp_path / "again") == tree(built.out)
    build([results], tmp_path / "again", [])  # over the old one
    assert tree(tmp_path / "again") == tree(built.out)
    assert not built.problems


def test_every_link_leads_somewhere(built: Built) -> None:
    for file in pages(built.out):
        page = _Page(file)
        assert len(set(page.ids)) == len(page.ids), file
        for link in page.links:
            path, _, fragment = link.partition("#")
            target = file if not path else file.parent / unquote(path)
            assert target.resolve().is_relative_to(built.out.resolve()), (file, link)
            assert target.is_file(), (file, link)
            if fragment and target.suffix == ".html" and "=" not in fragment:
                assert fragment in _Page(target).ids, (file, link)


def test_every_number_links_to_the_result_it_stands_in(built: Built) -> None:
    text = (built.out / "index.html").read_text(encoding="utf-8")
    table = text[text.index('<tbody class="models">') : text.index("<tfoot>")]
    cells = re.findall(
        r'<td class="number[^>]*data-column="([^"]*)"[^>]*data-v="([^"]*)"[^>]*><a href="([^"#]*)#', table
    )
    assert len(cells) == 4 * 4
    for metric, value, link in cells:
        content = json.loads((built.out / link).read_text(encoding="utf-8"))
        assert f"{content['metrics'][metric]['value']:.9g}" == value


def test_pages_allow_and_hold_no_script_but_the_sites_own(built: Built) -> None:
    for file in pages(built.out):
        page = _Page(file)
        policies = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
        assert len(policies) == 1
        assert "default-src 'none'" in str(policies[0])
        assert "unsafe" not in str(policies[0])
        for tag, attributes in page.tags:
            assert not any(key.startswith("on") or key == "style" for key in attributes), (file, tag)
            if tag == "script":
                own = str(attributes.get("src", "")).endswith("assets/site.js")
                assert own or attributes.get("type") == "application/json", file
        assert "alert(" not in file.read_text(encoding="utf-8").replace("\\u0022", '"').replace(
            "&lt;script&gt;alert(", ""
        ).replace("\\u003cscript\\u003ealert(", "")


def test_a_name_never_chooses_where_something_is_written(built: Built) -> None:
    for path in built.out.rglob("*"):
        assert re.fullmatch(r"[a-z0-9.-]+", path.name), path
    names = [file.name for file in (built.out / "models").iterdir()]
    assert sorted(names) == ["good.html", "middling.html", "real.html", "script-alert-x-script.html"]


def test_the_table_can_be_had_in_every_format(built: Built, results: Path) -> None:
    entries = load_entries([results]).entries
    comparison = compare([entry.result for entry in entries])
    for name, (_, suffix) in DOWNLOADS.items():
        text = (built.out / TABLE / f"{TABLE}.{suffix}").read_text(encoding="utf-8")
        assert text == FORMATS[name](comparison)
    assert set(DOWNLOADS) == set(FORMATS)


def test_the_downloads_say_what_the_page_says(built: Built) -> None:
    page = (built.out / "index.html").read_text(encoding="utf-8")
    shown = {}
    for name, row in re.findall(r'<tr class="run" data-name="([^"]*)"(.*?)</tr>', page, re.DOTALL):
        for metric, value in re.findall(r'data-column="([^"]*)" data-v="([^"]*)"', row):
            shown[unescape(name), metric] = value
    with (built.out / TABLE / f"{TABLE}.csv").open(encoding="utf-8", newline="") as file:
        told = {(row["model"], row["metric"]): f"{float(row['value']):.9g}" for row in csv.DictReader(file)}
    assert shown == told
    assert len(shown) == 4 * 4


def test_two_tables_of_one_protocol_share_no_name_on_any_page(tmp_path: Path) -> None:
    some = {
        f"of-{digest}": result("m", 0.5, 0.5, dataset__limit=4, dataset__clips=4, dataset__digest=digest * 64)
        for digest in "ab"
    }
    site = build(
        [write(tmp_path / "results", {**models(), **some}, with_clips=False)], tmp_path / "site", []
    ).out
    front = (site / "index.html").read_text(encoding="utf-8")
    titles = re.findall(r'<h2 id="[^"]*-title">([^<]*)</h2>', front)
    assert titles == ["tiny 1, 64x16", *(f"tiny 1, 64x16, 4 clips, sha256 {d * 8}" for d in "ab")]
    for pattern in (r'<li><a href="#tiny[^"]*">([^<]*)</a>', r"<figcaption>([^<:]*):"):
        assert re.findall(pattern, front) == titles
    compare_pages = [page.read_text(encoding="utf-8") for page in sorted(site.glob("*/compare.html"))]
    assert [re.findall(r"<h1>Compare clips: ([^<]*)</h1>", page) for page in compare_pages] == [
        [title] for title in titles
    ]
    files = [file.name for suffix in ("csv", "json", "md", "tex") for file in site.glob(f"*/tiny*.{suffix}")]
    assert len(files) == len(set(files)) == 12
    model = (site / "models" / "m.html").read_text(encoding="utf-8")
    assert re.findall(r'<h2 id="run-\d">([^<]*)</h2>', model) == titles[1:]


def test_a_table_without_controls_offers_none_to_hide(built: Built, tmp_path: Path) -> None:
    some = {stem: one for stem, one in models().items() if not one.model.control}
    build([write(tmp_path / "results", some, with_clips=False)], tmp_path / "site", [])
    assert 'data-show="controls"' in (built.out / "index.html").read_text(encoding="utf-8")
    assert 'data-show="controls"' not in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def test_what_cannot_be_used_is_named_and_the_rest_is_built(tmp_path: Path) -> None:
    folder = write(tmp_path / "results", models(), with_clips=False)
    (folder / "broken.json").write_text('{"schema_version": 2,', encoding="utf-8")
    newer = json.loads((folder / "good.json").read_text(encoding="utf-8")) | {"schema_version": 99}
    (folder / "newer.json").write_text(json.dumps(newer), encoding="utf-8")
    put(folder / "twin.json", result("good", 0.9, 0.8))
    other = result("other", 0.5, 0.5)
    csim = other.metrics["csim"].model_copy(update={"id": "csim-other@1"})
    put(folder / "other.json", other.model_copy(update={"metrics": {**other.metrics, "csim": csim}}))
    (folder / "audit.json").write_text("{}", encoding="utf-8")
    (folder / "cost.json").write_text("[]", encoding="utf-8")
    (folder / "good").mkdir()
    (folder / "good" / f"{next(iter(CLIPS))}.mp4").write_bytes(b"clip")
    built = build([folder], tmp_path / "site", [])
    told = {problem.file.name: problem.what for problem in built.problems}
    assert set(told) == {
        "broken.json", "newer.json", "twin.json", "other.json", "audit.json", "cost.json", "good"
    }  # fmt: skip
    assert "99" in told["newer.json"]
    assert "same run" in told["twin.json"]
    assert "csim-other@1" in told["other.json"]
    assert "15" in told["good"] or "14 more" in told["good"]
    assert len(list((tmp_path / "site" / "models").iterdir())) == 4


def test_results_of_an_unknown_data_set_have_a_table_of_their_own(tmp_path: Path) -> None:
    folder = write(tmp_path / "results", models(), with_clips=False)
    put(
        folder / "alone.json",
        result("alone", 0.5, 0.5, dataset__name="../<nowhere>", dataset__digest="e" * 64),
    )
    built = build([folder], tmp_path / "site", [])
    assert built.tables == 2
    assert (tmp_path / "site" / "nowhere-1-64x16-test" / "nowhere-1-64x16-test.csv").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"results", "site"}


def test_a_clips_id_reads_nothing_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    wild = result("wild", 0.5, 0.5)
    csim = wild.metrics["csim"]
    strange = dict.fromkeys(("../../secret", "link", "a" * 300, "é" * 150, "a\0"), 0.5)
    csim = csim.model_copy(update={"per_clip": {**csim.per_clip, **strange}})
    put(
        tmp_path / "results" / "wild.json",
        wild.model_copy(update={"metrics": {**wild.metrics, "csim": csim}}),
    )
    (tmp_path / "results" / "wild").mkdir()
    (tmp_path / "results" / "wild" / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    build([tmp_path / "results"], tmp_path / "site", [])
    assert not list((tmp_path / "site").rglob("*.mp4"))


def test_a_folder_with_anything_else_is_left_alone(results: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("mine", encoding="utf-8")
    with pytest.raises(FevbenchError, match="other files"):
        build([results], tmp_path / "mine", [])
    assert tree(tmp_path / "mine") == {"index.html": b"mine"}
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    with pytest.raises(FevbenchError, match="no folder"):
        build([results], tmp_path / "link", [])


@pytest.mark.parametrize("name", ["CNAME", ".git/config", "models/mine.html"])
def test_a_file_that_somebody_put_into_a_site_is_not_lost(results: Path, tmp_path: Path, name: str) -> None:
    build([results], tmp_path / "site", [])
    mine = tmp_path / "site" / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(FevbenchError, match=f"holds {name}, which is no part of the site"):
        build([results], tmp_path / "site", [])
    assert mine.read_text(encoding="utf-8") == "mine"
    mine.unlink()
    assert not build([results], tmp_path / "site", []).problems


def test_the_folder_this_runs_in_is_not_replaced(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(FevbenchError, match="the folder this runs in"):
        build([results], Path(), [])
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_site_among_the_results_is_none_of_them(tmp_path: Path) -> None:
    folder = write(tmp_path / "results", models(), with_clips=False)
    for _ in range(2):
        built = build([folder], folder / "a-site", [])
        assert not built.problems
    assert len(list((folder / "a-site" / TABLE / "results").iterdir())) == 4


def test_a_stop_while_a_site_takes_its_place_leaves_the_old_one(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build([results], tmp_path / "site", [])
    before = tree(tmp_path / "site")
    rename = Path.rename

    def stopped(path: Path, target: Path) -> Path:
        if path.name == "site" and path.parent != tmp_path:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", stopped)
    with pytest.raises(KeyboardInterrupt):
        build([results], tmp_path / "site", [])
    assert tree(tmp_path / "site") == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_model_that_is_gone_leaves_no_page(results: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "results", models(), with_clips=False)
    build([folder], tmp_path / "site", [])
    (folder / "middling.json").unlink()
    build([folder], tmp_path / "site", [])
    assert not (tmp_path / "site" / "models" / "middling.html").exists()


def test_nothing_to_show_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FevbenchError, match="nothing to build"):
        build([tmp_path / "nowhere"], tmp_path / "site", [])
    assert not (tmp_path / "site").exists()


def test_a_published_number_stands_in_the_table_only_if_everything_is_the_same(
    results: Path, tmp_path: Path
) -> None:
    same = Setting("tiny", "test", 64, 16, 16, "one neutral face and a label", "csim-w600k_mbf-5pt-noinput@1")
    rows = [
        Published("Theirs", "A. Author, 2020", "CSIM", 0.5, True, f"table {HOSTILE}", "there", same),
        Published(
            "Unlike", "B. Author, 2021", "CSIM", 0.7, True, "table 2", "there", Setting("tiny", "test")
        ),
    ]
    build([results], tmp_path / "site", rows)
    text = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    table = text[text.index('<tbody class="published">') : text.index("<tfoot>")]
    assert re.search(r'data-column="csim" data-v="0.5"', table)
    assert "Unlike" not in table
    assert text.count("<strong>not comparable</strong>") == 1
    assert "frames: not stated, ours 16" in text


def test_the_site_is_served_to_this_machine(built: Built) -> None:
    with server(built.out, 0) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        host, port = serving.server_address[:2]
        assert host == "127.0.0.1"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
            assert answer.read() == (built.out / "index.html").read_bytes()
        with pytest.raises(FevbenchError, match="another --port"):
            server(built.out, int(port))
        serving.shutdown()
        thread.join()


def test_the_command_builds_and_names_what_it_left_out(cli: Cli, tmp_path: Path) -> None:
    folder = write(tmp_path / "results", models(), with_clips=False)
    outcome = cli("leaderboard", "build", "--results", folder, "--out", tmp_path / "site")
    assert outcome.code == 0, outcome
    assert "1 table" in outcome.out
    (folder / "broken.json").write_text("no JSON", encoding="utf-8")
    outcome = cli("leaderboard", "build", "--results", folder, "--out", tmp_path / "site")
    assert outcome.code == 1
    assert "broken.json" in outcome.err
    assert "1 thing" in outcome.complaint
    assert (tmp_path / "site" / "models" / "good.html").is_file()


def test_what_a_killed_build_left_goes_with_the_next_one(results: Path, tmp_path: Path) -> None:
    """And a site it had moved aside comes back; nobody else's hidden folder is touched."""
    site = tmp_path / "site"
    build([results], site, [])
    (tmp_path / ".site.killed_1" / "site" / "models").mkdir(parents=True)
    (tmp_path / ".site.killed_1" / "site" / "good.json").write_text("{")
    (tmp_path / ".site.killed_2").mkdir()
    site.rename(tmp_path / ".site.killed_2" / "old")
    (tmp_path / ".site.mine1234").mkdir()
    (tmp_path / ".site.mine1234" / "letter.txt").touch()
    (tmp_path / ".sites").mkdir()
    with pytest.raises(FevbenchError, match="nothing to build"):
        build([tmp_path / ".sites"], site, [])
    build([results], site, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == [".site.mine1234", ".sites", "site"]


def test_a_site_that_was_moved_aside_comes_back_even_if_the_next_build_fails(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    build([results], site, [])
    before = tree(site)
    (tmp_path / ".site.killed_2").mkdir()
    site.rename(tmp_path / ".site.killed_2" / "old")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("leaderboard.site.build._write", fail)
    with pytest.raises(KeyboardInterrupt):
        build([results], site, [])
    assert tree(site) == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_nothing_is_read_from_hidden_folders(results: Path, tmp_path: Path) -> None:
    put(tmp_path / "good.json", models()["good"])
    put(tmp_path / ".site.killed_1" / "site" / "good.json", models()["good"])
    loaded = load_entries([tmp_path])
    assert [entry.file.parent for entry in loaded.entries] == [tmp_path]
    assert loaded.problems == ()


def test_a_damaged_archive_of_small_clips_spoils_nothing_else(results: Path, tmp_path: Path) -> None:
    archive = results / "good.zip"
    archive.write_bytes(archive.read_bytes()[:-50])
    built = build([results], tmp_path / "site", [])
    assert [(problem.file, problem.what.partition(" (")[0]) for problem in built.problems] == [
        (archive, "cannot be read")
    ]
    assert {path.parent.name for path in (tmp_path / "site").rglob("*.mp4")} == {
        "middling", "real", "script-alert-x-script", "true"
    }  # fmt: skip
