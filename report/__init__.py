"""Functions that show a notebook's figures, tables and sentences, and the pipeline that turns notebooks into pages."""
