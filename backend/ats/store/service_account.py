"""Running as root: PostgreSQL refuses root, so the embedded servers run as a system user of their own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from ats.core.errors import DependencyError
from ats.store.processes import RunAs

SERVICE_USER = "ats-services"
_OTHER_FOLDER = "Run as the user who owns the data folder, or set ATS_DATA_DIR to another one."


def service_account() -> RunAs | None:
    """The system user for the servers when this process is root, made on first use; None otherwise."""
    if os.geteuid() != 0:
        return None
    entry = _find() or _create()
    return RunAs(entry.pw_uid, entry.pw_gid)


def own_folder(folder: Path, run_as: RunAs | None) -> None:
    """Make a private folder the servers can use: theirs, mode 0700. Raises DependencyError for a link or somebody else's folder."""
    owner = run_as.user_id if run_as else os.geteuid()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.geteuid()}:
            raise DependencyError(f"{folder} belongs to somebody else.", remedy=_OTHER_FOLDER)
        if run_as and found.st_uid != owner:
            os.chown(folder, run_as.user_id, run_as.group_id, follow_symlinks=False)
        if stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
            folder.chmod(stat.S_IRWXU)
    except OSError as error:
        raise DependencyError(f"{folder} cannot be used: {error.strerror}.", remedy=_OTHER_FOLDER) from error


def remove_if_empty(folder: Path) -> None:
    """Take a socket folder away with its server; it may lie outside the data folder."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def let_pass(folder: Path, run_as: RunAs | None) -> None:
    """Let the service user walk to `folder`: search permission, never read, on each folder above that lacks it. Root only."""
    if run_as is None:
        return
    for parent in (folder, *folder.parents):
        found = parent.stat()
        if not found.st_mode & stat.S_IXOTH and found.st_uid != run_as.user_id:
            parent.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)


def let_use(program: Path, installed_in: Path, run_as: RunAs | None) -> None:
    """Let the service user run a program and read what belongs to it, where a strict umask closed the installation. Root only."""
    let_pass(installed_in, run_as)
    if run_as is None or (program.stat().st_mode & stat.S_IXOTH and program.stat().st_mode & stat.S_IROTH):
        return
    for path in (installed_in, *installed_in.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _find() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(SERVICE_USER)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd:
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is not None:
        command = [program, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
        subprocess.run([*command, SERVICE_USER], check=False, capture_output=True, timeout=30)  # noqa: S603 -- fixed arguments
    entry = _find()
    if entry is None:
        raise DependencyError(
            f"PostgreSQL does not run as root, and the system user {SERVICE_USER} could not be made.",
            remedy="Run ats as a normal user, or set ATS_DATABASE_URL and ATS_REDIS_URL.",
        )
    return entry
