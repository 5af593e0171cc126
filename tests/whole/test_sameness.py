"""At eta = 0.001 the printed results are the same with any number of threads and any kernel for matrix products."""

import json
import os
import platform
import re
import subprocess
import sys
from functools import cache

import numpy as np
import pytest

from lib import cifar10, paths
from report.words import percent

# This runs in a new process, because OpenBLAS chooses its kernel when it is loaded.
TRAIN = """
import json
from threadpoolctl import threadpool_info
from lib.runs.training import train_setting
from lib.runs.settings import read_all

results = {setting.name: train_setting(setting).as_result() for setting in read_all() if setting.eta == 0.001}
blas = next(library for library in threadpool_info() if library["user_api"] == "blas")
print(json.dumps([blas.get("architecture"), blas["num_threads"], results]))
"""
# These use AVX2, AVX and SSE, and each adds in a different order. Any current x86 processor can run them.
KERNELS = ["Haswell", "Sandybridge", "Nehalem"]

needs_data = pytest.mark.skipif(
    not all(map(cifar10.is_verified, cifar10.SHA1)), reason="needs CIFAR-10, which `make` fetches"
)
needs_kernels = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="these kernels are for x86 processors"
)


@cache
def trained(threads, **kernel):
    """Train every setting at eta = 0.001. Return the kernel and the threads of OpenBLAS, and the results."""
    variables = {"OPENBLAS_NUM_THREADS": str(threads), "PYTHONPATH": str(paths.ROOT)} | kernel
    done = subprocess.run(
        [sys.executable, "-c", TRAIN], env=os.environ | variables, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def printed(results):
    """Return every number as the report prints it: accuracies to 0.01 %, losses and costs to 0.001."""
    return {
        f"{name}, {split}, {measure}": [percent(x) if measure == "accuracy" else f"{x:.3f}" for x in np.ravel(values)]
        for name, result in results.items()
        for split, measures in (result["history"] | {"test": result["test"]}).items()
        for measure, values in measures.items()
    }


@needs_data
@pytest.mark.faults
def test_two_threads_give_the_same_printed_numbers_as_one():
    (_, one, reference), (_, two, results) = trained(1), trained(2)
    assert (one, two) == (1, 2)
    assert len(results) == 3
    assert printed(results) == printed(reference)


@needs_data
@needs_kernels
@pytest.mark.faults
@pytest.mark.parametrize("kernel", KERNELS)
def test_other_kernels_for_matrix_products_give_the_same_printed_numbers(kernel):
    used, _, results = trained(1, OPENBLAS_CORETYPE=kernel)
    assert used == kernel
    assert printed(results) == printed(trained(1)[2])


@pytest.mark.parametrize("label", ["tab-main", "tab-all", "tab-replay", "tab-erratum", "tab-mistakes"])
def test_report_marks_exactly_the_rows_at_eta_0_1_as_machine_dependent(label):
    page = (paths.REPORT / "report.html").read_text(encoding="utf-8")
    table = page[page.index(f'id="{label}"') :].partition("</figure>")[0]
    titles = [cell for cell in re.findall("<t[dh] .*?</t[dh]>", table, re.DOTALL) if r"\eta =" in cell]
    marked = ["†" in title for title in titles]
    assert marked == [re.search(r"\\eta = 0\.1\b", title) is not None for title in titles]
    assert sum(marked) == len(titles) / 4 > 0  # one of the four settings
    assert "† Training oscillates and amplifies rounding" in table
