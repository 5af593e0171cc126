"""Record how the report was made (versions, checksums, commit), and write the appendix about it."""

import platform
import re
import subprocess
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from importlib import metadata
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from lib import paths
from report.markup import MARKDOWN, table_markdown

# Sources of the report. A commit of the finished report changes none of them, so it leaves the report as it is.
SOURCES = (
    "lib", "notebooks", "report/*.py", "report/pipeline", "report/template", "Makefile", "requirements.txt",
    "pyproject.toml", "data", "benchmarks/*.json",
)  # fmt: skip


def provenance() -> dict[str, Any]:
    """Return the versions of Python and of direct dependencies, the data's checksums, and the commit with its date."""
    from lib.cifar10 import SHA1

    commit, day = git("log", "-1", "--format=%h %cs").split() or ("unknown", "")
    dirty = "-dirty" if git("status", "--porcelain") else ""
    return {
        "python": platform.python_version(),
        "packages": versions(),
        "data": dict(SHA1),
        "commit": commit + dirty,
        "date": day,
    }


def git(*command: str) -> str:
    """Return a git command's output for the report's sources, or "" without git or outside a repository."""
    arguments = ["git", *command, "--", *SOURCES]
    try:
        return subprocess.check_output(arguments, cwd=paths.ROOT, stderr=subprocess.DEVNULL, text=True).strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def versions() -> dict[str, str]:
    """Return the version of each package that pyproject.toml lists, if it is installed."""
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed = {}
    for dependency in project["dependencies"]:
        package = re.split(r"[^\w.-]", dependency)[0]
        with suppress(metadata.PackageNotFoundError):
            installed[package] = metadata.version(package)
    return installed


def long_date(day: str) -> str:
    """Write 2026-11-23 as "23 November 2026": in English for any user, since nothing here sets a locale."""
    return f"{date.fromisoformat(day):%-d %B %Y}" if day else ""


def appendix(results: Mapping[str, Any]) -> list[Any]:
    """Return the cells of the appendix "How this report was made"."""
    made = results["provenance"]
    commit = (
        f"at commit `{made['commit']}` of {long_date(made['date'])}" if made["date"] else "outside a git repository"
    )
    return [
        new_markdown_cell(
            "# How this report was made {.appendix}\n\n"
            f"The sources stood {commit}. The command `make report` fetched and verified the data, ran every notebook, "
            "gathered the results in `report/results.json` and rendered this document. [Table](#tab-made-seeds) lists "
            "the settings with their seeds, [Table](#tab-made-data) the data and [Table](#tab-made-versions) the "
            "software."
        ),
        table("seeds", "The settings and the seed of each.", *seeds(results.get("settings", {}))),
        table("data", "The files of CIFAR-10, in the official binary form, by the SHA-1 that each was verified by.",
              ("batch", "SHA-1"), [(f"`{name}`", f"`{sha1}`") for name, sha1 in made["data"].items()], "ll"),
        table("versions", "Python and the project's direct dependencies.", ("software", "version"),
              [("Python", made["python"]), *made["packages"].items()], "ll"),
    ]  # fmt: skip


def seeds(settings: Mapping[str, Mapping[str, Any]]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Return header and rows of the table of seeds."""
    keys = {"eta": "$\\eta$", "lam": "$\\lambda$", "n_batch": "batch", "n_epochs": "epochs", "seed": "seed"}
    ordered = sorted(settings.items(), key=lambda item: (-item[1].get("eta", 0), item[1].get("lam", 0)))
    rows = [(f"`{name}`", *(f"{values[key]:g}" if key in values else "" for key in keys)) for name, values in ordered]
    return ("setting", *keys.values()), rows


def table(label: str, caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> Any:
    """Return a notebook cell whose output is a table in the format of `report.show.table`."""
    metadata = {"label": f"tab-made-{label}", "caption": caption}
    output = new_output("display_data", {MARKDOWN: table_markdown(header, rows, align)}, metadata=metadata)
    return new_code_cell(metadata={"tags": ["hide-input"]}, outputs=[output])
