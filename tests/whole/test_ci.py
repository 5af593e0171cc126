"""`.ci/run`, with stubs for the commands that it calls: which packages it installs, and its error if it cannot."""

import shutil
import subprocess

import pytest

from lib import paths

STUB = '#!/bin/sh\necho "${{0##*/}} $*" >> {log}\n{then}\n'


@pytest.fixture
def run(tmp_path):
    """Return a function that runs `.ci/run` with only the given commands. It returns the process and the calls."""
    bash = shutil.which("bash") or pytest.skip("needs bash")
    (tmp_path / ".ci").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(paths.ROOT / ".ci/run", tmp_path / ".ci")
    log = tmp_path / "log"

    def stub(file, then=""):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(STUB.format(log=log, then=then))
        file.chmod(0o755)

    def run(*commands, user):
        (tmp_path / "bin/dirname").symlink_to(shutil.which("dirname"))
        stub(tmp_path / "bin/id", f"echo {user}")
        stub(tmp_path / ".venv/bin/python")
        for command in (*commands, "make"):
            stub(tmp_path / "bin" / command, '"$@"' if command == "sudo" else "")
        environment = {"PATH": str(tmp_path / "bin")}
        done = subprocess.run([bash, ".ci/run"], cwd=tmp_path, env=environment, capture_output=True, text=True)
        return done, [line for line in log.read_text().splitlines() if not line.startswith("id ")]

    return run


CHECKS = ["make test", "make test-faults", "make report", "python -m pytest tests/whole/test_results.py"]


@pytest.mark.parametrize("browser", ["chromium", "chromium-browser", "google-chrome"])
def test_nothing_is_installed_if_every_command_exists(run, browser):
    done, called = run("npm", browser, "pdftotext", "apt-get", user=1000)
    assert (done.returncode, called) == (0, CHECKS)


def test_the_test_file_that_ci_runs_exists():
    assert (paths.ROOT / CHECKS[-1].split()[-1]).is_file()


def test_root_installs_missing_packages(run):
    done, called = run("apt-get", user=0)
    installed = [line.split()[-1] for line in called if "install" in line]
    assert (done.returncode, installed) == (0, ["npm", "chromium", "poppler-utils"])
    assert called[-4:] == CHECKS


def test_other_users_install_missing_packages_with_sudo(run):
    done, called = run("npm", "chromium", "apt-get", "sudo", user=1000)
    assert done.returncode == 0
    assert "sudo apt-get install -y -q poppler-utils" in called


@pytest.mark.parametrize("commands", [("apt-get",), ("sudo",), ()])
def test_user_who_cannot_install_gets_an_error_that_names_the_package(run, commands):
    done, called = run("npm", "pdftotext", *commands, user=1000)
    assert (done.returncode, called) == (1, [])
    assert done.stderr == "error: chromium is needed: install it, or run this as root on Debian\n"
