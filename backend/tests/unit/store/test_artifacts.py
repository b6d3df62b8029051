"""Artifacts of a run."""

import hashlib

import pytest

from ats.core.errors import DependencyError, InputError
from ats.store.artifacts import ArtifactFolder


def test_a_file_is_written_whole_with_its_digest_in_the_runs_own_folder(tmp_path):
    folder = ArtifactFolder(tmp_path / "artifacts").for_run("r-1")
    written = folder.write("report.html", "<p>é</p>")
    assert written.path == tmp_path / "artifacts" / "r-1" / "report.html"
    assert written.sha256 == hashlib.sha256(written.path.read_bytes()).hexdigest()
    assert folder.read("report.html", written.sha256) == "<p>é</p>".encode()
    assert [path.name for path in written.path.parent.iterdir()] == ["report.html"]


def test_a_changed_or_missing_file_is_not_returned(tmp_path):
    folder = ArtifactFolder(tmp_path)
    written = folder.write("result.json", b"{}")
    written.path.write_bytes(b"[]")
    with pytest.raises(DependencyError, match="was changed"):
        folder.read("result.json", written.sha256)
    with pytest.raises(DependencyError, match="cannot be read"):
        folder.read("other.json")


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "../up", "a\x00b", "a" * 200])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, name):
    with pytest.raises(InputError):
        ArtifactFolder(tmp_path).write(name, b"")
    with pytest.raises(InputError):
        ArtifactFolder(tmp_path).for_run(name)


def test_a_folder_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DependencyError, match="cannot be written"):
        ArtifactFolder(tmp_path / "file").write("report.html", "")
