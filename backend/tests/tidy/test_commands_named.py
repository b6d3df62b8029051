"""Every command line that a page, a remedy or a docstring shows can be typed: the command exists and has the options."""

import ast
import re
import shlex
from pathlib import Path

import pytest
import typer

from ats.cli.commands import COMMANDS
from ats.cli.main import app

BACKEND = Path(__file__).resolve().parents[2]
ROOT = BACKEND.parent
INLINE = re.compile(r"`((?:ats|python -m ats\.[a-z]+) [^`\n]+)`")
FENCED = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
MODULES = {"python -m ats.paper": "ats paper", "python -m ats.live": "ats live", "python -m ats.cli": "ats"}


@pytest.fixture(scope="module")
def tree():
    """Every command by its words, with all its options, and the spellings of each option it insists on."""
    found = {("ats",): (options_of(typer.main.get_command(app)), [])}
    for lazy in COMMANDS:
        collect(("ats", lazy.name), typer.main.get_command(lazy.load()), found)
    return found


def options_of(command):
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help", "-h"}


def collect(words, command, found):
    required = [set(parameter.opts) for parameter in command.params if parameter.required and parameter.opts[0].startswith("-")]
    found[words] = (options_of(command), required)
    for name, child in getattr(command, "commands", {}).items():
        collect((*words, name), child, found)


def shown_in(path):
    text = path.read_text(encoding="utf-8")
    for block in FENCED.findall(text) if path.suffix == ".md" else ():
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip().startswith(("ats ", "python -m ats.")):
                yield line.strip(), True
    for line in INLINE.findall(FENCED.sub("", text) if path.suffix == ".md" else text):
        yield line, False


def problem_of(line, tree, is_whole=False):
    for module, command in MODULES.items():
        line = line.replace(module, command)
    line = re.sub(r"[{<][^}>]*[}>]", "X", re.split(r" [|#>;]|&&", line)[0])  # what an f-string fills in; what follows the command
    tokens = shlex.split(line.replace("…", "...").replace("'", "").replace('"', ""))
    words, allowed, given = ("ats",), set(tree["ats",][0]), set()
    for token in tokens[1:]:
        if token.startswith("-"):
            option = token.partition("=")[0]
            given.add(option)
            if option not in allowed:
                return f"{' '.join(words)} has no {option}"
        elif (*words, token) in tree:
            words = (*words, token)
            allowed |= tree[words][0]
        elif any(known[: len(words)] == words and len(known) == len(words) + 1 for known in tree) and token not in {"...", "X"}:
            return f"{' '.join(words)} has no command {token}"
    missing = [sorted(spellings) for spellings in tree[words][1] if not spellings & given]
    return f"{' '.join(words)} needs {missing}" if is_whole and missing and "[OPTIONS]" not in line else None


def pages():
    return sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / ".github").glob("*.md")])


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_a_page_shows_can_be_typed(path, tree):
    assert {line: problem for line, is_whole in shown_in(path) if (problem := problem_of(line, tree, is_whole))} == {}


def test_every_command_a_remedy_or_docstring_shows_can_be_typed(tree):
    wrong = {}
    for path in sorted((BACKEND / "ats").rglob("*.py")):
        wrong |= {f"{path.relative_to(BACKEND)}: {line}": problem for line, _ in shown_in(path) if (problem := problem_of(line, tree))}
    assert wrong == {}


def prose_in(path):
    """Text constants a person may read: those with a space in them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value


def test_every_option_a_message_names_exists(tree):
    known = set().union(*(options for options, _ in tree.values()))
    wrong = {}
    for path in sorted((BACKEND / "ats").rglob("*.py")):
        for text in prose_in(path):
            unknown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", text)) - known
            if unknown:
                wrong[f"{path.relative_to(BACKEND)}: {text.strip()[:80]}"] = unknown
    assert wrong == {}


RUNS_UNTIL_STOPPED = {("ats", "paper"), ("ats", "live"), ("ats", "gateway", "sim"), ("ats", "demo")}


def test_every_command_with_a_result_writes_it_as_json(tree):
    leaves = {words for words in tree if not any(other[: len(words)] == words and other != words for other in tree)}
    assert {" ".join(words) for words in leaves - RUNS_UNTIL_STOPPED if "--json" not in tree[words][0]} == set()


def test_the_check_itself_sees_a_wrong_command_and_a_wrong_option(tree):
    assert problem_of("ats config show --json", tree) is None
    assert problem_of("ats --debug ...", tree) is None
    assert problem_of("ats config shwo", tree) == "ats config has no command shwo"
    assert problem_of("ats confg show", tree) == "ats has no command confg"
    assert problem_of("ats config show --jsn", tree) == "ats config show has no --jsn"
