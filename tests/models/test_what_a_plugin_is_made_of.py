"""A fingerprint covers what a plug-in is made of: modules beside it, files it opens, its networks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny

from fevbench.data.corpus import Corpus
from fevbench.data.protocol import protocols
from fevbench.errors import FevbenchError, ModelError
from fevbench.models.built import BuiltModel, build
from fevbench.models.registry import find_model
from fevbench.progress import Silent

Write = Callable[[str], Path]
MODEL = """
{top}
@register_model("mine")
class Mine:
    {attributes}
    def __init__(self, spec):
        self.spec = spec
        {build}
    def generate(self, images, labels, generator):
        return images[:, None].repeat(1, self.spec.frames, 1, 1, 1)
"""


@pytest.fixture
def built(tiny_data: None, plugin: Write) -> Callable[..., BuiltModel]:
    def call(build_code: str = "pass", top: str = "", attributes: str = "pass") -> BuiltModel:
        tiny.forget_plugins()
        file = plugin(MODEL.format(build=build_code, top=top, attributes=attributes))
        corpus = Corpus(tiny.Tiny(), protocols.get("64x16"), "test")
        return build(find_model("mine", file), corpus, "cpu", Silent())

    return call


OPENED = {
    "open": "self.w = float(open(BESIDE / 'w.txt').read())",
    "os": "import os; os.close(os.open(BESIDE / 'w.txt', os.O_RDONLY))",
    "pathlib": "(BESIDE / 'w.txt').read_bytes()",
    "pickle": "import json; json.load((BESIDE / 'w.txt').open())",
    "array": "import numpy; numpy.loadtxt(BESIDE / 'w.txt')",
    "thread": "import threading as t; x = t.Thread(target=(BESIDE / 'w.txt').read_text); x.start(); x.join()",
    "exec": "exec((BESIDE / 'w.txt').read_text())",
}


@pytest.mark.parametrize("how", OPENED)
def test_every_file_opened_while_it_is_built_counts(
    built: Callable[..., BuiltModel], tmp_path: Path, how: str
) -> None:
    prints = []
    for text in ("0.25", "0.25", "0.75"):
        (tmp_path / "w.txt").write_text(text)
        top = "from pathlib import Path\nBESIDE = Path(__file__).parent"
        prints.append(built(OPENED[how], top).fingerprint)
    assert prints[0] == prints[1] != prints[2]


def test_files_opened_while_it_is_loaded_count(built: Callable[..., BuiltModel], tmp_path: Path) -> None:
    prints = []
    for text in ("1", "1", "2"):
        (tmp_path / "w.txt").write_text(text)
        prints.append(built(top=f"W = open({str(tmp_path / 'w.txt')!r}).read()").fingerprint)
    assert prints[0] == prints[1] != prints[2]


HELD = {
    "network": "self.net = torch.nn.Linear(1, 1); torch.nn.init.constant_(self.net.weight, VALUE)",
    "buffer": "self.net = torch.nn.BatchNorm1d(1); self.net.running_mean.fill_(VALUE)",
    "in a list": "self.nets = {'a': [torch.full((2,), VALUE)]}",
    "closure": "w = torch.full((2,), VALUE); self.f = lambda x: x * w",
    "array": "import numpy; self.w = numpy.full(2, VALUE)",
    "slots": "self.part = Slotted(); self.part.w = torch.full((2,), VALUE)",
    "half": "self.w = torch.full((2,), VALUE, dtype=torch.bfloat16)",
    "sparse": "self.w = torch.full((2,), VALUE).to_sparse()",
    "class": "type(self).w = torch.full((2,), VALUE)",
    "global": "global W; W = torch.full((2,), VALUE)",
    "script": "self.net = torch.jit.script(torch.nn.Linear(1, 1)); self.net.weight.data.fill_(VALUE)",
}


@pytest.mark.parametrize("how", HELD)
def test_what_its_networks_hold_counts_wherever_it_comes_from(
    built: Callable[..., BuiltModel], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The value comes from the environment, so that neither code nor a file tells of it."""
    top = "import os\nVALUE = float(os.environ['VALUE'])\nclass Slotted: __slots__ = ('w',)"
    prints = []
    for value in ("0.5", "0.5", "0.75"):
        monkeypatch.setenv("VALUE", value)
        prints.append(built(HELD[how], top).fingerprint)
    assert prints[0] == prints[1] != prints[2]


def test_a_network_that_is_drawn_is_the_same_in_the_next_session(built: Callable[..., BuiltModel]) -> None:
    drawn = (
        "import numpy, random; self.w = [torch.rand(3), numpy.random.rand(3), torch.tensor(random.random())]"
    )
    assert built(drawn).fingerprint == built(drawn).fingerprint


@pytest.mark.parametrize("at", ["import beside", "from beside import NET", "exec('import beside')"])
def test_modules_beside_it_are_found_and_count(
    built: Callable[..., BuiltModel], tmp_path: Path, at: str
) -> None:
    prints = []
    for value in ("1", "1", "2"):
        (tmp_path / "beside.py").write_text(f"from deeper import NET\nVALUE = {value}")
        (tmp_path / "deeper.py").write_text("NET = 3")
        prints.append(built(top=at).fingerprint)
    assert prints[0] == prints[1] != prints[2]
    (tmp_path / "deeper.py").write_text("NET = 4")
    assert built(top=at).fingerprint != prints[2]


def test_a_module_that_is_imported_only_to_make_clips_counts(
    built: Callable[..., BuiltModel], tmp_path: Path
) -> None:
    prints = []
    for value in ("1", "2"):
        (tmp_path / "beside.py").write_text(f"VALUE = {value}")
        prints.append(built("self.late = lambda: __import__\n        def later(): import beside").fingerprint)
    assert prints[0] != prints[1]


def test_what_lies_beside_a_plugin_is_nobody_elses(built: Callable[..., BuiltModel], tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("VALUE = 1")
    before, here = list(sys.path), Path.cwd()
    made = built("import os; os.chdir('/')", top="import beside")
    assert "beside" not in sys.modules
    assert (sys.path, Path.cwd()) == (before, here)
    with made.found.environment:
        assert "beside" in sys.modules
        assert Path.cwd() == Path("/")
    assert Path.cwd() == here


def test_the_folder_does_not_count(built: Callable[..., BuiltModel], plugin: Write, tmp_path: Path) -> None:
    first = built().fingerprint
    tiny.forget_plugins()
    (tmp_path / "moved").mkdir()
    moved = tmp_path / "moved" / "plugin.py"
    moved.write_text((tmp_path / "plugin.py").read_text())
    corpus = Corpus(tiny.Tiny(), protocols.get("64x16"), "test")
    assert build(find_model("mine", moved), corpus, "cpu", Silent()).fingerprint == first


def test_files_that_native_readers_open_count_by_their_names(
    built: Callable[..., BuiltModel], tmp_path: Path
) -> None:
    prints = []
    for content in (b"1", b"2"):
        (tmp_path / "net.onnx").write_bytes(content)
        prints.append(built("self.file = 'net.onnx'").fingerprint)
    assert prints[0] != prints[1]


def test_what_cannot_be_seen_is_said(built: Callable[..., BuiltModel]) -> None:
    assert built("import subprocess; subprocess.run(['true'])").untracked == (
        "what true reads, which it starts",
    )
    asks = "import socket; s = socket.socket(); s.connect_ex(('127.0.0.1', 9))"
    assert built(asks).untracked == ("what it is told over the network",)
    assert built().untracked == ()


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ("notes = None", "attribute notes of model mine is None: make it a list"),
        ("notes = 'text'", "attribute notes of model mine is 'text'"),
        ("notes = [1]", "attribute notes"),
        ("notes = ['x' * 10**6]", "attribute notes"),
        ("weights = 3", "attribute weights of model mine is 3: make it a pathlib.Path"),
        ("networks = 'scrfd-500m'", "attribute networks of model mine is 'scrfd-500m': make it a tuple"),
        ("networks = ('no-such',)", "needs the network 'no-such', which is not registered"),
        ("control = 'no'", "attribute control of model mine is 'no': make it True or False"),
        ("adapted = 1", "attribute adapted of model mine is 1"),
        ("notes = property(lambda self: 1 / 0)", "cannot be read (ZeroDivisionError"),
    ],
)
def test_attributes_are_checked_before_any_work(
    built: Callable[..., BuiltModel], attributes: str, reason: str
) -> None:
    with pytest.raises(ModelError) as error:
        built(attributes=attributes)
    assert reason in str(error.value)


def test_an_unknown_name_is_told_where_models_come_from(
    built: Callable[..., BuiltModel], tmp_path: Path
) -> None:
    with pytest.raises(FevbenchError, match=r"for a model of your own, give --plugin FILE\.py"):
        find_model("mine-own")
    with pytest.raises(FevbenchError, match=r"give the name of a model and --plugin my_model.py"):
        find_model("my_model.py")
    built()
    tiny.forget_plugins()
    with pytest.raises(FevbenchError, match=r"plugin.py registers mine"):
        find_model("other", tmp_path / "plugin.py")


def test_the_true_clips_do_not_count(built: Callable[..., BuiltModel]) -> None:
    looks = "self.seen = [spec.corpus.frames(clip) for clip in spec.corpus.clips[:COUNT]]"
    plain = built("pass", "COUNT = 0").files
    assert built(looks, "COUNT = 2").files == plain
