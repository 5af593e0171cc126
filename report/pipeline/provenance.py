"""How the report was made: versions, checksums and commit, and the appendix that tells of them."""

import platform
import re
import subprocess
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from importlib import metadata
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from lib import paths
from report.markup import MARKDOWN, table_markdown

# The files that make the report: a commit of the report itself changes none of them, so it does not change the report.
SOURCES = (
    "lib", "notebooks", "report/*.py", "report/pipeline", "report/template", "Makefile", "requirements.txt",
    "pyproject.toml", "data", "benchmarks/*.json",
)  # fmt: skip
UNKNOWN = "unknown"
MONTHS = ("January", "February", "March", "April", "May", "June",
          "July", "August", "September", "October", "November", "December")  # fmt: skip


def provenance() -> dict[str, Any]:
    """What the results were made with: Python, the packages used by name, the data's checksums, commit and date."""
    from lib.cifar10 import SHA1

    commit, day = git("log", "-1", "--format=%h %cs").split() or (UNKNOWN, "")
    dirty = "-dirty" if git("status", "--porcelain") else ""
    return {
        "python": platform.python_version(),
        "packages": versions(direct_packages()),
        "data": dict(SHA1),
        "commit": commit + dirty,
        "date": day,
    }


def git(*command: str) -> str:
    """What a git command says of the report's sources; nothing outside a repository or without git."""
    try:
        answer = subprocess.run(
            ["git", *command, "--", *SOURCES], cwd=paths.ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.stdout.strip()


def direct_packages() -> list[str]:
    """The packages that pyproject.toml names."""
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [re.split(r"[^\w.-]", dependency)[0] for dependency in project["dependencies"]]


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The installed version of each package that is installed."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def long_date(day: str) -> str:
    """2026-11-23 as "23 November 2026", in English whatever the locale."""
    if not day:
        return ""
    when = date.fromisoformat(day)
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def appendix(results: Mapping[str, Any]) -> list[Any]:
    """The cells of the appendix "How this report was made"."""
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
    """Header and rows of the table of seeds."""
    keys = {"eta": "$\\eta$", "lam": "$\\lambda$", "n_batch": "batch", "n_epochs": "epochs", "seed": "seed"}
    ordered = sorted(settings.items(), key=lambda item: (-item[1].get("eta", 0), item[1].get("lam", 0)))
    rows = [(f"`{name}`", *(f"{values[key]:g}" if key in values else "" for key in keys)) for name, values in ordered]
    return ("setting", *keys.values()), rows


def table(label: str, caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> Any:
    """A cell that shows a table as `report.show.table` does."""
    metadata = {"label": f"tab-made-{label}", "caption": caption}
    output = new_output("display_data", {MARKDOWN: table_markdown(header, rows, align)}, metadata=metadata)
    return new_code_cell(metadata={"tags": ["hide-input"]}, outputs=[output])
