"""The stage of `ats demo`: its own data folder, child processes that are real commands, and checks that fail the demo when they do not hold."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ats.cli import console
from ats.core.errors import AtsError, InputError

MARKER, ENV_FILE = ".ats-demo", "demo.env"
_STOP_SECONDS = 45


class DemoFailedError(AtsError):
    """A step of the demo did not do what it says."""

    exit_code = 1
    code = "DEMO_FAILED"


def claim_folder(folder: Path) -> Path:
    """An empty folder for this run. A folder that an earlier demo made is cleared; any other that is not empty is refused."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).exists():
            raise InputError("folder", str(folder), "is not empty and not a demo's", remedy="Name another folder with --folder.")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text("Made by `ats demo`; the next demo clears it.\n")
    (folder / ENV_FILE).write_text("# The demo's settings come from its environment; your backend/.env is not read.\n")
    return folder


def free_port() -> int:
    """A TCP port that is free on the loopback now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class Child:
    """A command running beside the demo; its words are shown as they come and kept for the checks."""

    name: str
    process: subprocess.Popen[str]
    is_shown: bool = True
    lines: list[str] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        """Show and keep every line until the process closes its output."""
        for line in self.process.stdout or ():
            with self._arrived:
                self.lines.append(line.rstrip("\n"))
                self._arrived.notify_all()
            if self.is_shown:
                console.say(f"    {self.name} | {line.rstrip()}", style="dim")
        with self._arrived:
            self._arrived.notify_all()

    def wait_for(self, text: str, seconds: float, after: int = 0) -> int:
        """Wait until a line holds `text`; returns its index. Raises DemoFailedError with the child's last words."""
        with self._arrived:
            if self._arrived.wait_for(lambda: self._found(text, after) is not None or self.process.poll() is not None, timeout=seconds):
                self._arrived.wait_for(lambda: self._found(text, after) is not None, timeout=1)
            found = self._found(text, after)
        if found is None:
            raise DemoFailedError(f"{self.name} did not say {text!r} within {seconds:g} s. Its last words: {' / '.join(self.lines[-3:])}")
        return found

    def _found(self, text: str, after: int) -> int | None:
        return next((index for index, line in enumerate(self.lines[after:], start=after) if text in line), None)

    def stop(self) -> int:
        """Ask it to end, as an operator would; returns its exit code. One that does not end is killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise DemoFailedError(f"{self.name} did not end within {_STOP_SECONDS} s of SIGTERM.") from None


class Stage:
    """Runs commands of ats with the demo's settings, and nothing of the user's own: no `backend/.env`, no ATS_* variable."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith("ATS_")}  # noqa: TID251 -- children inherit
        self.environment = inherited | {"ATS_DATA_DIR": str(folder), "ATS_ENV_FILE": str(folder / ENV_FILE)} | dict(settings)
        self._children: list[Child] = []
        self._terminals: list[int] = []

    def ask(self, *arguments: str) -> Any:  # noqa: ANN401 -- whatever the command answers
        """Run one command with --json and return its answer; only the command is shown."""
        show_command(arguments)
        done = subprocess.run(  # noqa: S603 -- our own command
            _command([*arguments, "--json"]), env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        if not done.stdout.startswith(("{", "[")):
            raise DemoFailedError(f"{shlex.join(arguments)} answered {done.stdout or done.stderr!r} instead of JSON.")
        return json.loads(done.stdout)

    def run(self, *arguments: str, expect: int = 0, typed: str | None = None) -> str:
        """Run one command to its end, show it with its output, and check its exit code. Returns everything it said."""
        show_command(arguments)
        with self._typing(typed) as stdin:
            done = subprocess.run(  # noqa: S603 -- our own command
                _command(arguments), env=self.environment, stdin=stdin, capture_output=True, text=True, timeout=120, check=False
            )
        said = "\n".join(part.rstrip() for part in (done.stderr, done.stdout) if part.strip())
        for line in said.splitlines():
            console.say(f"    {line}", style="dim")
        console.say(f"    exit code {done.returncode}", style="dim")
        if done.returncode != expect:
            raise DemoFailedError(f"{shlex.join(arguments)} ended with {done.returncode}, not {expect}.")
        return said

    def start(self, name: str, *arguments: str, typed: str | None = None, is_shown: bool = True) -> Child:
        """Start one command beside the demo; `is_shown`: whether its words appear on the screen."""
        show_command(arguments)
        with self._typing(typed) as stdin:
            process = subprocess.Popen(  # noqa: S603 -- our own command
                _command(arguments),
                env=self.environment,
                text=True,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(name, process, is_shown)
        self._children.append(child)
        threading.Thread(target=child.read, name=f"output of {name}", daemon=True).start()
        return child

    @contextmanager
    def _typing(self, text: str | None) -> Iterator[int]:
        """Standard input of a command: nothing, or a terminal at which `text` is typed. A pipe would be no person."""
        if text is None:
            yield subprocess.DEVNULL
            return
        ours, theirs = os.openpty()
        self._terminals.append(ours)  # open as long as the command may read from its end
        os.write(ours, text.encode())
        try:
            yield theirs
        finally:
            os.close(theirs)

    def end(self) -> None:
        """Stop whatever still runs, newest first."""
        for child in reversed(self._children):
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        for child in reversed(self._children):
            try:
                child.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.process.kill()
        for terminal in self._terminals:
            os.close(terminal)


@contextmanager
def staged(folder: Path, settings: Mapping[str, str]) -> Iterator[Stage]:
    """A stage whose children end with it, whatever happens."""
    stage = Stage(folder, settings)
    try:
        yield stage
    finally:
        stage.end()


def show_command(arguments: Sequence[str]) -> None:
    """Show a command as one would type it."""
    console.say(f"  $ ats {shlex.join(arguments)}", style="cyan")


def ledger_of(path: Path) -> dict[str, Any]:
    """What the gateway's own books say."""
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def check(holds: bool, claim: str) -> None:
    """Say that a claim holds, or fail the demo."""
    if not holds:
        raise DemoFailedError(f"Not true: {claim}.")
    console.say(f"  ✓ {claim}", style="green")


def wait_until(holds: Callable[[], bool], seconds: float, claim: str) -> None:
    """Wait for a claim to become true, then say it."""
    event = threading.Event()
    for _ in range(int(seconds / 0.2)):
        if holds():
            break
        event.wait(0.2)
    check(holds(), claim)


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "ats.cli", *arguments]
