"""Shows and prints: figures, tables and sentences of a notebook, and the pipeline that makes pages of them."""
