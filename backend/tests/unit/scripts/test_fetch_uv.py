"""The last resort of the installation (S3-28): uv fetched with the standard library alone, and only the pinned bytes."""

import hashlib
import http.server
import importlib.util
import io
import json
import os
import platform
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
SPECIFICATION = importlib.util.spec_from_file_location("fetch_uv", SCRIPTS / "fetch_uv.py")
fetch_uv = importlib.util.module_from_spec(SPECIFICATION)
SPECIFICATION.loader.exec_module(fetch_uv)


def wheel(program: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("uv-1.2.3.data/scripts/uv", program)
    return buffer.getvalue()


@pytest.fixture
def index():
    """A package index on loopback that publishes one wheel for this platform."""
    content = wheel(b"#!/bin/sh\necho uv 1.2.3\n")
    tag = {"darwin": f"macosx_11_0_{platform.machine()}"}.get(sys.platform, f"manylinux_2_17_{platform.machine()}")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            listing = {"files": [{"filename": f"uv-1.2.3-py3-none-{tag}.whl", "url": "../files/uv.whl"}]}
            body = content if self.path.endswith(".whl") else json.dumps(listing).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple", hashlib.sha256(content).hexdigest()
    server.shutdown()
    server.server_close()


def fetch(tmp_path, address, digest):
    (tmp_path / "pinned.txt").write_text(f"# why\nuv==1.2.3 \\\n    --hash=sha256:{digest}\n")
    command = [sys.executable, SCRIPTS / "fetch_uv.py", tmp_path / "pinned.txt", tmp_path / "uv"]
    environment = os.environ | {"UV_DEFAULT_INDEX": address, "no_proxy": "127.0.0.1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_pinned_program_is_written_and_runs(tmp_path, index):
    address, digest = index
    assert fetch(tmp_path, address, digest).returncode == 0
    assert subprocess.run([tmp_path / "uv"], capture_output=True, text=True, check=True).stdout == "uv 1.2.3\n"


def test_other_bytes_are_refused_and_nothing_is_written(tmp_path, index):
    address, _ = index
    done = fetch(tmp_path, address, "0" * 64)
    assert done.returncode != 0
    assert "does not list" in done.stderr
    assert not (tmp_path / "uv").exists()


@pytest.mark.parametrize(
    ("system", "machine", "libc", "name"),
    [
        ("linux", "x86_64", "glibc", "manylinux_2_17_x86_64"),
        ("linux", "aarch64", "glibc", "manylinux_2_28_aarch64"),
        ("linux", "x86_64", "", "musllinux_1_1_x86_64"),
        ("darwin", "arm64", "", "macosx_11_0_arm64"),
        ("darwin", "x86_64", "", "macosx_10_12_x86_64"),
    ],
)
def test_each_platform_takes_its_own_wheel_first(system, machine, libc, name):
    best = fetch_uv.platform_tags(system, machine, libc)[0]
    assert fetch_uv.re.search(best, name)
