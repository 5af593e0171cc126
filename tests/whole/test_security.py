"""bandit, as configured here, finds forbidden calls. No file uses the forbidden calls that bandit does not know."""

import re
import subprocess
import sys

import pytest

from lib import paths

FORBIDDEN = {
    "B102": "exec(given)",
    "B301": "import pickle\npickle.load(given)",
    "B307": "eval(given)",
    "B310": "from urllib.request import urlopen\nurlopen(given)",
    "B314": "from xml.etree import ElementTree\nElementTree.fromstring(given)",
    "B506": "import yaml\nyaml.load(given)",
    "B602": "import subprocess\nsubprocess.run(given, shell=True)",
    "B605": "import os\nos.system(given)",
}
HOUSES = ("lib", "report", "notebooks", "benchmarks")
CODE = [*(path for house in HOUSES for path in paths.ROOT.glob(f"{house}/**/*.py")), *paths.NOTEBOOKS.glob("*.ipynb")]


def test_bandit_with_our_configuration_finds_every_forbidden_call(tmp_path):
    for rule, code in FORBIDDEN.items():
        (tmp_path / f"{rule}.py").write_text(f"{code}\n")
    command = ["bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml", tmp_path]
    done = subprocess.run([sys.executable, "-m", *command], cwd=paths.ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert set(re.findall(r"Location: \S+/(\w+)\.py", done.stdout)) == set(FORBIDDEN)


@pytest.mark.parametrize("file", CODE, ids=lambda file: file.name)
def test_no_file_allows_pickled_arrays_or_unsafe_yaml(file):
    assert re.findall(r"allow_pickle|typ=\W*(?:unsafe|full)", file.read_text(encoding="utf-8")) == []
