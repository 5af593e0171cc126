"""The formats in which notebooks pass outputs to the report: MIME types, and tables in Markdown.

Notebooks and pipeline both import this module, so it imports nothing slow.
"""

from collections.abc import Iterable, Sequence

SVG, MARKDOWN, RESULT = "image/svg+xml", "text/markdown", "application/vnd.report.result+json"


def table_markdown(header: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> str:
    """Return a Markdown table. `align` has l or r for each column; by default only the first column is l."""
    rules = {"l": ":--", "r": "--:"}
    lines = [header, [rules[side] for side in align or "l" + "r" * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
