"""What the installation trusts (S3-28): only a Python and a uv that really run, whatever the names on PATH promise."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHER = "3.12" if VERSION == "3.13" else "3.13"
BROKEN = "#!/bin/sh\necho 'not selected here' >&2\nexit 127\n"


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def run_in(script, environment):
    return subprocess.run(["/bin/sh", script], env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def machine(tmp_path):
    """A machine whose PATH holds the shell's own tools and, first, whatever the test puts into `shims`."""
    return {"PATH": f"{tmp_path / 'shims'}:/usr/bin:/bin", "HOME": str(tmp_path)}


def test_a_shim_that_refuses_to_run_is_passed_over_for_the_real_interpreter(machine, tmp_path):
    for name in ("python3.13", "python3.12", "python3"):
        program(tmp_path / "shims" / name, BROKEN)
    real = program(tmp_path / f".pyenv/versions/{VERSION}.7/bin/python{VERSION}", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    done = run_in(SCRIPTS / "find-python", machine | {"UV_PYTHON": VERSION})
    assert done.returncode == 0
    assert real.exists()
    assert Path(done.stdout.strip()).resolve() == Path(sys.executable).resolve()


def test_without_any_the_version_is_named_for_uv_to_fetch(machine, tmp_path):
    for name in ("python3.13", "python3.12", "python3"):
        program(tmp_path / "shims" / name, BROKEN)
    assert run_in(SCRIPTS / "find-python", machine | {"UV_PYTHON": OTHER}).stdout == f"{OTHER}\n"


def test_a_version_ats_does_not_run_on_is_a_usage_error(machine):
    done = run_in(SCRIPTS / "find-python", machine | {"UV_PYTHON": "3.11"})
    assert done.returncode == 2
    assert "UV_PYTHON=3.11" in done.stderr


@pytest.fixture
def checkout(tmp_path):
    """A checkout of its own, so that nothing is installed into this one."""
    copy = tmp_path / "checkout" / "backend" / "scripts"
    copy.mkdir(parents=True)
    for name in ("find-uv", "fetch_uv.py", "uv-requirements.txt"):
        shutil.copy(SCRIPTS / name, copy / name)
    return copy


def test_a_recent_uv_on_path_is_used(machine, tmp_path, checkout):
    found = program(tmp_path / "shims" / "uv", "#!/bin/sh\necho 'uv 0.13.1 (x86_64)'\n")
    assert run_in(checkout / "find-uv", machine).stdout == f"{found}\n"


@pytest.mark.parametrize("unusable", [BROKEN, "#!/bin/sh\necho 'uv 0.4.2'\n", "#!/bin/sh\necho nonsense\n"])
def test_an_unusable_uv_is_passed_over_for_the_installed_one(machine, tmp_path, checkout, unusable):
    program(tmp_path / "shims" / "uv", unusable)
    installed = program(tmp_path / ".local" / "bin" / "uv", "#!/bin/sh\necho 'uv 1.0.0'\n")
    assert run_in(checkout / "find-uv", machine).stdout.strip() == str(installed)


def test_what_was_tried_is_said_when_uv_cannot_be_installed(machine, tmp_path, checkout):
    program(tmp_path / "shims" / "uv", BROKEN)
    only_version_works = '#!/bin/sh\ncase "$1" in -c) exit 0 ;; esac\necho "no module named pip" >&2\nexit 1\n'
    program(tmp_path / "shims" / "python3", only_version_works)
    done = run_in(checkout / "find-uv", machine)
    assert done.returncode == 4
    assert done.stdout == ""
    assert "no module named pip" in done.stderr
    assert not list((checkout.parents[1] / ".tools").glob("installing.*"))


@pytest.mark.parametrize(("answer", "named"), [("glibc 2.31", "glibc 2.31"), ("", "no glibc")])
def test_a_platform_the_engine_is_not_published_for_is_refused_before_anything_is_installed(machine, tmp_path, checkout, answer, named):
    shutil.copy(SCRIPTS / "setup", checkout / "setup")
    for name in ("pyproject.toml", "uv.lock"):
        (checkout.parent / name).write_text("")
    program(tmp_path / "shims" / "uname", '#!/bin/sh\ncase "$1" in -s) echo Linux ;; *) echo x86_64 ;; esac\n')
    program(tmp_path / "shims" / "getconf", f"#!/bin/sh\necho '{answer}'\n")
    done = run_in(checkout / "setup", machine)
    assert done.returncode == 4
    assert named in done.stderr
    assert "glibc 2.35" in done.stderr
    assert not (checkout.parents[1] / ".tools").exists()
