"""The command line's promises: exit codes, errors in words and in JSON, nothing slow imported for help."""

import json
import os
import signal
import subprocess
import sys
import types

import pytest
import typer

from ats.cli import commands, console
from ats.cli.main import run
from ats.core.errors import (
    AtsError,
    ConfigError,
    DependencyError,
    EvidenceError,
    HaltedError,
    InputError,
    InvariantError,
    RefusedByGateError,
)

ATS = [sys.executable, "-m", "ats.cli"]


@pytest.fixture
def command(monkeypatch):
    """Registers a function as `ats probe` and returns the runner of it."""

    def register(function):
        application = typer.Typer(add_completion=False)
        application.command()(function)
        module = types.ModuleType("ats_test_probe")
        module.app = application
        monkeypatch.setitem(sys.modules, "ats_test_probe", module)
        lazy = commands.LazyCommand("probe", "ats_test_probe:app", "Probe.", "Test")
        monkeypatch.setattr(commands, "COMMANDS", (*commands.COMMANDS, lazy))
        return lambda *options: run([*options, "probe"])

    return register


def raising(error):
    def probe(as_json: bool = typer.Option(False, "--json")):
        raise error

    return probe


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AtsError("a"), 1),
        (ConfigError("a"), 2),
        (InputError("quantity", "1,000", "is not a number"), 2),
        (RefusedByGateError("a"), 3),
        (DependencyError("a"), 4),
        (EvidenceError("a"), 5),
        (HaltedError("a"), 6),
        (InvariantError("a"), 70),
        (ValueError("a"), 1),
        (BrokenPipeError("the gateway hung up"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_error_has_its_exit_code(command, error, code):
    assert command(raising(error))() == code


def test_an_error_names_message_and_remedy_on_stderr_and_nothing_on_stdout(command, capsys):
    command(raising(RefusedByGateError("No approval for [ibs].", remedy="Run `ats approve-live`.")))()
    out, err = capsys.readouterr()
    assert out == ""
    assert "No approval for [ibs]." in err
    assert "Run `ats approve-live`." in err


def test_with_json_the_error_is_one_document_on_stdout(command, capsys):
    runner = command(raising(DependencyError("Redis is away.", remedy="Start it.", port=6379)))
    assert run_with_json(runner) == 4
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "error": {"code": "DEPENDENCY", "message": "Redis is away.", "remedy": "Start it.", "exit_code": 4, "facts": {"port": 6379}}
    }


def run_with_json(runner):
    del runner
    return run(["probe", "--json"])


def test_a_bug_hides_its_traceback_until_asked(command, capsys):
    runner = command(raising(ZeroDivisionError("x")))
    assert runner() == 1
    quiet = capsys.readouterr().err
    assert "Unexpected ZeroDivisionError: x" in quiet
    assert "Traceback" not in quiet
    assert runner("--debug") == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_usage_error_is_2_and_json_when_asked(capsys):
    assert run(["config", "show", "--bogus", "--json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["code"] == "USAGE"
    assert "--bogus" in err


def test_an_unknown_command_is_2_and_suggests_the_nearest(capsys):
    assert run(["confgi"]) == 2
    assert "config" in capsys.readouterr().err


def test_a_closed_reader_ends_quietly_with_141():
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([*ATS, "config", "show"], stdout=write_end, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write_end)
    assert done.returncode == 141
    assert done.stderr == ""


def test_a_broken_pipe_that_is_not_our_stdout_is_told(command, capsys):
    assert command(raising(BrokenPipeError("the gateway hung up")))() == 1
    assert "the gateway hung up" in capsys.readouterr().err


def test_sigterm_unwinds_like_an_interrupt():
    program = (
        "import ats.cli.main as m, os, signal, time; m.app = lambda **k: (os.kill(os.getpid(), signal.SIGTERM), time.sleep(30)); m.main([])"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=20, capture_output=True, check=False)
    assert done.returncode == 130
    assert signal.SIGTERM == 15


def test_help_imports_nothing_slow():
    program = (
        "import sys; from ats.cli.main import run; code = run(['--help']);"
        "slow = {'nautilus_trader', 'pandas', 'numpy', 'plotly', 'psycopg', 'sqlalchemy', 'redis', 'pydantic', 'ib_insync'};"
        "sys.exit(code or ' '.join(sorted(slow & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "config" in done.stdout


def test_version_names_ats_the_engine_and_python(capsys):
    assert run(["--version"]) == 0
    assert "nautilus_trader 1.231.0" in capsys.readouterr().out


def test_every_command_of_the_table_loads_and_keeps_its_line_of_help():
    for lazy in commands.COMMANDS:
        loaded = typer.main.get_command(lazy.load())
        assert (loaded.help or "").split("\n")[0] == lazy.help, lazy.name
        assert not {"--install-completion"} & {option for parameter in loaded.params for option in parameter.opts}, lazy.name


def test_nothing_of_rich_is_needed_for_a_json_result():
    program = (
        "import sys; from ats.cli.main import run; code = run(['config', 'show', '--json']);"
        "sys.exit(code or 'rich.console' in sys.modules and 9 or 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def test_output_closed_is_not_an_os_error():
    assert not issubclass(console.OutputClosedError, OSError)


def test_an_interrupt_is_heard_although_the_shell_ignored_it(tmp_path):
    """B20: a script's background job inherits SIGINT as ignored."""
    code = (
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from ats.cli import main\n"
        "main.run = lambda arguments: os.kill(os.getpid(), signal.SIGINT) or 0\n"
        "try:\n    main.main([])\nexcept KeyboardInterrupt:\n    raise SystemExit(42)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 42
