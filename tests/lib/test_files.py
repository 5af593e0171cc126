"""Read JSON files. The error for a bad file is one line with the file, the key and the cure."""

from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from lib.command import InputError
from lib.files import read_json


class Person(BaseModel):
    name: str
    share: Annotated[float, Field(le=1, allow_inf_nan=False)]


BAD = {
    "nothing": (b"", "Invalid JSON: EOF"),
    "half a file": (b'{"name": "a', "Invalid JSON: EOF"),
    "a page of HTML": (b"<!doctype html>", "Invalid JSON: expected value"),
    "binary data": (b"\x00\xff\xfe\x80", "Invalid JSON: expected value"),
    "Latin-1": ('{"name": "\N{LATIN SMALL LETTER E WITH ACUTE}"}'.encode("latin-1"), "Invalid JSON: invalid unicode"),
    "100,000 nested lists": (b"[" * 100_000, "Invalid JSON: recursion limit exceeded"),
    "a number of 5,000 digits": (b"1" * 5000, "Invalid JSON: number out of range"),
    "a list": (b"[]", "must be an object"),
    "null": (b"null", "must be an object"),
    "a missing key": (b'{"share": 1}', "name is missing"),
    "another type": (b'{"name": 1, "share": 1}', "name = 1: must be a valid string"),
    "too large a number": (b'{"name": "a", "share": 2}', "share = 2: must be less than or equal to 1"),
    "NaN": (b'{"name": "a", "share": NaN}', "share = nan: must be a finite number"),
    "two mistakes": (b'{"name": 1, "share": "b"}', "name = 1: must be a valid string; share = 'b': must be"),
}


@pytest.mark.parametrize(("content", "says"), BAD.values(), ids=BAD)
def test_bad_json_is_refused_in_one_line_with_file_and_cure(tmp_path, content, says):
    file = tmp_path / "a.json"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_json(file, Person, "run `make it`")
    assert str(caught.value).startswith(f"{file}: {says}")
    assert str(caught.value).endswith("; run `make it`")
    assert str(caught.value).isprintable() and len(str(caught.value)) < 1000


@pytest.mark.parametrize(("name", "says"), {"missing.json": "No such file or directory", ".": "Is a directory"}.items())
def test_unreadable_file_is_refused_in_one_line_with_file_and_cure(tmp_path, name, says):
    with pytest.raises(InputError) as caught:
        read_json(tmp_path / name, Person, "run `make it`")
    assert str(caught.value) == f"{tmp_path / name}: {says}; run `make it`"


def test_valid_json_is_read_as_the_model(tmp_path):
    (tmp_path / "a.json").write_text('{"name": "η", "share": 1, "more": []}', encoding="utf-8")
    assert read_json(tmp_path / "a.json", Person, "") == Person(name="η", share=1)
