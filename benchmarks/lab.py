"""Serve JupyterLab on this machine with a token, and open it in a browser, for benchmarks/explore.py and the tests."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from lib import paths

READY = 120_000  # milliseconds, the time limit for a page on a busy machine


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def jupyterlab(notebook: Path, home: Path, theme: str = "Light") -> Iterator[str]:
    """Serve `notebook` as `make lab` does and yield its address. Jupyter writes a user's files to `home`.

    JupyterLab saves notebooks automatically, so serve a copy if yours must not change. A copy can import lib anywhere.
    """
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    (settings / "themes.jupyterlab-settings").write_text(f'{{"theme": "JupyterLab {theme}"}}')
    token, port = secrets.token_hex(16), free_port()
    core = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
    lab = {"SETTINGS_DIR": "settings", "WORKSPACES_DIR": "workspaces"}
    folders = {f"JUPYTER_{key}": name for key, name in core.items()} | {
        f"JUPYTERLAB_{key}": name for key, name in lab.items()
    }
    variables = {"JUPYTER_TOKEN": token, "PYTHONPATH": str(paths.ROOT)}
    variables |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--port={port}"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, str(notebook)], stdout=log, stderr=log, cwd=paths.ROOT,
            env=os.environ | {key: str(home / name) for key, name in folders.items()} | variables,
        )  # fmt: skip
        try:
            wait_for(f"http://127.0.0.1:{port}/api?token={token}", server)
            yield f"http://127.0.0.1:{port}/lab/tree/{notebook.name}?token={token}"
        finally:
            server.terminate()
            server.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(READY // 500):
        try:
            urlopen(address).close()  # nosec B310 # the server on this machine
            return
        except (URLError, ConnectionError):
            if server.poll() is not None:
                break
            time.sleep(0.5)
    raise RuntimeError("JupyterLab did not start")


@contextmanager
def page(address: str, width: int = 1500, height: int = 1100) -> Iterator[Any]:
    """Open `address` in Chromium; yield the page when the notebook is open and its kernel idle.

    `page.problems` lists script errors and requests to other machines.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": width, "height": height})
        opened.set_default_timeout(READY)
        opened.problems = []
        opened.on("pageerror", lambda error: opened.problems.append(str(error)))
        opened.on("console", lambda line: opened.problems.append(line.text) if line.type == "error" else None)
        opened.on("request", lambda request: opened.problems.append(request.url) if leaves(request.url) else None)
        opened.goto(address)
        opened.get_by_text("| Idle").wait_for()
        try:
            yield opened
        finally:
            browser.close()


def leaves(url: str) -> bool:
    """Return whether a request goes to another machine."""
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))


def run_all(opened: Any) -> None:
    """Run every cell through the menu."""
    opened.get_by_role("menuitem", name="Run", exact=True).click()
    opened.get_by_role("menuitem", name="Run All Cells", exact=True).click()
