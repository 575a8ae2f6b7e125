"""An archive gives its files back byte for byte, to threads and to other processes, or says what is wrong."""

from __future__ import annotations

import multiprocessing
import pickle
import zipfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fevbench.zips import StoredArchive, write_archive

FILES = {f"a/{n:03}.bin": np.random.default_rng(n).bytes(n * 997 % 60_000) for n in range(120)}


@pytest.fixture
def archive(tmp_path: Path) -> StoredArchive:
    write_archive(tmp_path / "a.zip", FILES.items())
    return StoredArchive(tmp_path / "a.zip")


def _is_right(archive: StoredArchive, name: str) -> bool:
    return all(archive.read(name) == FILES[name] for _ in range(5))


def test_the_same_files_give_the_same_bytes_that_any_program_reads(
    archive: StoredArchive, tmp_path: Path
) -> None:
    write_archive(tmp_path / "again.zip", FILES.items())
    assert (tmp_path / "again.zip").read_bytes() == archive.path.read_bytes()
    with zipfile.ZipFile(archive.path) as other:
        assert {name: other.read(name) for name in other.namelist()} == FILES


def test_threads_share_one_open_file(archive: StoredArchive) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda name: _is_right(archive, name), FILES))
    assert len(list(Path("/proc/self/fd").iterdir())) == before + 1


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_read_at_the_same_time(archive: StoredArchive, method: str) -> None:
    """A forked process has the same open file as its parent, and must not move where the other reads."""
    archive.read("a/001.bin")
    with ProcessPoolExecutor(3, multiprocessing.get_context(method)) as pool:
        answers = pool.map(_is_right, [archive] * len(FILES), FILES, chunksize=20)
        assert all(_is_right(archive, name) for name in FILES)
        assert all(answers)


def test_it_is_pickled_as_its_path(archive: StoredArchive) -> None:
    archive.read("a/001.bin")
    assert pickle.loads(pickle.dumps(archive)).read("a/002.bin") == FILES["a/002.bin"]


def test_a_file_that_is_not_in_it_is_an_error(archive: StoredArchive) -> None:
    with pytest.raises(FileNotFoundError):
        archive.read("a/none.bin")


def test_a_compressed_file_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"a" * 1000)
    with pytest.raises(OSError, match="compressed"):
        StoredArchive(tmp_path / "a.zip").read("a")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06"])
def test_what_is_no_archive_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(OSError, match="no whole zip archive"):
        StoredArchive(tmp_path / "a.zip").read("a")


def test_an_entry_that_claims_more_than_there_is_is_not_read(archive: StoredArchive) -> None:
    """Before memory for it is asked for."""
    content = archive.path.read_bytes()
    at = content.rindex(b"PK\x01\x02")
    huge = (2**31).to_bytes(4, "little")
    archive.path.write_bytes(content[: at + 20] + huge * 2 + content[at + 28 :])
    with pytest.raises(OSError, match="cut short"):
        archive.read(max(FILES))
