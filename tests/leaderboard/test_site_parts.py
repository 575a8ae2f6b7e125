"""The parts the site is made of."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from site_results import CLIPS, models, result, write

from fevbench.cost.measure import CostTable
from fevbench.metrics.catalog import FAMILIES, metrics
from fevbench.models.registry import find_model
from fevbench.report.headline import GROUPS, mean_rank
from fevbench.report.rows import Comparison
from fevbench.results.schema import ModelRecord, Result
from fevbench.toml import read_toml
from leaderboard.entries import load_entries
from leaderboard.site.about import about_of
from leaderboard.site.board import SHADES, make_board, saturation, shade_of_part, shade_of_value
from leaderboard.site.breakdown import break_down
from leaderboard.site.cards import card_of, to_html
from leaderboard.site.charts import WIDTH, identity_against_motion, place_labels
from leaderboard.site.clips import Clips, examples
from leaderboard.site.compare_page import front_clip
from leaderboard.site.costs import Costs
from leaderboard.site.curve_plots import learning_curve
from leaderboard.site.curves import CURVES_FILE, Step, read_curves
from leaderboard.site.metric_page import make_metric_page
from leaderboard.site.pictures import CHECKOUT, LARGEST, Pictures
from leaderboard.site.plots import Axis, Dot, strip
from leaderboard.site.slugs import Slugs
from leaderboard.site.tables import Table, make_tables
from leaderboard.site.verdict import Wins, sentence, verdict_of, win_matrix
from leaderboard.site.words import read_words, site_words
from leaderboard.small_clips import find_small_clips, write_small_clips


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    folder = write(tmp_path_factory.mktemp("results"), models(), with_clips=False)
    tables, problems = make_tables(load_entries([folder]).entries, [folder])
    assert not problems
    return tables[0]


@given(st.lists(st.text(max_size=80), max_size=12))
def test_slugs_are_plain_and_each_its_own(names: list[str]) -> None:
    slugs = Slugs()
    made = [slugs.of(name) for name in names]
    assert all(re.fullmatch(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", slug) and ".." not in slug for slug in made)
    assert len(set(made)) == len(set(names))
    assert [slugs.of(name) for name in names] == made


def test_names_that_differ_only_in_marks_do_not_share_a_page() -> None:
    slugs = Slugs()
    assert [slugs.of(name) for name in ("A b", "a-b", "../a b", "CON")] == ["a-b", "a-b-2", "a-b-3", "con-x"]


def test_every_metric_has_words() -> None:
    words = read_words()
    assert set(words) == set(metrics)
    assert all(said.means and said.doubt for said in words.values())


def test_models_come_first_by_their_ranks_and_controls_last(table: Table) -> None:
    names = [run.row.name for run in table.runs]
    assert names[-1] == "real"
    assert names.index("good") < names.index(next(name for name in names if "<" in name))


def test_who_has_no_rank_stands_behind_who_has(tmp_path: Path) -> None:
    """A better number that nothing can test moves a model up neither on the page nor in the table."""
    one, other = result("tested", 0.6, 0.8), result("untested", 0.6, 0.9)
    older = other.metrics["fvd"].model_copy(update={"replicates": []})
    other = other.model_copy(update={"metrics": {**other.metrics, "fvd": older}})
    runs = {"a": other, "b": one, "c": result("third", 0.6, 0.2)}
    folder = write(tmp_path, runs, with_clips=False)
    (table,), _ = make_tables(load_entries([folder]).entries, [folder])
    page = make_metric_page("fvd", None, [table])
    assert [row[0].row.name for row in page.places[0].numbers] == ["tested", "third", "untested"]
    assert page.places[0].numbers[2][3] == ""
    ranks = {row.name: row.cells["fvd"].rank for row in table.comparison.rows[:-1]}
    assert ranks == {"tested": 1, "third": 2, "untested": None}
    fidelity = {run.row.name: mean_rank(_only(table, "fvd"), run.index) for run in table.runs}
    assert fidelity == {"tested": 1, "third": 2, "untested": 3}


def _only(table: Table, metric: str) -> Comparison:
    standings = {metric: table.comparison.rankings[metric]}
    return replace(table.comparison, rankings=standings)


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.lists(st.floats(-2e3, 2e3), min_size=2))
def test_shades_follow_the_value_from_the_worst_to_the_true_clips(
    worst: float, true: float, values: list[float]
) -> None:
    order = sorted(values, reverse=true < worst)
    shades = [shade_of_value(value, (worst, true)) for value in order]
    assert all(a <= b for a, b in pairwise(shade for shade in shades if shade is not None))
    assert shade_of_value(true, (worst, true)) == SHADES - 1
    assert shade_of_value(None, (worst, true)) is None
    assert shade_of_value(values[0], None) is None
    if worst != true:
        assert shade_of_value(worst, (worst, true)) == 0
    assert (shade_of_part(0.0), shade_of_part(1.0)) == (0, SHADES - 1)


def test_how_good_and_how_sure_are_two_things(table: Table) -> None:
    board = make_board(table, {name: name for name in metrics})
    marked = {
        column.name: [line.run.row.name for line in board.models if line.cells[i].alike]
        for i, column in enumerate(board.columns)
    }
    for name in table.ranked:
        against = table.comparison.rankings[name].against_best
        assert marked[name] == [run.row.name for run in table.models if against.get(run.index, 0) >= 0.05]
        assert 0 < len(marked[name]) < len(table.models)
    place = [column.name for column in board.columns].index("csim")
    beyond = {line.run.row.name for line in board.models if line.cells[place].beyond}
    true = table.true_value("csim")
    assert beyond == ({"good"} if true is not None and true < 0.89 else set())


def test_a_metric_that_two_models_have_used_up_says_so(tmp_path: Path) -> None:
    def full(name: str, csim: float) -> Result:
        one = result(name, csim, 0.5)
        accuracy = one.metrics["accuracy"]
        perfect = accuracy.model_copy(update={"value": 1.0, "per_clip": dict.fromkeys(CLIPS, 1.0)})
        return one.model_copy(update={"metrics": {**one.metrics, "accuracy": perfect}})

    folder = write(tmp_path, {"a": full("a", 0.4), "b": full("b", 0.6)}, with_clips=False)
    (one,), _ = make_tables(load_entries([folder]).entries, [folder])
    said = "2 models reach 1.000, the best possible value: it cannot distinguish them"
    assert saturation(one, "accuracy") == said
    assert saturation(one, "csim") == ""
    assert not one.comparison.rankings["accuracy"].ranks


@pytest.mark.parametrize(
    ("equal", "said"),
    [
        ((), "differs significantly from the leader in all of 3."),
        (("csim",), "does not differ significantly from the leader in 1 of 3."),
    ],
)
def test_in_how_many_metrics_the_second_model_differs(
    tmp_path: Path, equal: tuple[str, ...], said: str
) -> None:
    runs = {name: result(name, value, value) for name, value in (("a", 0.9), ("b", 0.1), ("c", 0.05))}
    taken = {name: runs["a"].metrics[name] for name in equal}
    runs["b"] = runs["b"].model_copy(update={"metrics": {**runs["b"].metrics, **taken}})
    folder = write(tmp_path, runs, with_clips=False)
    (one,), _ = make_tables(load_entries([folder]).entries, [folder])
    assert str(sentence(one, Wins(one))).endswith(f"<b>b</b> in second place {said}")


def test_the_matrix_counts_what_the_tests_say(table: Table) -> None:
    wins = Wins(table)
    rows = win_matrix(table.models, wins, table.ranked)
    for row in rows:
        for other, cell in zip(table.models, row.cells, strict=True):
            if cell is None:
                assert other is row.run
                continue
            which = [
                name
                for name in table.ranked
                for pair in table.comparison.rankings[name].pairs
                if pair.order == (row.run.index, other.index)
            ]
            assert cell[0] == len(which)
            assert [name for i, name in enumerate(table.ranked) if int(cell[2], 16) >> i & 1] == which


def test_strengths_and_weaknesses_are_the_standings(table: Table) -> None:
    wins = Wins(table)
    for run in table.models:
        verdict = verdict_of(table, run, wins, ())
        strong = {name for _, names in verdict.strengths for name in names}
        weak = {name for _, names in verdict.weaknesses for name in names}
        ranks = {name: table.comparison.rankings[name].ranks[run.index] for name in table.ranked}
        assert strong == {name for name, rank in ranks.items() if rank == 1}
        assert not strong & weak
        assert all(2 * wins.losses(run, name) >= len(table.models) - 1 for name in weak)


@given(
    st.lists(
        st.tuples(st.text("abcdef", min_size=1, max_size=30), st.floats(46, 444), st.floats(16, 290)),
        max_size=30,
    )
)
def test_labels_of_a_plot_do_not_lie_on_each_other(points: list[tuple[str, float, float]]) -> None:
    labels = place_labels(points)
    for i, one in enumerate(labels):
        assert not any(one.overlaps(other) for other in labels[i + 1 :])
        assert one.x + one.width <= WIDTH
    names = [one.text for one in labels]
    assert len(names) <= len(points)
    if points:
        assert names[0].rstrip("…") == points[0][0][: len(names[0].rstrip("…"))], "the first has its name"


def test_what_a_scatter_plot_shows_is_the_table(table: Table) -> None:
    tree = ElementTree.fromstring(str(identity_against_motion(table)))
    titles = {title.text for title in tree.iter("title")}
    assert len(titles) == len(table.runs) + 1
    assert any(str(title).startswith("true clips: motion ") for title in titles)
    assert len([path for path in tree.iter("path") if path.get("class") == "true"]) == 1


def test_nobody_borrows_what_is_written_about_our_models() -> None:
    written = {"vgan": {"kind": "GAN", "licence": "Apache-2.0"}}
    ours = ModelRecord(name="vgan:mine", origin="fevbench 0.1.0", fingerprint="f", control=False)
    assert about_of(ours, written).kind == "GAN"
    stranger = ours.model_copy(update={"name": "vgan", "origin": "/home/me/plugin.py"})
    assert about_of(stranger, written).kind == "not stated"
    assert about_of(stranger, written).scored == "sent in"
    noted = ours.model_copy(update={"notes": ["training: not converged"], "adapted": True})
    assert about_of(noted, written).tags == "GAN, adapted, not converged"
    stopped = {"vgan": {"kind": "GAN", "converged": False}}
    assert about_of(ours, stopped).tags == "GAN, not converged"
    assert about_of(stranger, stopped).tags == ""


HEAD = "model,protocol,clips,metric,value,low,high,n"


def test_curves_are_read_in_the_order_of_clips_and_metrics(tmp_path: Path) -> None:
    lines = [
        HEAD,
        "m,64x16@2,12000,motion,0.5,,,48",
        "m,64x16@2,6000,motion,0.25,0.2,0.3,48",
        "m,64x16@2,6000,csim,0.5,0.4,0.6,48",
        "m,64x16@2,12000,csim,0.75,0.7,0.8,48",
        "m,64x16@2,12000,ssim,0.9,,,48",
        "m,128x32@2,6000,ssim,0.5,,,48",
    ]
    (tmp_path / CURVES_FILE).write_text("\n".join(lines), encoding="utf-8")
    curves, problems = read_curves([tmp_path / "none", tmp_path], "64x16@2")
    assert not problems
    assert curves is not None
    found = curves.of("m")
    assert [(name, [step.clips for step in curve]) for name, curve in found] == [
        ("csim", [6000, 12000]),
        ("motion", [6000, 12000]),
    ], "one point is no curve, and another protocol's is none of these"
    assert found[1][1] == (Step(6000, 0.25, 0.2, 0.3, 48), Step(12000, 0.5, None, None, 48))
    assert curves.of("nobody") == []
    assert read_curves([tmp_path], "64x32@2") == (None, [])
    svg = ElementTree.fromstring(str(learning_curve(*found[0])))
    assert svg.get("aria-label") == (
        "csim: 0.500 [0.400, 0.600] after 6000 clips; 0.750 [0.700, 0.800] after 12000 clips"
    )
    heights = [float(str(one.get("cy"))) for one in svg.iter("circle")]
    assert heights == sorted(heights, reverse=True), "what grows goes up"
    assert len([one for one in svg.iter("line") if one.get("class") == "interval"]) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("m,64x16@2,6000,csim,0.5,,48", "line 2: 7 cells, not 8"),
        ("m,64x16@2,6000,beauty,0.5,,,48", "line 2: no metric is called 'beauty' here"),
        ("m,64x16@2,many,csim,0.5,,,48", "line 2: invalid literal"),
        ("m,64x16@2,6000,csim,nan,,,48", "line 2: m,64x16@2,6000,csim,nan,,,48 are no numbers of a curve"),
        ("m,64x16@2,6000,csim,0.5,0.4,,48", "are no numbers of a curve"),
        ("m,64x16@2,-1,csim,0.5,,,48", "are no numbers of a curve"),
        ("m,64x16@2,1,csim,0.5,,,48\nm,64x16@2,1,csim,0.6,,,48", "m has csim twice after 1 clips"),
    ],
)
def test_curves_that_are_none_are_named(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / CURVES_FILE
    file.write_text(f"{HEAD}\n{line}\n", encoding="utf-8")
    curves, (problem,) = read_curves([tmp_path], "64x16@2")
    assert curves is None
    assert problem.file == file
    assert message in problem.what
    file.write_text(line, encoding="utf-8")
    assert f"its first line is not {HEAD}" in read_curves([tmp_path], "64x16@2")[1][0].what


def test_the_models_that_come_with_fevbench_are_described() -> None:
    written = read_toml(CHECKOUT / "leaderboard" / "results" / "about.toml")
    known = site_words()["kinds"]
    for name in written:
        find_model(name)
        assert written[name].get("kind", "control") in known


def test_the_better_side_of_an_axis_is_the_right_one() -> None:
    for higher in (True, False):
        axis = Axis(0.0, 10.0, higher)
        assert (float(axis.x(9.0)) > float(axis.x(1.0))) == higher


def test_a_plot_is_well_formed_whatever_the_names(table: Table) -> None:
    dot = Dot('<b> & "q"', 0.5, 0.4, 0.6, "0.5")
    svg = strip(dot, [dot], 0.9, Axis.over([dot], 0.9, True), dot.name)
    tree = ElementTree.fromstring(str(svg))
    assert tree.get("aria-label") == dot.name
    assert len(tree.findall("{*}circle") or tree.findall("circle")) == 2


def test_a_plot_of_one_number_has_a_place_for_it() -> None:
    dot = Dot("a", 1.0)
    assert "nan" not in strip(dot, [], None, Axis.over([dot], None, True), "a")


def test_examples_are_the_best_the_median_and_the_worst(table: Table) -> None:
    run = next(run for run in table.runs if run.row.name == "good")
    values = run.result.metrics["csim"].per_clip
    order = sorted(values, key=lambda clip: -(values[clip] or 0.0))
    best, median, worst = (example.clip for example in examples(run, "csim", Clips(table)))
    assert (best, median, worst) == (order[0], order[len(order) // 2], order[-1])
    assert not examples(run, "fvd", Clips(table))


def test_a_lost_face_is_the_worst_clip(tmp_path_factory: pytest.TempPathFactory) -> None:
    from made_up_results import scored

    clips = {f"p{i}-0": 0.5 + 0.01 * i for i in range(8)}
    lossy = scored("lossy", {"csim": {**clips, "p9-0": None}})
    folder = write(tmp_path_factory.mktemp("lossy"), {"lossy": lossy}, with_clips=False)
    (one,), _ = make_tables(load_entries([folder]).entries, [folder])
    worst = examples(one.runs[0], "csim", Clips(one))[-1]
    assert (worst.clip, worst.text) == ("p9-0", "face lost")


def test_the_clip_of_the_first_screen_is_the_one_in_which_models_differ_the_most(tmp_path: Path) -> None:
    some = {name: result(name, 0.5 + 0.1 * i, 0.5) for i, name in enumerate(("a", "b", "c"))}
    wild, alone = "p03-1", "p04-0"
    csim = some["a"].metrics["csim"]
    csim = csim.model_copy(update={"per_clip": {**csim.per_clip, wild: 0.0, alone: -0.9}})
    some["a"] = some["a"].model_copy(update={"metrics": {**some["a"].metrics, "csim": csim}})
    folder = write(tmp_path, some)
    (one,), _ = make_tables(load_entries([folder]).entries, [folder])
    assert front_clip(Clips(one), one) == alone
    small = find_small_clips(folder, "b")
    assert small is not None
    write_small_clips(small.path, {clip: content for clip, content in small.all().items() if clip != alone})
    (one,), _ = make_tables(load_entries([folder]).entries, [folder])
    assert front_clip(Clips(one), one) == wild, "a clip that a model lacks stands for none"


def test_a_breakdown_has_the_means_of_its_clips(table: Table) -> None:
    parts = break_down(table, "accuracy", CLIPS)
    assert [head for head, _ in parts.heads] == ["anger", "joy"]
    assert {tuple(part.text for part in cells) for _, cells in parts.lines} == {("0.000", "1.000")}
    of_people = break_down(table, "csim", {clip: clip.partition("-")[0] for clip in CLIPS})
    assert all(count == 2 for _, count in of_people.heads)


def test_other_clips_make_another_table(tmp_path_factory: pytest.TempPathFactory) -> None:
    results = {**models(), "other": result("other", 0.5, 0.5, dataset__digest="e" * 64)}
    folder = write(tmp_path_factory.mktemp("two"), results, with_clips=False)
    tables, problems = make_tables(load_entries([folder]).entries, [folder])
    assert not problems
    assert sorted(len(one.runs) for one in tables) == [1, 4]
    assert len({one.slug for one in tables}) == 2


def test_tables_of_one_protocol_are_told_apart(tmp_path: Path) -> None:
    def of(count: int | None, digest: str, **changes: object) -> Result:
        known = {"dataset__limit": count, "dataset__clips": count or 16, "dataset__digest": digest * 64}
        return result(f"m{digest}", 0.5, 0.5, **known, **changes)

    results = {
        "all": of(None, "a"),
        "twelve": of(12, "b"),
        "four": of(4, "c"),
        "others": of(4, "d"),
        "val": of(None, "e", dataset__split="val"),
        "asked-for-more": of(40, "a").model_copy(update={"seed": 1}),
    }
    more = results["asked-for-more"]
    record = more.dataset.model_copy(update={"clips": 16})
    results["asked-for-more"] = more.model_copy(update={"dataset": record})
    folder = write(tmp_path, results, with_clips=False)
    tables, problems = make_tables(load_entries([folder]).entries, [folder])
    assert not problems
    assert [(table.slug, table.title, len(table.runs)) for table in tables] == [
        ("tiny-1-64x16-test", "tiny 1, 64x16, test split", 2),
        ("tiny-1-64x16-test-12", "tiny 1, 64x16, 12 clips", 1),
        ("tiny-1-64x16-test-4", "tiny 1, 64x16, 4 clips, sha256 cccccccc", 1),
        ("tiny-1-64x16-test-4-2", "tiny 1, 64x16, 4 clips, sha256 dddddddd", 1),
        ("tiny-1-64x16-val", "tiny 1, 64x16, val split", 1),
    ]


def test_the_first_table_is_the_one_that_everybody_can_enter(tmp_path: Path) -> None:
    def of(dataset: str, protocol: str, clips: int = 16) -> Result:
        known = {"dataset__name": dataset, "protocol__id": protocol, "dataset__clips": clips}
        return result("m", 0.5, 0.5, **known, dataset__digest=f"{dataset}{clips}")

    results = [of("crema-d", "64x16@2"), of("fevsynth", "128x32@2"), of("fevsynth", "64x16@2")]
    results.append(of("fevsynth", "64x16@2", 288))
    folder = write(tmp_path, {f"r{i}": one for i, one in enumerate(results)}, with_clips=False)
    tables, problems = make_tables(load_entries([folder]).entries, [folder])
    assert not problems
    assert [(one.first.dataset.name, one.first.protocol.id, one.first.dataset.clips) for one in tables] == [
        ("fevsynth", "64x16@2", 288),
        ("fevsynth", "64x16@2", 16),
        ("fevsynth", "128x32@2", 16),
        ("crema-d", "64x16@2", 16),
    ]
    assert [one.home == "index.html" for one in tables] == [True, False, False, False]


def test_cards_are_found_beside_the_code_and_not_lent_to_strangers() -> None:
    ours = ModelRecord(name="vgan", origin="fevbench 0.1.0", fingerprint="f", control=False)
    assert "Generating Videos with Scene Dynamics" in card_of(ours).html
    assert card_of(ours.model_copy(update={"name": "vgan:mine"})).html == card_of(ours).html
    warp = card_of(ours.model_copy(update={"name": "fev-gan-warp"})).html
    assert "How it differs from FEV-GAN" in warp, "a form of a method has its own card"
    assert warp != card_of(ours.model_copy(update={"name": "fev-gan"})).html
    before = card_of(ours)
    find_model("vgan")
    assert card_of(ours) == before, "whether its code was imported since does not matter"
    stranger = ours.model_copy(update={"origin": "/home/me/plugin.py"})
    assert not card_of(stranger).html
    assert not card_of(stranger).summary


def test_a_card_brings_no_markup_links_or_pictures_of_its_own() -> None:
    text = (
        "# Title\n\n<script>alert(1)</script> [in](../docs/x.md) [bad](javascript:alert(1)) "
        "[out](https://example.org/) ![words](x.png)\n\n"
        "<!-- fevbench compare a.json -->\n\n| | |\n|---|--:|\n| a | 1 |\n<!-- end -->\n"
    )
    html = str(to_html(text))
    assert "<script" not in html
    assert "Title" not in html
    assert "compare" not in html, "the command of a table"
    assert html.count("<td") == 2, "the comment that ends a table is no row of it"
    assert re.findall(r'href="([^"]*)"', html) == ["https://example.org/"]
    assert "<img" not in html
    assert "Picture, not shown here: words" in html
    assert "style=" not in html
    assert "<thead" not in html


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with pictures of all sorts, and something beside it that is not its own."""
    folder = tmp_path / "checkout"
    (folder / "model").mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    for file in (folder / "a b.png", tmp_path / "outside.png"):
        Image.new("RGB", (6, 4)).save(file)
    Image.new("RGB", (6, 4)).save(folder / "large.png", compress_level=0)
    with (folder / "large.png").open("ab") as large:
        large.truncate(LARGEST + 1)
    (folder / "drawing.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (folder / "page.png").write_text("<script>alert(1)</script>")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    return folder


def test_a_cards_picture_is_copied_as_it_is(checkout: Path, tmp_path: Path) -> None:
    pictures = Pictures(checkout)
    look = partial(pictures.of, checkout / "model" / "card.md")
    html = str(to_html('![a "b" <c>](../a%20b.png) and ![again](../model/../a%20b.png)', look))
    assert html.count('<img src="../pictures/a-b.png"') == 2
    assert 'alt="a &#34;b&#34; &lt;c&gt;" width="6" height="4" loading="lazy"' in html
    assert [file.relative_to(tmp_path).as_posix() for file in pictures.copy(tmp_path)] == ["pictures/a-b.png"]
    assert (tmp_path / "pictures" / "a-b.png").read_bytes() == (checkout / "a b.png").read_bytes()


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/p.png",
        "//evil.example/p.png",
        "data:image/png;base64,AAAA",
        "../../outside.png",
        "../link.png",
        "../large.png",
        "../drawing.svg",
        "../page.png",
        "../nowhere.png",
        "..",
        "../" + "x" * 5000,
        "..%00",
    ],
)
def test_a_card_embeds_nothing_else(checkout: Path, tmp_path: Path, target: str) -> None:
    pictures = Pictures(checkout)
    html = str(to_html(f"![words]({target})", partial(pictures.of, checkout / "model" / "card.md")))
    assert "<img" not in html
    assert "words" in html
    assert not list(pictures.copy(tmp_path))
    (checkout / "pyproject.toml").unlink()
    assert pictures.of(checkout / "card.md", "a b.png") is None, "an installed package is no checkout"


def test_the_pictures_of_our_cards_are_shown() -> None:
    for file in sorted(CHECKOUT.glob("*/card.md")) + sorted(CHECKOUT.glob("baselines/*/card.md")):
        text = file.read_text(encoding="utf-8")
        html = str(to_html(text, partial(Pictures().of, file)))
        assert html.count("<img ") == text.count("!["), file
        assert "not shown here" not in html


def test_a_cost_is_that_of_the_code_that_was_scored_or_says_why_not() -> None:
    file = CHECKOUT / "leaderboard" / "results" / "fevsynth-1.0" / "cost.json"
    table = CostTable.model_validate_json(file.read_text(encoding="utf-8"))
    costs, known = Costs(file, "here", table), table.costs[0]
    model = ModelRecord(name=known.model, origin="o", fingerprint=known.fingerprint, control=False)
    assert (costs.of(model), costs.unavailable_reason(model)) == (known, "")
    changed = model.model_copy(update={"fingerprint": "0" * 64})
    assert costs.of(changed) is None
    assert costs.unavailable_reason(changed) == "measured with other code or weights than these"
    assert costs.unavailable_reason(changed.model_copy(update={"name": "another"})) == "not measured"


def test_every_family_of_metrics_has_a_group() -> None:
    shown = [family for _, families in GROUPS.values() for family in families]
    assert sorted(shown) == sorted(FAMILIES)
