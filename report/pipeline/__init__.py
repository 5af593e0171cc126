"""Execute the notebooks, stitch them together, and render them as HTML and PDF."""

import sys


def skip_url_grammar() -> None:
    """Stop jsonschema, which nbformat imports, from spending a second on a grammar of URLs that no notebook needs."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None: the import fails
