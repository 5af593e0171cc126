"""Every test that docs/reliability.md names exists."""

import ast
import re

import pytest

from lib import paths

NAMED = re.findall(r"`(tests/\w+/\w+\.py)::(\w+)`", (paths.ROOT / "docs/reliability.md").read_text(encoding="utf-8"))


def test_table_names_more_than_25_tests():
    assert len(NAMED) > 25


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_each_test_that_the_table_names_exists(file, test):
    tree = ast.parse((paths.ROOT / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
