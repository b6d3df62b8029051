"""Permissions the servers' system user gets, and no more."""

import os

import pytest

from ats.core.errors import DependencyError
from ats.store.processes import RunAs
from ats.store.service_account import let_pass, let_use, own_folder

SOMEBODY = RunAs(65_534, 65_534)


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.fixture
def closed(tmp_path):
    """An installation made under umask 077."""
    program = tmp_path / "above" / "installed" / "bin" / "server"
    program.parent.mkdir(parents=True)
    program.write_text("")
    (program.parent.parent / "library").write_text("")
    for path in (tmp_path / "above", tmp_path / "above" / "installed", program.parent, program):
        path.chmod(0o700)
    (program.parent.parent / "library").chmod(0o600)
    return program


def test_passing_gives_search_permission_only(closed):
    installed = closed.parent.parent
    let_pass(installed, SOMEBODY)
    assert [mode(path) for path in (installed.parent, installed, closed.parent, closed)] == [0o701, 0o701, 0o700, 0o700]


def test_using_opens_the_installation_for_reading_and_nothing_above_it(closed):
    installed = closed.parent.parent
    let_use(closed, installed, SOMEBODY)
    assert [mode(path) for path in (installed.parent, installed, closed.parent, closed)] == [0o701, 0o705, 0o705, 0o705]
    assert mode(installed / "library") == 0o604


def test_a_normal_user_changes_no_permission(closed):
    let_use(closed, closed.parent.parent, None)
    assert mode(closed) == mode(closed.parent.parent) == 0o700


def test_a_service_folder_is_private(tmp_path):
    own_folder(tmp_path / "run", None)
    assert mode(tmp_path / "run") == 0o700
    (tmp_path / "run").chmod(0o777)
    own_folder(tmp_path / "run", None)
    assert mode(tmp_path / "run") == 0o700


def test_a_link_or_a_file_in_place_of_a_service_folder_is_refused(tmp_path):
    """A socket folder in a shared place may have been laid there by somebody else."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(DependencyError, match="belongs to somebody else"):
        own_folder(tmp_path / "link", None)
    (tmp_path / "file").write_text("")
    with pytest.raises(DependencyError, match="cannot be used"):
        own_folder(tmp_path / "file", None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder that belongs to somebody else")
def test_somebody_elses_folder_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    os.chown(tmp_path / "run", 12_345, 12_345)
    with pytest.raises(DependencyError, match="belongs to somebody else"):
        own_folder(tmp_path / "run", None)
