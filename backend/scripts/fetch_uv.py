"""Fetch the pinned uv with nothing but Python's standard library, for machines whose Python has neither venv nor pip.

Usage: fetch_uv.py REQUIREMENTS TARGET. The file is taken only when its SHA-256 stands in REQUIREMENTS.
Runs on any Python from 3.7, before anything of the project is installed; hence no import and no syntax younger than that.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import stat
import sys
import urllib.parse
import urllib.request
import zipfile

_TIMEOUT_SECONDS = 120
_SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"


def main(requirements: str, target: str) -> None:
    """Write the uv program of this platform to `target`."""
    with open(requirements, encoding="utf-8") as file:  # noqa: PTH123 -- pathlib's open has the same effect and one import more
        pinned = file.read()
    version = re.findall(r"^uv==(\S+)", pinned, re.MULTILINE)[0]
    allowed = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", pinned))
    index = os.environ.get("UV_DEFAULT_INDEX", "https://pypi.org/simple").rstrip("/") + "/uv/"  # noqa: TID251 -- runs before ats exists
    listing = json.loads(_read(index))
    wheel = _read(urllib.parse.urljoin(index, _url_of_wheel(listing["files"], version)))
    digest = hashlib.sha256(wheel).hexdigest()
    if digest not in allowed:
        raise SystemExit(f"the downloaded uv has SHA-256 {digest}, which {requirements} does not list; nothing was installed")
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        program = archive.read(f"uv-{version}.data/scripts/uv")
    with open(target, "wb") as file:  # noqa: PTH123 -- as above
        file.write(program)
    os.chmod(target, stat.S_IRWXU)  # noqa: PTH101 -- as above


def _url_of_wheel(files: list[dict[str, str]], version: str) -> str:
    tags = platform_tags(sys.platform, platform.machine(), platform.libc_ver()[0])
    for tag in tags:
        for entry in files:
            name = entry["filename"]
            if name.startswith(f"uv-{version}-") and name.endswith(".whl") and re.search(tag, name):
                return entry["url"]
    raise SystemExit(f"no published uv {version} fits this platform ({', '.join(tags)})")


def platform_tags(system: str, machine: str, libc: str) -> tuple[str, ...]:
    """Patterns of the wheel names that run here, best first."""
    machine = {"arm64": "aarch64", "AMD64": "x86_64"}.get(machine, machine)
    if system == "darwin":
        return (f"macosx_.*_{machine.replace('aarch64', 'arm64')}", "macosx_.*_universal2")
    if libc == "glibc":
        return (f"manylinux.*_{machine}", f"musllinux.*_{machine}")
    return (f"musllinux.*_{machine}",)


def _read(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": _SIMPLE_JSON + ", */*;q=0.1"})  # noqa: S310 -- the package index's own address
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 -- the bytes are checked against pinned digests
        return bytes(answer.read())


if __name__ == "__main__":
    main(*sys.argv[1:])
