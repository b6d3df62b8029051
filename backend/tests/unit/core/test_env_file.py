"""Row J23 and B19: the env file is read to its last line or refused, never half understood."""

import errno
from pathlib import Path

import pytest

from ats.core.config import load_settings
from ats.core.env_file import read_env_file
from ats.core.errors import ConfigError


@pytest.fixture
def file(tmp_path):
    return tmp_path / ".env"


def refusal(file: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings({}, file)
    assert caught.value.exit_code == 2
    assert caught.value.remedy
    return str(caught.value)


def test_no_file_is_no_setting(file):
    assert read_env_file(file) == {}


def test_a_folder_is_refused(file):
    file.mkdir()
    assert f"{file} is not a file" in refusal(file)


def test_a_dangling_link_is_refused(file, tmp_path):
    file.symlink_to(tmp_path / "nowhere")
    assert "link to nothing" in refusal(file)


def test_a_link_to_itself_is_refused(file):
    file.symlink_to(file)
    assert "link to nothing" in refusal(file)


def test_a_link_to_a_file_is_followed(file, tmp_path):
    target = tmp_path / "settings"
    target.write_text("ATS_APPROVAL_DAYS=7\n")
    file.symlink_to(target)
    assert load_settings({}, file).trading.approval_days == 7


def test_a_file_that_cannot_be_read_is_refused(file):
    """Root reads everything, so the kernel's own unreadable file stands in: it is a plain file and fails on read."""
    unreadable = Path("/proc/self/mem")
    if not unreadable.is_file():
        file.write_text("ATS_APPROVAL_DAYS=7\n")
        file.chmod(0)
        unreadable = file
    message = refusal(unreadable)
    assert f"{unreadable} cannot be read" in message


def test_a_file_behind_a_closed_folder_is_refused(file, monkeypatch):
    def closed(*_args, **_kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "exists", closed)
    assert "cannot be read" in refusal(file)


@pytest.mark.parametrize("content", [b"", b" ", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(file, content):
    """0 bytes: it may have held limits before the disk filled up."""
    file.write_bytes(content)
    assert "is empty" in refusal(file)


@pytest.mark.parametrize(
    "content", ["ATS_IB_HOST=é".encode("latin-1"), "ATS_IB_HOST=é\n".encode("utf-16"), b"\xff\xfe", b"# \x80\nATS_IB_HOST=a"]
)
def test_a_file_that_is_not_utf_8_is_refused(file, content):
    """Latin-1 and its like."""
    file.write_bytes(content)
    assert "UTF-8" in refusal(file)


@pytest.mark.parametrize(
    "line",
    [
        "ATS_APPROVAL_DAYS 7",
        "ATS_APPROVAL_DAYS: 7",
        "ATS_APPROVAL_DAYS",
        "export ATS_APPROVAL_DAYS",
        'ATS_IB_HOST="127.0.0.1',
        "ATS_IB_HOST='127.0.0.1",
        'ATS_IB_HOST="127.0.0.1" and more',
        "= 7",
        "7",
        "\x00",
        "some words",
    ],
)
def test_a_line_that_would_be_ignored_is_refused_by_number(file, line):
    """J10: a limit written without its equals sign is a missing limit."""
    file.write_text(f"# settings\nATS_IB_CLIENT_ID=40\n{line}\n")
    assert f"{file}, line 3: not NAME=value" in refusal(file)


def test_the_content_of_a_wrong_line_is_not_shown(file):
    file.write_text("ATS_DATABASE_URL postgresql://ats:hunter2@db/ats\n")
    assert "hunter2" not in refusal(file)


def test_a_name_given_twice_is_refused(file):
    file.write_text("ATS_APPROVAL_DAYS=7\n# later\nATS_APPROVAL_DAYS=90\n")
    message = refusal(file)
    assert "line 3" in message
    assert "ATS_APPROVAL_DAYS" in message


def test_a_wrong_value_names_the_setting(file):
    file.write_text("ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER=5,000\n")
    assert "ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER='5,000'" in refusal(file)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("ATS_APPROVAL_DAYS=7", "7"),
        ("\ufeffATS_APPROVAL_DAYS=7\n", "7"),
        ("export ATS_APPROVAL_DAYS=7\n", "7"),
        ("ATS_APPROVAL_DAYS = 7  # days\n", "7"),
        ("ATS_APPROVAL_DAYS='7'\r\n", "7"),
        ('# a comment\n\nATS_APPROVAL_DAYS="7"\n', "7"),
        ("ATS_APPROVAL_DAYS=${HOME}\n", "${HOME}"),
        ("ATS_APPROVAL_DAYS=\n", ""),
    ],
)
def test_values_are_taken_as_written(file, content, expected):
    """No interpolation: a password may hold a dollar sign."""
    file.write_text(content, encoding="utf-8", newline="")
    assert read_env_file(file) == {"ATS_APPROVAL_DAYS": expected}
