"""The site is the results and nothing else: the same bytes each time, whatever the results hold."""

from __future__ import annotations

import csv
import json
import re
import threading
import urllib.request
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest
from site_pages import Page, check_links, pages
from site_results import CLIPS, HOSTILE, models, put, result, write
from tiny import Cli, tree

from fevbench.cli.leaderboard import server
from fevbench.data.layouts import layouts
from fevbench.errors import FevbenchError
from fevbench.report.rows import compare
from fevbench.report.text import FORMATS
from leaderboard.entries import load_entries
from leaderboard.history import record
from leaderboard.published import Published, Setting
from leaderboard.site import project
from leaderboard.site.build import Built, build
from leaderboard.site.pages import DOWNLOADS, MOST_WITH_JSON
from leaderboard.site.words import read_questions

TABLE = "tiny-1-64x16-test"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("results"), models())


@pytest.fixture(scope="module")
def built(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build([results], tmp_path_factory.mktemp("built") / "site", [])


def test_the_same_results_give_the_same_bytes(built: Built, results: Path, tmp_path: Path) -> None:
    build([results], tmp_path / "again", [])
    assert tree(tmp_path / "again") == tree(built.out)
    build([results], tmp_path / "again", [])  # over the old one
    assert tree(tmp_path / "again") == tree(built.out)
    assert not built.problems


def test_every_link_leads_somewhere(built: Built) -> None:
    check_links(built.out)


def test_every_number_links_to_the_result_it_stands_in(built: Built) -> None:
    for page, count in (("index.html", 4 * 4), (f"{TABLE}/all.html", 4 * 4)):
        text = (built.out / page).read_text(encoding="utf-8")
        table = text[text.index('<tbody class="models">') : text.index("</table>")]
        cells = re.findall(
            r'<td class="number[^>]*data-column="([^"]*)"[^>]*data-v="([^"]*)"[^>]*>(?:<svg.*?</svg>)?'
            r'<a href="([^"#]*)#',
            table,
        )
        assert len(cells) == count, page
        for metric, value, link in cells:
            content = json.loads(((built.out / page).parent / link).read_text(encoding="utf-8"))
            assert f"{content['metrics'][metric]['value']:.9g}" == value


def test_pages_allow_and_hold_no_script_but_the_sites_own(built: Built) -> None:
    for file in pages(built.out):
        page = Page(file)
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
    page = (built.out / TABLE / "all.html").read_text(encoding="utf-8")
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
    titles = ["tiny 1, 64x16", *(f"tiny 1, 64x16, 4 clips, sha256 {d * 8}" for d in "ab")]
    homes = [site / "index.html", *sorted(site.glob("tiny*/index.html"))]
    for home, title in zip(homes, titles, strict=True):
        front = home.read_text(encoding="utf-8")
        assert re.findall(r'<h2 class="sr" id="[^"]*-title">([^<]*)</h2>', front) == [title]
        assert re.findall(r"<figcaption>([^<:]*):", front) == [title]
        tables = front[front.index('<nav class="contents"') : front.index('<p class="verdict">')]
        assert re.findall(r'<li><a href="[^"]*"[^>]*>([^<]*)</a>', tables) == titles
        assert re.findall(r'aria-current="page">([^<]*)</a>', tables) == [title]
    compare_pages = [page.read_text(encoding="utf-8") for page in sorted(site.glob("*/compare.html"))]
    assert [re.findall(r"<h1>Compare clips: ([^<]*)</h1>", page) for page in compare_pages] == [
        [title] for title in titles
    ]
    files = [file.name for suffix in ("csv", "json", "md", "tex") for file in site.glob(f"*/tiny*.{suffix}")]
    assert len(files) == len(set(files)) == 12
    model = (site / "models" / "m.html").read_text(encoding="utf-8")
    assert re.findall(r'<h2 id="run-\d" class="">([^<]*)</h2>', model) == titles[1:]


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
    with pytest.raises(FevbenchError, match="is not a folder"):
        build([results], tmp_path / "link", [])


@pytest.mark.parametrize("name", ["CNAME", ".git/config", "models/mine.html"])
def test_a_file_that_somebody_put_into_a_site_is_not_lost(results: Path, tmp_path: Path, name: str) -> None:
    build([results], tmp_path / "site", [])
    mine = tmp_path / "site" / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(FevbenchError, match=f"holds {name}, which is not part of the site"):
        build([results], tmp_path / "site", [])
    assert mine.read_text(encoding="utf-8") == "mine"
    mine.unlink()
    assert not build([results], tmp_path / "site", []).problems


def test_the_folder_this_runs_in_is_not_replaced(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(FevbenchError, match="the current folder"):
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
    text = (tmp_path / "site" / TABLE / "all.html").read_text(encoding="utf-8")
    table = text[text.index('<tbody class="published">') : text.index("<tfoot>")]
    assert re.search(r'data-column="csim" data-v="0.5"', table)
    assert "Unlike" not in table
    text = (tmp_path / "site" / "published.html").read_text(encoding="utf-8")
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


def test_the_first_screen_says_who_wins_and_where_to_send_a_model(built: Built) -> None:
    text = unescape((built.out / "index.html").read_text(encoding="utf-8"))
    verdict = text[text.index('<p class="verdict">') : text.index("</p>", text.index('<p class="verdict">'))]
    leader = re.findall(r"<b>(.*?)</b>", verdict)[0]
    rows = re.findall(r'<tr class="run" data-name="([^"]*)"', text)
    assert leader == rows[0]
    assert " leads by mean rank, with rank 1 in " in verdict
    assert " in second place differs significantly from the leader in all of " in verdict
    assert verdict.count(". ") == 0, "one sentence"
    assert 'class="way-in" href="add.html"' in text
    assert text.index('class="verdict"') < text.index("<table")
    for title in ("Identity", "Expression", "Motion", "Realism"):
        assert f'<span class="aspect">{title}</span>' in text
    assert text.count("data-clip=") == 5, "the true clips and four runs"
    assert 'class="scatter"' in text
    assert 'class="wins"' in text
    adapted = text[text.index('data-name="middling"') :]
    assert adapted.index("adapted") < adapted.index("</tr>")


def test_notes_of_a_training_that_was_stopped_are_shown(tmp_path: Path) -> None:
    some = models() | {"early": result("early", 0.5, 0.5, model__notes=["Not converged: stopped after 1 h"])}
    build([write(tmp_path / "results", some, with_clips=False)], tmp_path / "site", [])
    text = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    row = text[text.index('data-name="early"') :]
    assert '<small class="tags">not converged</small>' in row[: row.index("</tr>")]


def test_what_is_written_about_a_model_is_in_its_row_and_on_its_page(tmp_path: Path) -> None:
    folder = write(tmp_path / "results", models(), with_clips=False)
    (folder / "about.toml").write_text(
        '[good]\nkind = "diffusion"\nauthors = "A. <Author>"\nlicence = "MIT"\n'
        'trained_on = "tiny, train"\nscored_again = "2026-02-03"\n',
        encoding="utf-8",
    )
    assert not build([folder], tmp_path / "site", []).problems
    text = (tmp_path / "site" / TABLE / "all.html").read_text(encoding="utf-8")
    row = text[text.index('data-name="good"') :]
    row = row[: row.index("</tr>")]
    for words in ("diffusion", "A. &lt;Author&gt;", "MIT", "tiny, train", "2026-01-01"):
        assert f">{words}<" in row, words
    assert "sent in, scored again by the maintainers 2026-02-03" in row
    page = (tmp_path / "site" / "models" / "good.html").read_text(encoding="utf-8")
    assert "licence: MIT" in page
    for wrong in ("place = 1", 'converged = "no"', "kind = false"):
        (folder / "about.toml").write_text(f"[good]\n{wrong}\n", encoding="utf-8")
        (problem,) = build([folder], tmp_path / "site", []).problems
        assert problem.file.name == "about.toml"
        assert "converged = true or false" in problem.what


def test_a_training_that_was_stopped_is_marked_wherever_its_model_stands(tmp_path: Path) -> None:
    folder = write(tmp_path / "results", models(), with_clips=False)
    (folder / "about.toml").write_text("[good]\nconverged = false\n[middling]\nconverged = true\n")
    site = build([folder], tmp_path / "site", []).out
    for page in ("index.html", f"{TABLE}/all.html"):
        text = (site / page).read_text(encoding="utf-8")
        rows = dict(re.findall(r'<tr class="run" data-name="([^"]*)"(.*?)</tr>', text, re.DOTALL))
        assert '<small class="tags">not converged</small>' in rows["good"]
        assert "not converged" not in rows["middling"]
    assert "<li>not converged: good</li>" in (site / TABLE / "all.html").read_text(encoding="utf-8")
    assert "Not converged; trained on" in (site / "models" / "good.html").read_text(encoding="utf-8")
    assert "onverged; trained on" not in (site / "models" / "middling.html").read_text(encoding="utf-8")


def test_a_learning_curve_stands_on_the_page_of_the_model_that_has_one(tmp_path: Path) -> None:
    folder = write(tmp_path / "results", models(), with_clips=False)
    lines = [f"good,64x16@2,{clips},csim,0.{clips},0.1,0.9,48" for clips in (2, 4, 8)]
    content = "\n".join(["model,protocol,clips,metric,value,low,high,n", *lines])
    (folder / "curves.csv").write_text(content, encoding="utf-8")
    built = build([folder], tmp_path / "site", [])
    assert not built.problems
    page = (built.out / "models" / "good.html").read_text(encoding="utf-8")
    part = page[page.index('<h3 id="learning-1">') : page.index('<h3 id="confusion-1">')]
    assert part.count("<svg") == 1
    assert 'href="#learning-1"' in page
    assert (built.out / TABLE / "curves.csv").read_text(encoding="utf-8") == content
    other = (built.out / "models" / "middling.html").read_text(encoding="utf-8")
    assert "earning curve" not in other
    (folder / "curves.csv").write_text("model,clips\n", encoding="utf-8")
    (problem,) = build([folder], tmp_path / "site", []).problems
    assert problem.file.name == "curves.csv"


def test_the_history_tells_each_state_and_links_what_is_there(tmp_path: Path, built: Built) -> None:
    assert not (built.out / "history.html").exists()
    folder = write(tmp_path / "results", models(), with_clips=False)
    (first,) = record(folder)
    (folder / "middling.json").unlink()
    (second,) = record(folder)
    site = build([folder], tmp_path / "site", []).out
    page = (site / "history.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr>\n(.*?)</tr>", page[page.index("<tbody>") :], re.DOTALL)
    assert [re.findall(r"<code>(\w+)</code>", row) for row in rows] == [[second.state], [first.state]]
    assert ["now" in row for row in rows] == [True, False]
    assert "removed: middling<" in rows[0], "a model that is gone has no page"
    assert 'added: <a href="models/' in rows[1]
    front = (site / "index.html").read_text(encoding="utf-8")
    assert f"state {second.state}" in front, "what is cited is what the history tells"
    assert 'href="history.html"' in front
    check_links(site)
    put(folder / "late.json", result("late", 0.4, 0.4))
    page = (build([folder], tmp_path / "site", []).out / "history.html").read_text(encoding="utf-8")
    assert "which is not recorded yet" in page
    (folder / "history.jsonl").write_text("{\n", encoding="utf-8")
    (problem,) = build([folder], tmp_path / "site", []).problems
    assert problem.file == folder / "history.jsonl"


def test_each_data_set_has_a_page_with_its_commands_and_tables(cli: Cli, tmp_path: Path) -> None:
    some = {"a": result("a", 0.5, 0.5, dataset__name="mug", dataset__version="1")}
    site = build(
        [write(tmp_path / "results", {**models(), **some}, with_clips=False)], tmp_path / "site", []
    ).out
    index = (site / "sets" / "index.html").read_text(encoding="utf-8")
    for name in layouts:
        assert f'href="{name}.html"' in index
        page = unescape((site / "sets" / f"{name}.html").read_text(encoding="utf-8"))
        assert layouts.get(name).access in page
        assert layouts.get(name).licence in page
        commands = re.findall(r'<code id="command-\d+">fevbench (.*?)</code>', page)
        assert len(commands) == 7
        for command in commands:
            words = command.split()
            shown = cli(*(words[:2] if words[0] in ("leaderboard", "data", "train") else words[:1]), "--help")
            assert shown.code == 0, command
            assert all(option in shown.out for option in re.findall(r"--[a-z-]+", command)), command
        assert any(command.startswith("data prepare ") and name in command for command in commands)
        assert ("none yet" in page) == (name != "mug")
    page = (site / "sets" / "mug.html").read_text(encoding="utf-8")
    assert '<dt>tables here</dt><dd><a href="../index.html">mug 1, 64x16</a></dd>' in page


def test_addresses_are_those_of_the_projects_configuration(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        "Leaderboard, https://example.org/board",
        "Submissions, https://example.org/send",
        "Source, https://example.org/code",
        "Documentation, javascript:alert(1)",
    ]

    class Metadata:
        def get_all(self, name: str) -> list[str]:
            return lines

    monkeypatch.setattr(project, "metadata", lambda package: Metadata())
    site = build([results], tmp_path / "site", []).out
    for page in ("index.html", "models/good.html"):
        assert "url          = {https://example.org/board/}," in (site / page).read_text(encoding="utf-8")
    model = (site / "models" / "good.html").read_text(encoding="utf-8")
    assert (
        f"(https://example.org/board/{TABLE}/badges/good.svg)](https://example.org/board/models/good.html)"
        in model
    )
    way_in = (site / "add.html").read_text(encoding="utf-8")
    assert '<a href="https://example.org/send"' in way_in
    assert '<a href="https://example.org/code"' in way_in
    assert "javascript:" not in way_in


def test_every_view_leads_to_the_same_view_of_another_table(tmp_path: Path) -> None:
    some = {f"o{i}": result(f"o{i}", 0.5, 0.5 + i / 9, dataset__split="val") for i in range(2)}
    site = build(
        [write(tmp_path / "results", {**models(), **some}, with_clips=False)], tmp_path / "site", []
    ).out
    other = "tiny-1-64x16-val"
    for view in ("all", "wins", "compare"):
        text = (site / TABLE / f"{view}.html").read_text(encoding="utf-8")
        assert f'<li><a href="../{other}/{view}.html">' in text
    front = (site / "index.html").read_text(encoding="utf-8")
    assert f'<li><a href="{other}/index.html">' in front
    check_links(site)


def test_one_model_is_a_board_too(tmp_path: Path) -> None:
    build([write(tmp_path / "results", {"good": models()["good"]})], tmp_path / "site", [])
    text = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "is the only model in this table so far" in text
    assert 'class="wins"' not in text
    wins = (tmp_path / "site" / TABLE / "wins.html").read_text(encoding="utf-8")
    assert "There is one model in this table" in wins


def test_ranks_and_numbers_never_contradict_each_other(built: Built) -> None:
    text = (built.out / TABLE / "all.html").read_text(encoding="utf-8")
    models_only = text[text.index('<tbody class="models">') : text.index('<tbody class="controls">')]
    better = dict(re.findall(r'data-column="([^"]*)" data-best="([^"]*)"', text))
    found: dict[str, list[tuple[float, int]]] = {}
    for column, value, rest in re.findall(
        r'data-column="([^"]*)" data-v="([^"]*)"(.*?)</td>', models_only, re.DOTALL
    ):
        if rank := re.search(r'aria-hidden="true">#(\d+)<', rest):
            found.setdefault(column, []).append((float(value), int(rank[1])))
    assert found
    for column, pairs in found.items():
        best_first = sorted(pairs, reverse=better[column] == "descending")
        ranks = [rank for _, rank in best_first]
        assert ranks == sorted(ranks), column
        assert set(ranks) != {1}, "a rank that all share is none"


def test_many_models_make_a_small_first_page_and_no_square_of_files(tmp_path: Path) -> None:
    many = {f"m{i:03d}": result(f"model {i:03d}", 0.2 + 0.004 * i, 0.9 - 0.004 * i) for i in range(70)}
    built = build([write(tmp_path / "results", many, with_clips=False)], tmp_path / "site", [])
    front = tmp_path / "site" / "index.html"
    weight = sum(file.stat().st_size for file in (front, *(tmp_path / "site" / "assets").iterdir()))
    assert weight < 300_000
    assert front.read_text(encoding="utf-8").count('<tr class="run"') == 50
    table = (tmp_path / "site" / TABLE / "all.html").read_text(encoding="utf-8")
    assert table.count('<tr class="run"') == 70
    assert len(many) > MOST_WITH_JSON
    assert not (tmp_path / "site" / TABLE / f"{TABLE}.json").exists()
    largest = max((tmp_path / "site" / "models").iterdir(), key=lambda file: file.stat().st_size)
    assert largest.stat().st_size < 40_000
    assert built.size < 6_000_000


def test_the_questions_are_those_of_the_documentation(built: Built) -> None:
    page = unescape((built.out / "believe.html").read_text(encoding="utf-8"))
    text = re.sub(r"<[^>]*>", "", page)
    questions = read_questions()
    assert len(questions) >= 10
    for one in questions:
        assert one.question in text
        assert one.ask in text
        assert one.avoid in text


def test_the_way_in_names_commands_that_exist(built: Built, cli: Cli) -> None:
    page = unescape((built.out / "add.html").read_text(encoding="utf-8"))
    commands = re.findall(r'<code id="command-\d+">fevbench (.*?)</code>', page)
    assert len(commands) == 3
    for command in commands:
        words = [word for word in command.split() if word.isalpha()][:2]
        words = words if words[0] == "leaderboard" else words[:1]
        shown = cli(*words, "--help")
        assert shown.code == 0, command
        for option in re.findall(r"--[a-z-]+", command):
            assert option in shown.out, command


def test_a_model_can_be_cited_and_shown_with_its_numbers(built: Built) -> None:
    page = unescape((built.out / "models" / "good.html").read_text(encoding="utf-8"))
    entry = page[page.index(f"@misc{{fevbench-{TABLE}-good") :]
    entry = entry[: entry.index("</code>")]
    content = json.loads((built.out / TABLE / "results" / "good.json").read_text(encoding="utf-8"))
    assert f"csim {content['metrics']['csim']['value']:.3f} [" in entry
    assert "state " in entry
    badge = ElementTree.parse(built.out / TABLE / "badges" / "good.svg").getroot()
    assert "good: " in str(badge.get("aria-label"))
    assert not [one for one in badge.iter() if one.tag.endswith(("script", "a", "image"))]


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
