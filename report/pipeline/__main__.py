"""Gather the results, or render the pages.

python -m report.pipeline results        report/notebooks/*.ipynb            ->  report/results.json
python -m report.pipeline render         these and report/results.json       ->  report/report.html, report/report.pdf
python -m report.pipeline core           the first CORE chapters only        ->  the same three files in report/core/
"""

from lib.command import InputError, run_command
from report.pipeline import skip_url_grammar

CORE = 4  # the last chapter of the assignment's compulsory part


def main(arguments: list[str]) -> None:
    if arguments not in (["results"], ["render"], ["core"]):
        raise InputError("usage: python -m report.pipeline results|render|core")
    skip_url_grammar()
    from lib import paths
    from lib.runs import settings
    from report.pipeline import provenance, render, results, stitch

    names = [setting.name for setting in settings.read_all()]
    notebooks, folder = stitch.in_order(paths.EXECUTED, names), paths.REPORT
    if arguments == ["core"]:
        notebooks = [path for path in notebooks if stitch.chapter(path) <= CORE]
        folder = paths.REPORT / "core"
    target = folder / "results.json"
    if arguments != ["render"]:
        results.write(notebooks, target)
    if arguments != ["results"]:
        content = results.read(target)
        cells = stitch.stitch(notebooks, provenance.appendix(content))
        render.render(cells, content["provenance"], folder, results=target.read_bytes())


if __name__ == "__main__":
    run_command(main)
