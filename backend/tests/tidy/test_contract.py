"""The rules of the tree that are checked by running a tool or reading the source."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ats.core.config import load_settings

BACKEND = Path(__file__).resolve().parents[2]
ROOT = BACKEND.parent
BIN = Path(sys.executable).parent

# What only exists on somebody's own machine or network never belongs into the tree.
FOREIGN = re.compile(
    r"(?<![A-Za-z0-9_.])/(?:work|root|home/[a-z]+|Users/[A-Za-z]+)/|file:///|https?://[^\s/\"'`)]*(?:mirror|artifactory|nexus)"
)


def tracked_files():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def text_of(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_the_import_contract_holds():
    done = subprocess.run([BIN / "lint-imports"], cwd=BACKEND, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def catches_everything(handler):
    return handler.type is None or (isinstance(handler.type, ast.Name) and handler.type.id in {"Exception", "BaseException"})


def passes_it_on(handler):
    return isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None


def test_a_handler_of_everything_passes_the_error_on_or_gives_its_reason():
    """Legal without passing on: a process's top level, a task supervisor, and where the answer to any failure is no."""
    bare = []
    for path in (BACKEND / "ats").rglob("*.py"):
        text = text_of(path)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ExceptHandler) and catches_everything(node) and not passes_it_on(node):
                line = text.splitlines()[node.lineno - 1]
                if not re.search(r"noqa: (?:[A-Z0-9, ]*)BLE001.* -- \S+", line):
                    bare.append(f"{path.relative_to(BACKEND)}:{node.lineno}: {line.strip()}")
    assert bare == []


def test_every_todo_carries_an_issue():
    found = []
    for path in (BACKEND / "ats").rglob("*.py"):
        found += [
            f"{path.name}: {line.strip()}" for line in text_of(path).splitlines() if re.search(r"\b(TODO|FIXME|XXX)\b(?!.*#\d+)", line)
        ]
    assert found == []


def test_nothing_names_a_machine_or_a_mirror():
    found = []
    for path in tracked_files():
        if path.name == Path(__file__).name:
            continue
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if FOREIGN.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert found == []


def test_the_lock_file_names_only_the_public_index():
    hosts = set(re.findall(r"https?://([^/\"]+)", (BACKEND / "uv.lock").read_text(encoding="utf-8")))
    assert hosts == {"files.pythonhosted.org", "pypi.org"}


def test_the_example_becomes_the_env_file_which_git_ignores(tmp_path):
    """S1-06: the example with every line made active parses, apart from what a person has to fill in; `.env` is never committed."""
    example = (BACKEND / ".env.example").read_text(encoding="utf-8")
    active = [line[1:] for line in example.splitlines() if re.match(r"#ATS_[A-Z_]+=.", line)]
    (tmp_path / ".env").write_text("\n".join(active), encoding="utf-8")
    effective = {name: value for name, value, _ in load_settings({}, tmp_path / ".env").rows()}
    defaults = {name: value for name, value, _ in load_settings({}, tmp_path / "none").rows()}
    assert effective == defaults
    assert subprocess.run(["git", "check-ignore", "-q", "backend/.env"], cwd=ROOT, check=False).returncode == 0


def test_no_file_that_holds_secrets_is_tracked():
    assert [path for path in tracked_files() if path.name == ".env" or path.suffix in {".pem", ".key"}] == []


def test_the_package_carries_the_licence():
    assert (BACKEND / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_version_is_stated_once():
    project = (BACKEND / "pyproject.toml").read_text(encoding="utf-8")
    stated = re.search(r'^version = "([^"]+)"', project, re.MULTILINE)
    package = re.search(r'__version__ = "([^"]+)"', (BACKEND / "ats/__init__.py").read_text(encoding="utf-8"))
    assert stated is not None
    assert package is not None
    assert stated[1] == package[1]


def test_nothing_but_the_configuration_reads_the_environment_or_the_clock():
    """Ruff bans the names; this catches the exceptions somebody might grant himself without a reason."""
    banned = re.compile(r"noqa: (?:[A-Z0-9, ]*)TID251(?!.* -- \S+)")
    assert [path.name for path in (BACKEND / "ats").rglob("*.py") if banned.search(text_of(path))] == []


def test_every_module_parses_under_the_oldest_python():
    for path in (BACKEND / "ats").rglob("*.py"):
        ast.parse(text_of(path), feature_version=(3, 12))
