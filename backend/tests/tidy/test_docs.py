"""The documentation says what is so: names exist, links lead somewhere, generated pages are fresh, every promise has a test."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ats.core.config import GROUPS
from ats.risk.limits import Rule

BACKEND = Path(__file__).resolve().parents[2]
ROOT = BACKEND.parent
DOCS = ROOT / "docs"
SETTINGS = {name for group in GROUPS for name in group.names()}
PREFIXES = {str(group.model_config.get("env_prefix")) for group in GROUPS}

sys.path.insert(0, str(BACKEND / "scripts"))

from pages import controls, exit_codes  # noqa: E402 -- the generator's own folder, which is no package


def pages():
    return sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / ".github").glob("*.md"), BACKEND / "README.md"])


def page_id(path):
    return path.relative_to(ROOT).as_posix()


def anchors_of(path):
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", pages(), ids=page_id)
def test_every_link_inside_the_repository_leads_somewhere(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), f"{target} does not exist"
        assert not anchor or anchor in anchors_of(found), f"{target} has no such heading"


@pytest.mark.parametrize("path", pages(), ids=page_id)
def test_every_setting_a_page_names_exists(path):
    for name in re.findall(r"\bATS_[A-Z_0-9]+\b(?:\*|_\*)?", path.read_text(encoding="utf-8")):
        if name.endswith("*"):
            assert name.rstrip("*") in PREFIXES, name
        else:
            assert name in SETTINGS or name == "ATS_" or any(setting.startswith(f"{name}_") for setting in SETTINGS), name


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [path.name for path in DOCS.rglob("*.md") if path.relative_to(DOCS).as_posix() not in navigation] == []


def test_the_generated_pages_say_what_the_code_says():
    done = subprocess.run([sys.executable, "scripts/generate_docs.py", "--check"], cwd=BACKEND, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_rule_has_its_paragraph():
    page = (DOCS / "reference/refusals.md").read_text(encoding="utf-8")
    assert [rule for rule in Rule if f"\n## {rule.value}\n" not in page] == []


def test_every_error_ends_with_a_documented_exit_code():
    rows = exit_codes.resolved()
    assert len(rows) > 5
    assert [(error.name, code) for code, _, error in rows if code not in exit_codes.MEANINGS] == []
    assert [error.name for _, _, error in rows if not error.says] == []


def test_every_promised_row_has_a_test():
    assert controls.unproven() == []


def test_row_ids_are_read_from_names_and_prose():
    assert controls.ids_in_name("test_a17_an_error_refuses_s3_22") == {"A17", "S3-22"}
    assert controls.ids_in_name("test_a_cap_of_17_is_kept") == set()
    assert controls.ids_in_text("Rows B1-B3 and S0-20, not B12a.") == {"B1", "B2", "B3", "S0-20"}


def test_every_target_of_the_makefile_that_the_docs_name_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path in pages():
        named = set(re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8")))
        assert named <= targets, f"{page_id(path)} names {named - targets}"


def test_ci_runs_what_the_readme_tells_people_to_run():
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    for verb in re.findall(r"^make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE):
        assert f"stage {verb}" in ci, verb
    assert ci.rstrip().endswith("stage test"), "the full test run closes the output"
