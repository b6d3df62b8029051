"""Size is a symptom: a module or function past its limit misses a concept, and naming the concept is the repair."""

import ast
from pathlib import Path

BACKEND = Path(__file__).resolve().parents[2]
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
MOST_MODULES_IN_A_FOLDER = 25

ALLOWED_MODULES: dict[str, str] = {}
"""Modules that may be longer, each with the reason."""
ALLOWED_FUNCTIONS: dict[str, str] = {}
"""Functions (`path::name`) that may be longer, each with the reason."""

BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base_utils", "data2"}


def modules():
    return sorted(path for path in (BACKEND / "ats").rglob("*.py") if "versions" not in path.parts)


def name_of(path):
    return path.relative_to(BACKEND).as_posix()


def lines_of(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_module_is_longer_than_its_limit():
    long = {name_of(path): lines_of(path) for path in modules() if lines_of(path) > LONGEST_MODULE}
    assert {name: length for name, length in long.items() if name not in ALLOWED_MODULES} == {}


def test_no_function_is_longer_than_its_limit():
    long = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.body[0].lineno + 1  # a command's options stand in its signature
                if length > LONGEST_FUNCTION:
                    long[f"{name_of(path)}::{node.name}"] = length
    assert {name: length for name, length in long.items() if name not in ALLOWED_FUNCTIONS} == {}


def test_every_exception_is_still_needed():
    assert all(lines_of(BACKEND / name) > LONGEST_MODULE for name in ALLOWED_MODULES)


def test_no_module_or_folder_has_a_name_that_says_nothing():
    assert [name_of(path) for path in modules() if {path.stem, path.parent.name} & BANNED_NAMES] == []


def test_no_folder_holds_more_modules_than_one_can_survey():
    folders = {path.parent for path in modules()}
    crowded = {name_of(folder): len(list(folder.glob("*.py"))) for folder in folders}
    assert {name: count for name, count in crowded.items() if count > MOST_MODULES_IN_A_FOLDER} == {}
