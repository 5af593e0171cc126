"""Settings: valid YAML files are read, and bad ones give a one-line error."""

import io
import json
import re
import subprocess
import sys
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from lib import paths
from lib.command import InputError
from lib.model import LOSSES
from lib.runs import settings
from lib.runs.settings import PER_NETWORK, LossName, Setting

GOOD = {
    "the required alone": ("eta: 0.001\nlam: 0", {}),
    "YAML 1.2's 1e-3 is a number": ("eta: 1e-3\nlam: 0", {}),
    "an integer for a real number": ("eta: 1\nlam: 0", {"eta": 1}),
    "all fields": (
        "eta: 0.1\nlam: 0.5\nn_batch: 7\nn_epochs: 3\nseed: 1\ndtype: float64\nloss: bce\ntrain_on: all\nflips: true\n"
        "shifts: 2\ndecay: plateau\nmomentum: 0.9\naverage: true\nmirror: true",
        {"eta": 0.1, "lam": 0.5, "n_batch": 7, "n_epochs": 3, "seed": 1, "dtype": "float64", "loss": "bce"}
        | {"train_on": "all", "flips": True, "shifts": 2, "decay": "plateau", "momentum": 0.9}
        | {"average": True, "mirror": True},
    ),
    "a comment": ("# try this\neta: 0.001  # small\nlam: 0", {}),
    "Windows line ends": ("eta: 0.001\r\nlam: 0\r\n", {}),
}
DEFAULT = {"name": "a", "eta": 0.001, "lam": 0.0}

# case: (content, the message after the file's name)
BAD = {
    "an unknown key": (
        "eta: 1\nlam: 0\nlambda: 1",
        "lambda = 1: unknown key; allowed are eta, lam, n_batch, n_epochs,",
    ),
    "a key that is a number": ("eta: 1\nlam: 0\n3: 1", "3 = 1: unknown key"),
    "a negative eta": ("eta: -1\nlam: 0", "eta = -1: must be greater than 0"),
    "a zero eta": ("eta: 0\nlam: 0", "eta = 0: must be greater than 0"),
    "a negative lam": ("eta: 1\nlam: -0.1", "lam = -0.1: must be greater than or equal to 0"),
    "NaN for eta": ("eta: .nan\nlam: 0", "eta = nan: must be a finite number"),
    "an infinite lam": ("eta: 1\nlam: .inf", "lam = inf: must be a finite number"),
    "text for a number": ("eta: fast\nlam: 0", "eta = 'fast': must be a valid number"),
    "a quoted number": ("eta: '0.1'\nlam: 0", "eta = '0.1': must be a valid number"),
    "a comma for a point": ("eta: 0,1\nlam: 0", "eta = '0,1': must be a valid number"),
    "a list for a number": ("eta: [0.1, 0.2]\nlam: 0", "eta = [0.1, 0.2]: must be a valid number"),
    "a mapping for a number": ("eta: {a: 1}\nlam: 0", "eta = {'a': 1}: must be a valid number"),
    "nothing for a number": ("eta:\nlam: 0", "eta = None: must be a valid number"),
    "true for a number": ("eta: true\nlam: 0", "eta = True: must be a valid number"),
    "true for an integer": ("eta: 1\nlam: 0\nseed: true", "seed = True: must be a valid integer"),
    "a date for a number": ("eta: 2001-01-01\nlam: 0", "eta = datetime.date(2001, 1, 1): must be a valid number"),
    "a batch size of 0": ("eta: 1\nlam: 0\nn_batch: 0", "n_batch = 0: must be greater than or equal to 1"),
    "a negative batch size": ("eta: 1\nlam: 0\nn_batch: -5", "n_batch = -5: must be greater than or equal to 1"),
    "a fractional batch size": ("eta: 1\nlam: 0\nn_batch: 1.5", "n_batch = 1.5: must be a valid integer"),
    "no epochs": ("eta: 1\nlam: 0\nn_epochs: 0", "n_epochs = 0: must be greater than or equal to 1"),
    "a negative seed": ("eta: 1\nlam: 0\nseed: -1", "seed = -1: must be greater than or equal to 0"),
    "another dtype": ("eta: 1\nlam: 0\ndtype: int8", "dtype = 'int8': must be 'float32' or 'float64'"),
    "another loss": ("eta: 1\nlam: 0\nloss: hinge", "loss = 'hinge': must be 'softmax' or 'bce'"),
    "training on the test batch": (
        "eta: 1\nlam: 0\ntrain_on: test_batch",
        "train_on = 'test_batch': must be 'data_batch_1' or 'all'",
    ),
    "a decay that is a number": (
        "eta: 1\nlam: 0\ndecay: 0.1",
        "decay = 0.1: must be 'none', 'step' or 'plateau'",
    ),
    "1 for true": ("eta: 1\nlam: 0\nflips: 1", "flips = 1: must be a valid boolean"),
    "YAML 1.1's yes for true": ("eta: 1\nlam: 0\nmirror: yes", "mirror = 'yes': must be a valid boolean"),
    "a negative shift": ("eta: 1\nlam: 0\nshifts: -1", "shifts = -1: must be greater than or equal to 0"),
    "too large a shift": ("eta: 1\nlam: 0\nshifts: 9", "shifts = 9: must be less than or equal to 8"),
    "a momentum of 1": ("eta: 1\nlam: 0\nmomentum: 1", "momentum = 1: must be less than 1"),
    "a negative momentum": ("eta: 1\nlam: 0\nmomentum: -0.5", "momentum = -0.5: must be greater than or equal to 0"),
    "true for a shift": ("eta: 1\nlam: 0\nshifts: true", "shifts = True: must be a valid integer"),
    "a missing eta": ("lam: 0", "eta is missing"),
    "a name": ("eta: 1\nlam: 0\nname: b", "name = 'b': unknown key; a setting is named by its file"),
    "two mistakes": (
        "eta: 0\nlam: -1",
        "eta = 0: must be greater than 0; lam = -1: must be greater than or equal to 0",
    ),
    "nothing": ("", "must hold keys and values, such as 'eta: 0.001'; got None"),
    "a list": ("- 1\n- 2", "must hold keys and values, such as 'eta: 0.001'; got [1, 2]"),
    "a word": ("eta", "must hold keys and values, such as 'eta: 0.001'; got 'eta'"),
    "broken YAML": ("eta: [1\nlam: 0", "not readable as YAML"),
    "a tab for spaces": ("eta: 1\n\tlam: 0", "not readable as YAML"),
    "two documents": ("eta: 1\nlam: 0\n---\neta: 2\nlam: 0", "not readable as YAML"),
    "a key given twice": (
        "eta: 1\nlam: 0\neta: 2",
        'not readable as YAML: while constructing a mapping .* duplicate key "eta"',
    ),
    "a Python object": ("eta: !!python/object/apply:os.getcwd []\nlam: 0", "not readable as YAML"),
    "an impossible date": ("eta: 2001-13-45\nlam: 0", "not readable as YAML: month must be in 1..12"),
    "a number tag on a word": ("eta: !!float abc\nlam: 0", "not readable as YAML: could not convert string to float"),
    "a boolean tag on another word": ("eta: 1\nlam: 0\nflips: !!bool maybe", "not readable as YAML: 'maybe'"),
    "1,500 nested lists": ("[" * 1500, "not readable as YAML: maximum recursion depth exceeded"),
    "a list that contains itself": ("eta: &a [*a]\nlam: 0", "eta = "),
    "a billion laughs": (
        "a: &a [1, 1]\n" + "\n".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]" for a, b in pairwise("abcdefghijklmnop")),
        "eta is missing; lam is missing; a = [1, 1]: unknown key",
    ),
    "a number of 5,000 digits": (f"eta: {'9' * 5000}\nlam: 0", "not readable as YAML: Exceeds the limit"),
    "a hexadecimal number of 5,000 digits": (
        f"eta: 1\nlam: 0\nseed: 0x{'f' * 5000}",
        "seed = an integer of thousands of digits: must be less than or equal to 2147483648",
    ),
    "a key of 5,000 digits": (
        f"eta: 1\nlam: 0\n? 0x{'f' * 5000}\n: 1",
        "an integer of thousands of digits = 1: unknown key",
    ),
    "a name of 5,000 digits": (
        f"eta: 1\nlam: 0\nname: 0x{'f' * 5000}",
        "name = an integer of thousands of digits: unknown key; a setting is named by its file",
    ),
    "a batch size beyond the limit": (
        "eta: 1\nlam: 0\nn_batch: 2147483649",
        "n_batch = 2147483649: must be less than or equal to 2147483648",
    ),
    "text of 100,000 letters": (f"eta: {'a' * 10**5}\nlam: 0", "eta = 'aaa"),
    "a key of two lines": ("eta: 1\nlam: 0\n? |\n  a\n  b\n: 1", "a b = 1: unknown key"),
    "terminal codes": ('eta: "\\e[31m"\nlam: 0', r"eta = '\x1b[31m': must be a valid number"),
    "a thousand mistakes": (
        "eta: 1\nlam: 0\n" + "\n".join(f"k{i}: 1" for i in range(1000)),
        "k0 = 1: unknown key",
    ),
    "a page of HTML": ("<!doctype html><title>Please log in</title>", "must hold keys and values"),
    "truncated JSON": ('{"eta": 0.1, "lam"', "not readable as YAML"),
    "binary data": (b"\x00\xff\xfe\x80eta", "not readable as YAML"),
    "Latin-1": ("eta: 1 # \N{LATIN SMALL LETTER E WITH ACUTE}".encode("latin-1"), "not readable as YAML"),
}

settings_strategy = st.builds(
    Setting,
    name=st.just("a"),
    eta=st.floats(0, exclude_min=True, allow_infinity=False),
    lam=st.floats(0, allow_infinity=False),
    n_batch=st.integers(1, 2**31),
    n_epochs=st.integers(1, 2**31),
    seed=st.integers(0, 2**31),
    dtype=st.sampled_from(["float32", "float64"]),
    loss=st.sampled_from(["softmax", "bce"]),
    train_on=st.sampled_from(["data_batch_1", "all"]),
    flips=st.booleans(),
    shifts=st.integers(0, 8),
    decay=st.sampled_from(["none", "step", "plateau"]),
    momentum=st.floats(0, 1, exclude_max=True),
    average=st.booleans(),
    mirror=st.booleans(),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("settings")


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(("content", "values"), GOOD.values(), ids=GOOD)
def test_valid_file_is_read(tmp_path, content, values):
    assert settings.read(write(tmp_path / "a.yaml", content)) == Setting(**DEFAULT | values)


@pytest.mark.parametrize(("content", "because"), BAD.values(), ids=BAD)
def test_bad_file_gives_a_one_line_error_with_file_key_value_and_cure(tmp_path, content, because):
    file = write(tmp_path / "a.yaml", content)
    pattern = because if ".*" in because else re.escape(because)
    with pytest.raises(InputError, match=f"^{re.escape(str(file))}: {pattern}") as caught:
        settings.read(file)
    assert str(caught.value).isprintable()  # one line, without control characters of a binary file
    assert len(str(caught.value)) < 1000


whatever = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(list(Setting.model_fields)) | st.text(max_size=9)


def setting_or_one_line(folder, content):
    """Read the content: it must give a setting that JSON can hold, or a one-line InputError."""
    file = write(folder / "a.yaml", content)
    try:
        json.dumps(settings.read(file).model_dump(), allow_nan=False)
    except InputError as error:
        assert str(error).startswith(f"{file}: ")
        assert str(error).isprintable()
        assert len(str(error)) < 2000


@given(st.binary() | st.text().map(lambda text: text.encode(errors="replace")))
def test_any_bytes_give_a_setting_or_a_one_line_error(folder, content):
    setting_or_one_line(folder, content)


@given(st.dictionaries(keys, whatever, max_size=9), st.booleans())
def test_any_keys_and_values_give_a_setting_or_a_one_line_error(folder, values, complete):
    content = io.StringIO()
    YAML(typ="safe", pure=True).dump(({"eta": 0.1, "lam": 0} if complete else {}) | values, content)
    setting_or_one_line(folder, content.getvalue().encode(errors="replace"))


@given(st.sampled_from([text for text, _ in GOOD.values()]), st.integers(0, 60), st.characters(codec="utf-8"))
def test_file_with_a_typing_error_gives_a_setting_or_a_one_line_error(folder, content, place, letter):
    setting_or_one_line(folder, content[:place] + letter + content[place + 1 :])


@pytest.mark.parametrize("name", [".hidden", "a_b", "\N{GREEK SMALL LETTER ETA}", "a b", "a;b", "-a", "a" * 61, "a\nb"])
def test_bad_file_name_is_refused(tmp_path, name):
    file = write(tmp_path / f"{name}.yaml", "eta: 1\nlam: 0")
    with pytest.raises(InputError, match=r"name = .*: (must|may hold letters, digits, dots and hyphens)"):
        settings.read(file)


def test_missing_file_is_refused_with_its_name(tmp_path):
    with pytest.raises(InputError, match=r"a\.yaml: not readable.*No such file"):
        settings.read(tmp_path / "a.yaml")


def test_folder_in_place_of_a_file_is_refused(tmp_path):
    (tmp_path / "a.yaml").mkdir()
    with pytest.raises(InputError, match=r"a\.yaml: not readable"):
        settings.read(tmp_path / "a.yaml")


def test_empty_folder_is_refused_and_the_error_says_what_belongs_there(tmp_path):
    with pytest.raises(InputError, match=r"no setting there; a setting is a file NAME\.yaml with eta and lam"):
        settings.read_all(tmp_path)


@given(setting=settings_strategy)
def test_any_setting_can_be_written_to_a_file_and_read_back(folder, setting):
    with (folder / "a.yaml").open("w") as file:
        YAML(typ="safe", pure=True).dump(setting.model_dump(exclude={"name"}), file)
    assert settings.read(folder / "a.yaml") == setting


def test_settings_are_sorted_by_falling_step_then_by_growing_penalty(tmp_path):
    for name, eta, lam in [("d", 0.001, 1), ("b", 0.001, 0), ("c", 0.001, 0.1), ("a2", 0.1, 0), ("a1", 0.1, 0)]:
        write(tmp_path / f"{name}.yaml", f"eta: {eta}\nlam: {lam}")
    assert [setting.name for setting in settings.read_all(tmp_path)] == ["a1", "a2", "b", "c", "d"]


def test_files_without_the_yaml_suffix_are_ignored(tmp_path):
    write(tmp_path / "a.yaml", "eta: 1\nlam: 0")
    write(tmp_path / "notes.txt", "eta: -1")
    assert len(settings.read_all(tmp_path)) == 1


def test_title_contains_eta_and_lam():
    assert Setting(**DEFAULT).title == r"$\eta = 0.001$, $\lambda = 0$"
    assert Setting(**DEFAULT).plain_title == "η = 0.001, λ = 0"


# field, except eta and lam: (a value other than the default, how the title shows it)
UNUSUAL = {
    "n_batch": (7, "n_batch = 7"),
    "n_epochs": (3, "n_epochs = 3"),
    "seed": (1, "seed = 1"),
    "dtype": ("float64", "dtype = float64"),
    "loss": ("bce", "loss = bce"),
    "train_on": ("all", "train_on = all"),
    "flips": (True, "flips"),
    "shifts": (2, "shifts = 2"),
    "decay": ("step", "decay = step"),
    "momentum": (0.9, "momentum = 0.9"),
    "average": (True, "average"),
    "mirror": (True, "mirror"),
}


@pytest.mark.parametrize(("field", "value", "words"), [(field, *rest) for field, rest in UNUSUAL.items()])
def test_title_contains_each_field_that_differs_from_its_default(field, value, words):
    setting = Setting(**DEFAULT, **{field: value})
    in_markdown = words.replace("_", r"\_")
    assert setting.title == rf"$\eta = 0.001$, $\lambda = 0$, {in_markdown}"
    assert setting.plain_title == f"η = 0.001, λ = 0, {words}"


def test_title_lists_all_fields_that_differ_in_the_order_of_the_model():
    setting = Setting(**DEFAULT, **{field: value for field, (value, _) in UNUSUAL.items()})
    assert setting.plain_title == ", ".join(["η = 0.001", "λ = 0", *(words for _, words in UNUSUAL.values())])


SHARED = {"n_batch", "n_epochs", "seed", "dtype", "loss", "train_on", "flips", "shifts"}
unusual = {field: value for field, (value, _) in UNUSUAL.items()}


def test_stack_key_contains_the_loss_and_every_field_that_affects_the_batches():
    assert set(dict(Setting(**DEFAULT).stack_key)) == SHARED


def test_every_field_except_the_name_is_either_shared_by_a_stack_or_per_network():
    assert {"eta", "lam", "decay", "momentum", "average", "mirror"} == PER_NETWORK
    assert sorted([*SHARED, *PER_NETWORK, "name"]) == sorted(Setting.model_fields)


@pytest.mark.parametrize("field", sorted(SHARED))
def test_settings_that_differ_in_loss_or_batches_have_different_stack_keys(field):
    assert Setting(**DEFAULT, **{field: unusual[field]}).stack_key != Setting(**DEFAULT).stack_key


@pytest.mark.parametrize("field", ["name", *sorted(PER_NETWORK)])
def test_settings_that_differ_only_in_per_network_fields_have_the_same_stack_key(field):
    other = {"name": "b", "eta": 0.1, "lam": 1.0} | unusual
    assert Setting(**DEFAULT | {field: other[field]}).stack_key == Setting(**DEFAULT).stack_key


def test_settings_that_differ_only_in_name_train_the_same():
    assert Setting(**DEFAULT).trains_as(Setting(**DEFAULT | {"name": "b"}))


@pytest.mark.parametrize(("field", "value"), ({"eta": 0.1, "lam": 1.0} | unusual).items())
def test_settings_that_differ_in_any_other_field_do_not_train_the_same(field, value):
    assert not Setting(**DEFAULT).trains_as(Setting(**DEFAULT | {"name": "b", field: value}))


def test_setting_accepts_every_loss_of_the_model():
    assert set(get_args(LossName)) == set(LOSSES)


def test_setting_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Setting(**DEFAULT).eta = 2.0


def test_settings_of_the_report_are_the_four_of_the_assignment():
    found = [(setting.eta, setting.lam, setting.n_batch, setting.n_epochs) for setting in settings.read_all()]
    assert found == [(0.1, 0, 100, 40), (0.001, 0, 100, 40), (0.001, 0.1, 100, 40), (0.001, 1, 100, 40)]


def test_command_refuses_a_bad_setting_with_a_one_line_error_and_writes_nothing(tmp_path):
    bad, output = write(tmp_path / "bad.yaml", "eta: -1\nlam: 0"), tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "report.pipeline.execute", output, "notebooks/3-setting.ipynb", bad]
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {bad}: eta = -1: must be greater than 0\n"
    assert list(tmp_path.iterdir()) == [bad]
