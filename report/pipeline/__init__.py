"""Executed notebooks become the report: executed, stitched, rendered as HTML and PDF."""

import sys


def skip_url_grammar() -> None:
    """Keep jsonschema, which nbformat imports, from compiling a grammar of URLs: a second, for what no notebook has."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None: it cannot be imported
