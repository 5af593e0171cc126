"""The kinds of output by which a notebook hands figures, text and results to the report. Imports nothing."""

SVG, MARKDOWN, RESULT = "image/svg+xml", "text/markdown", "application/vnd.report.result+json"
