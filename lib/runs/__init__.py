"""One setting becomes a run: its file read, its images split, trained, evaluated, and cached."""
